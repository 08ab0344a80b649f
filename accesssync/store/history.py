"""What one run changed, read as pairs of versions: the one it ended and the one it began."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, Engine, func, or_, select
from sqlalchemy import Table as SqlTable

from accesssync.drift.compare import R, compare_record, compare_references
from accesssync.drift.facts import read_mark
from accesssync.model.change import Delta
from accesssync.store import tables
from accesssync.store.bulk import AT_ONCE
from accesssync.store.engine import translated
from accesssync.store.kinds import CREDENTIALS, IDENTITIES, MAPPINGS, MEMBERSHIPS, ROLES, TEAMS, Kind, Links

NEWS: tuple[Kind[Any], ...] = (ROLES, IDENTITIES, *CREDENTIALS, TEAMS, MEMBERSHIPS, MAPPINGS)
"""The kinds whose changes are news, in the order in which they are told. Datadog's catalogue of permissions is not."""


class LinkChange(Struct, frozen=True):
    """The references that one record lost and gained in a run, and the record's name."""

    owner: str
    subject: str
    before: frozenset[str]
    after: frozenset[str]


class Names(Struct, frozen=True):
    """What the targets of references are called, and which permissions Datadog adds by itself."""

    roles: Mapping[str, str | None]
    permissions: Mapping[str, str | None]
    restricted: frozenset[str]


def deltas(engine: Engine, org_id: int, run_id: int, only: str | None = None) -> Iterator[Delta]:
    """Everything that differs between the state a run found and the one it left, one difference at a time.

    `only` narrows it to the differences of one subject.
    """
    with translated("the history cannot be compared"), engine.connect() as connection:
        permissions, restricted = _permissions(connection, org_id)
        names = Names(_role_names(connection, org_id), permissions, restricted)
        for kind in NEWS:
            found = _deltas(connection, org_id, run_id, kind, names, None if kind is MEMBERSHIPS else only)
            if kind is MEMBERSHIPS:
                found = _of_people(connection, org_id, run_id, found)
                found = (delta for delta in found if only is None or delta.subject_id == only)
            yield from found


def _deltas(
    connection: Connection, org_id: int, run_id: int, kind: Kind[Any], names: Names, only: str | None
) -> Iterator[Delta]:
    opened: set[str] = set()
    for before, after, mark in pairs(connection, org_id, run_id, kind, only):
        if before is not None and kind.links is not None and kind.links.field in read_mark(kind.record, mark)[1]:
            opened.add(before.id)
        for delta in compare_record(kind.resource, before, after, mark):
            # Records of different listings may have the same id.
            yield replace(delta, part=kind.resource.value) if kind.shared else delta
    if kind.links is None:
        return
    for one in link_changes(connection, org_id, run_id, kind, kind.links, only):
        targets: Mapping[str, str | None]
        if kind is IDENTITIES:
            targets = names.roles
        elif kind is ROLES:
            targets = names.permissions
        else:
            targets = dict(_subjects(connection, org_id, run_id, IDENTITIES, sorted(one.before ^ one.after)))
        ignored = names.restricted if kind is ROLES else frozenset[str]()
        for delta in compare_references(
            kind.resource, kind.record, one.owner, one.subject, one.before, one.after, targets, ignored
        ):
            yield replace(delta, opened=True) if one.owner in opened else delta


def _of_people(connection: Connection, org_id: int, run_id: int, found: Iterator[Delta]) -> Iterator[Delta]:
    """Changes of memberships, told of the person: who entered or left which team."""
    waiting = list(found)
    for start in range(0, len(waiting), AT_ONCE):
        part = waiting[start : start + AT_ONCE]
        parts = [delta.subject_id.partition(":") for delta in part]
        people = _subjects(connection, org_id, run_id, IDENTITIES, sorted({user for _, _, user in parts}))
        named = _subjects(connection, org_id, run_id, TEAMS, sorted({team for team, _, _ in parts}))
        for delta, (team, _, user) in zip(part, parts, strict=True):
            there = (None, named.get(team, team))
            gone = delta.kind.endswith(".removed")
            fields = {"team": there[::-1] if gone else there, **delta.fields}
            yield replace(delta, subject_id=user, subject=people.get(user, user), fields=fields, part=team)


