"""Testbench of voltage-mode sensing: the weighted mean, the buffer, and settling."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.waveforms import settling_time, values_at
from cosim.ngspice import Result, Simulation, Transient
from netlists.circuits.voltage_sense import VoltageSense
from netlists.si_numbers import literal
from netlists.waveforms import staircase


ROWS, VECTORS = 16, 6
LEVEL, SWING = 0.9, 0.2  # of the inputs [V]
SMALLEST, LARGEST = 2e-6, 40e-6  # conductances [S]
PERIOD, EDGE = 150e-9, 0.2e-9  # of one input vector
LOAD = 200e-15  # of what samples the output [F]


class VoltageSenseBench(Bench):
    """A line of 16 cells between 2 and 40 uS, driven with 0.7 to 1.1 V.

    The level of a source follower moves with process and temperature; what counts is that it stays
    straight, so its error has a wide limit and its linearity a narrow one.
    """

    own_technology = "generic_250nm"

    def __init__(self, block: VoltageSense | None = None) -> None:
        """A bench of one line; with a linear amplifier as its buffer when none is given."""
        self.block = block or VoltageSense()
        kind = self.block.buffer.kind
        self.name = "voltage_sense" if kind == "linear" else f"voltage_sense_{kind}"
        self.title = f"voltage-mode sensing, {kind.replace('_', ' ')} as buffer"
        generator = np.random.default_rng(0)
        self.conductances = generator.uniform(SMALLEST, LARGEST, (ROWS, 1))
        shares = generator.uniform(-1.0, 1.0, (VECTORS, ROWS))
        shares[:2] = np.array([[-1.0], [1.0]])  # the whole swing, for linearity and settling
        self.voltages = LEVEL + SWING * shares

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """One transient with an input vector per period."""
        circuit = self.drawn(at, self.block.circuit(self.technology(at)))
        cells = [
            element
            for row, conductance in enumerate(self.conductances[:, 0])
            for element in (
                f"vin{row} in{row} 0 {staircase(self.voltages[:, row], PERIOD, EDGE)}",
                f"rc{row} in{row} line {literal(1.0 / conductance)}",
            )
        ]
        elements = (
            f"vdd vdd 0 {literal(self.technology(at).supply * at.supply)}",
            *cells,
            f"cline line 0 {literal(self.block.line_capacitance)}",
            f"cl out 0 {literal(LOAD)}",
            circuit.instance("sense", {port: port for port in circuit.ports}),
        )
        analysis = Transient(step=0.5e-9, stop=VECTORS * PERIOD, max_step=1e-9)
        outputs = ("v(line)", "v(out)")
        return {"vectors": self.simulation(at, [circuit], elements, analysis, outputs)}

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """The mean at the line, the twin at the output, and how straight the buffer is."""
        block, result = self.block, results["vectors"]
        ends = (np.arange(VECTORS) + 0.99) * PERIOD
        line, out = (values_at(result, name, ends) for name in ("v(line)", "v(out)"))
        mean = block.open_circuit(self.voltages, self.conductances)[:, 0]
        twin = block.follow(mean)
        if at.seed is not None:
            deviation = block.buffer.random_offset(self.technology(at))
            limit = 6.0 * deviation + 1e-3
            shift = float((out - twin).mean())
            return (Figure("offset of a draw", shift, "V", -limit, limit, deviation),)
        slope, level = np.polyfit(mean, out, 1)
        bent = float(np.abs(out - (level + slope * mean)).max())
        start = PERIOD + EDGE
        settled = settling_time(result, "v(out)", start, 2 * PERIOD - EDGE, 2e-3 * SWING)
        error_limit = 0.1 if block.buffer.kind == "source_follower" else 1e-3
        return (
            Figure(
                "error of the mean at the line", float(np.abs(line - mean).max()), "V", high=50e-6
            ),
            Figure("error of the twin", float(np.abs(out - twin).max()), "V", high=error_limit),
            Figure("bend of the buffer", bent, "V", high=1e-3),
            Figure("settling to 0.1 %", settled, "s", high=100e-9),
        )
