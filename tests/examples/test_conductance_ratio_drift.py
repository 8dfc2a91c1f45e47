"""The drift study's table and picture: kept together, and saying what the study must show."""

import csv
import runpy
from pathlib import Path
from xml.etree import ElementTree

import pytest


STUDIES = Path(__file__).parents[2] / "examples" / "studies"
TABLE = STUDIES / "results" / "conductance_ratio_drift.csv"


@pytest.fixture
def rows():
    return list(csv.DictReader(TABLE.read_text().splitlines()[2:]))


def test_the_picture_is_the_one_of_the_table():
    kept = TABLE.with_suffix(".svg").read_text()
    runpy.run_path(str(STUDIES / "conductance_ratio_drift_plot.py"), run_name="__main__")
    assert TABLE.with_suffix(".svg").read_text() == kept
    assert "accuracy = 1 - mean|e| / mean|ideal|" in "".join(
        ElementTree.fromstring(kept).itertext()
    )


def test_the_twin_agreed_with_ngspice_on_every_simulated_chip(rows):
    simulated = [row for row in rows if int(row["simulated"])]
    assert sum(int(row["simulated"]) for row in simulated) >= 400
    assert max(float(row["apart"]) for row in simulated) <= 0.02


def test_where_the_spread_allows_it_compensation_keeps_95_per_cent(rows):
    for row in rows:
        if row["ramp"] == "reference cells" and row["law"] != "nan":
            assert float(row["twin"]) == pytest.approx(float(row["law"]), abs=0.01)
            if float(row["sigma_log"]) <= 0.0401 and int(row["simulated"]) >= 20:
                assert float(row["spice"]) >= 0.95
