"""Open what the settings name: the database, and the organizations through their keys."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from accesssync.errors import ConfigurationError
from accesssync.jobs.forward.tell import telling_of
from accesssync.jobs.governance.directory import Governance, load_governance
from accesssync.jobs.nhi import lexicon_of
from accesssync.jobs.sync.classify import Judging
from accesssync.jobs.sync.run import Target, Terms
from accesssync.model.coverage import Resource
from accesssync.settings import OrgSettings, Publishing, Settings
from accesssync.snapshot.listing import Limits
from accesssync.store import schema
from accesssync.store.engine import Database, parse_url

if TYPE_CHECKING:
    from accesssync.datadog.intake import Intake
    from accesssync.datadog.limits import Limits as Bounds
    from accesssync.datadog.read import DatadogSource
    from accesssync.datadog.transport import Event
    from accesssync.datadog.write import DatadogGateway


def open_to_write(settings: Settings) -> Database:
    """The database of the settings; made and migrated where it is missing or empty."""
    return schema.open_for_writing(parse_url(settings.database_url.get_secret_value()))


def open_to_read(settings: Settings) -> Database:
    """The database of the settings, which has to exist."""
    return schema.open_for_reading(parse_url(settings.database_url.get_secret_value()))


def written_rules(settings: Settings) -> Governance | None:
    """What the files of the governance directory say now; None where there is no such directory."""
    today = datetime.now(UTC).date()
    return load_governance(settings.governance_dir, today) if settings.governance_dir else None


def targets(
    settings: Settings,
    names: Sequence[str],
    *,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
    rng: Random,
    on_event: "Callable[[Event], None]",
    on_answer: Callable[[str, int], None] = lambda _org, _status: None,
) -> list[Target]:
    """The organizations to sync; ConfigurationError where keys are missing, InputError where a file has a fault."""
    lexicon = lexicon_of(settings.nhi_lexicon)
    governance = load_governance(settings.governance_dir, datetime.now(UTC).date())
    return [
        Target(
            name=org.name,
            site=org.site,
            skip=frozenset(Resource(name) for name in org.skip if name in set(Resource)),
            judging=Judging(lexicon=lexicon, org_domains=org.org_domains),
            governance=governance,
            telling=telling_of(settings, org),
            audit_trail=settings.audit_trail,
            open=partial(
                open_org,
                settings,
                org,
                sleep=sleep,
                monotonic=monotonic,
                rng=rng,
                on_event=on_event,
                on_answer=partial(on_answer, org.name),
            ),
        )
        for org in settings.organizations(names, need_keys=True)
    ]


def open_org(
    settings: Settings,
    org: OrgSettings,
    *,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
    rng: Random,
    on_event: "Callable[[Event], None]",
    on_answer: Callable[[int], None] = lambda _status: None,
) -> "DatadogSource":
    """One organization, readable; nothing is sent yet. ConfigurationError where a key is missing."""
    from pydantic import SecretStr

    from accesssync.datadog.read import open_source

    api_key, app_key = org.keys()
    return open_source(
        org=org.name,
        site=org.site,
        api_key=SecretStr(api_key),
        app_key=SecretStr(app_key),
        api_url=org.api_url,
        allow_other_host=settings.allow_other_host,
        concurrency=settings.concurrency,
        limits=bounds(settings),
        sleep=sleep,
        clock=monotonic,
        rng=rng,
        on_event=on_event,
        on_answer=on_answer,
    )


def open_gateway(
    settings: Settings,
    org: OrgSettings,
    *,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
    rng: Random,
    on_event: "Callable[[Event], None]",
) -> "DatadogGateway":
    """One organization, writable with its provisioning key; nothing is sent yet.

    ConfigurationError where that key or the API key is missing. Without a read key nobody learns the scopes of the
    other.
    """
    from accesssync.datadog import write

    if org.api_key is None or org.provision_app_key is None:
        missing = org.variable("PROVISION_APP_KEY") if org.api_key is not None else org.prefix + "API_KEY"
        raise ConfigurationError(
            f"{missing} is not set, and nothing is written without it", org=org.name, remedy=f"set {missing}"
        )
    reader = None
    if org.app_key is not None:
        reader = open_org(settings, org, sleep=sleep, monotonic=monotonic, rng=rng, on_event=on_event)
    return write.open_gateway(
        org=org.name,
        site=org.site,
        api_key=org.api_key,
        app_key=org.provision_app_key,
        reader=reader,
        allowed=org.allowed_operations,
        setting=org.variable("ALLOWED_OPERATIONS"),
        api_url=org.api_url,
        allow_other_host=settings.allow_other_host,
        concurrency=settings.concurrency,
        limits=bounds(settings),
        sleep=sleep,
        clock=monotonic,
        rng=rng,
        on_event=on_event,
    )


def open_publishing(
    settings: Settings,
    publishing: Publishing,
    *,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
    rng: Random,
    on_answer: Callable[[int], None] = lambda _status: None,
) -> "Intake":
    """The intakes of Datadog where an organization is published; nothing is sent yet.

    ConfigurationError where there is no API key.
    """
    from accesssync.datadog.intake import open_intake

    if publishing.api_key is None:
        missing = f"{publishing.prefix}API_KEY"
        raise ConfigurationError(
            f"{missing} is not set, and nothing is published without it", org=publishing.org, remedy=f"set {missing}"
        )
    return open_intake(
        org=publishing.org,
        site=publishing.site,
        api_key=publishing.api_key,
        allowed=publishing.allowed,
        setting=publishing.setting,
        api_url=publishing.api_url,
        allow_other_host=settings.allow_other_host,
        limits=bounds(settings),
        sleep=sleep,
        clock=monotonic,
        rng=rng,
        on_answer=on_answer,
    )


def bounds(settings: Settings) -> "Bounds":
    from accesssync.datadog.limits import Limits as Bounds

    return Bounds(
        connect=settings.connect_timeout,
        read=settings.read_timeout,
        attempt=settings.request_deadline,
        run=settings.run_deadline,
        body_bytes=settings.max_body_bytes,
        attempts=settings.max_attempts,
        wait_cap=settings.max_rate_limit_wait,
        share_left_to_others=settings.rate_limit_share / 100,
    )


def terms(
    settings: Settings,
    *,
    by: str = "accesssync",
    wait: bool = False,
    accepted_removals: int = 0,
    require_history: bool = False,
) -> Terms:
    """What the settings and the caller ask of a sync. `by` is on whose behalf, for the audit log."""
    return Terms(
        limits=Limits(size=settings.page_size, ahead=2 * settings.concurrency, passes=settings.listing_passes),
        concurrency=settings.concurrency,
        wait=wait,
        accepted_removals=accepted_removals,
        require_history=require_history,
        by=by,
    )
