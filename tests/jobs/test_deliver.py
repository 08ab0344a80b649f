"""Delivery: in order, at least once, past poison, and never at the expense of anything else."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from accesssync.forward.destination import LOG_INTAKE, Limits, Route
from accesssync.forward.entry import Entry, Stream
from accesssync.forward.records import Sender, log_of
from accesssync.jobs.forward.dead_letters import DeadLetters
from accesssync.jobs.forward.deliver import MOST_DEAD, Delivery, Patience, Turn, World
from accesssync.jobs.forward.sources import OutboxSource
from accesssync.model.delivery import Delivered, Later, Outcome, Refused, Stopped
from accesssync.store import outbox
from accesssync.store.lease import alone, writing
from accesssync.store.outbox import Queued, Way
from accesssync.store.runs import ensure_org
from tests.builders import NOW, Clock

WAY = Way(1, "alerts", "datadog")
SENDER = Sender("accesssync", "host", "test")
FORTNIGHT = timedelta(days=14)


class Killed(BaseException):
    """The process ends here."""


class Intake:
    """Takes batches as the test has it answer; remembers what arrived."""

    def __init__(self, answer: Callable[[list[dict[str, Any]]], Outcome | BaseException] | None = None) -> None:
        self.answer = answer or (lambda _records: Delivered())
        self.arrived: list[dict[str, Any]] = []
        self.requests = 0

    def send(self, records: Sequence[bytes]) -> Outcome:
        self.requests += 1
        read = [json.loads(record) for record in records]
        outcome = self.answer(read)
        if isinstance(outcome, BaseException):
            raise outcome
        if isinstance(outcome, Delivered):
            self.arrived += read
        return outcome

    @property
    def ids(self) -> list[str]:
        return [one["dedup_id"] for one in self.arrived]


class Post:
    """One way from one database to one intake."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self.engine = engine
        self.clock = Clock()
        self.letters = DeadLetters(folder / "dead" / "letters.ndjson", 1_000_000)
        self.slept: list[float] = []
        self.limits = LOG_INTAKE
        self.patience = Patience(attempts=3, wait=100)

    def queue(self, *numbers: int, **more: Any) -> None:
        some = [
            Queued(
                stream="alerts",
                dedup_id=f"d-{one}",
                severity=1,
                observed_at=self.clock.time,
                body=json.dumps({"message": f"m {one}", **more}),
            )
            for one in numbers
        ]
        with writing(self.engine) as connection:
            outbox.queue(connection, 1, some, self.clock.time)

    def deliver(self, intake: Intake, check: Callable[[], None] = lambda: None, route: str = "datadog") -> Turn:
        def prepare(entry: Entry, at: datetime) -> bytes:
            return log_of(entry, at, SENDER)

        way = Route(
            name=route, stream=Stream.ALERTS, org="acme", limits=self.limits, prepare=prepare, destination=intake
        )
        world = World(
            clock=self.clock,
            sleep=self.slept.append,
            rng=Random(1),  # noqa: S311
            check=check,
            on_progress=lambda _what, _done, _of: None,
        )
        source = OutboxSource(self.engine, "acme", 1, Stream.ALERTS)
        delivery = Delivery(self.engine, 1, way, source, ["datadog"], self.letters, self.patience, world)
        return delivery.carry_out(FORTNIGHT)

    @property
    def dead(self) -> list[dict[str, Any]]:
        if not self.letters.path.exists():
            return []
        return [json.loads(line) for line in self.letters.path.read_text().splitlines()]


@pytest.fixture
def post(engine: Engine, tmp_path: Path) -> Post:
    ensure_org(engine, "acme", "datadoghq.eu", NOW)
    return Post(engine, tmp_path)


def ids(*numbers: int) -> list[str]:
    return [f"d-{one}" for one in numbers]


def test_everything_arrives_in_order_and_is_forgotten(post: Post) -> None:
    post.limits = Limits(records=7, bytes=10_000, record_bytes=5_000)
    post.queue(*range(30))
    intake = Intake()
    turn = post.deliver(intake)
    assert intake.ids == ids(*range(30))
    assert (turn.state, turn.delivered, turn.waiting, intake.requests) == ("ok", 30, 0, 5)
    assert outbox.backlog(post.engine, 1, "alerts", 0).waiting == 0
    assert post.deliver(intake).delivered == 0


