"""Read a whole organization at once, as compactly as it can be kept in memory."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from msgspec import UNSET
from sqlalchemy import Connection, Engine, and_, or_, select
from sqlalchemy import Table as SqlTable

from accesssync.findings.picture import Known
from accesssync.model.change import Change
from accesssync.model.coverage import Resource
from accesssync.model.identity import Identity
from accesssync.store.changes import read_changes
from accesssync.store.engine import translated
from accesssync.store.inventory import Moment, held
from accesssync.store.tables import activity, changes, classifications, grants, identities, runs

AT_ONCE = 5_000
"""Rows handed over by the driver at a time."""

_HUMAN = Known("human", None, "inferred")
_UNKNOWN = Known("unknown", None, "inferred")


def read_identities(engine: Engine, moment: Moment) -> Iterator[Identity]:
    """Every user record at a moment with its roles and last login, in no order."""
    one, seen = identities.c, activity.c
    query = (
        select(
            one.id, one.email, one.handle, one.name, one.status, one.disabled, one.verified, one.mfa_enabled,
            one.service_account, one.created_at, seen.day, seen.value, one.title,
        )
        .outerjoin(activity, _active_at(moment, identities, Resource.USERS.value, "last_login_at"))
        .where(held(identities, moment))
    )  # fmt: skip
    with translated("the identities cannot be read"), engine.connect() as connection:
        roles = _roles(connection, moment)
        titles: dict[str, str] = {}
        for row in connection.execution_options(yield_per=AT_ONCE).execute(query):
            email, handle, title = row[1], row[2], row[12]
            yield Identity(
                id=row[0], email=email, handle=email if handle == email else handle, name=row[3], status=row[4],
                disabled=row[5], verified=row[6], mfa_enabled=row[7], service_account=row[8], created_at=row[9],
                role_ids=roles.get(row[0], ()), last_login_at=UNSET if row[10] is None else row[11],
                title=titles.setdefault(title, title) if title else title,
            )  # fmt: skip


def _roles(connection: Connection, moment: Moment) -> dict[str, tuple[str, ...]]:
    """The roles of everybody. Those who hold the same share one tuple."""
    query = select(grants.c.identity_id, grants.c.role_id).where(held(grants, moment)).order_by(grants.c.identity_id)
    names: dict[str, str] = {}
    sets: dict[tuple[str, ...], tuple[str, ...]] = {}
    found: dict[str, tuple[str, ...]] = {}
    for identity_id, role_id in connection.execution_options(yield_per=AT_ONCE).execute(query):
        mine = tuple(sorted((*found.get(identity_id, ()), names.setdefault(role_id, role_id))))
        found[identity_id] = sets.setdefault(mine, mine)
    return found


def _active_at(moment: Moment, table: SqlTable, kind: str, field: str) -> Any:
    seen = activity.c
    return and_(
        seen.org_id == table.c.org_id,
        seen.subject_kind == kind,
        seen.subject_id == table.c.id,
        seen.field == field,
        seen.day <= moment.day,
        or_(seen.until_day.is_(None), seen.until_day > moment.day),
    )


def read_known(engine: Engine, moment: Moment) -> dict[str, Known]:
    """Who everybody was taken for at a moment, before any decision. People share what is said of them."""
    one = classifications.c
    query = select(one.id, one.computed, one.kind, one.basis, one.score, one.kind_reason).where(
        held(classifications, moment)
    )
    plain = {"human": _HUMAN, "unknown": _UNKNOWN}
    found: dict[str, Known] = {}
    with translated("the classifications cannot be read"), engine.connect() as connection:
        for row in connection.execution_options(yield_per=AT_ONCE).execute(query):
            found[row[0]] = plain.get(row[1]) or Known(row[1], row[2], row[3], row[4], row[5])
    return found


def read_recent_changes(engine: Engine, org: str, moment: Moment, since: datetime, kinds: list[str]) -> list[Change]:
    """The changes of some kinds that published runs saw since a time, oldest first."""
    recent = runs.c.org_id == moment.org_id, runs.c.id <= moment.run_id, runs.c.finished_at >= since
    query = (
        select(changes)
        .where(
            changes.c.org_id == moment.org_id,
            changes.c.run_id.in_(select(runs.c.id).where(*recent, runs.c.undone.is_(False))),
            changes.c.observed_before >= since,
            changes.c.kind.in_(kinds),
            changes.c.cause == "org",
        )
        .order_by(changes.c.run_id, changes.c.seq)
    )
    with translated("the changes cannot be read"), engine.connect() as connection:
        return list(read_changes(connection, query, org))
