"""The conductance-ratio multiplier in ngspice: linear, true to its twin, blind to common drift."""

from dataclasses import replace

import numpy as np
import pytest

from cosim.bench import CORNERS, NOMINAL, draws
from cosim.bench.ratio_mac import RatioMacBench
from cosim.bench.ratio_run import RatioRun
from cosim.bench.ratio_transistors import RatioTransistorBench
from cosim.ngspice import BatchRunner
from netlists.circuits.ratio_mac import RatioErrors, RatioMac
from netlists.circuits.ratio_twin import RatioTwin


COLD, HOT = CORNERS[7], CORNERS[8]


def test_figures_are_kept_with_mismatch_and_where_cells_are_hot(kept):
    figures = kept(RatioMacBench(), HOT, *draws(1))
    assert max(figures["sum form from cell form"]) < 1e-6


def test_lines_with_slow_amplifiers_are_caught(outside):
    slow = RatioMacBench(RatioMac(line_bandwidth=5e6))
    assert {"INL, one input swept", "change in six decades"} <= outside(slow, NOMINAL)


@pytest.mark.parametrize(
    "errors",
    [
        RatioErrors(ramp_conductance=5e-8),
        RatioErrors(ramp_leak=10e-9, output_leak=10e-9),
        RatioErrors(mirrors=np.array([[0.01], [-0.01]]), lines=np.array([[2e-3], [-1e-3]])),
    ],
    ids=["ramp mirror of 20 megohm", "leaks of 10 nA", "mirrors and offsets"],
)
def test_the_twin_knows_what_the_periphery_does_wrong(errors):
    mac = RatioMac()
    run = RatioMacBench(mac)._plan(COLD)["sum"]
    x = np.random.default_rng(0).uniform(0.05, 1.0, (2, mac.inputs))
    run = RatioRun(mac, replace(run.state, temperature=300.15, trim=2.0), x, "sum", errors)
    spice = run.results(BatchRunner().run(run.simulation, 120.0))
    right = RatioTwin(mac, run.state).outputs(x)
    twin = RatioTwin(mac, run.state, errors).outputs(x)
    assert np.abs(spice - twin).max() < 4e-4 * mac.output_swing
    assert np.abs(spice - right).max() > 5.0 * np.abs(spice - twin).max()


def test_with_transistors_six_decades_change_less_than_a_per_cent():
    bench = RatioTransistorBench()
    plan = bench._plan(NOMINAL)
    results = {}
    for name in ("fresh", "six decades"):
        run = replace(plan[name], x=plan[name].x[1:])
        out = run.results(BatchRunner().run(run.simulation, 300.0))
        results[name] = out[0] - out[1]
    assert results["six decades"] == pytest.approx(results["fresh"], rel=0.01)
    assert abs(results["fresh"]) > 0.05
