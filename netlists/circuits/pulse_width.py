"""Time-coded input driver: a pulse whose width is proportional to a code.

    count ─ b(k) == c(k) ─ equal ─┐
    count ─ all zero ───── first ─┤  on <= (on or first) and not equal    y: `high` while on, else 0
                           clock ─┴─▷ flip-flop ── on ── driver ── y

All rows share a counter that counts the slots of a frame, and a clock in the middle of each slot. A
row switches on in the slot of count 0 and off in that of its code: the pulse lasts code slots, and
code 0 gives none. The next state does not change when a clock edge comes twice.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from netlists.circuits.comparator import CLOCK_THRESHOLD, DELAYS, FLIP_FLOP, bridge
from netlists.circuits.line_driver import LineDriver
from netlists.fields import Positive, Spec
from netlists.schematic import GROUND, Schematic, Subcircuit
from netlists.technology import Technology
from netlists.waveforms import clock


EDGE = 0.01  # of the shared clocks, in slots
OFF = 1e12  # of an ideal switch [ohm]
TO_VOLTAGE = "dac_bridge(out_low=0 out_high=1 out_undef=0.5 t_rise=20p t_fall=20p)"


class PulseWidthDriver(Spec):
    """A driver of one row.

    Attributes:
        bits: of a code.
        slot: time of one step of the width [s].
        driver: buffer of transistors that drives the row; ideal switches when none.
        resistance: of the ideal switches [ohm].
    """

    bits: int = Field(default=4, ge=2, le=8)
    slot: Positive = 10e-9
    driver: LineDriver | None = None
    resistance: Positive = 100.0

    @property
    def levels(self) -> int:
        """Number of codes, and of slots in a frame."""
        return int(2**self.bits)

    @property
    def frame(self) -> float:
        """Time from the start of one pulse to that of the next [s]."""
        return self.levels * self.slot

    @property
    def start(self) -> float:
        """When the pulses of the first frame begin [s]."""
        return 0.5 * self.slot

    @property
    def bit_ports(self) -> tuple[str, ...]:
        """The ports of the code, least significant bit first; high is the supply."""
        return tuple(f"b{bit}" for bit in range(self.bits))

    def clocks(self, supply: float) -> Mapping[str, str]:
        """The counter's bits and the clock, which all rows share."""
        edge = EDGE * self.slot
        counts = {}
        for bit in range(self.bits):
            half = 2**bit * self.slot
            counts[f"count{bit}"] = clock(0.0, supply, half, edge, half - edge, 2.0 * half)
        middle = clock(0.0, supply, self.start, edge, 0.25 * self.slot, self.slot)
        return {**counts, "clock": middle}

    def circuit(self, technology: Technology) -> Subcircuit:
        """The driver with ports b0 …, count0 …, clock, y, high, vdd."""
        counts = tuple(f"count{bit}" for bit in range(self.bits))
        ports = (*self.bit_ports, *counts, "clock", "y", "high", "vdd")
        draw = Schematic("pulse_width", ports, technology, f"{self.bits}-bit pulse-width driver")
        inputs = (*self.bit_ports, *counts, "clock")
        levels = bridge(CLOCK_THRESHOLD * technology.supply)
        digital = " ".join(f"d{port}" for port in inputs)
        draw.digital("inputs", f"[{' '.join(inputs)}] [{digital}]", "clock_bridge", levels)
        draw.digital("zero", "zero", "logic_low", "d_pulldown(load=1p)")
        for bit in range(self.bits):
            pair = f"[db{bit} dcount{bit}] same{bit}"
            draw.digital(f"same{bit}", pair, "xnor", f"d_xnor({DELAYS})")
        same = " ".join(f"same{bit}" for bit in range(self.bits))
        zeros = " ".join(f"dcount{bit}" for bit in range(self.bits))
        draw.digital("unequal", f"[{same}] unequal", "nand", f"d_nand({DELAYS})")
        draw.digital("first", f"[{zeros}] first", "nor", f"d_nor({DELAYS})")
        draw.digital("stay", "[on first] stay", "or", f"d_or({DELAYS})")
        draw.digital("next", "[stay unequal] next", "and", f"d_and({DELAYS})")
        draw.digital("state", "next dclock zero zero on off", "flip_flop", FLIP_FLOP)
        draw.digital("pulse", "[on] [pulse]", "to_voltage", TO_VOLTAGE)
        self._draw_output(draw)
        return draw.subcircuit()

    def _draw_output(self, draw: Schematic) -> None:
        """The row between `high` and ground; a transistor driver is moved at supply levels."""
        if self.driver is not None:
            draw.voltage_expression("shifter", "a", GROUND, "v(pulse)*v(vdd)")
            driver = self.driver.circuit(draw.technology)
            draw.place("driver", driver, a="a", y="y", high="high", vdd="vdd")
            return
        values = {"on": self.resistance, "off": OFF}
        draw.switch("up", "y", "high", ("pulse", GROUND), threshold=0.5, **values)
        draw.switch("down", "y", GROUND, (GROUND, "pulse"), threshold=-0.5, **values)

    def durations(self, codes: Int[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """The behavioural twin: widths of the pulses [s]."""
        return np.asarray(codes) * self.slot