@pytest.mark.parametrize("poison", [[0], [29], [3, 4, 5], [0, 10, 29]])
def test_poison_is_found_and_put_aside_and_the_rest_arrives(post: Post, poison: list[int]) -> None:
    bad = set(ids(*poison))
    post.queue(*range(30))

    def answer(records: list[dict[str, Any]]) -> Outcome:
        return Refused("bad", 400) if bad & {one["dedup_id"] for one in records} else Delivered()

    intake = Intake(answer)
    turn = post.deliver(intake)
    assert intake.ids == [one for one in ids(*range(30)) if one not in bad]
    assert [one["dedup_id"] for one in post.dead] == ids(*poison)
    assert (turn.state, turn.delivered, turn.dead, turn.waiting) == ("ok", 30 - len(bad), len(bad), 0)
    assert post.dead[0]["reason"] == "bad"
    assert post.dead[0]["body"]["message"] == f"m {poison[0]}"
    assert post.letters.path.stat().st_mode & 0o777 == 0o600


def test_what_is_too_large_for_anybody_is_put_aside_without_asking(post: Post) -> None:
    post.limits = Limits(records=10, bytes=5_000, record_bytes=1_000)
    post.queue(1)
    post.queue(2, text="x" * 2_000)
    post.queue(3)
    intake = Intake()
    turn = post.deliver(intake)
    assert intake.ids == ids(1, 3)
    assert turn.dead == 1
    assert "more than datadog takes" in post.dead[0]["reason"]


def test_a_destination_that_refuses_everything_does_not_empty_the_outbox(post: Post) -> None:
    post.queue(*range(500))
    turn = post.deliver(Intake(lambda _records: Refused("no", 400)))
    assert (turn.state, turn.dead, turn.waiting) == ("stopped", MOST_DEAD, 500 - MOST_DEAD)
    assert turn.error is not None
    assert "refused one by one" in turn.error


def test_where_the_dead_letter_file_is_full_the_loss_is_counted(post: Post) -> None:
    post.letters = DeadLetters(post.letters.path, 500)
    post.queue(*range(4))
    turn = post.deliver(Intake(lambda _records: Refused("no", 400)))
    assert turn.dead == len(post.dead) > 0
    assert turn.dead + turn.lost == 4
    assert post.letters.path.stat().st_size <= 500
    known = outbox.ensure_delivery(post.engine, WAY)
    assert (known.dead, known.lost) == (turn.dead, turn.lost)


def test_a_dead_letter_is_never_written_where_a_link_leads(post: Post, tmp_path: Path) -> None:
    target = tmp_path / "target"
    post.letters.path.parent.mkdir()
    post.letters.path.symlink_to(target)
    post.queue(1)
    turn = post.deliver(Intake(lambda _records: Refused("no", 400)))
    assert (turn.state, turn.waiting, turn.dead, turn.lost) == ("stopped", 1, 0, 0)
    assert turn.error is not None
    assert "dead-letter file" in turn.error
    assert not target.exists()


def test_a_wait_that_is_asked_for_is_kept_and_then_it_goes_on(post: Post) -> None:
    answers: list[Outcome] = [Later("slow down", 7.0, 429), Later("503", None, 503), Delivered()]
    post.queue(1)
    intake = Intake(lambda _records: answers.pop(0))
    assert post.deliver(intake).state == "ok"
    assert post.slept[0] == 7.0
    assert 0 <= post.slept[1] <= 1.0
    assert intake.ids == ids(1)


def test_patience_ends_and_everything_waits_for_the_next_turn(post: Post) -> None:
    post.queue(1, 2)
    turn = post.deliver(Intake(lambda _records: Later("no answer")))
    assert (turn.state, turn.waiting, turn.error) == ("later", 2, "no answer")
    known = outbox.ensure_delivery(post.engine, WAY)
    assert (known.state, known.failures, known.error) == ("later", 1, "no answer")
    assert known.not_before is not None
    post.deliver(Intake(lambda _records: Later("no answer")))
    longer = outbox.ensure_delivery(post.engine, WAY)
    assert longer.failures == 2
    intake = Intake()
    assert post.deliver(intake).state == "ok"
    healed = outbox.ensure_delivery(post.engine, WAY)
    assert (healed.state, healed.failures, healed.error, healed.not_before) == ("ok", 0, None, None)
    assert intake.ids == ids(1, 2)


