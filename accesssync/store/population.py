"""How many there were of everything at a published run, counted by the database: what a report is held against."""

from collections.abc import Mapping

from msgspec import Struct
from sqlalchemy import Connection, Engine, func, select
from sqlalchemy import Table as SqlTable

from accesssync.model.coverage import Resource
from accesssync.store.engine import translated
from accesssync.store.inventory import Moment, held
from accesssync.store.kinds import ALL
from accesssync.store.tables import credentials, grants, identities


class Population(Struct, frozen=True, kw_only=True):
    """The counts of one organization at one run."""

    records: Mapping[str, int]
    """By resource."""
    grants: int
    people: Mapping[str | None, int]
    """The user records that are no service accounts, by status; None where Datadog gave none."""
    service_accounts: Mapping[str | None, int]
    keys: Mapping[str | None, int]
    """Application keys by the id of their owner."""


def population_at(engine: Engine, moment: Moment) -> Population:
    """Count everything that held at a moment."""
    with translated("the inventory cannot be counted"), engine.connect() as connection:

        def number(table: SqlTable, resource: str | None = None) -> int:
            query = select(func.count()).select_from(table).where(held(table, moment))
            if resource is not None:
                query = query.where(table.c.resource == resource)
            return int(connection.execute(query).scalar_one())

        records = {one.resource.value: number(one.table, one.resource.value if one.shared else None) for one in ALL}
        keys = select(credentials.c.owner_id, func.count()).where(
            held(credentials, moment), credentials.c.resource == Resource.APPLICATION_KEYS.value
        )
        return Population(
            records=records,
            grants=number(grants),
            people=_by_status(connection, moment, service_accounts=False),
            service_accounts=_by_status(connection, moment, service_accounts=True),
            keys={row[0]: row[1] for row in connection.execute(keys.group_by(credentials.c.owner_id))},
        )


def _by_status(connection: Connection, moment: Moment, *, service_accounts: bool) -> dict[str | None, int]:
    machine = identities.c.service_account.is_(True)
    query = (
        select(identities.c.status, func.count())
        .where(held(identities, moment), machine if service_accounts else func.coalesce(machine, False).is_(False))
        .group_by(identities.c.status)
    )
    return {row[0]: row[1] for row in connection.execute(query)}
