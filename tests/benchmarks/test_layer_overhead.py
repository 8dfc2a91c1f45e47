"""The case of the analog layer's cost, run as a user runs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def row():
    command = [sys.executable, "-m", "benchmarks.run", "layer_overhead", "--quick"]
    alone = {name: value for name, value in os.environ.items() if not name.endswith("_PYTHON")}
    done = subprocess.run(command, cwd=ROOT, env=alone, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_ratios_are_those_of_the_figures(row):
    reference = row["references"][0]

    assert reference["name"] == "torch.nn.Linear"
    for name in ("forward", "both"):
        expected = row["figures"][f"{name}_s"] / reference[f"{name}_s"]
        assert row["ratios"][f"{name}_vs_torch_linear"] == pytest.approx(expected)


def test_ratios_to_peers_that_are_not_here_are_empty(row):
    assert row["ratios"]["both_vs_aihwkit_torch_tile"] is None
    assert row["ratios"]["forward_vs_aihwkit_with_ir_drop"] is None


def test_peers_that_are_not_here_are_rows_that_say_so(row):
    missing = [one for one in row["references"] if one["version"] is None]

    assert {one["name"].split()[0] for one in missing} == {"aihwkit", "CrossSim"}
    assert all(one["missing"] for one in missing)
