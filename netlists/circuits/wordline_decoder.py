"""Word-line decoder: one of 2^n lines by an address, in static CMOS.

    address ─┬──────── a(k)  ┐
             └──▷o──── na(k) ┴─ NAND(n + 1) ──▷o── line driver ── w(i)      one per line
                    enable ───┘

Line i is driven to `high` while `enable` is high and the address is i; all others are at ground.
Every address line sees 2^(n-1) gates, so its inverter is as many times wider. Taking `enable` away
while the address changes keeps two lines from being high together.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int
from pydantic import Field

from netlists.circuits.gates import inverter, nand
from netlists.circuits.line_driver import LineDriver
from netlists.fields import Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


class WordlineDecoder(Spec):
    """A decoder of up to 32 lines.

    Attributes:
        address_bits: n.
        gate_width: of the gates' transistors [m].
        driver: of each line.
    """

    address_bits: int = Field(default=3, ge=1, le=5)
    gate_width: Positive = 0.5e-6
    driver: LineDriver = Field(default_factory=LineDriver)

    @property
    def lines(self) -> int:
        """Number of word lines."""
        return int(2**self.address_bits)

    @property
    def address_ports(self) -> tuple[str, ...]:
        """The address, least significant bit first; high is the supply."""
        return tuple(f"a{bit}" for bit in range(self.address_bits))

    @property
    def line_ports(self) -> tuple[str, ...]:
        """The word lines."""
        return tuple(f"w{line}" for line in range(self.lines))

    def circuit(self, technology: Technology) -> Subcircuit:
        """The decoder with ports a0 …, enable, w0 …, high, vdd."""
        ports = (*self.address_ports, "enable", *self.line_ports, "high", "vdd")
        draw = Schematic("wordline_decoder", ports, technology, f"decoder of {self.lines} lines")
        width = self.gate_width
        wide = inverter(technology, 0.5 * self.lines * width)
        for bit in range(self.address_bits):
            draw.place(f"inverse{bit}", wide, a=f"a{bit}", y=f"na{bit}", vdd="vdd")
        gate = nand(technology, self.address_bits + 1, width)
        invert, driver = inverter(technology, width), self.driver.circuit(technology)
        for line in range(self.lines):
            inputs = {
                f"a{bit}": f"a{bit}" if line >> bit & 1 else f"na{bit}"
                for bit in range(self.address_bits)
            } | {f"a{self.address_bits}": "enable"}
            draw.place(f"gate{line}", gate, **inputs, y=f"n{line}", vdd="vdd")
            draw.place(f"not{line}", invert, a=f"n{line}", y=f"s{line}", vdd="vdd")
            nets = {"a": f"s{line}", "y": f"w{line}", "high": "high", "vdd": "vdd"}
            draw.place(f"driver{line}", driver, **nets)
        return draw.subcircuit()

    def select(
        self, addresses: Int[np.ndarray, "*shape"], enable: bool = True
    ) -> Bool[np.ndarray, "*shape lines"]:
        """The behavioural twin: which lines are high."""
        return (np.asarray(addresses)[..., None] == np.arange(self.lines)) & enable
