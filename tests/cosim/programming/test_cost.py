"""Training on a chip: writes decide between rewriting cells and adapting digital memory."""

import pytest

from cosim.errors import InputError
from cosim.programming import FASTEST_WRITE, SLOWEST_WRITE, ChipTraining, rewriting_seconds


TRAINING = ChipTraining(weights=61_000, steps=100, computing=2e-3)


def test_rewriting_takes_a_verified_write_for_every_cell_of_the_share():
    once = 61_000 * 2 * 0.03 * 5 * FASTEST_WRITE
    assert rewriting_seconds(122_000, 0.03, 5, FASTEST_WRITE) == pytest.approx(once)
    found = TRAINING.rewriting(0.03, FASTEST_WRITE, iterations=5)
    assert found == pytest.approx(100 * (2e-3 + once))
    in_rows = TRAINING.rewriting(0.03, FASTEST_WRITE, iterations=5, parallel=64)
    assert in_rows == pytest.approx(100 * (2e-3 + once / 64))


def test_adapting_takes_a_write_for_every_word():
    assert TRAINING.adapting(0.03, 1e-9) == pytest.approx(100 * (2e-3 + 61_000 * 0.03 * 1e-9))


def test_without_anything_to_write_both_only_compute():
    assert TRAINING.rewriting(0.0, SLOWEST_WRITE) == TRAINING.adapting(0.0, 1e-9) == 0.2


def test_the_slower_a_verified_write_the_larger_the_advantage():
    adapting = TRAINING.adapting(0.03, 1e-9)
    fast, slow = (
        TRAINING.rewriting(0.03, write) / adapting for write in (FASTEST_WRITE, SLOWEST_WRITE)
    )
    assert 1 < fast < slow
    # Computing is part of both, so the advantage grows by less than the time of a write.
    assert slow / fast < SLOWEST_WRITE / FASTEST_WRITE


@pytest.mark.parametrize("bad", [{"weights": 0}, {"steps": 0}, {"computing": -1.0}])
def test_impossible_trainings_are_refused(bad):
    with pytest.raises(InputError, match="at least one weight"):
        ChipTraining(**{"weights": 10, "steps": 10, "computing": 1.0, **bad})
