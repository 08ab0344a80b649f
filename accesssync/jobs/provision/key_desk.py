"""Where credentials of one organization are changed: what is known of it, and who is asking."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from difflib import get_close_matches

from msgspec import Struct

from accesssync.errors import UsageError
from accesssync.jobs.inventory import View, view_at
from accesssync.model.credential import Credential
from accesssync.model.identity import Identity
from accesssync.model.operation import NEEDS
from accesssync.provision.credentials import CredentialGateway
from accesssync.reach.tier import privileged_permissions
from accesssync.reach.who import scope_names
from accesssync.settings import OrgSettings, Settings
from accesssync.store import findings, inventory, runs
from accesssync.store.engine import Database

_SCOPE = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


class Desk(Struct, frozen=True, kw_only=True):
    """Where credentials of one organization are changed: what is known of it, and the ways to change it."""

    engine: Database
    settings: Settings
    org: OrgSettings
    open: Callable[[OrgSettings], CredentialGateway]
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    by: str
    reason: str


def find_account(desk: Desk, text: str) -> Identity:
    """The service account that an id, an address or a name means; UsageError for none, several, or a person."""
    seen = view(desk)
    found = [one.identity for one in inventory.find_identities(desk.engine, seen.moment, text)]
    accounts = [one for one in found if one.service_account and not one.disabled]
    if len(accounts) == 1:
        return accounts[0]
    what = f"{len(accounts)} service accounts answer to {text!r}" if found else f"nobody answers to {text!r}"
    if found and not accounts:
        what = f"{text!r} is no enabled service account, and a key can be made for nobody else"
    raise UsageError(what, org=desk.org.name, remedy="give an id: accesssync identities --kind nhi")


def find_user(desk: Desk, text: str) -> Identity:
    """The user record that an id, an address or a name means; UsageError for none or several."""
    found = [one.identity for one in inventory.find_identities(desk.engine, view(desk).moment, text)]
    if len(found) == 1:
        return found[0]
    what = f"{len(found)} user records answer to {text!r}" if found else f"nobody answers to {text!r}"
    raise UsageError(what, org=desk.org.name, remedy="give an id: accesssync identities")


def find_credential(desk: Desk, text: str) -> Credential:
    """The credential that an id, a name, the end of a key or a finding about it means; UsageError if it is not one."""
    seen = view(desk)
    everything = [one.credential for one in inventory.list_credentials(desk.engine, seen.moment)]
    finding = findings.find_finding(desk.engine, seen.org.id, text) if text.startswith("F-") else None
    if finding is not None:
        text = finding.subject_id
    found = [one for one in everything if one.id == text]
    found = found or [one for one in everything if text in (one.name, one.last4)]
    if len(found) == 1:
        return found[0]
    if finding is not None:
        what = f"the finding {finding.id} is about {finding.subject}, which is no credential that is there"
    else:
        what = f"{len(found)} credentials answer to {text!r}" if found else f"no credential answers to {text!r}"
    raise UsageError(what, org=desk.org.name, remedy="give an id: accesssync credentials --json")


def owner(desk: Desk, target: Credential) -> Identity | None:
    """Whom a credential acts as, where that is somebody known."""
    return identity(desk, target.owner_id) if target.owner_id is not None else None


def identity(desk: Desk, user_id: str) -> Identity | None:
    """The user record of an id."""
    found = inventory.find_identities(desk.engine, view(desk).moment, user_id)
    return found[0].identity if len(found) == 1 else None


def view(desk: Desk) -> View:
    """The organization as it was last seen; UsageError where it never was."""
    record = runs.find_org(desk.engine, desk.org.name)
    found = view_at(desk.engine, record, None) if record is not None else None
    if found is None:
        raise UsageError("nothing is stored yet", org=desk.org.name, remedy="run: accesssync sync")
    return found


def enabled(desk: Desk) -> int:
    """How many user records are enabled."""
    return sum(not one.identity.disabled for one in inventory.list_identities(desk.engine, view(desk).moment))


def privileged(desk: Desk, scopes: Iterable[str]) -> bool:
    """Whether a scope is one of the permissions that make a holder privileged here."""
    moment = view(desk).moment
    roles = [role for role, _ in inventory.list_roles(desk.engine, moment)]
    names = privileged_permissions(roles, inventory.list_permissions(desk.engine, moment)).values()
    return bool(set(names) & set(scopes))


def require_scopes(desk: Desk, scopes: Sequence[str]) -> None:
    """UsageError for a scope that cannot be one, naming what may be meant."""
    if not scopes:
        raise UsageError("a key without scopes may do all that its owner may", remedy="give at least one --scope")
    catalogue = {one.name for one in inventory.list_permissions(desk.engine, view(desk).moment) if one.name}
    # Some permissions are scopes of keys, and in no role's list.
    known = catalogue | {name for needs in NEEDS.values() for name in needs} | set(scope_names())
    for scope in scopes:
        near = get_close_matches(scope, known, 1)
        if not set(scope) <= _SCOPE or not scope or (scope not in known and near):
            hint = f"; did you mean {near[0]}?" if near else ""
            raise UsageError(f"{scope[:60]!r} is no scope{hint}", org=desk.org.name)
