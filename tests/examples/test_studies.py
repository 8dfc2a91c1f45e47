"""The studies' quick forms: they run from their scripts, and show what the studies are about."""

import csv
import runpy
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest


STUDIES = Path(__file__).parents[2] / "examples" / "studies"


@pytest.fixture
def script(monkeypatch, capsys):
    """Runs a study's script as from the command line; gives what it wrote."""

    def run(name, *options):
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *map(str, options)])
        runpy.run_path(str(STUDIES / f"{name}.py"), run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.fixture
def quick(script, tmp_path):
    """Rows of a study's quick form, and what it came to; it can be cut off and gone on with."""

    def run(name, *options):
        table = tmp_path / f"{name}.csv"
        usual = (name, "--quick", "-o", table, *options)
        written = script(*usual)
        text = table.with_suffix(".md").read_text()
        assert text in written
        assert "cases are done" not in text
        ElementTree.parse(table.with_suffix(".svg"))
        again = script(*usual)
        assert again.count("found done") == again.split("# ")[0].count("\n")
        rows = list(csv.DictReader(table.read_text().splitlines()[2:]))
        cut_off(usual, table, len(rows))
        return rows, text

    def cut_off(usual, table, count):
        for kept in (1, count // 2):
            cut = "".join(table.read_text().splitlines(keepends=True)[: 3 + kept])
            path = table.with_name(f"cut-{kept}.csv")
            path.write_text(cut)
            written = script(*(path if option == table else option for option in usual), "--table")
            assert f"**{kept} of {count} cases are done.**" in written
            ElementTree.parse(path.with_suffix(".svg"))
            assert path.read_text() == cut

    return run


def mean(rows, **wanted):
    found = [float(row["mean"]) for row in rows if wanted.items() <= row.items()]
    assert found
    return sum(found) / len(found)


def test_spreads_cost_accuracy_and_wires_can_be_made_up_for(quick):
    rows, text = quick("rram_levels")
    most = {"levels": "0, 50 to 225", "arm": "rounding-aware", "wires": "none"}
    assert mean(rows, arm="float") > 90
    assert mean(rows, sigma="1", **most) > mean(rows, arm="float") - 3
    assert mean(rows, sigma="10", **most) < mean(rows, sigma="1", **most) - 5
    # Nine levels make nineteen differences; a small network may use a little fewer.
    levels = {int(row["weight_levels"]) for row in rows if row["levels"] == "0, 50 to 225"}
    assert min(levels) > 15
    assert max(levels) <= 19
    assert "gain of aware training, 20 hidden" in text


def test_stuck_cells_cost_accuracy_and_high_ones_cost_more(quick):
    rows, _ = quick("inaccurate_devices")
    plain = {"training": "rounding-aware", "after": "nothing"}
    low = mean(rows, reading="cells stuck, 1.75 % high, 9.04 % low", **plain)
    high = mean(rows, reading="cells stuck, 9.04 % high, 1.75 % low", **plain)
    assert high < low - 5 < mean(rows, training="float") - 10


def test_pairs_bear_spreads_that_a_reference_column_does_not(quick):
    rows, _ = quick("device_variation")
    pair, reference = (
        mean(rows, sweep="spread", spread="0.2", signed=signed) for signed in ("pair", "reference")
    )
    assert pair > reference + 10
    few, many = (
        mean(rows, sweep="on/off ratio", signed="pair", on_off=ratio) for ratio in ("2", "10")
    )
    assert many > few + 5


def test_a_ratio_cell_gives_back_what_drift_took(quick):
    rows, _ = quick("drift_aware")
    # Without training for drift; device-aware training makes a network this small bear it alone.
    unaware = [row for row in rows if row["arm"] in {"conventional", "rounding-aware"}]
    fresh = mean(unaware, compensation="none", time="1")
    without = mean(unaware, compensation="none", time="604800")
    for name in ("reference cells", "ratio cell"):
        compensated = mean(unaware, compensation=name, time="604800")
        assert without + 5 < compensated < fresh + 3
    aware = mean(rows, arm="device-aware", compensation="none", time="604800")
    assert aware > without + 5


def test_noise_and_differences_cost_binary_networks_accuracy(quick):
    rows, _ = quick("weak_reset")
    accuracy = {row["arm"]: float(row["accuracy"]) for row in rows}
    assert accuracy["mean"] > accuracy["ideal"] - 3
    assert accuracy["all"] < accuracy["mean"] - 1


@pytest.mark.parametrize(
    ("name", "column", "least"),
    [
        ("device_variation", "mean", 70),
        ("inaccurate_devices", "mean", 30),
        ("weak_reset", "accuracy", 40),
    ],
)
def test_other_specifications_run_from_the_same_script(name, column, least, quick):
    spec = STUDIES / f"{name}_cifar10.toml"
    rows, _ = quick(name, "--spec", spec)
    assert float(rows[0][column]) > least
