"""Who and what there is, counted by the database: a few numbers, however many records stand behind them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Engine, and_, case, func, literal, literal_column, or_, select
from sqlalchemy import Table as SqlTable

from accesssync.store.bulk import batches
from accesssync.store.engine import translated
from accesssync.store.inventory import Moment, held
from accesssync.store.tables import classifications, credentials, findings, grants, identities, role_permissions, roles

Ages = Mapping[str, int | None]
"""Buckets by name, the youngest first: each ends below so many days, the last one never."""


class Standing(Struct, frozen=True):
    """What the evidence says an identity is, what Datadog calls its status, and whether it is privileged."""

    kind: str
    status: str
    privileged: bool


def carried_by(engine: Engine, moment: Moment, name: str) -> tuple[str, ...]:
    """The ids of the permissions that roles of a name carry."""
    query = (
        select(role_permissions.c.permission_id)
        .join(roles, and_(roles.c.id == role_permissions.c.role_id, held(roles, moment)))
        .where(held(role_permissions, moment), roles.c.name == name)
    )
    with translated("the roles cannot be read"), engine.connect() as connection:
        return tuple(sorted(set(connection.execute(query).scalars())))


def count_standings(engine: Engine, moment: Moment, permissions: Collection[str]) -> dict[Standing, int]:
    """How many identities there are of each kind and status, with and without a role that carries one of these.

    Disabled ones count as holding nothing.
    """
    standing = _standing(moment, permissions)
    query = select(*standing, func.count()).select_from(_classified(moment)).where(held(identities, moment))
    with translated("the identities cannot be counted"), engine.connect() as connection:
        return {Standing(row[0], row[1], bool(row[2])): int(row[3]) for row in connection.execute(_by(query, standing))}


def standings_of(
    engine: Engine, moment: Moment, permissions: Collection[str], ids: Sequence[str]
) -> dict[str, Standing]:
    """The same of a few identities, one by one."""
    query = (
        select(identities.c.id, *_standing(moment, permissions))
        .select_from(_classified(moment))
        .where(held(identities, moment))
    )
    found: dict[str, Standing] = {}
    with translated("the identities cannot be counted"), engine.connect() as connection:
        for batch in batches(ids):
            for row in connection.execute(query.where(identities.c.id.in_(batch))):
                found[row[0]] = Standing(row[1], row[2], bool(row[3]))
    return found


def _standing(moment: Moment, permissions: Collection[str]) -> tuple[ColumnElement[Any], ...]:
    one = identities.c
    kind = func.coalesce(classifications.c.computed, case((one.service_account.is_(True), "nhi"), else_="unknown"))
    status = func.lower(one.status)
    disabled = or_(one.disabled.is_(True), func.coalesce(status, "") == "disabled")
    named = case(
        (disabled, "disabled"), (status.in_(("active", "pending")), status), (status.is_(None), "unknown"),
        else_="other",
    )  # fmt: skip
    if not permissions:
        return kind, named, literal(0)
    carrying = select(role_permissions.c.role_id).where(
        held(role_permissions, moment), role_permissions.c.permission_id.in_(sorted(permissions))
    )
    holding = select(grants.c.identity_id).where(held(grants, moment), grants.c.role_id.in_(carrying))
    return kind, named, case((and_(~disabled, one.id.in_(holding)), 1), else_=0)


def _classified(moment: Moment) -> Any:
    there = and_(classifications.c.id == identities.c.id, held(classifications, moment))
    return identities.outerjoin(classifications, there)


def count_findings(engine: Engine, org_id: int, at: datetime, ages: Ages) -> dict[tuple[str, str], int]:
    """How many findings are open by severity and by the age since they were opened or opened again."""
    one = findings.c
    lapsed = and_(one.status == "waived", one.waived_until < at.date())
    age = _age(func.coalesce(one.reopened_at, one.opened_at), at, ages)
    query = select(one.severity, age, func.count()).where(
        one.org_id == org_id, or_(one.status == "open", lapsed)
    )  # fmt: skip
    with translated("the findings cannot be counted"), engine.connect() as connection:
        return _pairs(connection, _by(query, (one.severity, age)))


def count_credentials(
    engine: Engine, moment: Moment, at: datetime, ages: Ages, unknown: str
) -> dict[tuple[str, str], int]:
    """How many credentials there are by type and age; those of which nobody says when they were made are `unknown`."""
    one: SqlTable = credentials
    age = case((one.c.created_at.is_(None), unknown), else_=_age(one.c.created_at, at, ages))
    query = select(one.c.type, age, func.count()).where(held(one, moment))
    with translated("the credentials cannot be counted"), engine.connect() as connection:
        return _pairs(connection, _by(query, (one.c.type, age)))


def _age(column: Any, at: datetime, ages: Ages) -> Any:
    youngest = [(column > at - timedelta(days=days), name) for name, days in ages.items() if days is not None]
    [oldest] = [name for name, days in ages.items() if days is None]
    return case(*youngest, else_=oldest)


def _by(query: Any, columns: Sequence[Any]) -> Any:
    # By position: two drivers disagree about whether an expression with parameters is the same one twice.
    return query.group_by(*(literal_column(str(number)) for number in range(1, len(columns) + 1)))


def _pairs(connection: Connection, query: Any) -> dict[tuple[str, str], int]:
    return {(row[0], row[1]): int(row[2]) for row in connection.execute(query)}
