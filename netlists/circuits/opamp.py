"""The linear operational amplifier: one pole, one output resistance, one offset.

        inp ──(+ offset)──┐ gm      p
                          ├──►──┬───┬───►1 (+ rest) ──[Ro]── out
        inn ──────────────┘    Rp   Cp
                                0   0

    v(out) = rest + A(f) (v(inp) + offset - v(inn)) - Ro i(out)
    A(f) = A0 / (1 + j f A0 / GBW)

`rest` is the output without any input difference. There is no saturation: inside a feedback loop a
saturating expression costs ngspice ten times the iterations, and a read-out that saturates is
designed wrongly. Where the output may reach its limits the transistor-level amplifier takes over.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from jaxtyping import Complex, Float

from netlists.fields import Finite, NotNegative, Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


PORTS = ("inp", "inn", "out", "vdd")
TRANSCONDUCTANCE = 1e-3  # of the first stage [S]; only its product with Rp and Cp is seen


class OpAmp(Spec):
    """A linear operational amplifier; its own behavioural twin.

    Attributes:
        kind: what a configuration calls it.
        gain: open-loop gain at DC, without load.
        gain_bandwidth: frequency at which the gain is one [Hz].
        output_resistance: open loop [ohm].
        offset: input-referred; what the output is higher by in unity feedback [V].
        offset_deviation: standard deviation of a random offset [V].
        rest: output without an input difference [V].
    """

    kind: Literal["linear"] = "linear"
    gain: Positive = 1e4
    gain_bandwidth: Positive = 100e6
    output_resistance: NotNegative = 100.0
    offset: Finite = 0.0
    offset_deviation: NotNegative = 0.0
    rest: Finite = 0.9

    def circuit(self, technology: Technology) -> Subcircuit:
        """The amplifier with ports inp, inn, out, vdd; it draws nothing from vdd."""
        draw = Schematic("opamp", PORTS, technology, "linear operational amplifier")
        draw.leave_open("vdd")
        draw.voltage("os", "shifted", "inp", self.offset, self.offset_deviation)
        draw.transconductor("in", "0", "p", ("shifted", "inn"), TRANSCONDUCTANCE)
        draw.resistor("p", "p", "0", self.gain / TRANSCONDUCTANCE)
        draw.capacitor("p", "p", "0", TRANSCONDUCTANCE / (2.0 * math.pi * self.gain_bandwidth))
        draw.voltage("rest", "rest", "0", self.rest)
        draw.amplifier("out", "drive", "rest", ("p", "0"), 1.0)
        if self.output_resistance:
            draw.resistor("out", "drive", "out", self.output_resistance)
        else:
            draw.voltage("out", "drive", "out", 0.0)
        return draw.subcircuit()

    def macromodel(self) -> OpAmp:
        """Itself; transistor-level amplifiers answer with the linear one that describes them."""
        return self

    def random_offset(self, technology: Technology) -> float:
        """Standard deviation of the offset from draw to draw [V]."""
        return self.offset_deviation

    def output_limits(self, supply: float) -> tuple[float, float]:
        """Lowest and highest output voltage: a linear amplifier has none."""
        return -math.inf, math.inf

    def response(self, frequency: Float[np.ndarray, " points"]) -> Complex[np.ndarray, " points"]:
        """Open-loop gain at frequencies [Hz], without load."""
        return self.gain / (1.0 + 1j * frequency * self.gain / self.gain_bandwidth)

    def follow(
        self, volt: Float[np.ndarray, "*shape"], load: float = math.inf
    ) -> Float[np.ndarray, "*shape"]:
        """Output of unity feedback for an input [V], into a load to ground [ohm]."""
        wanted = self.rest + self.gain * (volt + self.offset)
        return np.asarray(wanted / (1.0 + self.gain + self.output_resistance / load))
