"""Batches: nothing is lost, nothing twice, nothing out of order, and no limit passed."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from accesssync.forward.destination import Limits
from accesssync.forward.pack import halves, hopeless, packed

records = st.lists(st.integers(0, 60).map(lambda size: b"x" * size), max_size=60)
limits = st.builds(
    Limits, records=st.integers(1, 10), bytes=st.integers(10, 80), record_bytes=st.integers(1, 50)
)  # fmt: skip


@given(records, limits)
def test_every_record_is_in_exactly_one_batch_in_its_order(found: list[bytes], allowed: Limits) -> None:
    batches = list(packed(enumerate(found), allowed))
    assert [each for batch in batches for each in batch] == list(enumerate(found))
    assert all(batches)


@given(records, limits)
def test_a_batch_keeps_every_limit_as_it_will_be_written(found: list[bytes], allowed: Limits) -> None:
    for batch in packed(enumerate(found), allowed):
        written = b"[" + b",".join(record for _, record in batch) + b"]"
        if any(hopeless(record, allowed) for _, record in batch):
            assert len(batch) == 1
        else:
            assert len(batch) <= allowed.records
            assert len(written) <= allowed.bytes
            assert all(len(record) <= allowed.record_bytes for _, record in batch)


@given(records, limits)
def test_no_two_neighbouring_batches_would_fit_into_one(found: list[bytes], allowed: Limits) -> None:
    batches = [[record for _, record in batch] for batch in packed(enumerate(found), allowed)]
    for one, other in pairwise(batches):
        if not hopeless(one[-1], allowed) and not hopeless(other[0], allowed):
            grown = [*one, other[0]]
            assert len(grown) > allowed.records or len(b",".join(grown)) + 2 > allowed.bytes


@given(st.lists(st.integers(), min_size=2))
def test_halves_are_smaller_and_together_the_whole(batch: list[int]) -> None:
    first, second = halves(batch)
    assert [*first, *second] == batch
    assert 0 < len(first) < len(batch)
