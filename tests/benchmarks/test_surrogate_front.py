"""The case of error against time of surrogates, run as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parents[2]
SIZES = (32, 64, 128)


@pytest.fixture(scope="module")
def row():
    command = [sys.executable, "-m", "benchmarks.run", "surrogate_front", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def front(row):
    return {(one["name"], one["n"]): one for one in row["figures"]["front"]}


def test_every_point_has_an_error_and_a_time(front):
    for name in ("line_mode_galerkin", "line_mode_fields", "alpha_beta", "series_resistance"):
        for n in SIZES:
            point = front[name, n]
            assert 0 < point["nrmse"] < 1
            assert point["ms_forward"] > 0
            assert point["ms_both"] > 0
    assert front["relaxation", 32]["ms_both"] is None


def test_ours_is_far_closer_to_the_truth_than_alpha_beta_at_every_size(row, front):
    for n in SIZES:
        ours = row["figures"][f"nrmse_n{n}"]
        assert ours == front["line_mode_galerkin", n]["nrmse"]
        assert row["figures"][f"nrmse_fields_n{n}"] < ours < 0.1 * front["alpha_beta", n]["nrmse"]


def test_ratios_are_those_of_the_points(row, front):
    ours, peer = front["line_mode_galerkin", 64], front["alpha_beta", 64]
    ratios = row["ratios"]
    assert ratios["default_error_vs_alpha_beta_n64"] == ours["nrmse"] / peer["nrmse"]
    assert ratios["default_time_vs_alpha_beta_n64"] == ours["ms_both"] / peer["ms_both"]
    if ours["ms_both"] > 1.5 * peer["ms_both"]:
        assert ratios["error_vs_alpha_beta_n64"] is None
    else:
        assert ratios["error_vs_alpha_beta_n64"] <= ours["nrmse"] / peer["nrmse"]


def test_peers_that_are_not_here_are_rows_that_say_so(row):
    missing = [one for one in row["references"] if one["version"] is None]
    assert {one["name"].split()[0] for one in missing} == {"aihwkit", "CrossSim"}
    assert all(one["missing"] for one in missing)
