"""A dozen of the benchmark's randomized runs: over real HTTP, with answers lost on either side of the write."""

import pytest

from benchmarks.provision import one_run


@pytest.mark.parametrize("seed", range(12))
def test_whatever_answers_get_lost_the_end_is_as_the_file_says(seed: int) -> None:
    found = one_run(seed)
    assert found.wrong == ()
    assert found.writes > 8