def test_keys_that_are_refused_stop_a_stream_and_keep_its_entries(post: Post) -> None:
    post.queue(1, 2)
    intake = Intake(lambda _records: Stopped("HTTP 403", "check the API key", 403))
    turn = post.deliver(intake)
    assert (turn.state, turn.status, turn.waiting, intake.requests) == ("stopped", 403, 2, 1)
    assert turn.remedy == "check the API key"


@pytest.mark.parametrize("arrives", [False, True])
def test_whoever_is_killed_sends_again_what_is_not_known_to_have_arrived(post: Post, arrives: bool) -> None:
    """Killed after the commit and before the delivery, or after the delivery and before it is marked."""
    post.limits = Limits(records=5, bytes=10_000, record_bytes=5_000)
    post.queue(*range(20))
    intake = Intake()

    def dies(records: list[dict[str, Any]]) -> Outcome | BaseException:
        if records[0]["dedup_id"] != "d-10":
            return Delivered()
        if arrives:
            intake.arrived += records
        return Killed()

    intake.answer = dies
    with pytest.raises(Killed):
        post.deliver(intake)
    intake.answer = lambda _records: Delivered()
    assert post.deliver(intake).state == "ok"
    assert list(dict.fromkeys(intake.ids)) == ids(*range(20))
    assert len(intake.ids) == (25 if arrives else 20)


def test_six_hours_of_outage_lose_nothing_and_double_nothing_that_has_its_id(post: Post) -> None:
    sent: list[str] = []

    def away(records: list[dict[str, Any]]) -> Outcome:
        # It may have arrived all the same.
        if len(sent) % 3 == 0:
            intake.arrived += records
        sent.append("")
        return Later("no answer came in time")

    intake = Intake(away)
    for minute in range(360):
        post.queue(minute)
        if minute % 30 == 0:
            assert post.deliver(intake).state == "later"
        post.clock.advance(minutes=1)
    intake.answer = lambda _records: Delivered()
    turn = post.deliver(intake)
    assert (turn.state, turn.delivered, turn.waiting) == ("ok", 360, 0)
    assert list(dict.fromkeys(intake.ids[-360:])) == ids(*range(360))
    assert set(intake.ids) == set(ids(*range(360)))
    known = outbox.ensure_delivery(post.engine, WAY)
    assert (known.delivered, known.dead, known.lost, known.dropped) == (360, 0, 0, 0)


def test_what_waited_for_days_goes_with_the_time_of_delivery(post: Post) -> None:
    post.queue(1)
    seen = post.clock.time
    post.clock.advance(days=3)
    intake = Intake()
    post.deliver(intake)
    [one] = intake.arrived
    assert one["timestamp"] / 1000 >= (seen + timedelta(days=3)).timestamp()
    assert datetime.fromisoformat(one["observed_at"]) == seen


def test_a_stream_that_somebody_else_delivers_is_left_to_them(post: Post) -> None:
    post.queue(1)
    intake = Intake()
    with alone(post.engine, "delivery acme alerts datadog", "busy", org="acme"):
        turn = post.deliver(intake)
    assert (turn.state, turn.waiting, intake.requests) == ("locked", 1, 0)


def test_being_told_to_stop_keeps_what_was_delivered(post: Post) -> None:
    post.limits = Limits(records=5, bytes=10_000, record_bytes=5_000)
    post.queue(*range(20))
    intake = Intake()

    def check() -> None:
        if len(intake.arrived) >= 10:
            raise Killed

    with pytest.raises(Killed):
        post.deliver(intake, check)
    assert outbox.ensure_delivery(post.engine, WAY).delivered == 10
    post.deliver(intake)
    assert intake.ids == ids(*range(20))


def test_with_drain_patience_does_not_end(post: Post) -> None:
    answers: list[Outcome] = [Later("away")] * 50
    post.patience = Patience(attempts=1, wait=0, drain=True)
    post.queue(1)
    intake = Intake(lambda _records: answers.pop() if answers else Delivered())
    assert post.deliver(intake).state == "ok"
    assert len(post.slept) == 50
