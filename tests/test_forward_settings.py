"""Settings of publishing: their fallbacks, what they refuse, and that a webhook's address stays out of sight."""

import pytest

from accesssync.errors import ConfigurationError
from accesssync.settings import Publishing, Settings, load

OWN = "canary0own0api0key0canary0own000"
OTHER = "canary0other0api0key0canary00000"
HOOK = "https://hooks.example.com/services/T0/canary0hook0path"


def read(**environ: str) -> Settings:
    return load(environ=environ)


def published(**environ: str) -> Publishing:
    settings = read(DD_API_KEY=OWN, DD_SITE="datadoghq.eu", **environ)
    return settings.publishing(settings.organizations()[0])


def test_nothing_is_published_unless_it_is_switched_on() -> None:
    settings = read()
    assert settings.forward_streams == frozenset()
    assert settings.forward_metrics is False
    on = read(ACCESSSYNC_FORWARD__ALERTS="true", ACCESSSYNC_FORWARD__METRICS="true", ACCESSSYNC_FORWARD__EVENTS="1")
    assert on.forward_streams == {"alerts", "events"}


def test_an_organization_is_published_to_itself_unless_told_otherwise() -> None:
    own = published(ACCESSSYNC_API_URL="http://127.0.0.1:8080")
    assert own.api_key is not None
    assert (own.site, own.api_url, own.api_key.get_secret_value()) == ("datadoghq.eu", "http://127.0.0.1:8080", OWN)
    assert not own.elsewhere
    assert own.personal == {"email", "name", "actor", "text"}
    assert own.setting == "ACCESSSYNC_ALLOWED_OPERATIONS"


def test_to_another_organization_only_ids_go_unless_fields_are_named() -> None:
    other = published(ACCESSSYNC_FORWARD__API_KEY=OTHER, ACCESSSYNC_FORWARD__SITE="us5.datadoghq.com")
    assert other.api_key is not None
    assert (other.site, other.api_key.get_secret_value(), other.elsewhere) == ("us5.datadoghq.com", OTHER, True)
    assert other.personal == frozenset()
    named = published(ACCESSSYNC_FORWARD__API_KEY=OTHER, ACCESSSYNC_FORWARD__PERSONAL="email")
    assert named.personal == {"email"}
    assert published(ACCESSSYNC_FORWARD__PERSONAL="none").personal == frozenset()
    assert published(ACCESSSYNC_FORWARD__API_KEY=OWN).elsewhere is False


def test_another_site_is_not_reached_under_the_address_of_the_old_one() -> None:
    given = {"ACCESSSYNC_FORWARD__API_KEY": OTHER, "ACCESSSYNC_FORWARD__SITE": "datadoghq.com"}
    assert published(**given, ACCESSSYNC_API_URL="https://api.datadoghq.eu").api_url is None
    assert published(**given, ACCESSSYNC_API_URL="http://127.0.0.1:1").api_url == "http://127.0.0.1:1"
    assert published(**given, ACCESSSYNC_FORWARD__API_URL="http://127.0.0.1:2").api_url == "http://127.0.0.1:2"


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"ACCESSSYNC_FORWARD__SITE": "us5.datadoghq.com"}, "ACCESSSYNC_FORWARD__API_KEY is not set"),
        ({"ACCESSSYNC_FORWARD__API_URL": "https://example.com"}, "ACCESSSYNC_FORWARD__API_URL cannot be used"),
        ({"ACCESSSYNC_FORWARD__DESTINATIONS": "file"}, "ACCESSSYNC_FORWARD__FILE is not set"),
        ({"ACCESSSYNC_FORWARD__DESTINATIONS": "webhook"}, "ACCESSSYNC_FORWARD__WEBHOOK_URL is not set"),
        ({"ACCESSSYNC_FORWARD__DESTINATIONS": "splunk"}, "names splunk, which is no destination: datadog, file, web"),
        ({"ACCESSSYNC_FORWARD__WEBHOOK_URL": HOOK.replace("https", "http")}, "only a loopback address may use it"),
        ({"ACCESSSYNC_FORWARD__WEBHOOK_URL": HOOK.replace("//", "//u:p@")}, "must not contain a user name"),
        ({"ACCESSSYNC_FORWARD__WEBHOOK_URL": "hooks.example.com"}, "must begin with https://"),
        ({"ACCESSSYNC_FORWARD__WEBHOOK_URL": "https://[::1/x"}, "is not a full URL"),
        ({"ACCESSSYNC_FORWARD__WEBHOOK_KEY": "short"}, "at least 16 printable ASCII characters"),
        ({"ACCESSSYNC_FORWARD__WEBHOOK_STREAMS": "metrics"}, "names metrics, which is no stream"),
        ({"ACCESSSYNC_FORWARD__PERSONAL": "everything"}, "names everything, which is no personal field"),
        ({"ACCESSSYNC_FORWARD__ENV": "a,b"}, "must be up to 100 letters"),
        ({"ACCESSSYNC_FORWARD__MAX_AGE": "0"}, "a whole number of days from 1 to 400"),
    ],
)
def test_what_cannot_be_published_to_is_refused_without_showing_it(environ: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(**environ)
    assert message in caught.value.message
    assert "canary" not in caught.value.line()


def test_what_is_in_a_webhooks_address_is_a_secret() -> None:
    settings = read(ACCESSSYNC_FORWARD__WEBHOOK_URL=HOOK, ACCESSSYNC_FORWARD__WEBHOOK_KEY=OTHER)
    assert {HOOK, OTHER, "services/T0/canary0hook0path"} <= set(settings.secrets())
    assert "canary" not in f"{settings!r}{settings.model_dump_json()}"
