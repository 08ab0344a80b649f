"""Typed changes between two observations of one record.

The kind of a change follows from which side is missing; it is never stated, so it cannot be wrong.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from msgspec.structs import replace

from accesssync.drift.facts import FACTS_VERSION, NOUNS, plain, read_mark, same
from accesssync.model.change import Delta, Fields, FieldValue
from accesssync.model.coverage import Resource
from accesssync.model.credential import Credential
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.model.team import Mapping as AuthnMapping
from accesssync.model.team import Membership, Team

R = TypeVar("R", Identity, Role, Permission, Credential, Team, Membership, AuthnMapping)


def compare_record(resource: Resource, before: R | None, after: R | None, mark: int = FACTS_VERSION) -> Iterator[Delta]:
    """At most one change: the record itself came, went, or has other facts.

    `mark` is what was kept with `before`: see `mark_of`.
    """
    one = after or before
    if one is None:
        return
    noun = NOUNS[type(one)]
    fields = _fields(before, after, noun.facts, *read_mark(type(one), mark))
    if before is not None and after is not None and not fields:
        return
    what = "added" if before is None else "removed" if after is None else "updated"
    yield Delta(kind=f"{noun.name}.{what}", resource=resource, subject_id=one.id, subject=one.subject, fields=fields)


def compare_references(
    resource: Resource,
    record_type: type,
    subject_id: str,
    subject: str,
    before: Iterable[str],
    after: Iterable[str],
    names: Mapping[str, str | None],
    ignored: frozenset[str] = frozenset(),
) -> Iterator[Delta]:
    """References that a record gained and lost; those in `ignored` are passed over.

    Ignored are the permissions that Datadog adds to every custom role by itself. What `names` does not hold is
    shown by its id.
    """
    references = NOUNS[record_type].references
    if references is None:
        raise TypeError(f"a {record_type.__name__} holds no references")
    old, new = set(before) - ignored, set(after) - ignored
    for target in sorted(old ^ new):
        added = target in new
        name = names.get(target) or target
        yield Delta(
            kind=f"{references.noun}{'added' if added else 'removed'}",
            resource=resource,
            subject_id=subject_id,
            subject=subject,
            fields=_one_sided({references.label: name, f"{references.label}_id": target}, added=added),
            part=target,
        )


def keep_known(before: R, after: R) -> R:
    """`after`, with what could not be understood in it taken from `before`.

    A malformed attribute says nothing about the truth, so it may not look like a change.
    """
    if not after.malformed:
        return after
    return replace(after, **{name: getattr(before, name) for name in after.malformed}, malformed=())


def _fields(
    before: R | None, after: R | None, facts: Mapping[str, int], version: int, unread: frozenset[str]
) -> Fields:
    if before is None or after is None:
        one = after or before
        values = {name: plain(getattr(one, name)) for name in facts}
        return _one_sided({k: v for k, v in values.items() if v is not None}, added=after is not None)
    changed: Fields = {}
    for name, since in facts.items():
        old, new = getattr(before, name), getattr(after, name)
        known = since <= version and name not in unread and name not in after.malformed
        if known and not same(name, old, new):
            changed[name] = (plain(old), plain(new))
    return changed


def _one_sided(values: Mapping[str, FieldValue], *, added: bool) -> Fields:
    return {name: (None, value) if added else (value, None) for name, value in values.items()}
