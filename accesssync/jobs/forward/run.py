"""Deliver everything that waits, one organization after the other, and say how it stands."""

import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from random import Random
from socket import gethostname
from typing import Any, BinaryIO

from msgspec import Struct

from accesssync.forward.destination import Route
from accesssync.forward.entry import Stream
from accesssync.forward.records import Sender
from accesssync.jobs.forward.dead_letters import DeadLetters
from accesssync.jobs.forward.deliver import Delivery, Patience, Turn, World
from accesssync.jobs.forward.destinations import names_of
from accesssync.jobs.forward.figures import by_stream, send_figures
from accesssync.jobs.forward.routes import Closed, Opening, open_routes
from accesssync.jobs.forward.sources import AuditSource, OutboxSource, Source
from accesssync.jobs.forward.tell import telling_of
from accesssync.settings import OrgSettings, Settings
from accesssync.store import outbox, runs
from accesssync.store.engine import Database
from accesssync.store.outbox import Way


class Connecting(Struct, frozen=True, kw_only=True):
    """What the ways of delivery need beside the settings."""

    sleep: Callable[[float], None]
    monotonic: Callable[[], float]
    rng: Random
    on_answer: Callable[[str, int], None] = lambda _org, _status: None
    output: BinaryIO | None = None
    """What counts as standard output; None for the process's own."""


class Standing(Struct, frozen=True, kw_only=True):
    """How one way stands. Times are in UTC; `state` is new, ok, later or stopped; off where no setting asks for it."""

    org: str
    stream: str
    route: str
    state: str
    waiting: int
    oldest: datetime | None
    delivered: int
    dead: int
    lost: int
    dropped: int
    delivered_at: datetime | None
    tried_at: datetime | None
    not_before: datetime | None
    error: str | None


def deliver_all(
    engine: Database,
    settings: Settings,
    names: Sequence[str],
    connecting: Connecting,
    world: World,
    *,
    drain: bool = False,
    patient: bool = False,
) -> Iterator[Turn]:
    """Deliver the streams of these organizations, and their metrics, as far as they are on and allowed; what fails is
    part of the answer.

    `drain` goes on until nothing waits or nothing can be delivered; `patient` leaves a way alone that failed lately, as
    the worker does. An organization that was never synced has nothing to deliver.
    """
    for org in settings.organizations(names):
        record = runs.find_org(engine, org.name)
        if record is not None and (settings.forward_streams or settings.forward_metrics):
            yield from _deliver_org(engine, settings, org, record.id, connecting, world, drain=drain, patient=patient)


def _deliver_org(
    engine: Database,
    settings: Settings,
    org: OrgSettings,
    org_id: int,
    connecting: Connecting,
    world: World,
    *,
    drain: bool,
    patient: bool,
) -> Iterator[Turn]:
    opened: list[Any] = []
    letters = DeadLetters(settings.dead_letter_file(), settings.forward_dead_letter_bytes)
    patience = Patience(attempts=settings.max_attempts, wait=settings.max_rate_limit_wait, drain=drain)
    opening = _opening(settings, org, connecting, world, opened)
    try:
        for way in open_routes(opening):
            source = source_of(engine, settings, org, org_id, way.stream)
            dropped = trim(source, settings, way.stream, world.clock())
            if isinstance(way, Closed):
                turn = _closed(engine, org, org_id, way, source, world.clock(), _max_age(settings))
            else:
                if patient and _too_soon(engine, org_id, way, world.clock()):
                    continue
                routes = names_of(settings, way.stream)
                delivery = Delivery(engine, org_id, way, source, routes, letters, patience, world)
                turn = delivery.carry_out(_max_age(settings))
            turn.dropped = dropped
            yield turn
        if settings.forward_metrics:
            # Last, so that they tell what became of the others.
            yield send_figures(
                engine,
                settings,
                opening.publishing,
                opening.intake,
                lambda: by_stream(standings(engine, settings, [org.name], world.clock())),
                world.clock,
            )
    finally:
        for intake in opened:
            intake.close()


