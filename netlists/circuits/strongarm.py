"""The StrongARM latch: a clocked comparator that draws no static current.

            vdd ──┬───────┬───────────┬───────┬── vdd
               pn─┤    p1─┤         p2├─     ├─pp        pn, pp, px, py: precharge while clk is low
                  ├─ outn ┴──╲ ╱──┴ outp ────┤
                          n1 ─┤╳├─ n2                    n1, n2, p1, p2: the regenerating latch
                           x ─┘   └─ y
                     inp ──┤ m1   m2 ├── inn             m1, m2: the input pair
                           └── t ────┘
                       clk ──┤ tail
                             0

Both outputs wait at the supply; on the clock's rising edge the side with the higher input falls
first and the latch regenerates the difference: `outn` falls when inp > inn. The input pair sets
the offset, whose standard deviation is about sqrt(2) times that of one input transistor's
threshold, plus what the latch adds divided by the gain up to it (B. Razavi, "The StrongARM Latch",
IEEE Solid-State Circuits Magazine 7(2), 2015, 10.1109/MSSC.2015.2418155).
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from netlists.fields import NotNegative, Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


class StrongArm(Spec):
    """A StrongARM latch.

    Attributes:
        tail_width: of the clocked tail transistor [m].
        input_width: of each input transistor [m].
        latch_width: of each transistor of the latch [m].
        precharge_width: of each precharge transistor [m].
        load: capacitance at each output [F].
    """

    tail_width: Positive = 4e-6
    input_width: Positive = 4e-6
    latch_width: Positive = 2e-6
    precharge_width: Positive = 1e-6
    load: NotNegative = 5e-15

    def circuit(self, technology: Technology) -> Subcircuit:
        """The latch with ports inp, inn, clk, outp, outn, vdd."""
        ports = ("inp", "inn", "clk", "outp", "outn", "vdd")
        draw = Schematic("strongarm", ports, technology, "clocked comparator, StrongARM latch")
        draw.nmos("tail", d="t", g="clk", s="0", w=self.tail_width)
        draw.nmos("1", d="x", g="inp", s="t", w=self.input_width)
        draw.nmos("2", d="y", g="inn", s="t", w=self.input_width)
        draw.nmos("n1", d="outn", g="outp", s="x", w=self.latch_width)
        draw.nmos("n2", d="outp", g="outn", s="y", w=self.latch_width)
        draw.pmos("p1", d="outn", g="outp", s="vdd", w=self.latch_width)
        draw.pmos("p2", d="outp", g="outn", s="vdd", w=self.latch_width)
        for node in ("outn", "outp", "x", "y"):
            draw.pmos(f"pre_{node}", d=node, g="clk", s="vdd", w=self.precharge_width)
        for node in ("outn", "outp"):
            draw.capacitor(node, node, "0", self.load)
        return draw.subcircuit()

    def offset_deviation(self, technology: Technology) -> float:
        """Standard deviation of the input offset from the input pair's thresholds [V]."""
        threshold, _ = technology.mismatch("nmos", self.input_width, technology.length)
        return float(np.sqrt(2.0) * threshold)

    @staticmethod
    def decide(
        difference: Float[np.ndarray, "*shape"], offset: float = 0.0
    ) -> Bool[np.ndarray, "*shape"]:
        """The behavioural twin: whether `outp` stays high for an input difference [V]."""
        return difference + offset > 0.0
