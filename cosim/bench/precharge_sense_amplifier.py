"""Testbench of the precharge sense amplifier: decisions, delay, energy, and a draw's offset.

The cells are resistors whose logarithm follows a staircase, so that one transient decides many
pairs: R_BL = R exp(l / 2), R_BLb = R exp(-l / 2).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.waveforms import crossings, integral, values_at
from cosim.ngspice import Result, Simulation, Transient
from netlists.circuits.precharge_sense_amplifier import PrechargeSenseAmplifier
from netlists.si_numbers import literal
from netlists.waveforms import clock, staircase


PERIOD = 8e-9  # of one decision: precharge, then decide
EDGE = 20e-12
LINE = 10e-15  # capacitance of each bit line [F]
RESISTANCES = np.repeat([20e3, 5e3, 50e3, 20e3], 4)
LOG_RATIOS = np.tile([0.02, -1.0, 0.1, -0.02], 4)
OFFSET_STEPS = np.arange(-0.25, 0.26, 0.02)  # log ratios at 20 kohm, for a draw
SLOWEST = 1.5e-9  # allowed for 20 kohm and a ratio of 2 % [s]


class PrechargeSenseAmplifierBench(Bench):
    """Pairs of 5 to 50 kohm with ratios down to 2 %, decided at 125 MHz.

    The twin's delay is that of the nominal corner; transistors in weak and moderate inversion
    carry the decision, so it moves by 40 % over corners.
    """

    name = "precharge_sense_amplifier"
    title = "precharge sense amplifier of a 2T2R pair"

    def __init__(self, block: PrechargeSenseAmplifier | None = None) -> None:
        """A bench of one amplifier; its default sizes when none is given."""
        self.block = block or PrechargeSenseAmplifier()

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """One transient with a decision per clock period."""
        supply = self.technology(at).supply * at.supply
        circuit = self.drawn(at, self.block.circuit(self.technology(at)))
        resistances, ratios = self._cells(at)
        elements = (
            f"vdd vdd 0 {literal(supply)}",
            f"vclk clk 0 {clock(0.0, supply, 0.5 * PERIOD, EDGE, 0.5 * PERIOD - EDGE, PERIOD)}",
            f"vratio ratio 0 {staircase(ratios, PERIOD, EDGE)}",
            f"vlevel level 0 {staircase(np.log(resistances), PERIOD, EDGE)}",
            "bbl bl sl i=v(bl,sl)*exp(-v(level)-v(ratio)/2)",
            "bblb blb sl i=v(blb,sl)*exp(-v(level)+v(ratio)/2)",
            f"cbl bl 0 {literal(LINE)}",
            f"cblb blb 0 {literal(LINE)}",
            circuit.instance("amp", {port: port for port in circuit.ports}),
        )
        analysis = Transient(step=5e-12, stop=len(ratios) * PERIOD, max_step=50e-12)
        outputs = ("v(q)", "v(qb)", "i(vdd)")
        return {"decisions": self.simulation(at, [circuit], elements, analysis, outputs)}

    @staticmethod
    def _cells(at: Condition) -> tuple[np.ndarray, np.ndarray]:
        """Mean resistance and log ratio of every pair."""
        if at.seed is None:
            return RESISTANCES, LOG_RATIOS
        return np.full(len(OFFSET_STEPS), 20e3), OFFSET_STEPS

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Wrong decisions, delay against the twin, and energy; or the offset of a draw."""
        result, block = results["decisions"], self.block
        resistances, ratios = self._cells(at)
        ends = (np.arange(len(ratios)) + 0.99) * PERIOD
        high = values_at(result, "v(q)", ends) > values_at(result, "v(qb)", ends)
        if at.seed is not None:
            return (self._offset(at, ratios, high),)
        bit_line, complement = resistances * np.exp(ratios / 2), resistances * np.exp(-ratios / 2)
        wrong = int(np.count_nonzero(high != block.decide(bit_line, complement)))
        supply = self.technology(at).supply * at.supply
        delay = self._delays(result, high, supply)
        error = delay / block.delay(bit_line, complement) - 1.0
        worst = float(100.0 * error[np.argmax(np.abs(error))])
        energy = -supply * integral(result, "i(vdd)", PERIOD, 12 * PERIOD) / 11
        relative = 100.0 * (energy / block.energy(supply) - 1.0)
        return (
            Figure("wrong decisions of 16, ratios to 2 %", wrong, high=0),
            Figure("delay at 20 kohm and 2 %", float(delay[0]), "s", high=SLOWEST),
            Figure("delay against the twin", worst, "%", -50.0, 60.0),
            Figure("energy per decision", energy, "J", 0.0, 100e-15),
            Figure("energy against the twin", relative, "%", -20.0, 20.0),
        )

    @staticmethod
    def _delays(result: Result, high: np.ndarray, supply: float) -> np.ndarray:
        """From the clock's edge to the fall of the losing output of every decision [s]."""
        edges = (np.arange(len(high)) + 0.5) * PERIOD + 0.5 * EDGE
        falls = {
            winner: crossings(result, loser, 0.5 * supply, rising=False)
            for winner, loser in ((True, "v(qb)"), (False, "v(q)"))
        }
        found = np.full(len(high), np.nan)
        for number, (edge, winner) in enumerate(zip(edges, high.tolist(), strict=True)):
            after = falls[winner][falls[winner] > edge]
            if len(after) and after[0] < edge + 0.5 * PERIOD:
                found[number] = after[0] - edge
        return found

    def _offset(self, at: Condition, ratios: np.ndarray, high: np.ndarray) -> Figure:
        """The log ratio at which the decision turns; allowed: six deviations."""
        turned = np.flatnonzero(high)
        value = np.nan
        if len(turned) and turned[0] > 0 and high[turned[0] :].all():
            value = float(ratios[turned[0] - 1 : turned[0] + 1].mean())
        deviation = self.block.offset_deviation(self.technology(at))
        name = "log ratio of resistances that balances a draw"
        return Figure(name, value, "", -6.0 * deviation, 6.0 * deviation, deviation)
