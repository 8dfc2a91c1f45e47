"""Bounds of certificates hold on what is drawn after them, and the study says how often."""

import numpy as np
import pytest

from cosim.studies import Bounds, bounds_table
from cosim.studies.script import selected


@pytest.fixture(scope="module")
def study(rram_tile):
    return Bounds(rram_tile(6, 4), fitted=4, calibration=(30, 100), fresh=80, inputs=4)


@pytest.fixture(scope="module")
def rows(study):
    """Three refits of a small tile."""
    found = [row for refit in range(3) for row in study.refit(refit)]
    return [{"tile": "6 x 4", **{name: str(value) for name, value in row.items()}} for row in found]


def test_bounds_cover_fresh_outputs_and_little_more_with_enough_matrices(rows):
    shares = selected(rows, "outputs", rule="bounds", level=0.95, matrices=100)
    assert len(shares) == 3
    assert 0.94 < shares.mean() < 0.98
    few = selected(rows, "outputs", rule="bounds", level=0.99, matrices=30)
    assert few.mean() > 0.99


def test_bounds_of_matrices_cover_matrices_and_those_of_outputs_do_not(rows):
    wanted = {"level": 0.95, "matrices": 100}
    assert selected(rows, "in_matrices", rule="matrix bounds", **wanted).mean() > 0.9
    assert selected(rows, "in_matrices", rule="bounds", **wanted).mean() < 0.9


def test_a_refit_is_the_same_every_time_and_another_is_not(study, rows):
    again = [str(row["bound_nA"]) for row in study.refit(1)]
    count = len(again)
    assert again == [row["bound_nA"] for row in rows[count : 2 * count]]
    assert again != [row["bound_nA"] for row in rows[:count]]


def test_the_table_has_a_line_for_every_number_of_matrices(rows):
    lines = [line for line in bounds_table(rows, ["6 x 4"]).splitlines() if "| 95 % |" in line]
    assert [line.split("|")[3].strip() for line in lines] == ["30", "100"]
    share = 100 * np.mean(selected(rows, "outputs", rule="bounds", level=0.95, matrices=30))
    assert f"{share:.2f} ±" in lines[0]
