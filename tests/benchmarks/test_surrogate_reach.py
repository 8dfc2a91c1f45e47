"""The case of surrogates where it is hard, run as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def figures():
    command = [sys.executable, "-m", "benchmarks.run", "surrogate_reach", "--quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)["figures"]


def by_name(rows, figure):
    return {row["name"]: row[figure] for row in rows if row["n"] == 32}


def test_long_wires_and_trained_weights_stay_within_a_thousandth_of_the_range(figures):
    for setting in ("larger", "trained"):
        errors = by_name(figures[setting], "nrmse")
        assert errors["line_mode_fields"] < errors["line_mode_galerkin"] < 1e-3
        assert errors["line_mode_galerkin"] < 0.1 * errors["alpha_beta"]
        assert errors["alpha_beta"] < errors["ideal"]


def test_gradients_are_those_of_the_exact_adjoint(figures):
    for side in ("in_inputs", "in_conductances"):
        apart = by_name(figures["gradients"], side)
        assert apart["line_mode_galerkin"] < 3e-3
        assert apart["line_mode_galerkin"] < 0.1 * apart["alpha_beta"]
        assert apart["ideal"] > 0.1
