"""Testbench of the conductance-ratio multiplier: linear, true to its twin, and blind to drift.

Figures per cent of full scale refer to `output_swing`, the output for sum x G/G_ref = n. INL is the
largest distance from the best straight line for x >= 0.05, relative to the span of the sweep. With
a resistor instead of the reference cells the output leaves the full scale where cells are hot; what
the twin then misses refers to the output itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.ratio_run import RatioRun
from cosim.bench.waveforms import crossings
from cosim.ngspice import Result, Simulation
from netlists.circuits.ratio_behavioural import NO_ERRORS
from netlists.circuits.ratio_cells import PhaseChangeCells
from netlists.circuits.ratio_mac import RatioErrors, RatioMac, RatioState, trim_for
from netlists.circuits.ratio_twin import RatioTwin, ideal_outputs


LEVELS = np.array([2e-6, 8e-6, 14e-6, 20e-6])  # of a cell [S]
DECADES = 1e6  # six decades of time after programming [s]
STEEP, USUAL = 0.1, 0.05  # drift exponents
SWEPT = np.linspace(0.05, 1.0, 11)
CONVERSIONS = 3


class RatioMacBench(Bench):
    """Sweeps of one input and of all, and the same random sums before and after six decades."""

    name = "ratio_mac"
    title = "conductance-ratio multiplier, behavioural periphery, cell by cell"

    def __init__(self, block: RatioMac | None = None) -> None:
        """A bench of one tile; eight inputs and one signed column when none is given."""
        self.block = block or RatioMac()

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """Sweeps and random sums at several ages."""
        return {name: run.simulation for name, run in self._plan(at).items()}

    def _plan(self, at: Condition) -> dict[str, RatioRun]:
        """The runs by name."""
        mac = self.block
        errors = NO_ERRORS if at.seed is None else RatioErrors.drawn(mac, at.seed)
        rng = np.random.default_rng(at.seed or 0)
        one = np.tile(rng.uniform(0.0, 1.0, mac.inputs), (len(SWEPT), 1))
        one[:, 0] = SWEPT
        both = np.repeat(SWEPT[:, None], mac.inputs, axis=1)
        sums = rng.uniform(0.0, 1.0, (CONVERSIONS, mac.inputs))
        sums[0, -1] = 1.0  # the longest window of the first conversion is the conversion time
        slope = self._state(at, np.full((mac.inputs, mac.columns), LEVELS[2]), 0.0)
        weights = LEVELS[rng.integers(1, 4, (mac.inputs, mac.columns))]
        fresh = self._state(at, weights, STEEP)
        aged = replace(fresh, elapsed=DECADES)
        usual = replace(self._state(at, weights, USUAL), elapsed=DECADES)
        plan = {
            "one input": RatioRun(mac, slope, one, "cell", errors),
            "all inputs": RatioRun(mac, slope, both, "sum", errors),
            "fresh": RatioRun(mac, fresh, sums, "cell", errors),
            "six decades": RatioRun(mac, aged, sums, "cell", errors),
            "trimmed": RatioRun(mac, replace(aged, trim=trim_for(aged, mac)), sums, "sum", errors),
            "sum": RatioRun(mac, aged, sums, "sum", errors),
        }
        for name, state in (("fresh", fresh), ("steep", aged), ("usual", usual)):
            run = RatioRun(mac, replace(state, fixed_ramp=True), sums, "sum", errors)
            plan[f"resistor {name}"] = run
        return plan

    def _state(self, at: Condition, positive: np.ndarray, exponent: float) -> RatioState:
        """Cells that drift alike; every third weight is negative."""
        mac = self.block
        swap = (np.arange(positive.size).reshape(positive.shape) % 3) == 1
        low = np.full_like(positive, LEVELS[0])
        adds, subtracts, reference = (
            PhaseChangeCells.uniform(mac.card, values, exponent)
            for values in (
                np.where(swap, low, positive),
                np.where(swap, positive, low),
                mac.reference_targets,
            )
        )
        state = RatioState(adds, subtracts, reference, adds.birth, at.temperature)
        return replace(state, trim=trim_for(state, mac))

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Linearity, agreement with the twin, and what six decades change."""
        mac, plan = self.block, self._plan(at)
        out = {name: run.results(results[name]) for name, run in plan.items()}
        scale = 100.0 / mac.output_swing
        fresh, limit = out["fresh"], 0.05 if at.seed is None else 5.0
        law = scale * _largest(fresh - self._law(plan["fresh"]))
        parts = scale * _largest(out["sum"] - out["six decades"])
        aged, stepped = (scale * _largest(out[n] - fresh) for n in ("six decades", "trimmed"))
        time = self._time("trimmed", results) / self._time("fresh", results)
        return (
            Figure("INL, one input swept", self._inl(out["one input"]), "%", high=0.05),
            Figure("INL, all inputs swept", self._inl(out["all inputs"]), "%", high=0.05),
            Figure("error of the law", law, "% FS", high=limit),
            Figure("SPICE from twin", scale * self._apart(out, plan), "% FS", high=0.02),
            Figure("sum form from cell form", parts, "% FS", high=0.005),
            Figure("change in six decades", aged, "% FS", high=0.05),
            Figure("change in six decades, mirrors stepped", stepped, "% FS", high=0.05),
            Figure("conversion time, mirrors stepped, of the fresh one", time, "", 0.98, 2.02),
            self._lost(out, "usual", USUAL),
            self._lost(out, "steep", STEEP),
        )

    def _law(self, run: RatioRun) -> Float[np.ndarray, "conversions columns"]:
        """What the law gives for the cells as programmed [V]."""
        state = run.state
        cells = (state.positive, state.negative, state.reference)
        adds, subtracts, reference = (group.conductance for group in cells)
        return ideal_outputs(self.block, run.x, adds, subtracts, reference)

    def _apart(self, out: Mapping[str, np.ndarray], plan: Mapping[str, RatioRun]) -> float:
        """Largest difference of ngspice and the twin in all runs [V]."""
        largest = 0.0
        for name, run in plan.items():
            twin = RatioTwin(run.mac, run.state, run.errors).outputs(run.x)
            beyond = max(1.0, _largest(twin) / self.block.output_swing)
            largest = max(largest, _largest(out[name] - twin) / beyond)
        return largest

    @staticmethod
    def _inl(out: Float[np.ndarray, "steps columns"]) -> float:
        """Largest distance from the best straight line over the sweep [%]."""
        fit = np.polynomial.polynomial.polyfit(SWEPT, out, 1)
        line = fit[0] + SWEPT[:, None] * fit[1]
        return 100.0 * float((np.abs(out - line).max(axis=0) / np.ptp(line, axis=0)).max())

    @staticmethod
    def _lost(out: Mapping[str, np.ndarray], name: str, exponent: float) -> Figure:
        """Gain that is missing after six decades with a resistor; by the power law within 1 %."""
        before, after = out["resistor fresh"], out[f"resistor {name}"]
        lost = 100.0 * (1.0 - float((before * after).sum() / (before**2).sum()))
        expected = 100.0 * (1.0 - DECADES**-exponent)
        title = f"loss of gain with a resistor, exponent {exponent:g}"
        return Figure(title, lost, "%", expected - 1.0, expected + 1.0)

    def _time(self, name: str, results: Mapping[str, Result]) -> float:
        """From the end of the reset until the row with x = 1 closes, first conversion [s]."""
        last = f"v(xmac.wl{self.block.inputs - 1})"
        return float(crossings(results[name], last, 0.5, rising=False)[0]) - self.block.reset


def _largest(values: np.ndarray) -> float:
    return float(np.abs(values).max())
