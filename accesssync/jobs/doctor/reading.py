"""The doctor for the read key: what it may read, tried for real, what it lacks and what it has too much."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any

from accesssync.datadog.budget import RateLimit
from accesssync.datadog.own_keys import OwnKeys
from accesssync.datadog.read import DatadogSource
from accesssync.errors import AccessSyncError, DeniedError
from accesssync.jobs.doctor.lines import Check, Fault, few
from accesssync.model.coverage import Resource
from accesssync.reach.features import Feature, allowance, excess, missing, needed, reading
from accesssync.settings import OrgSettings
from accesssync.snapshot.source import Account, Listing

AUDIT_TRAIL = "audit_trail"
"""The feature that tells who made a change."""


def check_reading(
    source: DatadogSource, account: Account, org: OrgSettings, keys: OwnKeys, *, audit_trail: bool
) -> Iterator[Check]:
    """Per feature whether the key may read it; and what the key could do beyond that."""
    wanted = tuple(one for one in reading(org.skip) if audit_trail or one.id != AUDIT_TRAIL)
    yield from (_feature(source, org, one) for one in wanted if one.resource is not None)
    yield from (_trail(source, org, one) for one in wanted if one.id == AUDIT_TRAIL)
    assert org.app_key is not None  # noqa: S101 - the account was asked for with it
    mine = keys.find(account.user_id, org.app_key)
    if mine.key is None:
        message = f"the scopes of the read key cannot be learned: {mine.reason}"
        yield Check("key.scopes", org.name, "warn", message, mine.fix)
        return
    scopes, enough = mine.key.scopes, ", ".join(needed(wanted))
    if scopes is None:
        message = "the read key is unscoped: it may do everything its owner may"
        yield Check("key.scopes", org.name, "warn", message, f"scope it to just these: {enough}")
    else:
        message = f"the read key is scoped to {', '.join(scopes) or 'nothing'}"
        yield Check("key.scopes", org.name, "ok", message)
    if account.permissions is None:
        return
    held = allowance(account.permissions, scopes, account.permissions)
    for feature in wanted:
        lacking = missing(feature, held)
        if feature.resource is None and feature.id != AUDIT_TRAIL and lacking:
            message = f"{feature.title}: lacks {', '.join(lacking)}"
            yield Check(f"feature.{feature.id}", org.name, "warn", message, "give it when this is used")
    if scopes is not None:
        yield _excess(org, excess(held, wanted), enough)


def _excess(org: OrgSettings, beyond: tuple[str, ...], enough: str) -> Check:
    if not beyond:
        return Check("key.excess", org.name, "ok", "the read key has no scope that accesssync does not need")
    return Check("key.excess", org.name, "warn", f"the read key may also: {few(beyond)}", f"it needs only: {enough}")


def _trail(source: DatadogSource, org: OrgSettings, feature: Feature) -> Check:
    """Whether the Audit Trail answers. Nothing fails without it, so nothing here does."""
    what, now = f"feature.{feature.id}", datetime.now(UTC)
    try:
        source.audit_events(now - timedelta(minutes=1), now, None, 10.0)
    except DeniedError as error:
        message = f"{feature.title}: denied, needs {error.permission}; changes are shown without their actors"
        return Check(what, org.name, "warn", message, "give it to the key, or set ACCESSSYNC_AUDIT_TRAIL=false")
    except AccessSyncError as error:
        return Check(what, org.name, "warn", f"{feature.title}: {error.message}", error.remedy)
    return Check(what, org.name, "ok", f"{feature.title}: readable")


def _feature(source: DatadogSource, org: OrgSettings, feature: Feature) -> Check:
    what = f"feature.{feature.id}"
    try:
        _try(source, feature.resource or "")
    except DeniedError as error:
        message = f"{feature.title}: denied, needs {error.permission}"
        fix = f"give it to the key and its owner, or set ACCESSSYNC_SKIP={feature.resource}"
        return Check(what, org.name, "fail", message, fix)
    except AccessSyncError as error:
        return Check(what, org.name, "fail", f"{feature.title}: {error.message}", error.remedy, Fault.SITE)
    return Check(what, org.name, "ok", f"{feature.title}: readable")


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


def cost(source: DatadogSource, org: OrgSettings) -> Check:
    """How many requests a sync takes, and of which limit the most."""
    requests: Counter[str] = Counter()
    limits: dict[str, RateLimit] = {}
    total = 2  # whose key it is, and what the Audit Trail tells
    for feature in reading(org.skip):
        if feature.resource is not None:
            number = _pages(source, feature.resource)
            total += number
            found = source.rate_limit_of(Resource(feature.resource))
            if found is not None:
                name, limits[name] = found
                requests[name] += number
    told = "; Datadog told no limit"
    if limits:
        name = max(limits, key=lambda each: requests[each] / limits[each].limit)
        of = limits[name]
        told = f", at most {requests[name]:,} of a limit of {of.limit:,} per {of.period or 60} s ({name})"
    return Check("cost", org.name, "ok", f"a sync takes about {total:,} requests{told}")


def _pages(source: DatadogSource, resource: str) -> int:
    if resource == "permissions":
        return 1
    try:
        if resource == "team_memberships":
            return source.teams().fetch(0, 1).total or 0
        if resource == "authn_mappings":
            return 2
        page = getattr(source, resource)().fetch(0, 1)
    except AccessSyncError:
        return 1
    return max(1, ceil(int(page.total or 0) / int(page.max_size or 100)))
