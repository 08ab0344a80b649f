"""What one run changed, as pairs of versions: the one it ended and the one it began."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeVar

from msgspec import Struct
from sqlalchemy import Connection, Engine, func, or_, select

from accesssync.drift.compare import compare_grants, compare_identity, compare_role, compare_role_permissions
from accesssync.model.change import Delta
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.store.bulk import AT_ONCE
from accesssync.store.engine import translated
from accesssync.store.kinds import IDENTITIES, ROLES, Kind, Links
from accesssync.store.tables import grants, identities, permissions, role_permissions, roles

R = TypeVar("R", Identity, Role, Permission)


class LinkChange(Struct, frozen=True):
    """The references that one record lost and gained in a run, and the record's name."""

    owner: str
    subject: str
    before: frozenset[str]
    after: frozenset[str]


def pairs(
    connection: Connection, org_id: int, run_id: int, kind: Kind[R], only: str | None = None
) -> Iterator[tuple[R | None, R | None, int]]:
    """(before, after, facts version of before) of every record of which `run_id` began or ended a version.

    References are left out: see `link_changes`. `only` narrows it to one record.
    """
    table = kind.table
    query = (
        select(table)
        .where(table.c.org_id == org_id, or_(table.c.from_run == run_id, table.c.to_run == run_id))
        .order_by(table.c.id, table.c.from_run)
    )
    if only is not None:
        query = query.where(table.c.id == only)
    result = connection.execution_options(yield_per=2_000).execute(query).mappings()
    for _, versions in groupby(result, key=lambda row: row["id"]):
        before: R | None = None
        after: R | None = None
        version = 0
        for row in versions:
            if row["to_run"] == run_id:
                before, version = kind.from_row(row), row["facts_version"]
            else:
                after = kind.from_row(row)
        yield before, after, version


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


def _subjects(connection: Connection, org_id: int, run_id: int, kind: Kind[R], ids: list[str]) -> dict[str, str]:
    """What records were called at a run, or last before it where the run ended them."""
    table = kind.table
    named = [name for name in ("email", "name", "service_account") if name in kind.facts]
    query = select(table.c.id, *(table.c[name] for name in named)).where(
        table.c.org_id == org_id, table.c.from_run <= run_id
    )
    found: dict[str, str] = {}
    # Two queries, because each of them can use an index that one query over both could not.
    for versions in (
        query.where(table.c.to_run.is_not(None), table.c.to_run >= run_id).order_by(table.c.from_run),
        query.where(table.c.to_run.is_(None)),
    ):
        for row in connection.execute(versions.where(table.c.id.in_(ids))).mappings():
            record = kind.record(id=row["id"], **{name: row[name] for name in named})
            found[row["id"]] = record.subject
    return found


def role_names(connection: Connection, org_id: int) -> Mapping[str, str | None]:
    """The newest name of every role that was ever seen, by id."""
    query = select(roles.c.id, roles.c.name).where(roles.c.org_id == org_id).order_by(roles.c.from_run)
    return {row[0]: row[1] for row in connection.execute(query)}


def permission_names(connection: Connection, org_id: int) -> tuple[Mapping[str, str | None], frozenset[str]]:
    """The newest name of every permission by id, and the ids of those that Datadog adds to every custom role."""
    query = (
        select(permissions.c.id, permissions.c.name, permissions.c.restricted)
        .where(permissions.c.org_id == org_id)
        .order_by(permissions.c.from_run)
    )
    names: dict[str, str | None] = {}
    restricted: dict[str, bool] = {}
    for one, name, flag in connection.execute(query):
        names[one] = name
        restricted[one] = bool(flag)
    return names, frozenset(one for one, flag in restricted.items() if flag)


def deltas(engine: Engine, org_id: int, run_id: int, only: str | None = None) -> Iterator[Delta]:
    """Everything that differs between the state a run found and the one it left, one difference at a time.

    `only` narrows it to the differences of one subject.
    """
    with translated("the history cannot be compared"), engine.connect() as connection:
        names, restricted = permission_names(connection, org_id)
        for role, became, version in pairs(connection, org_id, run_id, ROLES, only):
            yield from compare_role(role, became, version)
        if ROLES.links is not None:
            for one in link_changes(connection, org_id, run_id, ROLES, ROLES.links, only):
                yield from compare_role_permissions(one.owner, one.subject, one.before, one.after, names, restricted)
        for identity, turned, version in pairs(connection, org_id, run_id, IDENTITIES, only):
            yield from compare_identity(identity, turned, version)
        if IDENTITIES.links is not None:
            named = role_names(connection, org_id)
            for one in link_changes(connection, org_id, run_id, IDENTITIES, IDENTITIES.links, only):
                yield from compare_grants(one.owner, one.subject, one.before, one.after, named)


def baseline_size(engine: Engine, org_id: int, run_id: int) -> int:
    """How many differences `deltas` would tell of a first run, counted without reading them."""
    with translated("the history cannot be counted"), engine.connect() as connection:
        _, restricted = permission_names(connection, org_id)
        total = 0
        for table in (roles, identities, grants):
            query = select(func.count()).select_from(table)
            total += connection.execute(query.where(table.c.org_id == org_id, table.c.from_run == run_id)).scalar_one()
        carried = select(role_permissions.c.permission_id, func.count()).where(
            role_permissions.c.org_id == org_id, role_permissions.c.from_run == run_id
        )
        for permission_id, count in connection.execute(carried.group_by(role_permissions.c.permission_id)):
            total += 0 if permission_id in restricted else count
        return int(total)
