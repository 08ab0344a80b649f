"""What is published, where to, and with which personal data."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, SecretStr

from accesssync.settings.declare import A_KEY, A_URL, setting
from accesssync.settings.values import (
    Destinations,
    Key,
    NdjsonTarget,
    PersonalFields,
    SigningKey,
    Site,
    Streams,
    TagValue,
    WebhookUrl,
)


class Forwarding(BaseModel):
    """What is published, where to, and with which personal data."""

    forward_alerts: bool = setting(
        "ACCESSSYNC_FORWARD__ALERTS",
        False,
        "true or false",
        "Whether findings and changes that matter are published.",
        "true",
    )
    forward_audit: bool = setting(
        "ACCESSSYNC_FORWARD__AUDIT", False, "true or false", "Whether the audit log is published.", "true"
    )
    forward_metrics: bool = setting(
        "ACCESSSYNC_FORWARD__METRICS", False, "true or false", "Whether figures are published as metrics.", "true"
    )
    forward_events: bool = setting(
        "ACCESSSYNC_FORWARD__EVENTS",
        False,
        "true or false",
        "Whether what a person should see on a timeline is published as events.",
        "true",
    )
    forward_site: Site | None = setting(
        "ACCESSSYNC_FORWARD__SITE",
        None,
        "domain",
        "Datadog site to publish to, with a key of its own; where unset, each organization's own.",
        "datadoghq.eu",
    )
    forward_api_key: Key | None = setting(
        "ACCESSSYNC_FORWARD__API_KEY",
        None,
        "secret",
        "API key to publish with; where unset, each organization's own.",
        A_KEY[::-1],
    )
    forward_app_key: Key | None = setting(
        "ACCESSSYNC_FORWARD__APP_KEY",
        None,
        "secret",
        "Application key that installs the dashboard, pipeline, monitors and rules, and does nothing else.",
        A_KEY + "89abcdef",
    )
    forward_api_url: str | None = setting(
        "ACCESSSYNC_FORWARD__API_URL",
        None,
        "URL",
        "Base URL to publish to instead of the site's, by the rules of ACCESSSYNC_API_URL.",
        A_URL,
    )
    forward_destinations: Destinations = setting(
        "ACCESSSYNC_FORWARD__DESTINATIONS",
        frozenset({"datadog"}),
        "list of datadog, file and webhook",
        "Where the streams go.",
        "datadog,webhook",
    )
    forward_personal: PersonalFields | None = setting(
        "ACCESSSYNC_FORWARD__PERSONAL",
        None,
        "list of email, name, actor and text",
        "Personal fields that go along; where unset, all within one organization and none to another, ids always.",
        "email,name",
    )
    forward_env: TagValue = setting(
        "ACCESSSYNC_FORWARD__ENV", "none", "tag value", "What the tag env says of everything published.", "production"
    )
    forward_service: TagValue = setting(
        "ACCESSSYNC_FORWARD__SERVICE", "accesssync", "tag value", "What everything published names as service.", "iam"
    )
    forward_host: TagValue | None = setting(
        "ACCESSSYNC_FORWARD__HOST",
        None,
        "host name",
        "What everything published names as host; where unset, the machine's name.",
        "worker-1.example.com",
    )
    forward_max_entries: int = setting(
        "ACCESSSYNC_FORWARD__MAX_ENTRIES",
        250_000,
        "entries",
        "Entries that may wait per organization and stream; beyond it the oldest of the least severe are dropped.",
        250_000,
        ge=1_000,
        le=10_000_000,
    )
    forward_max_age: int = setting(
        "ACCESSSYNC_FORWARD__MAX_AGE",
        14,
        "days",
        "How long an entry may wait before it is dropped.",
        14,
        ge=1,
        le=400,
    )
    forward_dead_letters: Path | None = setting(
        "ACCESSSYNC_FORWARD__DEAD_LETTERS",
        None,
        "file",
        "Where entries go that are refused for good; where unset, dead-letters.ndjson in the user's state directory.",
        "/srv/accesssync/dead-letters.ndjson",
    )
    forward_dead_letter_bytes: int = setting(
        "ACCESSSYNC_FORWARD__DEAD_LETTER_BYTES",
        2**24,
        "bytes",
        "Largest that file becomes; what finds no room there is counted and lost.",
        2**24,
        ge=2**16,
        le=2**32,
    )
    forward_file: NdjsonTarget | None = setting(
        "ACCESSSYNC_FORWARD__FILE",
        None,
        "file, or -",
        "Where the destination file appends one JSON document a line; - is standard output.",
        "/var/log/accesssync.ndjson",
    )
    forward_webhook_url: WebhookUrl | None = setting(
        "ACCESSSYNC_FORWARD__WEBHOOK_URL",
        None,
        "secret",
        "Address that the destination webhook posts to; it often is a secret by itself.",
        "https://hooks.example.com/services/T0/B0/x",
    )
    forward_webhook_key: SigningKey | None = setting(
        "ACCESSSYNC_FORWARD__WEBHOOK_KEY",
        None,
        "secret",
        "Text that posts to the webhook are signed with; where unset, they are not signed.",
        "correct-horse-battery-staple",
    )
    forward_webhook_format: Literal["json", "slack"] = setting(
        "ACCESSSYNC_FORWARD__WEBHOOK_FORMAT",
        "json",
        "json or slack",
        "What a post to the webhook looks like.",
        "slack",
    )
    forward_webhook_streams: Streams = setting(
        "ACCESSSYNC_FORWARD__WEBHOOK_STREAMS",
        frozenset({"alerts"}),
        "list of alerts, audit and events",
        "Streams that go to the webhook, where they are on.",
        "alerts,events",
    )

    @property
    def forward_streams(self) -> frozenset[str]:
        """The streams that are on and that the outbox keeps: all but metrics."""
        given = {"alerts": self.forward_alerts, "audit": self.forward_audit, "events": self.forward_events}
        return frozenset(name for name, on in given.items() if on)

    def dead_letter_file(self) -> Path:
        """Where entries go that are refused for good."""
        from platformdirs import user_state_path

        return self.forward_dead_letters or user_state_path("accesssync", appauthor=False) / "dead-letters.ndjson"


def webhook_secret(url: SecretStr | None) -> list[str]:
    """Of a webhook's address, what has to be kept out of sight wherever it shows: the path, too."""
    from urllib.parse import urlsplit

    if url is None:
        return []
    path = urlsplit(url.get_secret_value()).path.strip("/")
    return [path] if len(path) >= 8 else []
