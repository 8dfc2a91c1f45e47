"""Testbench of the latch sense amplifier: voltages and currents decided, delay, offset."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.waveforms import crossings, integral, values_at
from cosim.ngspice import Result, Simulation, Transient
from netlists.circuits.latch_sense_amplifier import LatchSenseAmplifier
from netlists.schematic import Subcircuit
from netlists.si_numbers import literal
from netlists.waveforms import clock, staircase


PERIOD, EDGE = 4e-9, 20e-12  # one decision: the lines are followed or prepared, then decided
COMMON_MODE = 0.85  # of the supply
DIFFERENCES = np.array([-10e-3, 0.5e-3, -3e-3, -0.5e-3, 1e-3, -1e-3, 3e-3, -0.5e-3, 0.5e-3, 10e-3])
OFFSET_STEPS = np.arange(-49.5e-3, 50e-3, 3e-3)
REFERENCE = 10e-6  # what a cell's current is compared with [A]
CURRENTS = REFERENCE * np.array([0.5, 0.98, 1.02, 1.5, 0.9, 1.1])
PRECHARGE = 1e-9  # of lines that read currents [s]
OUTPUTS = ("v(q)", "v(qb)", "i(vdd)")


class LatchSenseAmplifierBench(Bench):
    """Decisions at 250 MHz on stepped voltages, and on lines that currents discharge.

    With a mismatch draw the difference climbs in steps of 3 mV and where the decision turns is the
    offset.
    """

    name = "latch_sense_amplifier"
    title = "latch sense amplifier on a pair of lines"

    def __init__(self, block: LatchSenseAmplifier | None = None) -> None:
        """A bench of one latch; its default sizes when none is given."""
        self.block = block or LatchSenseAmplifier()

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """A transient on voltages; without a draw also one on currents."""
        supply = self.technology(at).supply * at.supply
        steps = DIFFERENCES if at.seed is None else OFFSET_STEPS
        level = literal(COMMON_MODE * supply)
        sources = (
            f"vd d 0 {staircase(steps, PERIOD, EDGE)}",
            f"bbl bl 0 v={level}+v(d)/2",
            f"bblb blb 0 v={level}-v(d)/2",
        )
        runs = {"voltages": self._run(at, sources, len(steps), 0.5 * PERIOD)}
        if at.seed is None:
            start = PRECHARGE + self.block.window
            runs["currents"] = self._run(at, self._lines(), len(CURRENTS), start)
        return runs

    def _lines(self) -> tuple[str, ...]:
        """Two lines: precharged to the supply, then discharged by a cell and by the reference."""
        width = PRECHARGE - 2 * EDGE
        elements = [
            f"vcell cell 0 {staircase(CURRENTS / REFERENCE, PERIOD, EDGE)}",
            f"vpre pre 0 {clock(0.0, 1.0, 0.0, EDGE, width, PERIOD)}",
        ]
        for line, level in (("bl", "v(cell)"), ("blb", "1")):
            discharge = f"(1-v(pre))*{level}*{literal(REFERENCE)}"
            elements.append(f"b{line} {line} 0 i=v(pre)*2m*(v({line})-v(vdd))+{discharge}")
            elements.append(f"c{line} {line} 0 {literal(self.block.line_capacitance)}")
        return tuple(elements)

    def _run(
        self, at: Condition, lines: tuple[str, ...], decisions: int, start: float
    ) -> Simulation:
        supply = self.technology(at).supply * at.supply
        circuit: Subcircuit = self.drawn(at, self.block.circuit(self.technology(at)))
        width = PERIOD - start - 2 * EDGE
        elements = (
            f"vdd vdd 0 {literal(supply)}",
            f"ven en 0 {clock(0.0, supply, start, EDGE, width, PERIOD)}",
            *lines,
            circuit.instance("sa", {port: port for port in circuit.ports}),
        )
        analysis = Transient(step=5e-12, stop=decisions * PERIOD, max_step=40e-12)
        return self.simulation(at, [circuit], elements, analysis, OUTPUTS)

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Wrong decisions, delay and energy; or the offset of a mismatch draw."""
        block, result = self.block, results["voltages"]
        steps = DIFFERENCES if at.seed is None else OFFSET_STEPS
        high = _decisions(result, len(steps))
        if at.seed is not None:
            return (self._offset(at, high),)
        wrong = int(np.count_nonzero(high != block.decide(steps)))
        less = _decisions(results["currents"], len(CURRENTS))
        wrong_currents = np.count_nonzero(less != block.decide_currents(CURRENTS, REFERENCE))
        supply = self.technology(at).supply * at.supply
        last = (len(steps) - 1) * PERIOD
        edge = last + 0.5 * PERIOD + 0.5 * EDGE
        fall = crossings(result, "v(qb)", 0.5 * supply, rising=False)
        delay = float(fall[fall > edge][0] - edge) if (fall > edge).any() else np.nan
        energy = -supply * integral(result, "i(vdd)", last, last + PERIOD)
        return (
            Figure("wrong decisions of 10, down to 0.5 mV", wrong, high=0),
            Figure("wrong decisions of 6 currents, to 2 %", int(wrong_currents), high=0),
            Figure("delay at 10 mV", delay, "s", high=0.5e-9),
            Figure("energy per decision", energy, "J", 0.0, 100e-15),
        )

    def _offset(self, at: Condition, high: np.ndarray) -> Figure:
        """The difference at which the decision turns; allowed: six deviations."""
        deviation = self.block.offset_deviation(self.technology(at))
        turned = np.flatnonzero(high)
        value = np.nan
        if len(turned) and turned[0] > 0 and high[turned[0] :].all():
            value = float(OFFSET_STEPS[turned[0] - 1 : turned[0] + 1].mean())
        return Figure("offset", value, "V", -6.0 * deviation, 6.0 * deviation, deviation)


def _decisions(result: Result, count: int) -> np.ndarray:
    """Whether q is above qb at the end of every decision."""
    ends = (np.arange(count) + 0.98) * PERIOD
    return values_at(result, "v(q)", ends) > values_at(result, "v(qb)", ends)
