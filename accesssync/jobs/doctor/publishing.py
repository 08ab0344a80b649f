"""The doctor for what is published: are the streams that are on allowed, and is the publishing key fit to install?

A stream that is not allowed sends nothing, and what the key may not install is skipped: both warn, since neither keeps
accesssync from its work. A key that is not accepted at all fails.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from accesssync.datadog.own_keys import OwnKeys
from accesssync.datadog.read import DatadogSource
from accesssync.errors import AuthenticationError, ConfigurationError, UpstreamError
from accesssync.jobs.doctor.lines import Check, Fault, few
from accesssync.model.operation import PUBLISHING, Operation
from accesssync.reach.features import excess, missing, needed, writing
from accesssync.settings import OrgSettings, Publishing, Settings
from accesssync.snapshot.source import Account

_STREAMS = {
    "alerts": Operation.SEND_LOG,
    "audit": Operation.SEND_LOG,
    "events": Operation.SEND_EVENT,
    "metrics": Operation.SEND_METRIC,
}


def check_publishing(
    settings: Settings, org: OrgSettings, reading: Account, keys: OwnKeys, ask: Callable[[OrgSettings], DatadogSource]
) -> Iterator[Check]:
    """What stands against publishing; nothing where nothing of it is set. `reading` is whose the read key is."""
    where = settings.publishing(org)
    on = {*settings.forward_streams, *(["metrics"] if settings.forward_metrics else [])}
    if "datadog" in settings.forward_destinations:
        yield from (_stream(where, name, _STREAMS[name]) for name in sorted(on))
    allowed = [each for each, permissions in PUBLISHING.items() if permissions and each in where.allowed]
    if where.app_key is None:
        if allowed:
            message = f"{where.setting} allows {few(allowed)}, but ACCESSSYNC_FORWARD__APP_KEY is not set"
            fix = "set it, to let accesssync forward setup install them"
            yield Check("key.publish", org.name, "warn", message, fix)
        return
    if not allowed:
        message = f"ACCESSSYNC_FORWARD__APP_KEY is set, but {where.setting} allows nothing to be installed"
        yield Check("key.publish", org.name, "warn", message, "remove it, or allow what is to be installed")
        return
    yield from _key(where, org, reading, keys, ask, allowed)


def _stream(where: Publishing, name: str, operation: Operation) -> Check:
    what = f"publish.{name}"
    if operation not in where.allowed:
        message = f"{name} are on, but {operation} is not allowed: nothing of it is sent"
        return Check(what, where.org, "warn", message, f"add {operation} to {where.setting}")
    place = f"{where.site}, with a key of its own" if where.elsewhere else where.site
    return Check(what, where.org, "ok", f"{name} go to {place}")


def _key(
    where: Publishing,
    org: OrgSettings,
    reading: Account,
    keys: OwnKeys,
    ask: Callable[[OrgSettings], DatadogSource],
    allowed: list[Operation],
) -> Iterator[Check]:
    assert where.app_key is not None  # noqa: S101 - the caller looked
    try:
        source = ask(replace(org, site=where.site, api_url=where.api_url, api_key=where.api_key, app_key=where.app_key))
        try:
            account = source.account()
        finally:
            source.close()
    except (AuthenticationError, ConfigurationError) as error:
        fix = "check ACCESSSYNC_FORWARD__APP_KEY: it has to be of the organization and site that is published to"
        yield Check("key.publish", org.name, "fail", f"the publishing key: {error.message}", fix)
        return
    except UpstreamError as error:
        message = f"asked with the publishing key: {error.message}"
        yield Check("site.publish", org.name, "fail", message, error.remedy, Fault.SITE)
        return
    wanted = writing(allowed, "publish")
    enough = ", ".join(needed(wanted))
    if account.org_id != reading.org_id:
        message = f"the publishing key belongs to {account.org_name or account.org_id or 'another organization'}"
        yield Check("key.publish", org.name, "ok", f"{message}; it needs {enough}")
        return
    yield _scopes(where, org, keys, account, allowed)


def _scopes(where: Publishing, org: OrgSettings, keys: OwnKeys, account: Account, allowed: list[Operation]) -> Check:
    """Whether the key's scopes fit what is allowed. It is told as one line: nothing depends on a single scope."""
    assert where.app_key is not None  # noqa: S101 - the caller looked
    what, wanted = "key.publish", writing(allowed, "publish")
    enough, mine = ", ".join(needed(wanted)), keys.find(account.user_id, where.app_key)
    if mine.key is None:
        message = f"the scopes of the publishing key cannot be learned: {mine.reason}"
        return Check(what, org.name, "warn", message, mine.fix or f"it needs {enough}")
    if mine.key.scopes is None:
        message = "the publishing key is unscoped: it may do everything its owner may"
        return Check(what, org.name, "warn", message, f"scope it to just these: {enough}")
    scopes = mine.key.scopes
    lacking = sorted({name for each in wanted for name in missing(each, scopes)})
    if lacking:
        message = f"the publishing key lacks the scope {', '.join(lacking)}: what needs it is skipped"
        return Check(what, org.name, "warn", message, f"it needs {enough}")
    beyond = excess(scopes, wanted)
    if beyond:
        message = f"the publishing key has scopes that no allowed operation needs: {few(beyond)}"
        return Check(what, org.name, "warn", message, f"it needs only: {enough}")
    return Check(what, org.name, "ok", f"the publishing key is scoped to {', '.join(scopes)}")
