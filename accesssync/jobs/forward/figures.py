"""Send the figures of an organization as metrics: those of now and no others, past the outbox and its patience."""

from collections.abc import Callable, Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from accesssync.errors import AccessSyncError, ConfigurationError
from accesssync.forward.metrics import StreamFigures, payloads, series
from accesssync.jobs.forward.deliver import Turn
from accesssync.jobs.forward.metrics import org_figures
from accesssync.jobs.opening import written_rules
from accesssync.model.delivery import Delivered, Later, Refused, Stopped
from accesssync.model.operation import Operation
from accesssync.settings import Publishing, Settings
from accesssync.store import runs
from accesssync.store.engine import Database

METRICS, DATADOG = "metrics", "datadog"


def send_figures(
    engine: Database,
    settings: Settings,
    publishing: Publishing,
    intake: Callable[[], Any],
    standings: Callable[[], Mapping[str, StreamFigures]],
    clock: Callable[[], datetime],
) -> Turn:
    """Send them once; `delivered` counts series. What does not get through is not kept: the next figures are newer.

    `intake` opens the connection, `standings` says how the streams stand.
    """
    turn = Turn(org=publishing.org, stream=METRICS, route=DATADOG)
    if Operation.SEND_METRIC not in publishing.allowed:
        turn.state = "not_allowed"
        turn.error = f"{Operation.SEND_METRIC} is not allowed, so metrics are not sent"
        turn.remedy = f"to allow it, add {Operation.SEND_METRIC} to {publishing.setting}"
        return turn
    org = runs.find_org(engine, publishing.org)
    if org is None:
        return turn
    try:
        opened = intake()
    except ConfigurationError as error:
        turn.state, turn.error, turn.remedy = "stopped", error.message, error.remedy
        return turn
    figures = org_figures(engine, org, clock(), tiers=_tiers(settings, org.name), streams=standings())
    for piece in payloads(series([figures], env=settings.forward_env), clock()):
        outcome = opened.series.send(piece)
        if not isinstance(outcome, Delivered):
            _failed(turn, outcome)
            return turn
        turn.delivered += len(piece)
        turn.batches += 1
    return turn


def _failed(turn: Turn, outcome: Later | Refused | Stopped) -> None:
    turn.state = "later" if isinstance(outcome, Later) else "stopped"
    turn.error, turn.status = outcome.reason, outcome.status
    turn.remedy = (outcome.remedy if isinstance(outcome, Stopped) else None) or "the next figures are sent instead"


def _tiers(settings: Settings, org: str) -> Mapping[str, str] | None:
    """The organization's own tiers; the usual ones while its files have a fault, which others complain about."""
    try:
        rules = written_rules(settings)
    except AccessSyncError:
        return None
    return rules.policy.of(org).tiers if rules is not None else None


def by_stream(standings: Any) -> dict[str, StreamFigures]:
    """How the streams stand, over all their destinations: what waits anywhere counts once."""
    found: dict[str, StreamFigures] = {}
    for name, group in groupby(sorted(standings, key=lambda one: str(one.stream)), key=lambda one: str(one.stream)):
        ways = list(group)
        found[name] = StreamFigures(
            backlog=max(one.waiting for one in ways),
            delivered=sum(one.delivered for one in ways),
            dropped=sum(one.dropped for one in ways),
            dead=sum(one.dead + one.lost for one in ways),
        )
    return found
