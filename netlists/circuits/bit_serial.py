"""Bit-serial input driver: one bit of every input per cycle, put together by shift and add.

    b0 ─┐
    cycle0 ─┴─ NAND ─┐
    b1 ─┐            ├─ NAND ── driver ── y      `high` in cycle k when bit k is set, else 0
    cycle1 ─┴─ NAND ─┘

The cycle lines, of which one is high at a time, are shared by all rows. A tile's answer to cycle k
is that to bit k of every input; multiplied by the bit's weight and added, the answers are that to
the inputs themselves. In two's complement the weight of the last bit is negative.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from netlists.circuits.gates import nand
from netlists.circuits.line_driver import LineDriver
from netlists.fields import Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology
from netlists.waveforms import clock


EDGE = 0.01  # of the cycle lines, in slots


class BitSerialDriver(Spec):
    """A driver of one row, of transistors.

    Attributes:
        bits: of an input, and cycles of a multiplication.
        signed: whether inputs are in two's complement.
        slot: time of a cycle [s].
        gate_width: of the gates' transistors [m].
        driver: buffer that drives the row.
    """

    bits: int = Field(default=4, ge=2, le=8)
    signed: bool = False
    slot: Positive = 10e-9
    gate_width: Positive = 0.5e-6
    driver: LineDriver = Field(default_factory=lambda: LineDriver(pull_up="n"))

    @property
    def frame(self) -> float:
        """Time of a multiplication [s]."""
        return self.bits * self.slot

    @property
    def bit_ports(self) -> tuple[str, ...]:
        """The ports of the code, least significant bit first; high is the supply."""
        return tuple(f"b{bit}" for bit in range(self.bits))

    @property
    def weights(self) -> Float[np.ndarray, " bits"]:
        """What the answer to each cycle counts."""
        weights = np.exp2(np.arange(self.bits, dtype=np.float64))
        if self.signed:
            weights[-1] *= -1.0
        return weights

    def clocks(self, supply: float) -> Mapping[str, str]:
        """The cycle lines, which all rows share."""
        edge = EDGE * self.slot
        width = self.slot - 2.0 * edge
        return {
            f"cycle{bit}": clock(0.0, supply, bit * self.slot, edge, width, self.frame)
            for bit in range(self.bits)
        }

    def circuit(self, technology: Technology) -> Subcircuit:
        """The driver with ports b0 …, cycle0 …, y, high, vdd."""
        cycles = tuple(f"cycle{bit}" for bit in range(self.bits))
        ports = (*self.bit_ports, *cycles, "y", "high", "vdd")
        draw = Schematic("bit_serial", ports, technology, f"{self.bits}-bit serial driver")
        two = nand(technology, 2, self.gate_width)
        every = nand(technology, self.bits, self.gate_width)
        for bit in range(self.bits):
            nets = {"a0": f"b{bit}", "a1": f"cycle{bit}", "y": f"n{bit}", "vdd": "vdd"}
            draw.place(f"and{bit}", two, **nets)
        inputs = {f"a{bit}": f"n{bit}" for bit in range(self.bits)}
        draw.place("or", every, **inputs, y="a", vdd="vdd")
        driver = self.driver.circuit(technology)
        draw.place("driver", driver, a="a", y="y", high="high", vdd="vdd")
        return draw.subcircuit()

    # -- the behavioural twin

    def planes(self, codes: Int[np.ndarray, "*shape"]) -> Int[np.ndarray, bits * shape]:
        """The bits of codes, one plane per cycle."""
        return np.stack([(np.asarray(codes) >> bit) & 1 for bit in range(self.bits)])

    def voltages(
        self, codes: Int[np.ndarray, "*shape"], high: float
    ) -> Float[np.ndarray, bits * shape]:
        """What the rows are driven to, cycle by cycle [V]."""
        return high * self.planes(codes)

    def combine(self, answers: Float[np.ndarray, bits * shape]) -> Float[np.ndarray, "*shape"]:
        """Shift and add the answers to the cycles; in units of the answer to one."""
        return np.tensordot(self.weights, np.asarray(answers), axes=1)
