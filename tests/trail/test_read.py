"""One reading of the Audit Trail: to its end, or to where it has to stop."""

from datetime import timedelta

from accesssync.errors import DeniedError, ResponseError
from accesssync.model.trail import TrailEvent, TrailState
from accesssync.trail.read import SECONDS, read_trail
from tests.builders import NOW, FakeSource, Org

SINCE = NOW - timedelta(hours=3)


def source(count: int, *, page: int = 10) -> FakeSource:
    found = FakeSource(Org(), page=page)
    found.trail = [
        TrailEvent(id=f"e-{n:03}", at=SINCE + timedelta(minutes=n), action="created", asset_type="user")
        for n in range(1, count + 1)
    ]
    return found


def test_every_page_is_read_and_events_come_in_their_order() -> None:
    told = read_trail(source(35), SINCE, NOW, lambda: 0.0)
    assert told.reading.state is TrailState.READ
    assert [one.id for one in told.events] == [f"e-{n:03}" for n in range(1, 36)]
    assert (told.reading.events, told.reading.kinds) == (35, ("user",))


def test_none_at_all_is_an_answer_too() -> None:
    told = read_trail(source(0), SINCE, NOW, lambda: 0.0)
    assert (told.reading.state, told.reading.since, told.events) == (TrailState.READ, SINCE, ())


def test_what_is_too_much_leaves_the_newest_and_says_so() -> None:
    told = read_trail(source(35), SINCE, NOW, lambda: 0.0, pages=2)
    assert told.reading.state is TrailState.PARTIAL
    assert [one.id for one in told.events] == [f"e-{n:03}" for n in range(16, 36)]
    assert told.reading.since == told.events[0].at


def test_what_takes_too_long_is_broken_off() -> None:
    times = iter([0.0, 1.0, SECONDS + 1])
    told = read_trail(source(35), SINCE, NOW, lambda: next(times))
    assert (told.reading.state, len(told.events)) == (TrailState.PARTIAL, 10)


def test_a_key_that_may_not_is_told_and_nothing_is_raised() -> None:
    one = source(1)
    one.failing_trail = DeniedError("no", permission="audit_logs_read")
    told = read_trail(one, SINCE, NOW, lambda: 0.0)
    assert (told.reading.state, told.reading.reason) == (TrailState.DENIED, "needs audit_logs_read")


def test_whatever_else_goes_wrong_is_told_too() -> None:
    one = source(1)
    one.failing_trail = ResponseError("HTTP 500", status=500)
    told = read_trail(one, SINCE, NOW, lambda: 0.0)
    assert (told.reading.state, told.reading.reason) == (TrailState.FAILED, "HTTP 500")
