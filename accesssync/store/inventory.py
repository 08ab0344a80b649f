"""Who and what an organization held at a published run."""

from collections.abc import Iterator
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, func, or_, select
from sqlalchemy import Table as SqlTable

from accesssync.model.coverage import Resource
from accesssync.model.credential import Credential
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.model.team import Mapping as AuthnMapping
from accesssync.model.team import Membership, Team
from accesssync.nhi.verdict import Classification
from accesssync.store.classifications import classification_of
from accesssync.store.engine import translated
from accesssync.store.kinds import ALL, CREDENTIALS, IDENTITIES, MAPPINGS, MEMBERSHIPS, PERMISSIONS, ROLES, TEAMS
from accesssync.store.tables import (
    activity,
    authn_mappings,
    classifications,
    credentials,
    grants,
    identities,
    memberships,
    oauth_authorizations,
    permissions,
    role_permissions,
    roles,
    runs,
    teams,
)


class Moment(Struct, frozen=True):
    """A published state of one organization: the run, and the UTC day up to which activity is read."""

    org_id: int
    run_id: int
    day: date


class IdentityAt(Struct, frozen=True):
    """An identity as a run had it, with the run that saw it first."""

    identity: Identity
    first_run: int
    since_run: int
    classification: Classification | None = None
    """What the evidence said; None where that was not asked for, or no run has said anything yet."""


class GrantAt(Struct, frozen=True):
    """A grant, with the runs that saw it begin and end."""

    identity_id: str
    role_id: str
    role: str | None
    from_run: int
    to_run: int | None


def held(table: SqlTable, moment: Moment) -> ColumnElement[bool]:
    """The rows of a history table that held at a moment."""
    return and_(
        table.c.org_id == moment.org_id,
        table.c.from_run <= moment.run_id,
        or_(table.c.to_run.is_(None), table.c.to_run > moment.run_id),
    )


def list_identities(
    engine: Engine, moment: Moment, ids: list[str] | None = None, *, classified: bool = False
) -> Iterator[IdentityAt]:
    """User records by e-mail, with their roles and last login. `ids` narrows it to a few."""
    with translated("the identities cannot be read"), engine.connect() as connection:
        links = _links(connection, moment, grants, "identity_id", "role_id", ids)
        table = identities
        query = (
            select(table, activity.c.value.label("last_login"), activity.c.day.label("activity_day"))
            .outerjoin(
                activity,
                and_(
                    activity.c.org_id == table.c.org_id,
                    activity.c.subject_kind == Resource.USERS.value,
                    activity.c.subject_id == table.c.id,
                    activity.c.field == "last_login_at",
                    activity.c.day <= moment.day,
                    or_(activity.c.until_day.is_(None), activity.c.until_day > moment.day),
                ),
            )
            .where(held(table, moment))
            .order_by(table.c.email, table.c.id)
        )
        if ids is not None:
            query = query.where(table.c.id.in_(ids))
        if classified:
            query = _with_classification(query, moment)
        for row in connection.execution_options(yield_per=2_000).execute(query).mappings():
            record = IDENTITIES.from_row(row, tuple(links.get(row["id"], ())))
            if row["activity_day"] is not None:
                record = _with_login(record, row["last_login"])
            found = classification_of(row) if classified and row["computed"] is not None else None
            yield IdentityAt(record, row["first_run"], row["from_run"], found)


def _with_classification(query: Select[Any], moment: Moment) -> Select[Any]:
    table = classifications
    told = [table.c[name] for name in ("computed", "kind", "kind_reason", "score", "basis", "signals", "ruleset")]
    return query.add_columns(*told).outerjoin(table, and_(table.c.id == identities.c.id, held(table, moment)))


def _with_login(record: Identity, value: datetime | None) -> Identity:
    return replace(record, last_login_at=value)


def _called(text: str) -> ColumnElement[bool]:
    """Whose id, e-mail or handle is `text`, or, for a service account, whose name: changes call it by that."""
    lowered = text.lower()
    return or_(
        identities.c.id == text,
        # As it is written, too: SQLite lowers no letters but ASCII's.
        identities.c.email == text,
        identities.c.handle == text,
        func.lower(identities.c.email) == lowered,
        func.lower(identities.c.handle) == lowered,
        and_(identities.c.service_account.is_(True), identities.c.name == text),
    )


def names_of(one: Identity) -> list[str]:
    """What an identity answers to: its id, e-mail and handle, and its name where it is a service account."""
    name = one.name if one.service_account else None
    return [text for text in (one.id, one.email, one.handle, name) if text]


