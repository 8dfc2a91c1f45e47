"""Testbench of the regulated bit line with its mirror: what the line sees, and what is copied."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import TRANSIENT_OPTIONS, Bench, Condition, Figure
from cosim.bench.waveforms import settling_time, values_at
from cosim.ngspice import DcSweep, Result, Simulation, Transient
from netlists.circuits.current_mirror_readout import CurrentMirrorReadout
from netlists.si_numbers import literal
from netlists.spice import READ_OPTIONS
from netlists.waveforms import piecewise_linear


SMALLEST, FULL_SCALE = 1e-6, 100e-6  # range of the line's current [A]
LINE = 200e-15  # capacitance of the line [F]
START, STOP = 50e-9, 450e-9
OUT_LOW, OUT_HIGH = 0.3, 0.8  # between which the output resistance is taken [V]


class CurrentMirrorReadoutBench(Bench):
    """Cells that draw 1 to 100 uA from a line held at 0.2 V.

    Limits differ between the plain and the cascoded mirror: the plain one is here to show what a
    cascode buys. Its twin has the law of the diode at room temperature, whose gate voltage moves
    by 1 mV/K, and therefore follows the corners to 3 % of the full scale only.
    """

    own_technology = "generic_250nm"

    def __init__(self, block: CurrentMirrorReadout | None = None) -> None:
        """A bench of one read-out; the cascoded one when none is given."""
        self.block = block or CurrentMirrorReadout()
        cascoded = self.block.cascoded
        self.name = "current_mirror_cascoded" if cascoded else "current_mirror_plain"
        self.title = f"regulated bit line and {'cascoded' if cascoded else 'plain'} current mirror"

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """A sweep of the line's current; without a draw also of the output, and a step."""
        sweep = DcSweep("icell", SMALLEST, FULL_SCALE, SMALLEST)
        runs = {"transfer": self._run(at, "0", sweep)}
        if at.seed is None:
            middle = literal(0.5 * FULL_SCALE)
            forced = DcSweep("vforce", OUT_LOW, OUT_HIGH, OUT_HIGH - OUT_LOW)
            runs["output"] = self._run(at, middle, forced, "vforce out 0 0")
            edge = ((0.0, SMALLEST), (START, SMALLEST), (START + 1e-10, FULL_SCALE))
            analysis = Transient(step=0.2e-9, stop=STOP, max_step=1e-9)
            runs["step"] = self._run(at, piecewise_linear(edge), analysis)
        return runs

    def _run(
        self, at: Condition, current: str, analysis: DcSweep | Transient, *further: str
    ) -> Simulation:
        supply = self.technology(at).supply * at.supply
        circuit = self.drawn(at, self.block.circuit(self.technology(at)))
        elements = (
            f"vdd vdd 0 {literal(supply)}",
            f"vref vref 0 {literal(self.block.reference)}",
            f"icell line 0 {current}",
            f"cline line 0 {literal(LINE)}",
            circuit.instance("read", {port: port for port in circuit.ports}),
            *further,
        )
        outputs = ("v(out)", "v(line)", *(("i(vforce)",) if further else ()))
        options = READ_OPTIONS if isinstance(analysis, DcSweep) else TRANSIENT_OPTIONS
        return self.simulation(at, [circuit], elements, analysis, outputs, options)

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """How well the line is held and its current copied."""
        block, transfer = self.block, results["transfer"].require()
        current, out = np.asarray(transfer.axis), transfer.vectors["v(out)"]
        through = current + block.bleed
        ratio = 100.0 * (out / block.resistance / (block.ratio * through) - 1.0)
        if at.seed is not None:
            return tuple(self._draw_figures(at, current, ratio))
        supply = self.technology(at).supply * at.supply
        twin = block.output(current, supply=supply)
        full_scale = block.output(np.array(FULL_SCALE), supply=supply)
        error = float(100.0 * np.abs(out - twin).max() / full_scale)
        held = float(np.abs(transfer.vectors["v(line)"] - block.reference).max())
        worst = float(ratio[np.argmax(np.abs(ratio))])
        ratio_limit, error_limit = (1.0, 0.15) if block.cascoded else (50.0, 3.0)
        return (
            Figure("error of the line's voltage", held, "V", high=0.5e-3),
            Figure("error of the ratio, 1 to 100 uA", worst, "%", -ratio_limit, ratio_limit),
            Figure("error of the twin", error, "% of full scale", high=error_limit),
            self._output_resistance(results["output"]),
            *self._step_figures(results["step"]),
        )

    def _draw_figures(self, at: Condition, current: np.ndarray, ratio: np.ndarray) -> list[Figure]:
        """Ratio errors of a draw at both ends; allowed: six deviations of the twin."""
        nominal = self.block.output(current) / self.block.resistance
        through = self.block.ratio * (current + self.block.bleed)
        systematic = 100.0 * (nominal / through - 1.0)
        found = []
        for label, index in (("1 uA", 0), ("100 uA", -1)):
            deviation = self.block.ratio_deviation(self.technology(at), float(current[index]))
            limit = 600.0 * deviation + 0.5
            expected = 100.0 * deviation
            error = float(ratio[index] - systematic[index])
            found.append(
                Figure(f"ratio error of a draw at {label}", error, "%", -limit, limit, expected)
            )
        return found

    def _output_resistance(self, result: Result) -> Figure:
        """Of the mirror alone, without the resistor at the output."""
        low, high = result.require().vectors["i(vforce)"]
        slope = (low - high) / (OUT_HIGH - OUT_LOW) - 1.0 / self.block.resistance
        least = 3e6 if self.block.cascoded else 50e3
        return Figure("output resistance at 50 uA", float(1.0 / slope), "ohm", low=least)

    def _step_figures(self, result: Result) -> tuple[Figure, ...]:
        """How far the line dips and how long the output takes after a step over the full range."""
        line = result.require().vectors["v(line)"]
        before, after = values_at(result, "v(out)", np.array([START, STOP]))
        settled = settling_time(result, "v(out)", START, STOP, 5e-3 * (after - before))
        dip = float(self.block.reference - line.min())
        return (
            Figure("dip of the line at the step", dip, "V", high=self.block.reference),
            Figure("settling to 0.5 %", settled, "s", high=150e-9),
        )
