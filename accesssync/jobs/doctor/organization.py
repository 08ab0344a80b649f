"""The doctor for one organization: its site, its keys and the clock."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from random import Random

from accesssync.datadog.own_keys import OwnKeys
from accesssync.datadog.read import DatadogSource
from accesssync.errors import AccessSyncError, AuthenticationError, UpstreamError
from accesssync.jobs.doctor.lines import Check, Fault
from accesssync.jobs.doctor.publishing import check_publishing
from accesssync.jobs.doctor.reading import check_reading, cost
from accesssync.jobs.doctor.writing import Writing
from accesssync.jobs.opening import open_org
from accesssync.settings import OrgSettings, Settings
from accesssync.snapshot.source import Account

SKEW = 60.0
"""Seconds that this clock may differ from Datadog's before windows and ages mislead."""

Open = Callable[[OrgSettings], DatadogSource]


def check_org(
    settings: Settings,
    org: OrgSettings,
    *,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
    rng: Random,
) -> Iterator[Check]:
    """What the keys of one organization are, may do, lack and have too much."""
    lacking = org.missing()
    if lacking:
        for problem in lacking:
            yield Check("key", org.name, "fail", f"{problem.variable} is not set", problem.remedy)
        return
    ask = partial(open_org, settings, sleep=sleep, monotonic=monotonic, rng=rng, on_event=lambda _event: None)
    source = ask(org)
    try:
        yield from _checked(source, org, ask, settings)
    finally:
        source.close()


def _checked(source: DatadogSource, org: OrgSettings, ask: Open, settings: Settings) -> Iterator[Check]:
    try:
        account = source.account()
    except AuthenticationError as error:
        yield Check("key", org.name, "fail", f"{error.message}{_which(source)}", error.remedy)
        return
    except UpstreamError as error:
        fix = error.remedy or f"check that {org.api_base} is reachable"
        yield Check("site", org.name, "fail", error.message, fix, Fault.SITE)
        return
    name = account.org_name or account.org_id or "the organization"
    yield Check("site", org.name, "ok", f"{org.site} answers for {name}")
    yield _whose(account, org)
    yield _clock(source, org)
    keys = OwnKeys(source)
    yield from check_reading(source, account, org, keys, audit_trail=settings.audit_trail)
    yield from _writing(source, account, org, keys, ask, settings.allow_unscoped_key)
    yield from check_publishing(settings, org, account, keys, ask)
    yield cost(source, org)


def _which(source: DatadogSource) -> str:
    """Which of the two keys it is; empty where that cannot be told either."""
    try:
        accepted = source.accepts_api_key()
    except AccessSyncError:
        return ""
    return "; the API key alone is accepted: it is the application key" if accepted else "; not even the API key alone"


def _whose(account: Account, org: OrgSettings) -> Check:
    if account.service_account:
        return Check("key.owner", org.name, "ok", f"the read key belongs to the service account {account.subject}")
    if account.service_account is None:
        return Check("key.owner", org.name, "ok", f"the read key belongs to {account.subject}")
    return Check(
        "key.owner",
        org.name,
        "warn",
        f"the read key belongs to a person, {account.subject}: it stops working when that person leaves",
        "make a service account for accesssync and give it a scoped application key",
    )


def _clock(source: DatadogSource, org: OrgSettings) -> Check:
    skew = source.server_time_skew
    if skew is None:
        return Check("clock", org.name, "warn", "Datadog's answers carry no time to compare with")
    if abs(skew) > SKEW:
        which = "ahead" if skew > 0 else "behind"
        message = f"this machine's clock is {abs(skew):.0f} s {which}"
        fix = "synchronize the clock: windows and ages depend on it"
        return Check("clock", org.name, "fail", message, fix, Fault.MACHINE)
    return Check("clock", org.name, "ok", f"this machine's clock agrees within {abs(skew):.0f} s")


def _writing(
    source: DatadogSource, reading: Account, org: OrgSettings, keys: OwnKeys, ask: Open, unscoped_allowed: bool
) -> Iterator[Check]:
    writing = Writing(org, source, keys, unscoped_allowed)
    if org.provision_app_key is None:
        yield writing.without_key()
        return
    writer = ask(replace(org, app_key=org.provision_app_key))
    try:
        account = writer.account()
    except AuthenticationError as error:
        yield writing.unusable(error)
    except UpstreamError as error:
        yield Check(
            "site", org.name, "fail", f"asked with the provisioning key: {error.message}", error.remedy, Fault.SITE
        )
    else:
        yield from writing.check(account, reading)
    finally:
        writer.close()
