"""Testbench of the R-2R converter: every code in turn, then a step over the full scale."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from cosim.bench.adc import static_errors
from cosim.bench.base import Bench, Condition, Figure
from cosim.bench.waveforms import integral, values_at
from cosim.ngspice import Result, Simulation, Transient
from netlists.circuits.voltage_dac import VoltageDac
from netlists.schematic import Subcircuit
from netlists.si_numbers import literal
from netlists.waveforms import staircase


SLOT = 20e-9  # per code
EDGE = 100e-12
LOAD = 50e-15


class VoltageDacBench(Bench):
    """A converter that climbs through its codes and steps over its full scale.

    Where the output rests at the end of a code gives offset, gain, INL and DNL, and the distance
    from the twin, which knows the drawn resistors. Transistor switches are no part of the twin:
    their resistance is the rest of the distance.
    """

    def __init__(self, name: str, title: str, block: VoltageDac, twin: float = 0.01) -> None:
        """A bench of one converter.

        Args:
            name: what the command line calls it.
            title: one line about it.
            block: the converter.
            twin: largest distance of an output from the twin's [LSB].
        """
        self.name = name
        self.title = title
        self.block = block
        self.twin = twin

    @property
    def codes(self) -> Int[np.ndarray, " steps"]:
        """All codes, then from the lowest to the highest and back."""
        last = self.block.levels - 1
        return np.concatenate([np.arange(last + 1), [0, last, 0]])

    def drawn_circuit(self, at: Condition) -> Subcircuit:
        """The converter under a condition, with its mismatch draw."""
        return self.drawn(at, self.block.circuit(self.technology(at)))

    def runs(self, at: Condition) -> Mapping[str, Simulation]:
        """One transient, a slot per code."""
        block, circuit, codes = self.block, self.drawn_circuit(at), self.codes
        supply = self.technology(at).supply * at.supply
        waves = [
            f"v{port} {port} 0 {staircase(supply * ((codes >> bit) & 1), SLOT, EDGE)}"
            for bit, port in enumerate(block.bit_ports)
        ]
        elements = (
            f"vdd vdd 0 {literal(supply)}",
            f"vhigh high 0 {literal(block.high)}",
            f"vlow low 0 {literal(block.low)}",
            *waves,
            circuit.instance("dac", {port: port for port in circuit.ports}),
            f"cload out 0 {literal(LOAD)}",
        )
        outputs = ("v(out)", "i(vdd)", "i(vhigh)", "i(vlow)")
        analysis = Transient(step=SLOT / 50, stop=len(codes) * SLOT, max_step=SLOT / 10)
        return {"codes": self.simulation(at, [circuit], elements, analysis, outputs)}

    def figures(self, at: Condition, results: Mapping[str, Result]) -> tuple[Figure, ...]:
        """Static errors, distance from the twin, settling and power."""
        result, block = results["codes"], self.block
        steps = np.arange(block.levels)
        rest = values_at(result, "v(out)", (steps + 0.98) * SLOT)
        places = (rest - block.voltages(steps, np.zeros(2 * block.bits))) / block.lsb
        offset, gain, inl, dnl = static_errors(places)
        twin = block.voltages(steps, block.resistor_errors(self.drawn_circuit(at)))
        distance = float(np.abs(rest - twin).max() / block.lsb)
        limit = 0.5 if at.seed is None else 1.0
        return (
            Figure("offset", offset, "LSB", low=-limit, high=limit),
            Figure("gain error", gain, "LSB", low=-limit, high=limit),
            Figure("INL", inl, "LSB", high=limit),
            Figure("DNL", dnl, "LSB", high=limit),
            Figure("from the twin", distance, "LSB", high=self.twin),
            Figure("full-scale step to 0.5 LSB", self._settling(result), "s", high=SLOT),
            Figure("power while counting", self._power(at, result), "W", low=0.0),
        )

    def _settling(self, result: Result) -> float:
        """Time after the last step up until the output stays within half an LSB of its rest [s]."""
        start = (self.block.levels + 1) * SLOT
        times = start + np.arange(0.0, 0.98 * SLOT, SLOT / 2000)
        wave: Float[np.ndarray, " times"] = values_at(result, "v(out)", times)
        outside = np.flatnonzero(np.abs(wave - wave[-1]) > 0.5 * self.block.lsb)
        return float(times[outside[-1]] - start) if len(outside) else 0.0

    def _power(self, at: Condition, result: Result) -> float:
        """Mean power from supply and references over all codes [W]."""
        supply = self.technology(at).supply * at.supply
        volts = {"vdd": supply, "vhigh": self.block.high, "vlow": self.block.low}
        span = self.block.levels * SLOT
        energy = sum(
            -volt * integral(result, f"i({name})", 0.0, span) for name, volt in volts.items()
        )
        return energy / span
