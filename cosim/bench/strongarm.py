"""Testbench of the StrongARM latch: decisions, delay, energy, and offset of a mismatch draw."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.waveforms import crossings, integral, values_at
from cosim.ngspice import Result, Simulation, Transient
from netlists.circuits.strongarm import StrongArm
from netlists.si_numbers import literal
from netlists.waveforms import clock, staircase


PERIOD = 2e-9  # one decision
EDGE = 20e-12
START = 0.5 * PERIOD  # the clock rises this long after the input has stepped
COMMON_MODE = 0.58  # of the supply
DIFFERENCES = (-10e-3, 0.5e-3, -3e-3, -0.5e-3, 1e-3, -1e-3, 3e-3, -0.5e-3, 0.5e-3, 10e-3)
OFFSET_STEPS = np.arange(-43.5e-3, 44e-3, 3e-3)


class StrongArmBench(Bench):
    """A latch that decides once per clock on a stepped input difference.

    Without a mismatch draw the decisions at chosen differences are compared with the twin; with
    a draw, the difference climbs in steps of 3 mV and where the decision turns is the offset.
    """

    name = "strongarm"
    title = "StrongARM latch at 500 MHz"

    def __init__(self, block: StrongArm | None = None) -> None:
        """A bench of one latch; its default sizes when none is given."""
        self.block = block or StrongArm()

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """One transient with a decision per clock period."""
        technology = self.technology(at)
        circuit = self.drawn(at, self.block.circuit(technology))
        supply = technology.supply * at.supply
        differences = self._differences(at)
        stop = len(differences) * PERIOD
        elements = (
            f"vdd vdd 0 {literal(supply)}",
            f"vclk clk 0 {clock(0.0, supply, START, EDGE, 0.5 * PERIOD - EDGE, PERIOD)}",
            f"vd d 0 {staircase(differences, PERIOD, EDGE)}",
            f"bp inp 0 v={literal(COMMON_MODE * supply)}+v(d)/2",
            f"bn inn 0 v={literal(COMMON_MODE * supply)}-v(d)/2",
            circuit.instance(
                "cmp",
                {port: port for port in ("inp", "inn", "clk", "outp", "outn", "vdd")},
            ),
        )
        outputs = ("v(outp)", "v(outn)", "v(clk)", "i(vdd)")
        analysis = Transient(step=5e-12, stop=stop, max_step=20e-12)
        return {"decisions": self.simulation(at, [circuit], elements, analysis, outputs)}

    @staticmethod
    def _differences(at: Condition) -> np.ndarray:
        return np.array(DIFFERENCES) if at.seed is None else OFFSET_STEPS

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Wrong decisions, delay and energy; or the offset of a mismatch draw."""
        result = results["decisions"]
        differences = self._differences(at)
        sampled = (np.arange(len(differences)) + 0.98) * PERIOD
        high = values_at(result, "v(outp)", sampled) > values_at(result, "v(outn)", sampled)
        if at.seed is not None:
            return (self._offset(at, differences, high),)
        wrong = int(np.count_nonzero(high != self.block.decide(differences)))
        supply = self.technology(at).supply * at.supply
        last = (len(differences) - 1) * PERIOD
        edge = last + START + 0.5 * EDGE
        fall = crossings(result, "v(outn)", 0.5 * supply, rising=False)
        energy = -supply * integral(result, "i(vdd)", last, last + PERIOD)
        return (
            Figure("wrong decisions of 10, down to 0.5 mV", wrong, high=0),
            Figure("delay at 10 mV", float(fall[fall > edge][0] - edge), "s", high=0.5 * PERIOD),
            Figure("energy per decision", energy, "J", low=0.0),
        )

    def _offset(self, at: Condition, differences: np.ndarray, high: np.ndarray) -> Figure:
        """The input difference at which the decision turns; allowed: six deviations."""
        turned = np.flatnonzero(high)
        value = np.nan
        if len(turned) and turned[0] > 0 and high[turned[0] :].all():
            value = float(differences[turned[0] - 1 : turned[0] + 1].mean())
        deviation = self.block.offset_deviation(self.technology(at))
        return Figure("offset", value, "V", -6.0 * deviation, 6.0 * deviation, deviation)
