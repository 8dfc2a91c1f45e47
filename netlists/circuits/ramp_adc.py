r"""Single-slope converter: one ramp and one counter for all columns, a comparator in each.

    ramp  ─────┤- \
               │   > comparator ── below ─▷ register of b(k) takes count(k)
    vin   ─────┤+ /
    count ───────────────────────────┘

In the slot of count k the ramp passes low + (k + 1) lsb as the comparator decides. When the input
is no longer above it, the registers take the count; if it always is, they keep the last code, to
which they are set in the slot before the ramp. A conversion takes 2^bits slots for any number of
columns: this is the converter with the least hardware per column, and the slowest. The default
full scale suits the n-channel input pair of a comparator of transistors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike
from pydantic import Field

from netlists.circuits.adc import BIT_HIGH, Adc
from netlists.circuits.comparator import CLOCK_THRESHOLD, DELAYS, FLIP_FLOP, Comparator, bridge
from netlists.drawn import drawn_value
from netlists.fields import Finite
from netlists.schematic import Schematic, Subcircuit
from netlists.si_numbers import literal
from netlists.technology import Technology
from netlists.waveforms import clock


EDGE = 0.01  # of the shared clocks, in slots
RESET = 1.2  # slots until the registers may take a count: that of slot 1 is 0
FLYBACK = 0.05  # of a slot
TO_VOLTAGE = f"dac_bridge(out_low=0 out_high={BIT_HIGH:g} out_undef=0.5 t_rise=50p t_fall=50p)"


class RampAdc(Adc):
    """One column of a single-slope converter.

    Attributes:
        kind: what a configuration calls it.
        bits: of a code.
        comparator: ideal or of transistors.
    """

    kind: Literal["ramp"] = "ramp"
    bits: int = Field(default=6, ge=3, le=10)
    low: Finite = 0.6
    high: Finite = 1.0
    comparator: Comparator = Field(default_factory=Comparator)

    @property
    def period(self) -> float:
        """Time of one conversion: a slot per code [s]."""
        return self.levels * self.slot

    @property
    def references(self) -> Mapping[str, float]:
        """None: the ramp carries the full scale."""
        return {}

    @property
    def count_ports(self) -> tuple[str, ...]:
        """The counter's bits, least significant first."""
        return tuple(f"count{bit}" for bit in range(self.bits))

    def clocks(self, supply: float) -> Mapping[str, str]:
        """Reset, the clock in the middle of each slot, the counter's bits, and the ramp."""
        slot, edge = self.slot, EDGE * self.slot
        counts = {}
        for bit, port in enumerate(self.count_ports):
            half = 2**bit * slot
            counts[port] = clock(0.0, supply, slot + half, edge, half - edge, 2.0 * half)
        rise = self.period - (0.5 + FLYBACK) * slot
        top = self.low + rise / slot * self.lsb
        ramp = (self.low, top, 0.5 * slot, rise, FLYBACK * slot, 0.0, self.period)
        return {
            "reset": clock(0.0, supply, 0.0, edge, RESET * slot, self.period),
            "decide": clock(0.0, supply, 0.5 * slot, edge, 0.4 * slot, slot),
            **counts,
            "ramp": f"pulse({' '.join(literal(value) for value in ramp)})",
        }

    def input_time(self, conversion: int) -> float:
        """When the ramp has flown back [s]."""
        return conversion * self.period

    def read_time(self, conversion: int) -> float:
        """Before the next reset [s]."""
        return (conversion + 1) * self.period - 0.1 * self.slot

    def circuit(self, technology: Technology) -> Subcircuit:
        """Ports vin, reset, decide, count0 …, ramp, b0 …, vdd."""
        ports = ("vin", "reset", "decide", *self.count_ports, "ramp", *self.bit_ports, "vdd")
        draw = Schematic("ramp_adc", ports, technology, f"column of a {self.bits}-bit ramp ADC")
        self.comparator.place(draw, "cmp", inp="vin", inn="ramp", clk="decide", q="above")
        counts = " ".join(self.count_ports)
        digital = " ".join(f"d{port}" for port in self.count_ports)
        levels = bridge(CLOCK_THRESHOLD * technology.supply)
        ports_of_bridge = f"[reset {counts}] [dreset {digital}]"
        draw.digital("inputs", ports_of_bridge, "clock_bridge", levels)
        draw.digital("zero", "zero", "logic_low", "d_pulldown(load=1p)")
        # An input below the ramp from the start is taken when the reset ends, at count 0.
        draw.digital("take", "[above dreset] take", "nor", f"d_nor({DELAYS})")
        for bit, count in enumerate(self.count_ports):
            ports_of_register = f"d{count} take dreset zero r{bit} nr{bit}"
            draw.digital(f"register{bit}", ports_of_register, "flip_flop", FLIP_FLOP)
        registers = " ".join(f"r{bit}" for bit in range(self.bits))
        outputs = " ".join(self.bit_ports)
        draw.digital("bits", f"[{registers}] [{outputs}]", "to_voltage", TO_VOLTAGE)
        return draw.subcircuit()

    def codes(
        self, volts: Float[np.ndarray, "*shape"], offset: ArrayLike = 0.0
    ) -> Int[np.ndarray, "*shape"]:
        """The behavioural twin: the last count at which the input is above the ramp, plus one.

        Args:
            volts: inputs [V].
            offset: of the comparators, added to the input [V]; broadcast against `volts`.
        """
        shifted = np.asarray(volts, dtype=np.float64) + np.asarray(offset, dtype=np.float64)
        passed = np.ceil((shifted - self.low) / self.lsb) - 1.0
        return np.clip(passed, 0, self.levels - 1).astype(np.int64)

    def codes_of(
        self, circuit: Subcircuit, volts: Float[np.ndarray, "*shape"]
    ) -> Int[np.ndarray, "*shape"]:
        """The twin with the drawn offset of an ideal comparator."""
        offset = 0.0
        if self.comparator.kind == "ideal":
            offset = drawn_value(circuit, "xcmp.voffset", "dc", 0.0)
        return self.codes(volts, offset)