def find_identities(engine: Engine, moment: Moment, text: str, *, classified: bool = False) -> list[IdentityAt]:
    """The identities that are called `text`; letter case counts in ids and in names of service accounts."""
    query = select(identities.c.id).where(
        held(identities, moment),
        _called(text),
    )
    with translated("the identities cannot be read"), engine.connect() as connection:
        ids = list(connection.execute(query.limit(100)).scalars())
    return list(list_identities(engine, moment, ids, classified=classified)) if ids else []


def ever_identities(engine: Engine, org_id: int, run_id: int, text: str) -> list[str]:
    """Ids of identities that ever, up to a run, were called `text`."""
    query = (
        select(identities.c.id)
        .where(
            identities.c.org_id == org_id,
            identities.c.from_run <= run_id,
            _called(text),
        )
        .distinct()
        .order_by(identities.c.id)
    )
    with translated("the identities cannot be read"), engine.connect() as connection:
        return list(connection.execute(query.limit(100)).scalars())


def list_roles(engine: Engine, moment: Moment) -> list[tuple[Role, int]]:
    """Roles by name with their permissions, and the run that saw each first."""
    with translated("the roles cannot be read"), engine.connect() as connection:
        links = _links(connection, moment, role_permissions, "role_id", "permission_id", None)
        query = select(roles).where(held(roles, moment)).order_by(roles.c.name, roles.c.id)
        return [
            (ROLES.from_row(row, tuple(links.get(row["id"], ()))), row["first_run"])
            for row in connection.execute(query).mappings()
        ]


def list_permissions(engine: Engine, moment: Moment) -> list[Permission]:
    """The catalogue of permissions by name."""
    query = select(permissions).where(held(permissions, moment)).order_by(permissions.c.name, permissions.c.id)
    with translated("the permissions cannot be read"), engine.connect() as connection:
        return [PERMISSIONS.from_row(row) for row in connection.execute(query).mappings()]


def list_grants(
    engine: Engine, moment: Moment, *, history: bool = False, identity_id: str | None = None
) -> Iterator[GrantAt]:
    """Grants that held; with `history`, also those that had ended by then."""
    table = grants
    newest = role_names_query(moment).subquery()
    when = held(table, moment)
    if history:
        when = and_(table.c.org_id == moment.org_id, table.c.from_run <= moment.run_id)
    query = (
        select(table.c.identity_id, table.c.role_id, newest.c.name, table.c.from_run, table.c.to_run)
        .outerjoin(newest, newest.c.id == table.c.role_id)
        .where(when)
        .order_by(table.c.identity_id, newest.c.name, table.c.role_id, table.c.from_run)
    )
    if identity_id is not None:
        query = query.where(table.c.identity_id == identity_id)
    with translated("the grants cannot be read"), engine.connect() as connection:
        for row in connection.execution_options(yield_per=5_000).execute(query):
            ended = row[4] if row[4] is not None and row[4] <= moment.run_id else None
            yield GrantAt(row[0], row[1], row[2], row[3], ended)


def emails(engine: Engine, moment: Moment) -> list[tuple[str, str | None]]:
    """The id and the e-mail of everybody, in no order."""
    query = select(identities.c.id, identities.c.email).where(held(identities, moment))
    with translated("the identities cannot be read"), engine.connect() as connection:
        return [(row[0], row[1]) for row in connection.execution_options(yield_per=5_000).execute(query)]


def subjects(engine: Engine, moment: Moment) -> dict[str, str]:
    """What people call every identity seen by a moment, by id; of several names the last."""
    table = identities
    query = (
        select(table.c.id, table.c.email, table.c.name, table.c.service_account)
        .where(table.c.org_id == moment.org_id, table.c.from_run <= moment.run_id)
        .order_by(table.c.from_run)
    )
    with translated("the identities cannot be read"), engine.connect() as connection:
        result = connection.execution_options(yield_per=5_000).execute(query)
        return {
            row[0]: Identity(id=row[0], email=row[1], name=row[2], service_account=row[3]).subject for row in result
        }


def count_holders(engine: Engine, moment: Moment) -> dict[str, int]:
    """How many identities held each role, by its id."""
    query = select(grants.c.role_id, func.count()).where(held(grants, moment)).group_by(grants.c.role_id)
    with translated("the grants cannot be read"), engine.connect() as connection:
        return {row[0]: int(row[1]) for row in connection.execute(query)}


def role_names_query(moment: Moment) -> Any:
    """The last name, up to a moment, of every role seen by then."""
    last = (
        select(roles.c.id, func.max(roles.c.from_run).label("from_run"))
        .where(roles.c.org_id == moment.org_id, roles.c.from_run <= moment.run_id)
        .group_by(roles.c.id)
        .subquery()
    )
    return select(roles.c.id, roles.c.name).join(
        last, and_(roles.c.id == last.c.id, roles.c.from_run == last.c.from_run, roles.c.org_id == moment.org_id)
    )


