"""The response of the ratio cell: the table is what ngspice says, and is looked up as measured."""

import numpy as np
import pytest

from cosim.bench import ratio_response
from cosim.bench.ratio_response import TILE, fitted, response_run
from cosim.errors import InputError
from cosim.ngspice import Workers


def test_a_new_simulation_gives_a_line_of_the_table():
    with Workers(1) as workers:
        run = response_run(1, 0.5)
        (result,) = workers.run_many([run.simulation])
    rows = list(fitted(run, run.results(result), 1, 0.5))
    assert len(rows) == 2 * TILE.columns
    stored = ratio_response()
    half = list(stored.fades).index(0.5)
    for row in rows:
        there = np.abs(stored.gain[:, half] - row.gain) + np.abs(stored.bend[:, half] - row.bend)
        assert there.min() < 2e-4
        assert row.residual < 5e-4


def test_without_errors_of_the_periphery_the_gain_undoes_the_fading():
    ideal = ratio_response(ideal=True)
    assert ideal.gain * ideal.fades == pytest.approx(np.ones_like(ideal.gain), abs=0.01)
    assert np.abs(ideal.bend).max() < 0.01
    assert np.abs(ideal.offset).max() < 0.002


def test_draws_spread_around_it_and_a_line_keeps_its_errors():
    drawn = ratio_response()
    relative = drawn.gain * drawn.fades
    assert 0.002 < relative.std(axis=0).min() < relative.std(axis=0).max() < 0.05
    # A mirror that is too large is too large at every age.
    assert np.corrcoef(relative[:, 0], relative[:, -1])[0, 1] > 0.9


def test_between_measured_fades_it_is_interpolated():
    drawn = ratio_response()
    lines = np.arange(drawn.lines)
    for index, fade in enumerate(drawn.fades):
        gain, bend, offset = drawn.at(lines, np.full(drawn.lines, fade))
        assert gain == pytest.approx(drawn.gain[:, index])
        assert bend == pytest.approx(drawn.bend[:, index])
        assert offset == pytest.approx(drawn.offset[:, index])
    gain, *_ = ratio_response(ideal=True).at(np.zeros(1, np.int64), np.array([0.6]))
    assert gain == pytest.approx(1 / 0.6, rel=0.01)


def test_beyond_the_measured_fades_it_says_nothing():
    with pytest.raises(InputError, match=r"faded to 0\.1 .*measured from 0\.25 to 1\.2"):
        ratio_response().at(np.zeros(1, np.int64), np.array([0.1]))