def pairs(
    connection: Connection, org_id: int, run_id: int, kind: Kind[R], only: str | None = None
) -> Iterator[tuple[R | None, R | None, int]]:
    """(before, after, mark of before) of every record of which `run_id` began or ended a version.

    References are left out: see `link_changes`. `only` narrows it to one record.
    """
    table = kind.table
    query = (
        select(table)
        .where(kind.mine(org_id), or_(table.c.from_run == run_id, table.c.to_run == run_id))
        .order_by(table.c.id, table.c.from_run)
    )
    if only is not None:
        query = query.where(table.c.id == only)
    result = connection.execution_options(yield_per=2_000).execute(query).mappings()
    for _, versions in groupby(result, key=lambda row: row["id"]):
        before: R | None = None
        after: R | None = None
        mark = 0
        for row in versions:
            if row["to_run"] == run_id:
                before, mark = kind.from_row(row), row["facts_version"]
            else:
                after = kind.from_row(row)
        yield before, after, mark


def link_changes(
    connection: Connection, org_id: int, run_id: int, kind: Kind[R], links: Links, only: str | None = None
) -> Iterator[LinkChange]:
    """The references that `run_id` began or ended, by record, named as it was at that run."""
    table = links.table
    owner, target = table.c[links.owner], table.c[links.target]
    query = (
        select(owner, target, table.c.from_run == run_id)
        .where(table.c.org_id == org_id, or_(table.c.from_run == run_id, table.c.to_run == run_id))
        .order_by(owner, target)
    )
    if only is not None:
        query = query.where(owner == only)
    waiting: list[tuple[str, list[Any]]] = []
    for one, group in groupby(connection.execute(query), key=itemgetter(0)):
        waiting.append((one, list(group)))
        if len(waiting) >= AT_ONCE:
            yield from _named(connection, org_id, run_id, kind, waiting)
            waiting = []
    yield from _named(connection, org_id, run_id, kind, waiting)


def _named(
    connection: Connection, org_id: int, run_id: int, kind: Kind[R], groups: list[tuple[str, list[Any]]]
) -> Iterator[LinkChange]:
    subjects = _subjects(connection, org_id, run_id, kind, [one for one, _ in groups])
    for one, rows in groups:
        yield LinkChange(
            owner=one,
            subject=subjects.get(one, one),
            before=frozenset(row[1] for row in rows if not row[2]),
            after=frozenset(row[1] for row in rows if row[2]),
        )


def _subjects(connection: Connection, org_id: int, run_id: int, kind: Kind[Any], ids: list[str]) -> dict[str, str]:
    """What records were called at a run, or last before it where the run ended them. At most 500 ids."""
    table = kind.table
    query = select(table).where(kind.mine(org_id), table.c.from_run <= run_id)
    found: dict[str, str] = {}
    # Two queries, because each of them can use an index that one query over both could not.
    for versions in (
        query.where(table.c.to_run.is_not(None), table.c.to_run >= run_id).order_by(table.c.from_run),
        query.where(table.c.to_run.is_(None)),
    ):
        for row in connection.execute(versions.where(table.c.id.in_(ids))).mappings():
            found[row["id"]] = kind.from_row(row).subject
    return found


def _role_names(connection: Connection, org_id: int) -> Mapping[str, str | None]:
    """The newest name of every role that was ever seen, by id."""
    table = tables.roles
    query = select(table.c.id, table.c.name).where(table.c.org_id == org_id).order_by(table.c.from_run)
    return {row[0]: row[1] for row in connection.execute(query)}


def _permissions(connection: Connection, org_id: int) -> tuple[Mapping[str, str | None], frozenset[str]]:
    """The newest name of every permission by id, and the ids of those that Datadog adds to every custom role."""
    table = tables.permissions
    query = (
        select(table.c.id, table.c.name, table.c.restricted).where(table.c.org_id == org_id).order_by(table.c.from_run)
    )
    names: dict[str, str | None] = {}
    restricted: dict[str, bool] = {}
    for one, name, flag in connection.execute(query):
        names[one] = name
        restricted[one] = bool(flag)
    return names, frozenset(one for one, flag in restricted.items() if flag)


def baseline_size(engine: Engine, org_id: int, run_id: int) -> int:
    """How many differences `deltas` would tell of a first run, counted without reading them."""
    counted: list[SqlTable] = []
    for kind in NEWS:
        counted += [kind.table] if kind.table not in counted else []
        if kind.links is not None and kind is not ROLES:
            counted.append(kind.links.table)
    with translated("the history cannot be counted"), engine.connect() as connection:
        _, restricted = _permissions(connection, org_id)
        total = 0
        for table in counted:
            query = select(func.count()).select_from(table)
            query = query.where(table.c.org_id == org_id, table.c.from_run == run_id)
            total += int(connection.execute(query).scalar_one())
        table = tables.role_permissions
        carried = select(table.c.permission_id, func.count()).where(
            table.c.org_id == org_id, table.c.from_run == run_id
        )
        for permission_id, count in connection.execute(carried.group_by(table.c.permission_id)):
            total += 0 if permission_id in restricted else int(count)
        return total
