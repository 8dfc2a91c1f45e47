"""Testbench of the transimpedance amplifier: transfer, input resistance, settling."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import TRANSIENT_OPTIONS, Bench, Condition, Figure
from cosim.bench.waveforms import settling_time, values_at
from cosim.ngspice import DcSweep, Result, Simulation, Transient
from netlists.circuits.tia import Tia
from netlists.si_numbers import literal
from netlists.spice import READ_OPTIONS
from netlists.waveforms import piecewise_linear


FULL_SCALE = 100e-6  # largest current in either direction [A]
LINE = 200e-15  # capacitance of the line [F]
LOAD = 200e-15  # of what samples the output [F]
START, STOP = 20e-9, 200e-9
OUTPUTS = ("v(out)", "v(line)", "i(vdd)")


class TiaBench(Bench):
    """A line of 200 fF whose current is swept over +-100 uA, and stepped over it.

    The twin knows the nominal amplifier; over corners its gain and output resistance move, and a
    finite loop gain of some 500 lets 0.1 % of the full scale of that through.
    """

    own_technology = "generic_250nm"

    def __init__(self, block: Tia | None = None) -> None:
        """A bench of one amplifier; around the linear one when none is given."""
        self.block = block or Tia()
        linear = self.block.amplifier.kind == "linear"
        self.name = "tia" if linear else f"tia_{self.block.amplifier.kind}"
        self.title = f"transimpedance amplifier, {self.block.amplifier.kind} op-amp"

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """A sweep of the current; without a draw also a step of it."""
        sweep = DcSweep("iline", -FULL_SCALE, FULL_SCALE, FULL_SCALE / 20.0)
        runs = {"transfer": self._run(at, "0", sweep)}
        if at.seed is None:
            edge = ((0.0, 0.0), (START, 0.0), (START + 1e-10, FULL_SCALE))
            analysis = Transient(step=0.1e-9, stop=STOP, max_step=0.5e-9)
            runs["step"] = self._run(at, piecewise_linear(edge), analysis)
        return runs

    def _run(self, at: Condition, current: str, analysis: DcSweep | Transient) -> Simulation:
        supply = self.technology(at).supply * at.supply
        circuit = self.drawn(at, self.block.circuit(self.technology(at)))
        elements = (
            f"vdd vdd 0 {literal(supply)}",
            f"vcm vcm 0 {literal(self.block.common_mode)}",
            f"iline 0 line {current}",
            f"cline line 0 {literal(LINE)}",
            f"cl out 0 {literal(LOAD)}",
            circuit.instance("tia", {port: port for port in circuit.ports}),
        )
        options = READ_OPTIONS if isinstance(analysis, DcSweep) else TRANSIENT_OPTIONS
        return self.simulation(at, [circuit], elements, analysis, OUTPUTS, options)

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Errors against the twin, and what the line and the output see."""
        block, transfer = self.block, results["transfer"].require()
        current, out = np.asarray(transfer.axis), transfer.vectors["v(out)"]
        slope, level = np.polyfit(current, out, 1)
        full_scale = block.resistance * FULL_SCALE
        if at.seed is not None:
            return self._draw_figures(at, slope, level)
        straight = np.abs(out - (level + slope * current)).max()
        supply = self.technology(at).supply * at.supply
        error = np.abs(out - block.output(current, supply=supply)).max()
        resistance = np.polyfit(current, transfer.vectors["v(line)"], 1)[0]
        return (
            Figure("error of the twin", 100.0 * error / full_scale, "% of full scale", high=0.15),
            Figure("linearity", 100.0 * straight / full_scale, "% of full scale", high=0.05),
            Figure("input resistance", float(resistance), "ohm", 0.0, 2.0 * block.input_resistance),
            *self._step_figures(results["step"]),
        )

    def _draw_figures(self, at: Condition, slope: float, level: float) -> tuple[Figure, ...]:
        """Offset and gain of a mismatch draw; allowed: six deviations and the twin's error."""
        block = self.block
        nominal = block.output(np.array([0.0, FULL_SCALE]))
        gain = 100.0 * (slope * FULL_SCALE / (nominal[1] - nominal[0]) - 1.0)
        deviation = block.amplifier.random_offset(self.technology(at))
        offset = 6.0 * deviation + 0.2e-3
        wrong = 100.0 * (6.0 * block.matching + 1e-3)
        return (
            Figure("offset of a draw", float(level - nominal[0]), "V", -offset, offset, deviation),
            Figure("gain error of a draw", gain, "%", -wrong, wrong, 100.0 * block.matching),
        )

    def _step_figures(self, result: Result) -> tuple[Figure, ...]:
        """Settling after a step of the current to full scale, and how far it swings beyond."""
        wave = result.require().vectors["v(out)"]
        before, after = values_at(result, "v(out)", np.array([START, STOP]))
        beyond = (after - wave.min()) / (before - after)
        settled = settling_time(result, "v(out)", START, STOP, 1e-3 * (before - after))
        return (
            Figure("overshoot", 100.0 * float(beyond), "%", high=15.0),
            Figure("settling to 0.1 %", settled, "s", high=60e-9),
            Figure("settling over twin's", settled / self.block.settling(1e-3), "", 0.5, 2.0),
        )
