"""Flash converter: one comparator per transition, all at once.

    high ─R─┬─R─┬─ … ─┬─R─ low        comparator k:  vin > tap k,   tap k = low + k lsb
            │   │     │
           2^N-1 …    1   taps        bit j = parity of the comparators 2^j, 2 2^j, 3 2^j, …
            └───┴─────┴─▷ comparators ─▷ gates ── b0 … b(N-1)

Of the comparators up to code c, floor(c / 2^j) are multiples of 2^j, and the last bit of that
number is bit j of c. The resistors of the string and the comparators' offsets differ at random;
where they turn two transitions around, the gates decode what they are given, and so does the twin.
The default full scale suits the n-channel input pair of a comparator of transistors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from netlists.circuits.adc import BIT_HIGH, Adc
from netlists.circuits.comparator import DELAYS, Comparator
from netlists.drawn import drawn_value
from netlists.fields import Finite, NotNegative, Positive
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology
from netlists.waveforms import clock


EDGE = 0.01  # of the clock, in slots
DECIDE = 0.5  # of a slot the input has to settle before the comparators decide
TO_VOLTAGE = f"dac_bridge(out_low=0 out_high={BIT_HIGH:g} out_undef=0.5 t_rise=50p t_fall=50p)"


class FlashAdc(Adc):
    """A flash converter.

    Attributes:
        kind: what a configuration calls it.
        bits: of a code.
        unit_resistance: of each resistor of the string [ohm].
        unit_matching: standard deviation of a resistor, relative.
        comparator: ideal or of transistors.
    """

    kind: Literal["flash"] = "flash"
    bits: int = Field(default=4, ge=3, le=6)
    low: Finite = 0.6
    high: Finite = 1.0
    unit_resistance: Positive = 200.0
    unit_matching: NotNegative = 0.01
    comparator: Comparator = Field(default_factory=Comparator)

    @property
    def period(self) -> float:
        """Time of one conversion: a slot [s]."""
        return self.slot

    @property
    def references(self) -> Mapping[str, float]:
        """The ends of the string [V]."""
        return {"high": self.high, "low": self.low}

    def clocks(self, supply: float) -> Mapping[str, str]:
        """The comparators' clock."""
        edge, decide = EDGE * self.slot, DECIDE * self.slot
        return {"decide": clock(0.0, supply, decide, edge, 0.4 * self.slot, self.slot)}

    def input_time(self, conversion: int) -> float:
        """At the start of a slot, when the comparators have let go of the last input [s]."""
        return conversion * self.period

    def read_time(self, conversion: int) -> float:
        """At the end of a slot [s]."""
        return (conversion + 0.95) * self.period

    def circuit(self, technology: Technology) -> Subcircuit:
        """Ports vin, decide, high, low, b0 …, vdd."""
        ports = ("vin", "decide", "high", "low", *self.bit_ports, "vdd")
        draw = Schematic("flash_adc", ports, technology, f"{self.bits}-bit flash converter")
        taps = ("low", *(f"tap{tap}" for tap in range(1, self.levels)), "high")
        for unit in range(self.levels):
            ohm = self.unit_resistance
            draw.resistor(f"u{unit}", taps[unit], taps[unit + 1], ohm, self.unit_matching)
        for tap in range(1, self.levels):
            nets = {"inp": "vin", "inn": f"tap{tap}", "clk": "decide", "q": f"t{tap}"}
            self.comparator.place(draw, f"cmp{tap}", **nets)
        for bit in range(self.bits):
            counted = [f"t{tap}" for tap in range(2**bit, self.levels, 2**bit)]
            if len(counted) == 1:
                draw.digital(f"bit{bit}", f"{counted[0]} d{bit}", "buffer", f"d_buffer({DELAYS})")
            else:
                parity = f"[{' '.join(counted)}] d{bit}"
                draw.digital(f"bit{bit}", parity, "parity", f"d_xor({DELAYS})")
        digital = " ".join(f"d{bit}" for bit in range(self.bits))
        outputs = " ".join(self.bit_ports)
        draw.digital("bits", f"[{digital}] [{outputs}]", "to_voltage", TO_VOLTAGE)
        return draw.subcircuit()

    # -- the behavioural twin

    def codes(
        self,
        volts: Float[np.ndarray, "*shape"],
        resistor_errors: Float[np.ndarray, " resistors"] | None = None,
        offsets: Float[np.ndarray, " comparators"] | None = None,
    ) -> Int[np.ndarray, "*shape"]:
        """The behavioural twin: the same comparisons and the same decoder.

        Args:
            volts: inputs [V].
            resistor_errors: relative, of the string from `low` on.
            offsets: of the comparators from the lowest on, added to the input [V].
        """
        errors = np.zeros(self.levels) if resistor_errors is None else resistor_errors
        shifts = np.zeros(self.levels - 1) if offsets is None else offsets
        ohm = 1.0 + np.asarray(errors)
        taps = self.low + (self.high - self.low) * np.cumsum(ohm)[:-1] / ohm.sum()
        above = np.asarray(volts, dtype=np.float64)[..., None] + shifts > taps
        code = np.zeros(above.shape[:-1], dtype=np.int64)
        for bit in range(self.bits):
            parity = above[..., 2**bit - 1 :: 2**bit].sum(axis=-1) & 1
            code |= parity.astype(np.int64) << bit
        return code

    def codes_of(
        self, circuit: Subcircuit, volts: Float[np.ndarray, "*shape"]
    ) -> Int[np.ndarray, "*shape"]:
        """The twin with a circuit's resistors and the drawn offsets of ideal comparators."""
        units = range(self.levels)
        errors = np.array([drawn_value(circuit, f"ru{unit}", "scale", 1.0) - 1.0 for unit in units])
        offsets = np.zeros(self.levels - 1)
        if self.comparator.kind == "ideal":
            paths = [f"xcmp{tap}.voffset" for tap in units[1:]]
            offsets = np.array([drawn_value(circuit, path, "dc", 0.0) for path in paths])
        return self.codes(volts, errors, offsets)