def _opening(settings: Settings, org: OrgSettings, connecting: Connecting, world: World, opened: list[Any]) -> Opening:
    publishing = settings.publishing(org)
    host = settings.forward_host or gethostname() or "accesssync"

    @cache
    def intake() -> Any:
        from accesssync.jobs.opening import open_publishing

        opened.append(
            open_publishing(
                settings,
                publishing,
                sleep=connecting.sleep,
                monotonic=connecting.monotonic,
                rng=connecting.rng,
                on_answer=lambda status: connecting.on_answer(org.name, status),
            )
        )
        return opened[-1]

    return Opening(
        settings=settings,
        org=org,
        publishing=publishing,
        sender=Sender(settings.forward_service, host, settings.forward_env),
        intake=intake,
        output=connecting.output or sys.stdout.buffer,
        seconds=lambda: world.clock().timestamp(),
    )


def source_of(engine: Database, settings: Settings, org: OrgSettings, org_id: int, stream: Stream) -> Source:
    """Where the entries of a stream come from."""
    if stream is Stream.AUDIT:
        return AuditSource(engine, telling_of(settings, org).about, org_id)
    return OutboxSource(engine, org.name, org_id, stream)


def trim(source: Source, settings: Settings, stream: Stream, now: datetime) -> int:
    """Drop what is too old or too much of a stream; how many entries that were."""
    return source.trim(names_of(settings, stream), now - _max_age(settings), settings.forward_max_entries, now)


def _max_age(settings: Settings) -> timedelta:
    return timedelta(days=settings.forward_max_age)


def _too_soon(engine: Database, org_id: int, route: Route, now: datetime) -> bool:
    known = outbox.find_delivery(engine, Way(org_id, route.stream.value, route.name))
    return known is not None and known.not_before is not None and known.not_before > now


def _closed(
    engine: Database, org: OrgSettings, org_id: int, closed: Closed, source: Source, now: datetime, max_age: timedelta
) -> Turn:
    """A way that is not open: its entries wait, and whoever looks is told why."""
    way = Way(org_id, closed.stream.value, closed.route)
    known = outbox.ensure_delivery(engine, way, source.start(now - max_age))
    left = source.waiting(known.after_seq)
    if known.error != closed.reason:
        outbox.note(engine, way, "stopped", closed.reason, now)
    return Turn(
        org=org.name,
        stream=way.stream,
        route=way.route,
        state="not_allowed" if closed.needs else "stopped",
        waiting=left.waiting,
        oldest=left.oldest,
        error=closed.reason,
        remedy=closed.remedy,
    )


def standings(engine: Database, settings: Settings, names: Sequence[str], now: datetime) -> list[Standing]:
    """How every way stands that the settings ask for, or on which something was delivered before. Only reads."""
    found: list[Standing] = []
    for org in settings.organizations(names):
        record = runs.find_org(engine, org.name)
        if record is None:
            continue
        known = {(one.stream, one.route): one for one in outbox.list_deliveries(engine, record.id)}
        asked = {(stream.value, route) for stream in Stream for route in names_of(settings, stream)}
        for stream, route in sorted(asked | set(known)):
            source = source_of(engine, settings, org, record.id, Stream(stream))
            one = known.get((stream, route))
            after = one.after_seq if one is not None else source.start(now - _max_age(settings))
            left = source.waiting(after) if (stream, route) in asked else outbox.Backlog(0, None)
            found.append(
                Standing(
                    org=org.name,
                    stream=stream,
                    route=route,
                    state=(one.state if one is not None else "new") if (stream, route) in asked else "off",
                    waiting=left.waiting,
                    oldest=left.oldest,
                    delivered=one.delivered if one is not None else 0,
                    dead=one.dead if one is not None else 0,
                    lost=one.lost if one is not None else 0,
                    dropped=one.dropped if one is not None else 0,
                    delivered_at=one.delivered_at if one is not None else None,
                    tried_at=one.tried_at if one is not None else None,
                    not_before=one.not_before if one is not None else None,
                    error=one.error if one is not None else None,
                )
            )
    return found
