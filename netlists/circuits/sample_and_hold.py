r"""The sample-and-hold: a gate, a capacitor and a buffer.

        sample
        in ──[gate]──┬──────┤+\
                     │      │  >──┬── out
                     C   ┌──┤-/   │
                     0   └────────┘

While `sample` is high the capacitor follows the input with the time constant R_on C; afterwards it
keeps, but for the charge that the opening gate leaves (the pedestal) and for leakage (the droop),

    v(out) = buffer(v_in + q(v_in) / C) -+ I_leak t / C
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float
from pydantic import Field

from netlists.circuits.amplifiers import Amplifier
from netlists.circuits.opamp import OpAmp
from netlists.circuits.transmission_gate import TransmissionGate
from netlists.fields import NotNegative, Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


class SampleAndHold(Spec):
    """A sample-and-hold with a buffered output.

    Attributes:
        amplifier: of the buffer, linear or of transistors.
        gate: the transmission gate.
        capacitance: on which the voltage is held [F].
        matching: standard deviation of the capacitance, relative.
    """

    amplifier: Amplifier = Field(default_factory=OpAmp)
    gate: TransmissionGate = Field(default_factory=TransmissionGate)
    capacitance: Positive = 1e-12
    matching: NotNegative = 1e-3

    def circuit(self, technology: Technology) -> Subcircuit:
        """The sample-and-hold with ports in, sample, out, vdd."""
        name = f"sample_and_hold_{self.amplifier.kind}"
        draw = Schematic(name, ("in", "sample", "out", "vdd"), technology, "sample and hold")
        draw.place("g", self.gate.circuit(technology), a="in", b="held", on="sample", vdd="vdd")
        draw.capacitor("hold", "held", "0", self.capacitance, self.matching)
        amplifier = self.amplifier.circuit(technology)
        draw.place("buf", amplifier, inp="held", inn="out", out="out", vdd="vdd")
        return draw.subcircuit()

    def output(
        self, volts: Float[np.ndarray, "*shape"], offset: float = 0.0
    ) -> Float[np.ndarray, "*shape"]:
        """The behavioural twin: held and buffered voltages for voltages at the input [V].

        Args:
            volts: at the moment of sampling.
            offset: of the buffer, beside its own [V].
        """
        held = volts + self.gate.injected(volts) / self.capacitance
        return self.amplifier.macromodel().follow(held + offset)

    def acquisition(self, band: float) -> float:
        """Time to follow a step to a relative band, without the buffer's [s]."""
        return self.gate.on_resistance * self.capacitance * math.log(1.0 / band)

    def droop(self, time: float) -> float:
        """How far the held voltage moves in a time [V], with a volt across the open gate."""
        return self.gate.leakage * time / self.capacitance
