"""A CMOS buffer that drives one line of an array between ground and a level of its own.

    a ──▷o──▷o──▷o── g ──┬──┤ pull-up ── high           pull-up: p-channel, gate g   (word lines)
                         │       ├── y                          n-channel, gate not g (read levels)
                         └──┤ pull-down ── 0

The inverters run from `vdd` and widen by `taper`; the line's charge comes from `high`. A p-channel
pull-up conducts well only for a level far above its threshold; read levels of a few tenths of a
volt are passed by an n-channel transistor with its gate at the supply.

Driven, the line is a resistance R from its level, and rises as 1 - exp(-t / (R C)) into a
capacitance. R is that of a transistor in its linear region, about 1 / (k W / L (V_GS - V_T)).
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Float

from netlists.circuits.gates import inverters
from netlists.fields import Positive, Spec
from netlists.schematic import GROUND, Schematic, Subcircuit
from netlists.technology import Technology


class LineDriver(Spec):
    """A tapered buffer.

    Attributes:
        pull_up: `p` for a line that swings to about the supply, `n` for a low read level.
        output_width: of the pull-down transistor and of an n-channel pull-up [m].
        taper: from each inverter to the next.
        stages: inverters before the output; odd, so that the line follows its input.
    """

    pull_up: Literal["p", "n"] = "p"
    output_width: Positive = 8e-6
    taper: Positive = 3.0
    stages: Literal[1, 3, 5] = 3

    def circuit(self, technology: Technology) -> Subcircuit:
        """The driver with ports a, y, high, vdd; `a` swings between ground and vdd."""
        name = f"line_driver_{self.pull_up}_{round(1e9 * self.output_width)}"
        draw = Schematic(name, ("a", "y", "high", "vdd"), technology)
        width = self.output_width
        first = width / self.taper**self.stages
        chain = inverters(technology, self.stages, first, self.taper)
        draw.place("chain", chain, a="a", y="g", vdd="vdd")
        draw.nmos("down", d="y", g="g", s=GROUND, w=width)
        if self.pull_up == "p":
            draw.pmos("up", d="y", g="g", s="high", w=2.0 * width)
        else:
            last = inverters(technology, 1, width / self.taper, self.taper)
            draw.place("not", last, a="g", y="ng", vdd="vdd")
            draw.nmos("up", d="high", g="ng", s="y", w=width)
        return draw.subcircuit()

    @staticmethod
    def response(
        time: Float[np.ndarray, " times"], high: float, resistance: float, capacitance: float
    ) -> Float[np.ndarray, " times"]:
        """The behavioural twin: the line's voltage a time after the driver has switched on [V]."""
        return high * -np.expm1(-np.maximum(time, 0.0) / (resistance * capacitance))
