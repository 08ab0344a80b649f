"""Whose keys these are, and what the owner may do."""

from typing import Any

import msgspec

from accesssync.datadog.decode import member, storable, unusable
from accesssync.datadog.repair import UNFIT, usable_id
from accesssync.errors import ResponseError
from accesssync.snapshot.source import Account


def decode_account(body: bytes) -> Account:
    """Who is calling. Raises ResponseError where the answer does not name a user."""
    try:
        parsed = msgspec.json.decode(storable(body))
    except UNFIT as error:
        problem = unusable(error)
    else:
        user = member(parsed, "data")
        identifier = _text(user, "id")
        if identifier is not None and usable_id(identifier):
            return _account(user, identifier, _included(parsed))
        problem = ResponseError("the answer names no user", status=200)
    raise problem


def _account(user: dict[str, Any], identifier: str, included: dict[str, dict[str, Any]]) -> Account:
    attributes = member(user, "attributes")
    service_account = attributes.get("service_account")
    names = ("name", "email") if service_account is True else ("email", "name", "handle")
    org_id, org_name = _organization(user, included.get("orgs", {}))
    return Account(
        user_id=identifier,
        subject=next((text for name in names if (text := _text(attributes, name))), identifier),
        org_id=org_id,
        org_name=org_name,
        service_account=service_account if isinstance(service_account, bool) else None,
        permissions=_permissions(user, included),
    )


def _organization(user: dict[str, Any], orgs: dict[str, Any]) -> tuple[str | None, str | None]:
    org_id = _text(member(member(member(user, "relationships"), "org"), "data"), "id")
    if org_id is None and len(orgs) == 1:
        # Where several are told of, any of them may be one that the user is also in.
        [org_id] = orgs
    name = _text(member(orgs.get(org_id), "attributes"), "name") if org_id is not None else None
    return org_id, name


def _permissions(user: dict[str, Any], included: dict[str, dict[str, Any]]) -> frozenset[str] | None:
    """What the user's roles carry; None unless the answer tells every one of them and every permission of it."""
    roles, permissions = included.get("roles", {}), included.get("permissions", {})
    own = _targets(user, "roles")
    if own is None or not own <= roles.keys():
        return None
    names = {identifier: _text(member(item, "attributes"), "name") for identifier, item in permissions.items()}
    found: set[str] = set()
    # Some roles come from teams.
    for identifier in own | ((_targets(user, "team_roles") or set()) & roles.keys()):
        carried = _targets(roles[identifier], "permissions")
        if carried is None:
            return None
        for each in carried:
            name = names.get(each)
            if name is None:
                return None
            found.add(name)
    return frozenset(found)


def _targets(record: dict[str, Any], relationship: str) -> set[str] | None:
    refs = member(member(record, "relationships"), relationship).get("data")
    if not isinstance(refs, list):
        return None
    identifiers = [_text(ref, "id") if isinstance(ref, dict) else None for ref in refs]
    return None if None in identifiers else {each for each in identifiers if each is not None}


def _included(parsed: object) -> dict[str, dict[str, Any]]:
    """The other records of the answer, by type and id."""
    found: dict[str, dict[str, Any]] = {}
    items = parsed.get("included") if isinstance(parsed, dict) else None
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            kind, identifier = _text(item, "type"), _text(item, "id")
            if kind is not None and identifier is not None:
                found.setdefault(kind, {})[identifier] = item
    return found


def _text(value: dict[str, Any], name: str) -> str | None:
    found = value.get(name)
    return found if isinstance(found, str) and found else None
