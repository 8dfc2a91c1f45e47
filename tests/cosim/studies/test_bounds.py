"""Bounds of certificates hold on what is drawn after them, and the study says how often."""

import numpy as np
import pytest

from cosim.studies import Bounds, BoundsStudy, Rows
from cosim.studies.bounds import Refits, Size
from cosim.studies.script import selected


@pytest.fixture(scope="module")
def run(rram_tile, tmp_path_factory):
    """Three refits of a small tile."""
    study = BoundsStudy(
        title="small",
        source="none",
        tile=rram_tile(8, 8),
        sizes=(Size(rows=6, cols=4, ohm=1.0),),
        refits=3,
        fitted=4,
        calibration=(30, 100),
        fresh=80,
        inputs=4,
    )
    path = tmp_path_factory.mktemp("bounds") / "rows.csv"
    made = Bounds(study, Rows(path, "this test", "x", Bounds.keys, Bounds.values))
    made.run()
    return made


@pytest.fixture(scope="module")
def rows(run):
    return run.rows.all


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


def test_a_refit_is_the_same_every_time_and_another_is_not(run, rows):
    (tile,) = run.study.tiles().values()
    again = [f"{row['bound_nA']:.6g}" for row in Refits(tile, run.study).refit(1)]
    count = len(again)
    assert again == [row["bound_nA"] for row in rows[count : 2 * count]]
    assert again != [row["bound_nA"] for row in rows[:count]]


def test_the_table_has_a_line_for_every_number_of_matrices(run, rows):
    lines = [line for line in run.more().splitlines() if "| 95 % |" in line]
    assert [line.split("|")[3].strip() for line in lines] == ["30", "100"]
    share = 100 * np.mean(selected(rows, "outputs", rule="bounds", level=0.95, matrices=30))
    assert f"{share:.2f} ±" in lines[0]


def test_the_picture_shows_every_rule_over_the_matrices(run, rows):
    chart = run.chart()
    assert [list(curve.x) for curve in chart.series] == [[30, 100]] * 4
    share = np.mean(selected(rows, "outputs", rule="bounds", level=0.99, matrices=100))
    assert chart.series[1].y[1] == pytest.approx(share)
