"""The latch sense amplifier: two cross-coupled inverters that are let go on a pair of lines.

              vdd ──┬──────────┬── vdd
                 p1 ├─┐ ╲ ╱  ┌─┤ p2
        bl ─[pass]─ q ┼──╳───┼ qb ─[pass]─ blb       pass: p-channel, closed while en is low
                 n1 ├─┘ ╱ ╲  └─┤ n2
                    └──── t ───┘
                    en ──┤ foot
                         0

While `en` is low the outputs follow the lines, which wait near the supply; when it rises the lines
are cut off, the foot pulls, and the side that was higher stays high:

    q high  <=>  v(bl) > v(blb)

Lines read by currents: both start at the supply, one is discharged by a cell, the other by a
reference, and after a window the difference is (I_ref - I_cell) window / C_line. At the start only
the n-channel pair conducts, so its mismatch is the offset.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float

from netlists.fields import NotNegative, Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


class LatchSenseAmplifier(Spec):
    """A latch sense amplifier.

    Attributes:
        pair_width: of each n-channel transistor of the latch [m].
        load_width: of each p-channel transistor of the latch [m].
        pass_width: of each transistor to a line [m].
        foot_width: of the foot [m].
        load: capacitance at each output [F].
        line_capacitance: of each line, when it reads currents [F].
        window: time for which currents discharge the lines [s].
        offset_gain: measured offset over the mismatch of the pair's thresholds.
    """

    pair_width: Positive = 4e-6
    load_width: Positive = 2e-6
    pass_width: Positive = 2e-6
    foot_width: Positive = 1e-6
    load: NotNegative = 5e-15
    line_capacitance: Positive = 100e-15
    window: Positive = 1.5e-9
    offset_gain: Positive = 1.13

    def circuit(self, technology: Technology) -> Subcircuit:
        """The amplifier with ports bl, blb, en, q, qb, vdd."""
        ports = ("bl", "blb", "en", "q", "qb", "vdd")
        draw = Schematic("latch_sense_amplifier", ports, technology, "cross-coupled inverters")
        draw.nmos("foot", d="t", g="en", s="0", w=self.foot_width)
        for number, node, other, line in (("1", "q", "qb", "bl"), ("2", "qb", "q", "blb")):
            draw.nmos(f"n{number}", d=node, g=other, s="t", w=self.pair_width)
            draw.pmos(f"p{number}", d=node, g=other, s="vdd", w=self.load_width)
            draw.pmos(f"pass{number}", d=node, g="en", s=line, w=self.pass_width)
            draw.capacitor(node, node, "0", self.load)
        return draw.subcircuit()

    @staticmethod
    def decide(
        difference: Float[np.ndarray, "*shape"], offset: float = 0.0
    ) -> Bool[np.ndarray, "*shape"]:
        """The behavioural twin: whether q stays high for v(bl) - v(blb) [V]."""
        return difference + offset > 0.0

    def decide_currents(
        self, currents: Float[np.ndarray, "*shape"], reference: float, offset: float = 0.0
    ) -> Bool[np.ndarray, "*shape"]:
        """The behavioural twin: whether a cell draws less than the reference [A] from its line."""
        difference = (reference - currents) * self.window / self.line_capacitance
        return self.decide(difference, offset)

    def offset_deviation(self, technology: Technology) -> float:
        """Standard deviation of the offset [V]."""
        threshold, _ = technology.mismatch("nmos", self.pair_width, technology.length)
        return self.offset_gain * math.sqrt(2.0) * threshold

    def current_deviation(self, technology: Technology) -> float:
        """Standard deviation of the current at which a decision turns [A]."""
        return self.offset_deviation(technology) * self.line_capacitance / self.window
