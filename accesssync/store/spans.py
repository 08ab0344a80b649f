"""History as spans of runs: the rows whose stretch overlaps a range, each read once and none reconstructed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal

from msgspec import Struct
from sqlalchemy import ColumnElement, Engine, and_, func, or_, select
from sqlalchemy import Table as SqlTable

from accesssync.drift.compare import R
from accesssync.model.coverage import Resource
from accesssync.model.identity import Identity
from accesssync.reach.access import can_act
from accesssync.reports.period.history import Link, Stay, Version
from accesssync.reports.period.machines import Labels, Told
from accesssync.reports.period.operation import Look
from accesssync.reports.period.spans import OPEN
from accesssync.store.bulk import batches
from accesssync.store.engine import translated
from accesssync.store.inventory import Moment, held
from accesssync.store.kinds import Kind, Links
from accesssync.store.tables import classifications, coverages, decisions, explanations, governed, identities, runs

AT_ONCE = 5_000
"""Rows handed over by the driver at a time."""

Part = Literal["overlapping", "touched", "apart"]
"""Which rows of a range: all that held at any run of it; those that began or ended in it; or those that held at one of
its ends and not at the other."""


class Range(Struct, frozen=True):
    """The runs of one organization from `first`, with its state, to `last`."""

    org_id: int
    first: int
    last: int


def _in(table: SqlTable, within: Range, part: Part) -> ColumnElement[bool]:
    mine, began, ended = table.c.org_id == within.org_id, table.c.from_run, table.c.to_run
    if part == "overlapping":
        return and_(mine, began <= within.last, or_(ended.is_(None), ended > within.first))
    if part == "touched":
        return and_(
            mine,
            began <= within.last,
            or_(ended.is_(None), ended > within.first),
            or_(began > within.first, and_(ended.is_not(None), ended <= within.last)),
        )
    at_first = and_(began <= within.first, or_(ended.is_(None), ended > within.first))
    at_last = and_(began <= within.last, or_(ended.is_(None), ended > within.last))
    return and_(
        mine,
        or_(
            and_(at_first, ended.is_not(None), ended <= within.last),
            and_(at_last, began > within.first),
        ),
    )


def _end(to_run: int | None, last: int) -> int:
    """Where a row ends, as readers of a run see it: what later runs end is open."""
    return OPEN if to_run is None or to_run > last else to_run


def versions(engine: Engine, kind: Kind[R], within: Range, part: Part) -> Iterator[Version[R]]:
    """Versions of records, their references left out, by id and run."""
    table = kind.table
    query = (
        select(table).where(_in(table, within, part), kind.mine(within.org_id)).order_by(table.c.id, table.c.from_run)
    )
    with translated("the history cannot be read"), engine.connect() as connection:
        for row in connection.execution_options(yield_per=AT_ONCE).execute(query).mappings():
            yield Version(kind.from_row(row), row["from_run"], _end(row["to_run"], within.last))


def links(
    engine: Engine, kind: Links, within: Range, part: Part = "overlapping", *, owners: Sequence[str] | None = None,
    targets: Sequence[str] | None = None,
) -> Iterator[Link]:  # fmt: skip
    """Links, each time they held, by owner, target and run. `owners` or `targets` narrow them to those of a few."""
    table = kind.table
    owner, target = table.c[kind.owner], table.c[kind.target]
    query = (
        select(owner, target, table.c.from_run, table.c.to_run)
        .where(_in(table, within, part))
        .order_by(owner, target, table.c.from_run)
    )
    parts = [query]
    if owners is not None:
        parts = [query.where(owner.in_(batch)) for batch in batches(sorted(owners))]
    elif targets is not None:
        parts = [query.where(target.in_(batch)) for batch in batches(sorted(targets))]
    texts: dict[str, str] = {}
    with translated("the history cannot be read"), engine.connect() as connection:
        for one in parts:
            for row in connection.execution_options(yield_per=AT_ONCE).execute(one):
                yield Link(row[0], texts.setdefault(row[1], row[1]), row[2], _end(row[3], within.last))


def stays(engine: Engine, org_id: int, last: int) -> dict[str, tuple[Stay, ...]]:
    """When everybody was listed and able to act, from the first run to another. Who stayed alike shares one answer."""
    one = identities.c
    query = (
        select(one.id, one.from_run, one.to_run, one.disabled, one.status, one.service_account)
        .where(one.org_id == org_id, one.from_run <= last)
        .order_by(one.id, one.from_run)
    )
    shared: dict[tuple[Stay, ...], tuple[Stay, ...]] = {}
    known: dict[tuple[int, int, bool, bool], Stay] = {}
    acts: dict[tuple[bool | None, str | None], bool] = {}
    found: dict[str, tuple[Stay, ...]] = {}
    with translated("the identities cannot be read"), engine.connect() as connection:
        for row in connection.execution_options(yield_per=AT_ONCE).execute(query):
            able = acts.get(row[3:5])
            if able is None:
                able = acts[row[3:5]] = can_act(Identity(id="", disabled=row[3], status=row[4]))
            facts = row[1], _end(row[2], last), able, bool(row[5])
            stay = known.get(facts) or known.setdefault(facts, Stay(*facts))
            mine = (*found.get(row[0], ()), stay)
            found[row[0]] = shared.setdefault(mine, mine)
    return found


def labels(engine: Engine, org_id: int, last: int) -> Labels:
    """What everybody was taken for up to a run. Those of whom the same was said share one answer."""
    one = classifications.c
    query = select(one.id, one.computed, one.from_run, one.to_run).where(one.org_id == org_id, one.from_run <= last)
    shared: dict[Told, Told] = {}
    computed: dict[str, Told] = {}
    decided: dict[str, tuple[tuple[datetime, str], ...]] = {}
    declared: dict[str, Told] = {}
    with translated("the classifications cannot be read"), engine.connect() as connection:
        for row in connection.execution_options(yield_per=AT_ONCE).execute(query.order_by(one.id, one.from_run)):
            told = (*computed.get(row[0], ()), ((row[2], _end(row[3], last)), row[1]))
            computed[row[0]] = shared.setdefault(told, told)
        entered = select(decisions.c.identity_id, decisions.c.decided_at, decisions.c.label).order_by(decisions.c.id)
        for who, at, label in connection.execute(entered.where(decisions.c.org_id == org_id)):
            decided[who] = (*decided.get(who, ()), (at, label))
        said = select(governed.c.id, governed.c.from_run, governed.c.to_run, governed.c.label).where(
            governed.c.org_id == org_id,
            governed.c.from_run <= last,
            governed.c.resource == Resource.USERS.value,
            governed.c.label.is_not(None),
        )
        for who, began, ended, label in connection.execute(said.order_by(governed.c.from_run)):
            declared[who] = (*declared.get(who, ()), ((began, _end(ended, last)), label))
    return Labels(computed, decided, declared)


def looks(engine: Engine, org_id: int, start: datetime, end: datetime) -> Iterator[Look]:
    """What came of every resource in the runs that began from one time to another, oldest first."""
    one = coverages.c
    query = (
        select(one.run_id, one.resource, one.state, one.finished_at)
        .join(runs, runs.c.id == one.run_id)
        .where(one.org_id == org_id, runs.c.started_at >= start, runs.c.started_at <= end)
        .order_by(one.run_id, one.resource)
    )
    with translated("the coverage cannot be read"), engine.connect() as connection:
        for row in connection.execution_options(yield_per=AT_ONCE).execute(query):
            yield Look(row[0], row[1], row[2], row[3])


def ticketed(engine: Engine, org_id: int) -> frozenset[str]:
    """The ids of the changes that people explained."""
    query = select(explanations.c.change_id).where(explanations.c.org_id == org_id).distinct()
    with translated("the explanations cannot be read"), engine.connect() as connection:
        return frozenset(connection.execute(query).scalars())


def count_held(engine: Engine, table: SqlTable, moment: Moment) -> int:
    """How many rows of a table held at a moment."""
    with translated("the history cannot be counted"), engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table).where(held(table, moment))).scalar_one())


def last_named(engine: Engine, table: SqlTable, org_id: int, last: int) -> dict[str, Any]:
    """The last name of every record that a table ever had up to a run, by id."""
    query = select(table.c.id, table.c.name).where(table.c.org_id == org_id, table.c.from_run <= last)
    with translated("the names cannot be read"), engine.connect() as connection:
        rows = connection.execution_options(yield_per=AT_ONCE).execute(query.order_by(table.c.from_run))
        return {row[0]: row[1] for row in rows}


def last_seen(engine: Engine, org_id: int, last: int) -> Iterator[tuple[str, str | None, str | None, bool]]:
    """Id, e-mail, name and whether a service account, of identities that had gone by a run; of several the last."""
    one = identities.c
    query = (
        select(one.id, one.email, one.name, one.service_account)
        .where(one.org_id == org_id, one.to_run.is_not(None), one.to_run <= last)
        .order_by(one.from_run)
    )
    with translated("the identities cannot be read"), engine.connect() as connection:
        for row in connection.execution_options(yield_per=AT_ONCE).execute(query):
            yield row[0], row[1], row[2], bool(row[3])


def last_labels(engine: Engine, org_id: int, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """What the evidence said last of a few identities, and on what ground."""
    one = classifications.c
    found: dict[str, tuple[str, str]] = {}
    with translated("the classifications cannot be read"), engine.connect() as connection:
        for batch in batches(ids):
            query = select(one.id, one.computed, one.basis).where(one.org_id == org_id, one.id.in_(batch))
            for row in connection.execute(query.order_by(one.from_run)):
                found[row[0]] = row[1], row[2]
    return found
