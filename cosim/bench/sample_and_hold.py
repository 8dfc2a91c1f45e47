"""Testbench of the sample-and-hold: pedestal, acquisition and droop."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import TRANSIENT_OPTIONS, Bench, Condition, Figure
from cosim.bench.waveforms import settling_time, values_at
from cosim.ngspice import Result, Simulation, Transient
from netlists.circuits.sample_and_hold import SampleAndHold
from netlists.si_numbers import literal
from netlists.waveforms import clock, piecewise_linear, staircase


LEVELS = np.array([0.5, 1.1, 0.5, 0.8, 0.9, 1.0, 0.6, 0.7])  # sampled one after another [V]
PERIOD, WIDTH, EDGE = 200e-9, 80e-9, 0.2e-9
BEGIN = 10e-9  # of sampling, after the input has stepped
HOLD = 20e-6  # over which the droop is taken
LOAD = 200e-15
OPTIONS = f"{TRANSIENT_OPTIONS} gmin=1e-15"  # the usual 1e-12 S would be the largest leakage


class SampleAndHoldBench(Bench):
    """A staircase from 0.5 to 1.1 V, sampled for 80 ns and held for 110 ns."""

    own_technology = "generic_250nm"

    def __init__(self, block: SampleAndHold | None = None) -> None:
        """A bench of one sample-and-hold; with a linear buffer when none is given."""
        self.block = block or SampleAndHold()
        kind = self.block.amplifier.kind
        self.name = "sample_and_hold" if kind == "linear" else f"sample_and_hold_{kind}"
        self.title = f"sample-and-hold, buffer of a {kind} op-amp"

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """A staircase, and without a draw a long hold with the input a volt away."""
        supply = self.technology(at).supply * at.supply
        sample = clock(0.0, supply, BEGIN, EDGE, WIDTH, PERIOD)
        steps = Transient(step=0.2e-9, stop=len(LEVELS) * PERIOD, max_step=1e-9)
        runs = {"steps": self._run(at, staircase(LEVELS, PERIOD, EDGE), sample, steps)}
        if at.seed is None:
            once = piecewise_linear([(0.0, supply), (WIDTH, supply), (WIDTH + EDGE, 0.0)])
            away = piecewise_linear([(0.0, 1.1), (2 * WIDTH, 1.1), (2 * WIDTH + EDGE, 0.0)])
            hold = Transient(step=10e-9, stop=HOLD, max_step=0.5e-6)
            runs["hold"] = self._run(at, away, once, hold)
        return runs

    def _run(self, at: Condition, volts: str, sample: str, analysis: Transient) -> Simulation:
        circuit = self.drawn(at, self.block.circuit(self.technology(at)))
        elements = (
            f"vdd vdd 0 {literal(self.technology(at).supply * at.supply)}",
            f"vin in 0 {volts}",
            f"vsample sample 0 {sample}",
            f"cl out 0 {literal(LOAD)}",
            circuit.instance("sh", {port: port for port in circuit.ports}),
        )
        return self.simulation(at, [circuit], elements, analysis, ("v(out)",), OPTIONS)

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Pedestal, error against the twin, acquisition and droop; or a draw's offset."""
        block, steps = self.block, results["steps"]
        starts = np.arange(len(LEVELS)) * PERIOD
        held = values_at(steps, "v(out)", starts + 0.98 * PERIOD)
        twin = block.output(LEVELS)
        if at.seed is not None:
            deviation = block.amplifier.random_offset(self.technology(at))
            limit = 6.0 * deviation + 2e-3
            mean = float((held - twin).mean())
            return (Figure("offset of a draw", mean, "V", -limit, limit, deviation),)
        tracked = values_at(steps, "v(out)", starts + BEGIN + WIDTH)
        pedestal = held - tracked
        start = PERIOD + BEGIN + 0.5 * EDGE  # of the largest step
        band = 1e-3 * (LEVELS[1] - LEVELS[0])
        acquired = settling_time(steps, "v(out)", start, start + WIDTH - EDGE, band)
        early, late = values_at(results["hold"], "v(out)", np.array([0.05 * HOLD, HOLD]))
        droop = abs(float(late - early)) / (0.95 * HOLD)
        return (
            Figure("error of the twin", float(np.abs(held - twin).max()), "V", high=1e-3),
            Figure("largest pedestal", float(np.abs(pedestal).max()), "V", high=2e-3),
            Figure("pedestal over half a volt", float(np.ptp(pedestal)), "V", high=2e-3),
            Figure("acquisition to 0.1 %", acquired, "s", high=WIDTH),
            Figure("droop per microsecond", 1e-6 * droop, "V", high=50e-6),
        )