def role_names(engine: Engine, moment: Moment) -> dict[str, str | None]:
    """The last name, up to a moment, of every role seen by then, by id."""
    with translated("the roles cannot be read"), engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(role_names_query(moment))}


def current_counts(engine: Engine, org_id: int) -> dict[str, int]:
    """How many records of each kind hold now, the writes of a run under way included, as the contract names them."""
    found: dict[str, int] = {}
    with translated("the inventory cannot be counted"), engine.connect() as connection:

        def count(table: SqlTable, *conditions: ColumnElement[bool]) -> int:
            query = select(func.count()).select_from(table)
            return int(
                connection.execute(
                    query.where(table.c.org_id == org_id, table.c.to_run.is_(None), *conditions)
                ).scalar_one()
            )

        for kind in ALL:
            only = (kind.table.c.resource == kind.resource.value,) if kind.shared else ()
            found[kind.resource.value] = count(kind.table, *only)
        found["grants"] = count(grants)
        found["service_accounts"] = count(identities, identities.c.service_account.is_(True))
    return found


def run_times(engine: Engine, org_id: int) -> dict[int, tuple[datetime | None, bool]]:
    """When each run of an organization ended, and whether it was the baseline."""
    query = select(runs.c.id, runs.c.finished_at, runs.c.baseline).where(runs.c.org_id == org_id)
    with translated("the runs cannot be read"), engine.connect() as connection:
        return {row[0]: (row[1], row[2]) for row in connection.execute(query)}


def _links(
    connection: Connection, moment: Moment, table: SqlTable, owner: str, target: str, ids: list[str] | None
) -> dict[str, list[str]]:
    query = select(table.c[owner], table.c[target]).where(held(table, moment)).order_by(table.c[owner], table.c[target])
    if ids is not None:
        query = query.where(table.c[owner].in_(ids))
    found: dict[str, list[str]] = {}
    for one, other in connection.execution_options(yield_per=5_000).execute(query):
        found.setdefault(one, []).append(other)
    return found


class CredentialAt(Struct, frozen=True):
    """A credential as a run had it, with the run that saw it first and the resource that lists it."""

    credential: Credential
    resource: str
    first_run: int


def list_credentials(engine: Engine, moment: Moment) -> Iterator[CredentialAt]:
    """Every credential by type and name, with when it was last used as known on that day."""
    table = credentials
    by_resource = {kind.resource.value: kind for kind in CREDENTIALS}
    with translated("the credentials cannot be read"), engine.connect() as connection:
        users = _links(connection, moment, oauth_authorizations, "client_id", "user_id", None)
        query = (
            select(table, activity.c.value.label("last_used"), activity.c.day.label("activity_day"))
            .outerjoin(
                activity,
                and_(
                    activity.c.org_id == table.c.org_id,
                    activity.c.subject_kind == table.c.resource,
                    activity.c.subject_id == table.c.id,
                    activity.c.field == "last_used_at",
                    activity.c.day <= moment.day,
                    or_(activity.c.until_day.is_(None), activity.c.until_day > moment.day),
                ),
            )
            .where(held(table, moment))
            .order_by(table.c.type, table.c.name, table.c.id)
        )
        for row in connection.execution_options(yield_per=2_000).execute(query).mappings():
            kind = by_resource[row["resource"]]
            record = kind.from_row(row, tuple(users.get(row["id"], ())))
            if row["activity_day"] is not None:
                record = replace(record, last_used_at=row["last_used"])
            yield CredentialAt(record, row["resource"], row["first_run"])


def list_teams(engine: Engine, moment: Moment) -> list[tuple[Team, int]]:
    """Teams by name, with the run that saw each first."""
    with translated("the teams cannot be read"), engine.connect() as connection:
        query = select(teams).where(held(teams, moment)).order_by(teams.c.name, teams.c.id)
        return [(TEAMS.from_row(row), row["first_run"]) for row in connection.execute(query).mappings()]


def list_memberships(engine: Engine, moment: Moment) -> list[tuple[Membership, int]]:
    """Who is in which team, with the run that saw each version begin."""
    with translated("the memberships cannot be read"), engine.connect() as connection:
        query = select(memberships).where(held(memberships, moment)).order_by(memberships.c.id)
        return [(MEMBERSHIPS.from_row(row), row["first_run"]) for row in connection.execute(query).mappings()]


def list_mappings(engine: Engine, moment: Moment) -> list[tuple[AuthnMapping, int]]:
    """SAML mappings by attribute, with the run that saw each first."""
    table = authn_mappings
    with translated("the mappings cannot be read"), engine.connect() as connection:
        query = (
            select(table)
            .where(held(table, moment))
            .order_by(table.c.attribute_key, table.c.attribute_value, table.c.id)
        )
        return [(MAPPINGS.from_row(row), row["first_run"]) for row in connection.execute(query).mappings()]
