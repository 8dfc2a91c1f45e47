"""The numbered examples run as they stand, and the number that each of them is about comes out."""

import re
import runpy
from pathlib import Path

import pytest


EXAMPLES = Path(__file__).parents[2] / "examples"
# What is printed before the number, the number, and how far off it may be.
NUMBERS = {
    "01_device_and_card": ("current at 0.4 V over current at 0.1 V: ", 5.7835, 1e-4),
    "02_verilog_a_in_ngspice": ("state after the pulse: ", 0.86761, 1e-3),
    "03_netlist_of_a_tile": ("share that wires and transistors take: ", 0.1297, 5e-4),
    "04_three_engines": ("surrogate: ", 1.25e-4, 1e-5),
    "05_characterize_and_fit": ("NRMSE on unseen matrices: ", 0.00128, 2e-4),
    "06_hold_the_certificate": ("wires of 3 ohm: holds False, ", 21.5, 2.0),
    "07_convert_a_torch_model": ("circuit: ", 95.0, 1.0),
    "08_variability_aware_training": ("gain: ", 11.9, 4.0),
    "09_program_and_evaluate": ("igvva-10: ", 1.02, 0.1),
    "10_drift_and_the_ratio_cell": ("ratio cell: ", 87.7, 1.5),
}


@pytest.mark.parametrize("name", NUMBERS)
def test_the_number_of_the_example_comes_out(name, monkeypatch, tmp_path, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")

    label, expected, tolerance = NUMBERS[name]
    printed = capsys.readouterr().out
    found = re.search(rf"^{re.escape(label)}(-?[\d.]+(?:e[+-]?\d+)?)", printed, re.MULTILINE)
    assert found, printed
    assert float(found[1]) == pytest.approx(expected, abs=tolerance), printed


def test_every_numbered_example_has_its_number():
    assert sorted(NUMBERS) == sorted(path.stem for path in EXAMPLES.glob("[0-9]*.py"))
