"""Testbench of the pulse-width driver: one row per code, all in one frame."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.waveforms import integral
from cosim.ngspice import Result, Simulation, Transient
from netlists.circuits.pulse_width import PulseWidthDriver
from netlists.si_numbers import literal


class PulseWidthBench(Bench):
    """Drivers of all codes side by side, sharing the counter.

    The width of a pulse is its area over its level, so that both edges count as they do in a sum of
    charges. What all pulses have too much is the offset; what is left is the nonlinearity.
    """

    def __init__(
        self,
        name: str,
        title: str,
        block: PulseWidthDriver,
        level: float = 0.3,
        load: float = 2e-13,
    ) -> None:
        """A bench of one driver.

        Args:
            name: what the command line calls it.
            title: one line about it.
            block: the driver.
            level: that rows are driven to [V].
            load: capacitance of a row [F].
        """
        self.name = name
        self.title = title
        self.block = block
        self.level = level
        self.load = load

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """Two frames; the first settles the logic."""
        block = self.block
        circuit = self.drawn(at, block.circuit(self.technology(at)))
        supply = self.technology(at).supply * at.supply
        rows = []
        for code in range(block.levels):
            own = {f"b{bit}": "vdd" if code >> bit & 1 else "0" for bit in range(block.bits)} | {
                "y": f"y{code}"
            }
            nets = {port: port for port in circuit.ports} | own
            rows.append(circuit.instance(f"row{code}", nets))
            rows.append(f"c{code} y{code} 0 {literal(self.load)}")
        elements = (
            f"vdd vdd 0 {literal(supply)}",
            f"vhigh high 0 {literal(self.level)}",
            *(f"v{port} {port} 0 {wave}" for port, wave in block.clocks(supply).items()),
            *rows,
        )
        outputs = (*(f"v(y{code})" for code in range(block.levels)), "i(vdd)", "i(vhigh)")
        stop = 2 * block.frame
        analysis = Transient(step=block.slot / 20, stop=stop, max_step=block.slot / 10)
        return {"frames": self.simulation(at, [circuit], elements, analysis, outputs)}

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Offset and nonlinearity of the widths, the pulse of code 0, energy."""
        block, result = self.block, results["frames"]
        start = block.frame
        stop = 2 * block.frame
        codes = np.arange(block.levels)
        areas = [integral(result, f"v(y{code})", start, stop) for code in codes]
        error = (np.array(areas) / self.level - block.durations(codes)) / block.slot
        offset = float(np.median(error[1:]))
        left = float(np.abs(error[1:] - offset).max())
        energy = -self.level * integral(result, "i(vhigh)", start, stop)
        limit = 0.02
        return (
            Figure("offset of the width", offset, "slots", low=-limit, high=limit),
            # Edges come from event-driven logic: ngspice 46 places them 0.4 % of a slot apart.
            Figure("nonlinearity of the width", left, "slots", high=0.25 * limit),
            Figure("pulse of code 0", abs(float(error[0])), "slots", high=0.1 * limit),
            Figure("energy of the lines per pulse", energy / (block.levels - 1), "J", low=0.0),
        )
