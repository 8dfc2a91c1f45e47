"""The precharge sense amplifier of a 2T2R pair: the sign of a resistance difference, in one edge.

        vdd ──┬──────┬──────────┬──────┬── vdd
         clk ─┤pre   ├─ p1   p2 ─┤  pre├─ clk        pre: both outputs wait at the supply
              └── q ─┴──╲ ╱──┴─ qb ────┘
                     n1 ─┤╳├─ n2                     the side that discharges faster wins
                      │      │
                     bl      blb
                   [R_BL]  [R_BLb]                   the two cells, between the bit lines and sl
                      └─ sl ─┘
                   clk ──┤ foot
                         0

When clk rises both outputs discharge through their cells; the side of the smaller resistance falls
faster, and the latch pulls it down for good while the other returns to the supply:

    q high  <=>  R_BL > R_BLb,      weight = sign(R_BL - R_BLb)

(M. Bocquet et al., IEDM 2018, 10.1109/IEDM.2018.8614639). No current flows afterwards. A mismatch
of the latch's thresholds acts like a ratio of resistances, d(log R) = dV_T / V, with V the voltage
over a cell when the latch begins to decide; so the least ratio that is told apart does not depend
on the resistances. The delay is that of discharging through the smaller resistance R and of a latch
that regenerates, through R too, what the ratio rho = |log(R_BL / R_BLb)| gives it to begin with:

    t = t0 + R C_1 + (t_1 + R C_2) log(1 + rho_0 / rho)
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float

from netlists.fields import NotNegative, Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


class PrechargeSenseAmplifier(Spec):
    """A precharge sense amplifier; the measured numbers are those of generic_65nm.

    Attributes:
        latch_width: of each transistor of the latch [m].
        precharge_width: of each precharge transistor [m].
        foot_width: of the clocked transistor below the cells [m].
        load: capacitance at each output [F].
        cell_voltage: measured: threshold mismatch over the log ratio that balances it [V].
        start: measured delay without cell resistance [s].
        discharge: measured delay over the smaller resistance [F].
        latch_time: measured time constant of the latch without cell resistance [s].
        latch_discharge: measured time constant of the latch over the resistance [F].
        head_start: measured log ratio from which on the latch starts decided.
        energy_capacitance: measured energy of a decision over the supply squared [F].
    """

    latch_width: Positive = 2e-6
    precharge_width: Positive = 1e-6
    foot_width: Positive = 4e-6
    load: NotNegative = 2e-15
    cell_voltage: Positive = 0.25
    start: Positive = 24e-12
    discharge: Positive = 18.4e-15
    latch_time: Positive = 23e-12
    latch_discharge: Positive = 4.8e-15
    head_start: Positive = 0.24
    energy_capacitance: Positive = 35e-15

    def circuit(self, technology: Technology) -> Subcircuit:
        """The amplifier with ports bl, blb, sl, clk, q, qb, vdd; the cells are outside."""
        ports = ("bl", "blb", "sl", "clk", "q", "qb", "vdd")
        draw = Schematic("pcsa", ports, technology, "precharge sense amplifier of a 2T2R pair")
        draw.nmos("foot", d="sl", g="clk", s="0", w=self.foot_width)
        for number, node, other, line in (("1", "q", "qb", "bl"), ("2", "qb", "q", "blb")):
            draw.nmos(f"n{number}", d=node, g=other, s=line, w=self.latch_width)
            draw.pmos(f"p{number}", d=node, g=other, s="vdd", w=self.latch_width)
            draw.pmos(f"pre{number}", d=node, g="clk", s="vdd", w=self.precharge_width)
            draw.capacitor(node, node, "0", self.load)
        return draw.subcircuit()

    @staticmethod
    def decide(
        bit_line: Float[np.ndarray, "*shape"],
        complement: Float[np.ndarray, "*shape"],
        offset: float = 0.0,
    ) -> Bool[np.ndarray, "*shape"]:
        """The behavioural twin: whether q ends high, that is, the weight is +1.

        Args:
            bit_line: R_BL [ohm].
            complement: R_BLb [ohm].
            offset: mismatch, as a log ratio of resistances.
        """
        return np.log(bit_line / complement) + offset > 0.0

    def delay(
        self, bit_line: Float[np.ndarray, "*shape"], complement: Float[np.ndarray, "*shape"]
    ) -> Float[np.ndarray, "*shape"]:
        """Time from the clock's edge until the losing output has fallen [s]; without mismatch."""
        smaller = np.minimum(bit_line, complement)
        ratio = np.abs(np.log(bit_line / complement))
        latch = self.latch_time + self.latch_discharge * smaller
        with np.errstate(divide="ignore"):
            return np.asarray(
                self.start + self.discharge * smaller + latch * np.log1p(self.head_start / ratio)
            )

    def energy(self, supply: float) -> float:
        """Energy of a decision and the precharge after it [J]."""
        return self.energy_capacitance * supply**2

    def offset_deviation(self, technology: Technology) -> float:
        """Standard deviation of the offset, as a log ratio of resistances."""
        threshold, _ = technology.mismatch("nmos", self.latch_width, technology.length)
        return math.sqrt(2.0) * threshold / self.cell_voltage

    def least_ratio(self, technology: Technology, deviations: float = 3.0) -> float:
        """The resistance ratio that is told apart by all but the tail of the amplifiers."""
        return math.exp(deviations * self.offset_deviation(technology))
