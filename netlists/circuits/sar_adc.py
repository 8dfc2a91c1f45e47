r"""Successive approximation by charge redistribution, one converter per column.

                   common ──/ sample ──┬── top ──────────┤- \
                                       │                 │    > comparator ── registers ── b(k)
        ┌─────┬─────┬── … ──┬──────────┤     common ─────┤+ /
       ═══ C ═══ C ═══ 2C  ═══ 2^(N-1) C
        │     │     │       │
      dummy  d0    d1 …   d(N-1)       d(k) to vin while sampling, then to `high` or `low` by bit k

While `sample` is high the top plate is held at `common` and all bottom plates follow the input. The
top switch opens first, so its charge does not depend on the input. With the bottom plates at their
references the top plate is at

    common + V_dac(code) - vin,     V_dac = low + (high - low) * sum_k b_k C_k / C_total

up to the share that stray capacitance takes, which moves no decision: the comparator sees the sign.
Its other input rests on an equal capacitor with an equal switch, so that what the switches inject
and what the comparator kicks back come to both sides alike. From the most significant bit down a
bit is tried and kept unless V_dac > vin (J. McCreary, P. Gray, "All-MOS charge redistribution
analog-to-digital conversion techniques", JSSC 10(6), 1975, 10.1109/JSSC.1975.1050629). Unit
capacitors differ at random, so C_k = 2^k C differs by its deviation over sqrt(2^k).

With transistors, the sampling switches are bootstrapped: while open a capacitor is charged to the
supply, and while closed it lies between their source and gate, so that they conduct alike at any
input and any supply (A. Abo, P. Gray, "A 1.5-V, 10-bit, 14.3-MS/s CMOS pipeline analog-to-digital
converter", JSSC 34(5), 1999, 10.1109/4.760369). The gate drivers are ideal switches at the supply.

The logic is a ring of flip-flops with one register per bit, event-driven (XSPICE): it takes no
energy from the supply. The first conversion of a simulation has no settled logic; do not read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from netlists.circuits.adc import BIT_HIGH, Adc
from netlists.circuits.comparator import CLOCK_THRESHOLD, DELAYS, FLIP_FLOP, Comparator, bridge
from netlists.drawn import drawn_value
from netlists.fields import Finite, NotNegative, Positive
from netlists.schematic import GROUND, Schematic, Subcircuit
from netlists.technology import Technology
from netlists.waveforms import clock


SAMPLING_SLOTS = 2
SAMPLED = 1.75  # slots after which the top switch opens
EDGE = 0.01  # of a clock, in slots
DECIDE = 0.6  # of a slot the capacitors have to settle before the comparator decides
GAP = 0.04  # of a slot between the comparator's clock and the shift clock, both low
OFF = 1e12  # of an ideal switch [ohm]
DRIVER = 1e3  # of a gate driver [ohm]
BOOST = 20e-9  # capacitance that lifts a sampling gate, per width of the switch [F/m]
BREAK_FIRST = "rise_delay=60p fall_delay=10p"  # a plate leaves one reference, then joins the other
# A register that is tried and its neighbour that is kept change at one time: no glitch between.
REGISTER = "d_dff(clk_delay=50p set_delay=70p reset_delay=50p rise_delay=50p fall_delay=50p)"
TO_VOLTAGE = f"dac_bridge(out_low=0 out_high={BIT_HIGH:g} out_undef=0.5 t_rise=50p t_fall=50p)"


class SarAdc(Adc):
    """A charge-redistribution converter.

    Attributes:
        kind: what a configuration calls it.
        bits: of a code.
        low: input at which code 0 begins, and the reference `low` [V].
        high: input at which the last code ends, and the reference `high` [V].
        common: level that the comparator decides at, the reference `common` [V].
        unit_capacitance: of the least significant bit [F].
        unit_matching: standard deviation of a unit capacitor, relative.
        slot: time of one decision [s]; a conversion takes bits + 3 of them.
        comparator: ideal or of transistors.
        switches: `ideal`, or `transistor`: n-channel at vin, common and low, p-channel at high.
        switch_resistance: of an ideal switch [ohm].
        switch_width: of an n-channel switch for up to eight unit capacitors [m].
    """

    kind: Literal["sar"] = "sar"
    bits: int = Field(default=6, ge=3, le=10)
    common: Finite = 0.6
    unit_capacitance: Positive = 2e-15
    unit_matching: NotNegative = 0.01
    comparator: Comparator = Field(default_factory=Comparator)
    switches: Literal["ideal", "transistor"] = "ideal"
    switch_resistance: Positive = 1e3
    switch_width: Positive = 1e-6

    @property
    def period(self) -> float:
        """Time of one conversion: sampling, one slot per bit, one to read the code [s]."""
        return (SAMPLING_SLOTS + self.bits + 1) * self.slot

    @property
    def references(self) -> Mapping[str, float]:
        """The references that the bottom plates switch to, and the top plate's level [V]."""
        return {"high": self.high, "low": self.low, "common": self.common}

    def clocks(self, supply: float) -> Mapping[str, str]:
        """Sampling phase, comparator clock, and the clock that shifts to the next bit."""
        slot, edge = self.slot, EDGE * self.slot
        decide, gap = DECIDE * slot, GAP * slot
        return {
            "sample": clock(0.0, supply, 0.0, edge, SAMPLED * slot - edge, self.period),
            "decide": clock(0.0, supply, decide, edge, slot - decide - gap - edge, slot),
            "clock": clock(0.0, supply, slot, edge, decide - gap - edge, slot),
        }

    def input_time(self, conversion: int) -> float:
        """Half a slot before sampling begins, while the last code is read [s]."""
        return conversion * self.period - 0.5 * self.slot

    def sampled_time(self, conversion: int) -> float:
        """When the switches to the input open [s]."""
        return conversion * self.period + SAMPLING_SLOTS * self.slot

    def read_time(self, conversion: int) -> float:
        """In the last slot of a conversion, before the next sampling clears the registers [s]."""
        return (conversion + 1) * self.period - 0.2 * self.slot

    # -- the circuit

    def circuit(self, technology: Technology) -> Subcircuit:
        """Ports vin, sample, decide, clock, high, low, common, b0 …, vdd."""
        clocks = ("sample", "decide", "clock")
        ports = ("vin", *clocks, "high", "low", "common", *self.bit_ports, "vdd")
        comment = f"{self.bits}-bit charge-redistribution SAR converter"
        draw = Schematic("sar_adc", ports, technology, comment)
        self._draw_capacitors(draw)
        self.comparator.place(draw, "cmp", inp="still", inn="top", clk="decide", q="decision")
        self._draw_registers(draw)
        if self.switches == "ideal" and self.comparator.kind == "ideal":
            draw.leave_open("vdd")
        return draw.subcircuit()

    def _draw_capacitors(self, draw: Schematic) -> None:
        """The array and its switches; digital nets up, dn tie a bottom plate to its reference."""
        unit, spread = self.unit_capacitance, self.unit_matching
        ties = [f"{tie}{bit}" for bit in range(self.bits) for tie in ("up", "dn")]
        for control in ("dhold", *ties):
            self._draw_gate(draw, control)
        self._draw_sampling_gate(draw, "dsample", "common", 2)
        self._draw_sampling_gate(draw, "dlate", "vin", 1 + sum(self._parallel))
        self._draw_switch(draw, "top", "top", "common", "dsample")
        self._draw_switch(draw, "still", "still", "common", "dsample")
        draw.capacitor("still", "still", GROUND, self.levels * unit)
        draw.capacitor("dummy", "top", "ddummy", unit, spread)
        self._draw_switch(draw, "indummy", "ddummy", "vin", "dlate")
        self._draw_switch(draw, "lowdummy", "ddummy", "low", "dhold")
        for bit in range(self.bits):
            units, plate, parallel = 2**bit, f"d{bit}", self._parallel[bit]
            draw.capacitor(f"b{bit}", "top", plate, units * unit, spread / np.sqrt(units))
            self._draw_switch(draw, f"in{bit}", plate, "vin", "dlate", parallel)
            self._draw_switch(draw, f"high{bit}", plate, "high", f"up{bit}", parallel)
            self._draw_switch(draw, f"low{bit}", plate, "low", f"dn{bit}", parallel)

    @property
    def _parallel(self) -> tuple[int, ...]:
        """Units that the switches of each bit consist of: one for up to eight capacitors."""
        return tuple(max(1, 2**bit // 8) for bit in range(self.bits))

    def _draw_gate(self, draw: Schematic, control: str) -> None:
        """What a digital net moves: a control voltage; with transistors also their gate."""
        self._draw_control(draw, control)
        if self.switches == "ideal":
            return
        polarity = "p" if control.startswith("up") else "n"
        closed, opened = ("vdd", GROUND) if polarity == "n" else (GROUND, "vdd")
        self._draw_ideal(draw, f"closed_{control}", f"gate_{control}", closed, control)
        self._draw_ideal(draw, f"opened_{control}", f"gate_{control}", opened, control, "open")

    def _draw_sampling_gate(self, draw: Schematic, control: str, source: str, units: int) -> None:
        """The bootstrapped gate of sampling switches: a capacitor's charge above their source."""
        self._draw_control(draw, control)
        if self.switches == "ideal":
            return
        gate, top, bottom = f"gate_{control}", f"boost_{control}", f"base_{control}"
        draw.capacitor(f"boost_{control}", top, bottom, units * self.switch_width * BOOST)
        self._draw_ideal(draw, f"base_{control}", bottom, source, control)
        self._draw_ideal(draw, f"gate_{control}", gate, top, control)
        self._draw_ideal(draw, f"low_{control}", bottom, GROUND, control, "open")
        self._draw_ideal(draw, f"fill_{control}", top, "vdd", control, "open")
        self._draw_ideal(draw, f"off_{control}", gate, GROUND, control, "open")

    @staticmethod
    def _draw_control(draw: Schematic, control: str) -> None:
        draw.digital(f"g_{control}", f"[{control}] [g_{control}]", "to_voltage", TO_VOLTAGE)

    @staticmethod
    def _draw_ideal(
        draw: Schematic, name: str, plus: str, minus: str, control: str, when: str = "closed"
    ) -> None:
        """A switch inside a gate driver, closed while the control is high, or while it is low."""
        high = (f"g_{control}", GROUND)
        nets, threshold = (high, 0.5) if when == "closed" else (high[::-1], -0.5)
        draw.switch(name, plus, minus, nets, threshold=threshold, on=DRIVER, off=OFF)

    def _draw_switch(
        self, draw: Schematic, name: str, plus: str, minus: str, control: str, parallel: int = 1
    ) -> None:
        """A switch of some parallel units."""
        if self.switches == "ideal":
            on = self.switch_resistance / parallel
            voltage = (f"g_{control}", GROUND)
            draw.switch(name, plus, minus, voltage, threshold=0.5, on=on, off=OFF)
            return
        gate, width = f"gate_{control}", self.switch_width
        if control.startswith("up"):
            draw.pmos(name, d=plus, g=gate, s=minus, w=2 * width, m=parallel)
        else:
            draw.nmos(name, d=plus, g=gate, s=minus, w=width, m=parallel)

    def _draw_registers(self, draw: Schematic) -> None:
        """A token passes one flip-flop per slot: it tries a bit, and the next bit keeps it."""
        late = f"{0.03 * self.slot:.9g}"
        clocks = bridge(CLOCK_THRESHOLD * draw.technology.supply)
        draw.digital("clocks", "[sample clock decide] [dsample set clear]", "clock_bridge", clocks)
        # A bridge may answer twice when the simulator takes a step back at an edge. Between two
        # clocks that are never high together a latch makes one edge of it.
        draw.digital("shift", "[clear nshift] shift", "nor", f"d_nor({DELAYS})")
        draw.digital("shift_not", "[set shift] nshift", "nor", f"d_nor({DELAYS})")
        draw.digital("zero", "zero", "logic_low", "d_pulldown(load=1p)")
        late_buffer = f"d_buffer(rise_delay={late} fall_delay={late})"
        draw.digital("late", "dsample dlate", "late", late_buffer)
        draw.digital("hold", "[dsample dlate] dhold", "nor", f"d_nor({DELAYS})")
        draw.digital("token", "zero shift dsample zero qtoken ntoken", "flip_flop", FLIP_FLOP)
        steps = ("token", "start", *reversed(range(self.bits - 1)), "end")
        for before, step in pairwise(steps):
            ports = f"q{before} shift zero dsample q{step} n{step}"
            draw.digital(f"ring{step}", ports, "flip_flop", FLIP_FLOP)
            draw.digital(f"keep{step}", f"q{step} keep{step}", "buffer", f"d_buffer({DELAYS})")
        for bit in range(self.bits):
            tried, cleared = f"q{bit}", "dsample"
            if bit == self.bits - 1:  # tried from the moment of sampling on
                tried, cleared = "dsample", "zero"
            kept = f"keep{bit - 1}" if bit else "keepend"
            ports = f"decision {kept} {tried} {cleared} r{bit} s{bit}"
            draw.digital(f"register{bit}", ports, "register", REGISTER)
            draw.digital(f"up{bit}", f"[r{bit} dhold] up{bit}", "tie", f"d_and({BREAK_FIRST})")
            draw.digital(f"dn{bit}", f"[s{bit} dhold] dn{bit}", "tie", f"d_and({BREAK_FIRST})")
        registers = " ".join(f"r{bit}" for bit in range(self.bits))
        outputs = " ".join(self.bit_ports)
        draw.digital("bits", f"[{registers}] [{outputs}]", "to_voltage", TO_VOLTAGE)

    # -- the behavioural twin

    def codes(
        self,
        volts: Float[np.ndarray, "*shape"],
        capacitor_errors: Float[np.ndarray, "... capacitors"] | None = None,
        offset: ArrayLike = 0.0,
    ) -> Int[np.ndarray, "*shape"]:
        """The behavioural twin: the same search, in real numbers.

        Args:
            volts: inputs [V].
            capacitor_errors: relative errors of the dummy and of the bits' capacitors, least
                significant first; leading axes broadcast against `volts` (one row per column).
            offset: of the comparator, referred to the input [V]; broadcast against `volts`.
        """
        weights = self.weights(capacitor_errors)
        shifted = np.asarray(volts, dtype=np.float64) + np.asarray(offset, dtype=np.float64)
        share = (shifted - self.low) / (self.high - self.low)
        code = np.zeros(share.shape, dtype=np.int64)
        level = np.zeros(share.shape)
        for bit in reversed(range(self.bits)):
            tried = level + weights[..., bit]
            kept = tried <= share
            level = np.where(kept, tried, level)
            code = code + (kept.astype(np.int64) << bit)
        return code

    def weights(
        self, capacitor_errors: Float[np.ndarray, "... capacitors"] | None = None
    ) -> NDArray[np.float64]:
        """What each bit adds, relative to the full scale, `[..., bits]`."""
        errors = np.zeros(self.bits + 1) if capacitor_errors is None else capacitor_errors
        nominal = np.concatenate([[1.0], 2.0 ** np.arange(self.bits)])
        capacitances = nominal * (1.0 + np.asarray(errors))
        return capacitances[..., 1:] / capacitances.sum(axis=-1, keepdims=True)

    def capacitor_errors(self, circuit: Subcircuit) -> Float[np.ndarray, " capacitors"]:
        """The relative errors that a circuit was drawn with: the dummy, then the bits'."""
        names = ("cdummy", *(f"cb{bit}" for bit in range(self.bits)))
        return np.array([drawn_value(circuit, name, "scale", 1.0) - 1.0 for name in names])

    def codes_of(
        self, circuit: Subcircuit, volts: Float[np.ndarray, "*shape"]
    ) -> Int[np.ndarray, "*shape"]:
        """The twin with a circuit's capacitors and the drawn offset of an ideal comparator."""
        offset = 0.0
        if self.comparator.kind == "ideal":
            offset = drawn_value(circuit, "xcmp.voffset", "dc", 0.0)
        return self.codes(volts, self.capacitor_errors(circuit), offset)
