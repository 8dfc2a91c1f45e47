"""The studies' quick forms: they run from their scripts, and show what the studies are about."""

import csv
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest


STUDIES = Path(__file__).parents[2] / "examples" / "studies"


def quick(name, folder):
    """Rows of a study's quick form, and what it came to."""
    table = folder / f"{name}.csv"
    command = [sys.executable, STUDIES / f"{name}.py", "--quick", "-o", table]
    run = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert run.returncode == 0, run.stderr
    text = table.with_suffix(".md").read_text()
    assert text in run.stdout
    ElementTree.parse(table.with_suffix(".svg"))
    rows = list(csv.DictReader(table.read_text().splitlines()[2:]))
    again = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    assert again.stdout.count("found done") == again.stdout.split("# ")[0].count("\n")
    return rows, text


def mean(rows, **wanted):
    found = [float(row["mean"]) for row in rows if wanted.items() <= row.items()]
    assert found
    return sum(found) / len(found)


def test_spreads_cost_accuracy_and_wires_can_be_made_up_for(tmp_path):
    rows, text = quick("rram_levels", tmp_path)
    most = {"levels": "0, 50 to 225", "arm": "rounding-aware", "wires": "none"}
    assert mean(rows, arm="float") > 90
    assert mean(rows, sigma="1", **most) > mean(rows, arm="float") - 3
    assert mean(rows, sigma="10", **most) < mean(rows, sigma="1", **most) - 5
    # Nine levels make nineteen differences; a small network may use a little fewer.
    levels = {int(row["weight_levels"]) for row in rows if row["levels"] == "0, 50 to 225"}
    assert min(levels) > 15
    assert max(levels) <= 19
    assert "gain of aware training, 20 hidden" in text


def test_stuck_cells_cost_accuracy_and_high_ones_cost_more(tmp_path):
    rows, _ = quick("inaccurate_devices", tmp_path)
    plain = {"training": "rounding-aware", "after": "nothing"}
    low = mean(rows, reading="cells stuck, 1.75 % high, 9.04 % low", **plain)
    high = mean(rows, reading="cells stuck, 9.04 % high, 1.75 % low", **plain)
    assert high < low - 5 < mean(rows, training="float") - 10


def test_pairs_bear_spreads_that_a_reference_column_does_not(tmp_path):
    rows, _ = quick("device_variation", tmp_path)
    pair, reference = (
        mean(rows, sweep="spread", spread="0.2", signed=signed) for signed in ("pair", "reference")
    )
    assert pair > reference + 10
    few, many = (
        mean(rows, sweep="on/off ratio", signed="pair", on_off=ratio) for ratio in ("2", "10")
    )
    assert many > few + 5


def test_a_ratio_cell_gives_back_what_drift_took(tmp_path):
    rows, _ = quick("drift_aware", tmp_path)
    # Without training for drift; device-aware training makes a network this small bear it alone.
    unaware = [row for row in rows if row["arm"] in {"conventional", "rounding-aware"}]
    fresh = mean(unaware, compensation="none", time="1")
    without = mean(unaware, compensation="none", time="604800")
    for name in ("reference cells", "ratio cell"):
        compensated = mean(unaware, compensation=name, time="604800")
        assert without + 5 < compensated < fresh + 3
    aware = mean(rows, arm="device-aware", compensation="none", time="604800")
    assert aware > without + 5


@pytest.mark.parametrize("name", ["weak_reset"])
def test_noise_and_differences_cost_binary_networks_accuracy(name, tmp_path):
    rows, _ = quick(name, tmp_path)
    accuracy = {row["arm"]: float(row["accuracy"]) for row in rows}
    assert accuracy["mean"] > accuracy["ideal"] - 3
    assert accuracy["all"] < accuracy["mean"] - 1
