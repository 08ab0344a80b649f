"""Typed changes between two observations of one identity or one role.

The kind of a change follows from which side is missing; it is never stated, so it cannot be wrong.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec.structs import replace

from accesssync.drift.facts import FACTS_VERSION, IDENTITY_FACTS, ROLE_FACTS, plain, same
from accesssync.model.change import Delta, Fields
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role

T = TypeVar("T", Identity, Role)
R = TypeVar("R", Identity, Role, Permission)


def compare_identity(before: Identity | None, after: Identity | None, version: int = FACTS_VERSION) -> Iterator[Delta]:
    """Changes of the record itself; `version` is that of the program that stored `before`."""
    one = after or before
    if one is None:
        return
    fields = _fields(before, after, IDENTITY_FACTS, version)
    if before is None:
        yield Delta(kind="identity.added", subject_id=one.id, subject=one.subject, fields=fields)
    elif after is None:
        yield Delta(kind="identity.removed", subject_id=one.id, subject=one.subject, fields=fields)
    elif fields:
        yield Delta(kind="identity.updated", subject_id=one.id, subject=one.subject, fields=fields)


def compare_role(before: Role | None, after: Role | None, version: int = FACTS_VERSION) -> Iterator[Delta]:
    """Changes of a role itself; `version` is that of the program that stored `before`."""
    one = after or before
    if one is None:
        return
    fields = _fields(before, after, ROLE_FACTS, version)
    if before is None:
        yield Delta(kind="role.added", subject_id=one.id, subject=one.subject, fields=fields)
    elif after is None:
        yield Delta(kind="role.removed", subject_id=one.id, subject=one.subject, fields=fields)
    elif fields:
        yield Delta(kind="role.updated", subject_id=one.id, subject=one.subject, fields=fields)


def compare_grants(
    subject_id: str,
    subject: str,
    before: Iterable[str],
    after: Iterable[str],
    role_names: Mapping[str, str | None],
) -> Iterator[Delta]:
    """Roles that an identity gained and lost. A role that is not listed is shown by its id."""
    old, new = set(before), set(after)
    for role_id in sorted(old ^ new):
        added = role_id in new
        name = role_names.get(role_id) or role_id
        yield Delta(
            kind="grant.added" if added else "grant.removed",
            subject_id=subject_id,
            subject=subject,
            fields=_one_sided({"role": name, "role_id": role_id}, added=added),
            part=role_id,
        )


def compare_role_permissions(
    role_id: str,
    role: str,
    before: Iterable[str],
    after: Iterable[str],
    permission_names: Mapping[str, str | None],
    restricted: frozenset[str],
) -> Iterator[Delta]:
    """Permissions that a role gained and lost.

    Those in `restricted` are passed over: Datadog adds them to every custom role by itself.
    """
    old, new = set(before) - restricted, set(after) - restricted
    for permission_id in sorted(old ^ new):
        added = permission_id in new
        name = permission_names.get(permission_id) or permission_id
        yield Delta(
            kind="role_permission.added" if added else "role_permission.removed",
            subject_id=role_id,
            subject=role,
            fields=_one_sided({"permission": name, "permission_id": permission_id}, added=added),
            part=permission_id,
        )


def keep_known(before: R, after: R) -> R:
    """`after`, with what could not be understood in it taken from `before`.

    A malformed attribute says nothing about the truth, so it may not look like a change.
    """
    if not after.malformed:
        return after
    return replace(after, **{name: getattr(before, name) for name in after.malformed}, malformed=())


def _fields(before: T | None, after: T | None, facts: Mapping[str, int], version: int) -> Fields:
    if before is None or after is None:
        one = after or before
        values = {name: plain(getattr(one, name)) for name in facts}
        return _one_sided({k: v for k, v in values.items() if v is not None}, added=after is not None)
    changed: Fields = {}
    for name, since in facts.items():
        old, new = getattr(before, name), getattr(after, name)
        if since <= version and name not in after.malformed and not same(name, old, new):
            changed[name] = (plain(old), plain(new))
    return changed


def _one_sided(values: Mapping[str, str | bool | int | float | list[str] | None], *, added: bool) -> Fields:
    return {name: (None, value) if added else (value, None) for name, value in values.items()}
