"""Bounds of certificates hold on what is drawn after them, and the study says how often."""

import numpy as np
import pytest

from cosim.studies import Bounds, bounds_table
from cosim.studies.script import selected


@pytest.fixture(scope="module")
def rows(rram_tile):
    """Four refits of a small tile."""
    study = Bounds(rram_tile(6, 4), fitted=6, calibration=(30, 100), fresh=100, inputs=4)
    found = [row for refit in range(4) for row in study.refit(refit)]
    return [{"tile": "6 x 4", **{name: str(value) for name, value in row.items()}} for row in found]


def test_bounds_cover_fresh_outputs_and_little_more_with_enough_matrices(rows):
    shares = selected(rows, "outputs", rule="bounds", level=0.95, matrices=100)
    assert len(shares) == 4
    assert 0.94 < shares.mean() < 0.98
    few = selected(rows, "outputs", rule="bounds", level=0.99, matrices=30)
    assert few.mean() > 0.99


def test_bounds_of_matrices_cover_matrices_and_those_of_outputs_do_not(rows):
    wanted = {"level": 0.95, "matrices": 100}
    assert selected(rows, "in_matrices", rule="matrix bounds", **wanted).mean() > 0.9
    assert selected(rows, "in_matrices", rule="bounds", **wanted).mean() < 0.9


def test_a_refit_is_the_same_every_time(rram_tile):
    study = Bounds(rram_tile(3, 2), fitted=3, calibration=(5,), fresh=5, inputs=2)
    assert study.refit(1) == study.refit(1)
    assert study.refit(1) != study.refit(2)


def test_the_table_has_a_line_for_every_number_of_matrices(rows):
    lines = [line for line in bounds_table(rows, ["6 x 4"]).splitlines() if "| 95 % |" in line]
    assert [line.split("|")[3].strip() for line in lines] == ["30", "100"]
    share = 100 * np.mean(selected(rows, "outputs", rule="bounds", level=0.95, matrices=30))
    assert f"{share:.2f} ±" in lines[0]
