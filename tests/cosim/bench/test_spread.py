"""Figures over draws: deviation, its uncertainty, and the table."""

import numpy as np
import pytest

from cosim.bench import Condition, Figure, Measurement
from cosim.bench.spread import Spread, spread_markdown, spreads
from cosim.results import OK


def drawn(values, expected):
    return [
        Measurement(
            "latch", Condition(seed=k), (Figure("offset", v, "V", None, None, expected),), OK, 0.0
        )
        for k, v in enumerate(values)
    ]


def test_draws_of_one_figure_are_gathered_and_corners_left_out():
    corner = Measurement("latch", Condition("ff"), (Figure("offset", 9.0, "V"),), OK, 0.0)
    (found,) = spreads([corner, *drawn([1e-3, -1e-3, 3e-3], 2e-3)])
    np.testing.assert_array_equal(found.values, [1e-3, -1e-3, 3e-3])
    assert found.deviation == pytest.approx(2e-3)
    assert found.expected == 2e-3


@pytest.mark.parametrize(
    ("factor", "agrees"), [(1.0, True), (1.2, True), (1.5, False), (0.5, False)]
)
def test_a_twin_is_right_within_three_standard_errors(factor, agrees):
    values = np.random.default_rng(0).normal(scale=1e-3, size=50)
    (found,) = spreads(drawn(values.tolist(), factor * float(np.std(values, ddof=1))))
    assert found.agrees is agrees


def test_a_figure_without_an_expectation_is_neither_right_nor_wrong():
    (found,) = spreads(drawn([1.0, 2.0], None))
    assert found.agrees is None


def test_the_histogram_has_the_shape_of_the_draws():
    values = np.array([0.0] * 8 + [-1.0] * 4 + [1.0] * 4)
    bars = Spread("b", "f", "V", values, None).histogram
    assert len(bars) == 9
    assert bars == bars[::-1]
    assert bars[4] == "█"
    assert Spread("b", "f", "V", np.zeros(4), None).histogram == ""


def test_the_table_has_a_row_per_figure_in_readable_units():
    text = spread_markdown(spreads(drawn([1e-3, -1e-3, 3e-3, -3e-3], 2.5e-3)))
    assert text.splitlines()[2].startswith("| latch | offset | 4 | 0 V | 2.58 mV | 2.5 mV | `")
