"""The doctor: are the keys, their scopes, the clock and the database as they should be? Writes nothing."""

import stat
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from accesssync.datadog.read import DatadogSource
from accesssync.errors import AccessSyncError, AuthenticationError, DeniedError, StoreError, UpstreamError
from accesssync.jobs.inventory import Document
from accesssync.jobs.opening import open_org
from accesssync.model.credential import Credential
from accesssync.reach.features import Feature, allowance, excess, missing, needed, reading
from accesssync.settings import OrgSettings, Settings
from accesssync.snapshot.source import Account, Listing
from accesssync.store import schema
from accesssync.store.engine import connect, parse_url, sqlite_path

SKEW = 60.0
"""Seconds that this clock may differ from Datadog's before windows and ages mislead."""


def check_database(settings: Settings) -> Iterator[Document]:
    """Whether the database is there, private and migrated."""
    url = parse_url(settings.database_url.get_secret_value())
    shown = url.render_as_string(hide_password=True)
    path = sqlite_path(url)
    try:
        if path is not None and (not path.exists() or not path.stat().st_size):
            yield _line("database", None, "warn", f"{shown} does not exist yet", "accesssync sync makes it")
            return
        if path is not None and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield _line("database", None, "fail", f"{shown} can be read by others", f"run: chmod 600 {path}")
            return
        found, wanted = schema.current(connect(url)), schema.head()
    except (OSError, StoreError) as error:
        reason = error.message if isinstance(error, AccessSyncError) else str(error.strerror)
        yield _line("database", None, "fail", f"{shown}: {reason}", "check ACCESSSYNC_DATABASE_URL")
        return
    if found == wanted:
        private = "is private and " if path is not None else ""
        yield _line("database", None, "ok", f"{shown} {private}has schema {found}")
    elif found is None:
        yield _line("database", None, "warn", f"{shown} is empty", "accesssync sync migrates it")
    else:
        older = found in schema.known()
        fix = "run: accesssync db upgrade" if older else "a newer accesssync wrote it: use that version"
        yield _line("database", None, "fail", f"{shown} has schema {found}, not {wanted}", fix)


def check_org(
    settings: Settings,
    org: OrgSettings,
    *,
    sleep: Callable[[float], None],
    monotonic: Callable[[], float],
    rng: Random,
) -> Iterator[Document]:
    """What the read key of one organization is, may do, lacks and has too much."""
    lacking = org.missing()
    if lacking:
        for problem in lacking:
            yield _line("key", org.name, "fail", f"{problem.variable} is not set", problem.remedy)
        return
    source = open_org(settings, org, sleep=sleep, monotonic=monotonic, rng=rng, on_event=lambda _event: None)
    try:
        yield from _checked(source, org)
    finally:
        source.close()


def _checked(source: DatadogSource, org: OrgSettings) -> Iterator[Document]:
    try:
        account = source.account()
    except AuthenticationError as error:
        yield _line("key", org.name, "fail", error.message, error.remedy)
        return
    except UpstreamError as error:
        yield _line("site", org.name, "fail", error.message, error.remedy or f"check that {org.api_base} is reachable")
        return
    yield _line(
        "site", org.name, "ok", f"{org.site} answers for {account.org_name or account.org_id or 'the organization'}"
    )
    yield _whose(account, org)
    yield _clock(source, org)
    mine, reason = _own_key(source, account, org)
    yield from _scopes(source, account, org, mine, reason)
    yield _cost(source, org)


def _whose(account: Account, org: OrgSettings) -> Document:
    if account.service_account:
        return _line("key.owner", org.name, "ok", f"the read key belongs to the service account {account.subject}")
    return _line(
        "key.owner",
        org.name,
        "warn",
        f"the read key belongs to a person, {account.subject}: it stops working when that person leaves",
        "make a service account for accesssync and give it a scoped application key",
    )


def _clock(source: DatadogSource, org: OrgSettings) -> Document:
    skew = source.server_time_skew
    if skew is None:
        return _line("clock", org.name, "warn", "Datadog's answers carry no time to compare with")
    if abs(skew) > SKEW:
        which = "ahead" if skew > 0 else "behind"
        message = f"this machine's clock is {abs(skew):.0f} s {which}"
        return _line("clock", org.name, "fail", message, "synchronize the clock: windows and ages depend on it")
    return _line("clock", org.name, "ok", f"this machine's clock agrees within {abs(skew):.0f} s")


def _own_key(source: DatadogSource, account: Account, org: OrgSettings) -> tuple[Credential | None, str]:
    """The read key among the application keys: the one of its owner that ends like it; else None and why."""
    end = org.keys()[1][-4:]
    try:
        keys = _records(source.application_keys())
        found = [one for one in keys if one.owner_id == account.user_id and one.last4 == end]
    except DeniedError as error:
        return None, f"its scopes cannot be learned without {error.permission}"
    except UpstreamError as error:
        return None, f"its scopes cannot be learned: {error.message}"
    if len(found) != 1:
        return None, f"its scopes cannot be learned: {len(found)} keys of its owner end like it"
    if not found[0].scopes_known:
        return None, "its scopes cannot be learned: Datadog does not show them"
    return found[0], ""


