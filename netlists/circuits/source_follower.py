"""The p-channel source follower: a buffer of one transistor, one level shift up.

        vdd ──[ I ]──┬── out
                   ──┤ p-channel, in a well of its own
             inp ────┘
                     0

    v(out) = rest + slope (v(inp) - middle)

Its well is tied to its source, so there is no body effect and the slope is near one; the shift is
the transistor's gate voltage and moves with process and temperature. It has the ports of the
amplifiers, of which `inn` is left alone by whoever places it as a buffer.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float

from netlists.fields import Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


class SourceFollower(Spec):
    """A p-channel source follower; the measured numbers are those of generic_250nm.

    Attributes:
        kind: what a configuration calls it.
        width: of the follower [m].
        length: of the follower [m].
        mirror_width: of each transistor of the current mirror [m].
        mirror_length: of each transistor of the current mirror [m].
        bias_current: through the follower [A].
        middle: input at which the numbers below were measured [V].
        rest: measured output there [V].
        slope: measured.
    """

    kind: Literal["source_follower"] = "source_follower"
    width: Positive = 20e-6
    length: Positive = 0.5e-6
    mirror_width: Positive = 10e-6
    mirror_length: Positive = 1e-6
    bias_current: Positive = 20e-6
    middle: Positive = 0.9
    rest: Positive = 1.532
    slope: Positive = 0.984

    def circuit(self, technology: Technology) -> Subcircuit:
        """The follower with ports inp, out, vdd."""
        draw = Schematic("source_follower", ("inp", "out", "vdd"), technology, "level shift up")
        draw.current("bias", "bias", "0", self.bias_current)
        for name, drain in (("b", "bias"), ("o", "out")):
            draw.pmos(
                name, d=drain, g="bias", s="vdd", w=self.mirror_width, length=self.mirror_length
            )
        draw.pmos("f", d="0", g="inp", s="out", b="out", w=self.width, length=self.length)
        return draw.subcircuit()

    def follow(self, volt: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Output for an input [V]."""
        return np.asarray(self.rest + self.slope * (volt - self.middle))

    def random_offset(self, technology: Technology) -> float:
        """Standard deviation of the output from draw to draw [V].

        The follower's threshold counts fully; the mirror's threshold mismatch counts through the
        ratio of the transconductances, sqrt of the ratio of the shapes in strong inversion.
        """
        follower, _ = technology.mismatch("pmos", self.width, self.length)
        mirror, _ = technology.mismatch("pmos", self.mirror_width, self.mirror_length)
        shapes = (self.mirror_width / self.mirror_length) / (self.width / self.length)
        return float(np.sqrt(follower**2 + 2.0 * shapes * mirror**2))
