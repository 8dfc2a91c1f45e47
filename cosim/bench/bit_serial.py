"""Testbench of the bit-serial driver: rows with conductances into one column, shifted and added."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.waveforms import integral, values_at
from cosim.ngspice import Result, Simulation, Transient
from netlists.circuits.bit_serial import BitSerialDriver
from netlists.si_numbers import literal


CONDUCTANCES = (10e-6, 20e-6, 40e-6)  # of the rows' cells, all on one column [S]
LINE = 100e-15  # capacitance of a row [F]


class BitSerialBench(Bench):
    """Three rows drive one column held at ground; its current is read at the end of each cycle.

    The answers to the cycles, shifted and added, are compared with the sum of conductance times
    code times level. What is missing is the drop over the drivers' resistance.
    """

    def __init__(
        self, name: str, title: str, block: BitSerialDriver | None = None, level: float = 0.3
    ) -> None:
        """A bench of one driver.

        Args:
            name: what the command line calls it.
            title: one line about it.
            block: the driver; its default sizes when none is given.
            level: that rows are driven to [V].
        """
        self.name = name
        self.title = title
        self.block = block or BitSerialDriver()
        self.level = level

    @property
    def codes(self) -> np.ndarray:
        """One code per row: alternating bits, the other bits, and all bits."""
        last = 2**self.block.bits - 1
        return np.array([last // 3, last - last // 3, last])

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """One multiplication after another; the first settles the lines."""
        block = self.block
        circuit = self.drawn(at, block.circuit(self.technology(at)))
        supply = self.technology(at).supply * at.supply
        rows = []
        for row, (code, siemens) in enumerate(zip(self.codes, CONDUCTANCES, strict=True)):
            own = {f"b{bit}": "vdd" if code >> bit & 1 else "0" for bit in range(block.bits)}
            nets = {port: port for port in circuit.ports} | own | {"y": f"y{row}"}
            rows.append(circuit.instance(f"row{row}", nets))
            rows.append(f"c{row} y{row} 0 {literal(LINE)}")
            rows.append(f"r{row} y{row} column {literal(1.0 / siemens)}")
        elements = (
            f"vdd vdd 0 {literal(supply)}",
            f"vhigh high 0 {literal(self.level)}",
            "vsense column 0 0",
            *(f"v{port} {port} 0 {wave}" for port, wave in block.clocks(supply).items()),
            *rows,
        )
        outputs = ("i(vsense)", "i(vdd)", "i(vhigh)")
        analysis = Transient(step=block.slot / 50, stop=2 * block.frame, max_step=block.slot / 20)
        return {"cycles": self.simulation(at, [circuit], elements, analysis, outputs)}

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Distance of each cycle and of the sum from the twin, and energy."""
        block, result = self.block, results["cycles"]
        ends = block.frame + (np.arange(block.bits) + 0.95) * block.slot
        answers = values_at(result, "i(vsense)", ends)
        twin = block.voltages(self.codes, self.level) @ np.array(CONDUCTANCES)
        full = self.level * sum(CONDUCTANCES)
        cycle = 100.0 * float(np.abs(answers - twin).max()) / full
        ideal = self.level * float(self.codes @ np.array(CONDUCTANCES))
        total = 100.0 * abs(float(block.combine(answers)) / ideal - 1.0)
        supply = self.technology(at).supply * at.supply
        span = (block.frame, 2 * block.frame)
        energy = -supply * integral(result, "i(vdd)", *span)
        return (
            Figure("cycle from the twin", cycle, "%", high=1.5),
            Figure("shifted sum from the twin", total, "%", high=1.5),
            Figure("energy of the gates per multiplication", energy, "J", low=0.0),
        )
