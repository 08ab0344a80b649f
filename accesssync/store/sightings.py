"""What the watch saw beyond the published run. Hints that call for a sync; no fact comes of them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import ColumnElement, Engine, delete, insert, or_, select
from sqlalchemy import Table as SqlTable

from accesssync.store.bulk import batches
from accesssync.store.engine import translated
from accesssync.store.lease import writing
from accesssync.store.tables import credentials, grants, orgs, role_permissions, runs, sightings


class Sighting(Struct, frozen=True, kw_only=True):
    """Something new: of which kind, by what id, and in words that hold a stranger's text."""

    kind: str
    id: str
    text: str
    seen_at: datetime


def unconfirmed(engine: Engine, org_id: int) -> list[Sighting]:
    """What was seen since the published run began, oldest first: no sync can have told of it yet."""
    began = (
        select(runs.c.started_at)
        .join(orgs, orgs.c.published_run_id == runs.c.id)
        .where(orgs.c.id == org_id)
        .scalar_subquery()
    )
    query = select(sightings).where(sightings.c.org_id == org_id, sightings.c.seen_at >= began)
    with translated("the sightings cannot be read"), engine.connect() as connection:
        return [
            Sighting(kind=row.kind, id=row.id, text=row.text, seen_at=row.seen_at)
            for row in connection.execute(query.order_by(sightings.c.seen_at, sightings.c.id))
        ]


def record(engine: Engine, org_id: int, seen: Sequence[Sighting]) -> list[Sighting]:
    """Remember what was not seen before; returns that, and forgets what is seen no more."""
    with translated("the sightings cannot be written"), writing(engine) as connection:
        mine = sightings.c.org_id == org_id
        known = {(row.kind, row.id) for row in connection.execute(select(sightings.c.kind, sightings.c.id).where(mine))}
        now = {(one.kind, one.id): one for one in seen}
        for kind, identifier in known - now.keys():
            connection.execute(delete(sightings).where(mine, sightings.c.kind == kind, sightings.c.id == identifier))
        new = [one for key, one in now.items() if key not in known]
        rows = [
            {"org_id": org_id, "kind": one.kind, "id": one.id, "seen_at": one.seen_at, "text": one.text} for one in new
        ]
        if rows:
            connection.execute(insert(sightings), rows)
        return new


def published_holders(engine: Engine, org_id: int, run_id: int, role_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Who holds which of these roles by the published run: (role, identity)."""
    query = select(grants.c.role_id, grants.c.identity_id).where(*_holds(grants, org_id, run_id))
    found: set[tuple[str, str]] = set()
    with translated("the grants cannot be read"), engine.connect() as connection:
        for part in batches(role_ids):
            found.update((row[0], row[1]) for row in connection.execute(query.where(grants.c.role_id.in_(part))))
    return found


def roles_carrying(engine: Engine, org_id: int, run_id: int, permission_ids: Iterable[str]) -> set[str]:
    """The roles that carry any of these permissions by the published run."""
    query = select(role_permissions.c.role_id).where(
        *_holds(role_permissions, org_id, run_id), role_permissions.c.permission_id.in_(list(permission_ids))
    )
    with translated("the roles cannot be read"), engine.connect() as connection:
        return set(connection.execute(query).scalars())


def published_keys(engine: Engine, org_id: int, run_id: int, ids: Sequence[str]) -> set[str]:
    """Which of these credentials the published run knows."""
    query = select(credentials.c.id).where(*_holds(credentials, org_id, run_id))
    found: set[str] = set()
    with translated("the credentials cannot be read"), engine.connect() as connection:
        for part in batches(ids):
            found.update(connection.execute(query.where(credentials.c.id.in_(part))).scalars())
    return found


def _holds(table: SqlTable, org_id: int, run_id: int) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.org_id == org_id,
        table.c.from_run <= run_id,
        or_(table.c.to_run.is_(None), table.c.to_run > run_id),
    )
