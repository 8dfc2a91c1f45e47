"""The transmission gate: a switch of two complementary transistors, with the inverter it needs.

                  on ──┬──────────┐
                  [inverter]      │
                       │ off      │ on
                     ──┴──      ──┴──
             a ──┬── p-channel    n-channel ──┬── b       (in parallel between a and b)
                 └────────────────────────────┘

Closed it is a resistance that is largest where both gates are weakest, a little above half the
supply; open it leaks. When it opens, half of each channel's charge and what the gates couple over
go to either side: opposite signs, which cancel at one voltage only,

    q(v) = width (injection + slope (v - middle))

so a capacitor C left behind is off by q / C: a pedestal and a gain error.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from netlists.fields import Finite, NotNegative, Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


class TransmissionGate(Spec):
    """A transmission gate; closed while `on` is high.

    The measured numbers are those of generic_250nm at room temperature; they scale with the width.

    Attributes:
        width: of the n-channel transistor [m].
        ratio: width of the p-channel transistor over it.
        specific_resistance: measured, the largest between 0.2 V and 1.4 V, times width [ohm m].
        specific_injection: measured charge left on either side at `middle`, over width [C/m].
        specific_slope: measured, of this charge over voltage [C/(V m)].
        specific_leakage: measured current while open with a volt across, over width [A/m].
        middle: voltage to which the injected charge refers [V].
    """

    width: Positive = 1e-6
    ratio: Positive = 2.0
    specific_resistance: Positive = 2.7e-3
    specific_injection: Finite = 0.25e-9
    specific_slope: Finite = 2.1e-9
    specific_leakage: NotNegative = 4.4e-8
    middle: Finite = 0.9

    def circuit(self, technology: Technology) -> Subcircuit:
        """The gate with ports a, b, on, vdd."""
        ports = ("a", "b", "on", "vdd")
        draw = Schematic("transmission_gate", ports, technology, "closed while on is high")
        draw.nmos("inv_n", d="off", g="on", s="0", w=self.width)
        draw.pmos("inv_p", d="off", g="on", s="vdd", w=2.0 * self.width)
        draw.nmos("n", d="a", g="on", s="b", w=self.width)
        draw.pmos("p", d="a", g="off", s="b", w=self.ratio * self.width)
        return draw.subcircuit()

    @property
    def on_resistance(self) -> float:
        """Largest resistance of the closed gate [ohm]."""
        return self.specific_resistance / self.width

    @property
    def leakage(self) -> float:
        """Current through the open gate [A]."""
        return self.specific_leakage * self.width

    def injected(self, volt: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Charge that the gate leaves on either side when it opens at a voltage [C]."""
        slope = self.specific_slope * (volt - self.middle)
        return np.asarray(self.width * (self.specific_injection + slope))
