"""The two-stage Miller amplifier, transistor by transistor.

        vdd ──┬───────┬──────────────┬─────────────── vdd
            ──┤ b     ├── t          ├── o            b, t, o: current mirror, 1 : tail : output
         bias ┤       │ tail         │
              │   ┌───┴───┐          │
              │  ─┤1     2├─         │                1, 2: p-channel input pair
              │ inn│     │inp        ├──── out
         (bias)   x│    y├──┬─Rz─Cc──┤                Cc: sets the gain-bandwidth, gm1 / (2 pi Cc)
              │   ┌┴─┐ ┌─┴┐ │        │                Rz: moves the zero out of the way
              │  3├─┬┴─┤4 │ └────────┤ 5
              0   0 │  0             0                3, 4: current mirror load; 5: output stage
                    x

The p-channel pair takes inputs from ground to about a volt below the supply: the range in which a
memory array is read. Transistors 3, 4 and 5 are made of equal units whose number follows the
current (m), and so are b, t and o: then x and y rest at the same level and no systematic offset is
left. Design rules: P. Allen, D. Holberg, CMOS Analog Circuit Design, chapter 6.

Its behavioural twin is the linear amplifier that `macromodel` gives, with the numbers that the
testbench measures at the nominal corner in the technology it is drawn for (generic_250nm), cut off
where the output stage leaves saturation.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from netlists.circuits.opamp import PORTS, OpAmp
from netlists.fields import NotNegative, Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


class TwoStageOpAmp(Spec):
    """A two-stage Miller operational amplifier.

    Attributes:
        kind: what a configuration calls it.
        bias_current: of one unit of the p-channel mirror [A].
        mirror_width: of one unit of the p-channel mirror [m].
        mirror_length: of every mirror transistor, both polarities [m].
        tail_units: units of the tail transistor; even, half of it flows on each side.
        output_units: units of the output transistors.
        pair_width: of each input transistor [m].
        pair_length: of each input transistor [m].
        load_width: of one unit of the n-channel load [m]; it carries one bias current.
        miller: compensation capacitance [F].
        zero_resistance: in series with it [ohm].
        gain: measured open-loop gain at DC without load.
        gain_bandwidth: measured [Hz].
        output_resistance: measured open loop [ohm].
        slope_ratio: measured gm of the load over gm of the pair, for the offset's deviation.
        pair_efficiency: measured gm over current of the pair, for the offset's deviation [1/V].
        headroom: distance of the output from either rail where the gain has halved [V].
    """

    kind: Literal["two_stage"] = "two_stage"
    bias_current: Positive = 20e-6
    mirror_width: Positive = 12e-6
    mirror_length: Positive = 0.8e-6
    tail_units: int = Field(default=4, ge=2, multiple_of=2)
    output_units: int = Field(default=16, ge=1)
    pair_width: Positive = 50e-6
    pair_length: Positive = 0.5e-6
    load_width: Positive = 5e-6
    miller: Positive = 1e-12
    zero_resistance: NotNegative = 500.0
    gain: Positive = 2000.0
    gain_bandwidth: Positive = 79e6
    output_resistance: Positive = 13e3
    slope_ratio: Positive = 0.7
    pair_efficiency: Positive = 14.0
    headroom: Positive = 0.3

    def circuit(self, technology: Technology) -> Subcircuit:
        """The amplifier with ports inp, inn, out, vdd."""
        draw = Schematic("two_stage_opamp", PORTS, technology, "two-stage Miller amplifier")
        half = self.tail_units // 2
        draw.current("bias", "bias", "0", self.bias_current)
        for name, drain, units in (
            ("b", "bias", 1),
            ("t", "tail", self.tail_units),
            ("o", "out", self.output_units),
        ):
            draw.pmos(
                name,
                d=drain,
                g="bias",
                s="vdd",
                w=self.mirror_width,
                length=self.mirror_length,
                m=units,
            )
        for name, drain, gate in (("1", "x", "inn"), ("2", "y", "inp")):
            draw.pmos(
                name,
                d=drain,
                g=gate,
                s="tail",
                b="tail",
                w=self.pair_width,
                length=self.pair_length,
            )
        for name, drain, gate, units in (
            ("3", "x", "x", half),
            ("4", "y", "x", half),
            ("5", "out", "y", self.output_units),
        ):
            draw.nmos(
                name, d=drain, g=gate, s="0", w=self.load_width, length=self.mirror_length, m=units
            )
        draw.resistor("z", "y", "z", self.zero_resistance or 1e-3)
        draw.capacitor("c", "z", "out", self.miller)
        return draw.subcircuit()

    def macromodel(self) -> OpAmp:
        """The linear amplifier that describes it around its operating point."""
        return OpAmp(
            gain=self.gain,
            gain_bandwidth=self.gain_bandwidth,
            output_resistance=self.output_resistance,
        )

    def output_limits(self, supply: float) -> tuple[float, float]:
        """Lowest and highest output voltage that still has half the gain [V]."""
        return self.headroom, supply - self.headroom

    @property
    def source_current(self) -> float:
        """The most that the output can source: the current of its p-channel transistor [A]."""
        return self.output_units * self.bias_current

    @property
    def supply_current(self) -> float:
        """What it draws from the supply: all branches of the mirror [A]."""
        return (1 + self.tail_units + self.output_units) * self.bias_current

    def random_offset(self, technology: Technology) -> float:
        """Standard deviation of the input offset [V]: the pair's, and the load's times its slope.

        A relative mismatch of currents counts divided by the pair's gm / I.
        """
        pair, pair_current = technology.mismatch("pmos", self.pair_width, self.pair_length)
        units = self.tail_units // 2
        area_length = self.mirror_length * units
        load, load_current = technology.mismatch("nmos", self.load_width, area_length)
        currents = math.hypot(pair_current, load_current) / self.pair_efficiency
        return math.sqrt(2.0) * math.hypot(pair, self.slope_ratio * load, currents)