def _records(listing: Listing[Credential]) -> Iterator[Credential]:
    number, seen = 0, 0
    while True:
        page = listing.fetch(number, 100)
        yield from page.records
        seen += len(page.records)
        number += 1
        if not page.records or page.total is None or seen >= page.total:
            return


def _scopes(
    source: DatadogSource, account: Account, org: OrgSettings, mine: Credential | None, reason: str
) -> Iterator[Document]:
    """Per feature whether the key may read it, tried for real; and what the key could do beyond that."""
    wanted = reading(org.skip)
    yield from (_feature(source, org, one) for one in wanted if one.resource is not None)
    if mine is None:
        yield _line("key.scopes", org.name, "warn", f"the read key: {reason}", "give org_app_keys_read to learn them")
        return
    if mine.scopes is None:
        message = "the read key is unscoped: it may do everything its owner may"
        yield _line("key.scopes", org.name, "warn", message, f"scope it to just these: {', '.join(needed(wanted))}")
    if account.permissions is None:
        return
    held = allowance(account.permissions, mine.scopes, account.permissions)
    for feature in wanted:
        lacking = missing(feature, held)
        if feature.resource is None and lacking:
            message = f"{feature.title}: lacks {', '.join(lacking)}"
            yield _line(f"feature.{feature.id}", org.name, "warn", message, "give it when this is used")
    if mine.scopes is not None:
        yield _excess(org, excess(held, wanted), needed(wanted))


def _feature(source: DatadogSource, org: OrgSettings, feature: Feature) -> Document:
    what = f"feature.{feature.id}"
    try:
        _try(source, feature.resource or "")
    except DeniedError as error:
        message = f"{feature.title}: denied, needs {error.permission}"
        fix = f"give it to the key and its owner, or set ACCESSSYNC_SKIP={feature.resource}"
        return _line(what, org.name, "fail", message, fix)
    except AccessSyncError as error:
        return _line(what, org.name, "fail", f"{feature.title}: {error.message}", error.remedy)
    return _line(what, org.name, "ok", f"{feature.title}: readable")


def _excess(org: OrgSettings, beyond: tuple[str, ...], enough: tuple[str, ...]) -> Document:
    if not beyond:
        return _line("key.excess", org.name, "ok", "the read key has no scope that accesssync does not need")
    few = ", ".join(beyond[:6]) + (f" and {len(beyond) - 6} more" if len(beyond) > 6 else "")
    return _line("key.excess", org.name, "warn", f"the read key may also: {few}", f"it needs only: {', '.join(enough)}")


def _try(source: DatadogSource, resource: str) -> None:
    """Ask for one record of a resource; raises what the answer means."""
    if resource == "team_memberships":
        first = source.teams().fetch(0, 1).records
        if first:
            source.team_memberships(first[0].id).fetch(0, 1)
        return
    if resource == "authn_mappings":
        for piece in source.authn_mappings():
            piece.fetch(0, 1)
        return
    if resource == "access_tokens":
        # Without this the list of tokens answers too, with those of the caller alone.
        source.application_keys().fetch(0, 1)
    listing: Listing[Any] = getattr(source, resource)()
    listing.fetch(0, 1)


def _cost(source: DatadogSource, org: OrgSettings) -> Document:
    """How many requests a sync takes, and of which limits."""
    requests = sum(_pages(source, feature.resource, org) for feature in reading(org.skip) if feature.resource)
    # The tightest limit is the one that a sync meets first.
    told = "; Datadog told no limit"
    if source.rate_limits:
        name, limit = min(source.rate_limits.items(), key=lambda one: one[1].limit / (one[1].period or 60))
        told = f"; the tightest limit is {limit.limit:,} per {limit.period or 60} s ({name})"
    return _line("cost", org.name, "ok", f"a sync takes about {requests:,} requests{told}")


def _pages(source: DatadogSource, resource: str, org: OrgSettings) -> int:
    if resource in org.skip or resource == "permissions":
        return 1
    try:
        if resource == "team_memberships":
            return source.teams().fetch(0, 1).total or 0
        if resource == "authn_mappings":
            return 2
        page = getattr(source, resource)().fetch(0, 1)
    except AccessSyncError:
        return 1
    return 1 + int(page.total or 0) // int(page.max_size or 100)


def _line(what: str, org: str | None, status: str, message: str, fix: str | None = None) -> Document:
    return {"id": what, "org": org, "status": status, "message": message, "fix": fix}


def verdict(lines: list[Document]) -> int:
    """The exit code: 9 where the database fails, 6 where a key or scope does, 7 where a site cannot be reached."""
    failed = {line["id"].partition(".")[0] for line in lines if line["status"] == "fail"}
    if failed & {"key", "feature"}:
        return 6
    if "database" in failed:
        return 9
    return 7 if failed else 0
