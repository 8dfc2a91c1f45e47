r"""The transimpedance amplifier: holds a line at a voltage and turns its current into another.

                     ┌───[ Rf ]───┐
                     ├─────||─────┤ Cf
        line ────────┴──┤-\        │
          I ──►         │  >──────┴── out
        v_cm ───────────┤+/

With an amplifier of gain A, output resistance Ro and offset vos, and I flowing into the line end,

    v(out) = (rest + A (v_cm + vos) - (A Rf - Ro) I) / (1 + A)    ~  v_cm - Rf I
    v(line) = v(out) + Rf I                                       ~  v_cm + I (Rf + Ro) / (1 + A)

so the line sees an input resistance of (Rf + Ro) / (1 + A). Cf keeps the loop stable in spite of
the line's capacitance, which delays the feedback.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from jaxtyping import Float
from pydantic import Field

from netlists.circuits.amplifiers import Amplifier
from netlists.circuits.opamp import OpAmp
from netlists.fields import NotNegative, Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


class Tia(Spec):
    """A transimpedance amplifier.

    Attributes:
        kind: what a configuration calls it.
        amplifier: the operational amplifier, linear or of transistors.
        resistance: of the feedback, Rf [ohm].
        capacitance: across it, Cf [F].
        common_mode: voltage at which the line is held [V].
        matching: standard deviation of Rf, relative.
    """

    kind: Literal["tia"] = "tia"
    amplifier: Amplifier = Field(default_factory=OpAmp)
    resistance: Positive = 5e3
    capacitance: NotNegative = 200e-15
    common_mode: Positive = 0.9
    matching: NotNegative = 2e-3

    def circuit(self, technology: Technology) -> Subcircuit:
        """The amplifier with ports line, vcm, out, vdd."""
        name = f"tia_{self.amplifier.kind}"
        draw = Schematic(
            name, ("line", "vcm", "out", "vdd"), technology, "transimpedance amplifier"
        )
        amplifier = self.amplifier.circuit(technology)
        draw.place("amp", amplifier, inp="vcm", inn="line", out="out", vdd="vdd")
        draw.resistor("f", "line", "out", self.resistance, self.matching)
        if self.capacitance:
            draw.capacitor("f", "line", "out", self.capacitance)
        return draw.subcircuit()

    @property
    def level(self) -> float:
        """Voltage at which the line is held [V]."""
        return self.common_mode

    @property
    def input_resistance(self) -> float:
        """What the line sees [ohm]."""
        model = self.amplifier.macromodel()
        return (self.resistance + model.output_resistance) / (1.0 + model.gain)

    def output(
        self,
        currents: Float[np.ndarray, "*shape"],
        offset: float = 0.0,
        resistance_error: float = 0.0,
        supply: float = math.inf,
    ) -> Float[np.ndarray, "*shape"]:
        """The behavioural twin: output voltages for currents into the line end.

        Args:
            currents: [A].
            offset: of the amplifier, beside its own [V].
            resistance_error: of Rf, relative.
            supply: at which the output is cut off, if the amplifier has limits [V].

        Returns:
            Output voltages [V].
        """
        model = self.amplifier.macromodel()
        resistance = self.resistance * (1.0 + resistance_error)
        held = self.common_mode + model.offset + offset
        drop = (model.gain * resistance - model.output_resistance) * currents
        settled = (model.rest + model.gain * held - drop) / (1.0 + model.gain)
        return np.asarray(np.clip(settled, *self.amplifier.output_limits(supply)))

    def line_voltage(self, currents: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Voltages at which the line is held for currents into it [V]."""
        return np.asarray(self.output(currents) + self.resistance * currents)

    def settling(self, band: float) -> float:
        """Time to settle to a relative band, estimated from two poles [s].

        The amplifier's is at its gain-bandwidth, the feedback's at 1 / (2 pi Rf Cf). A second
        pole of the amplifier makes it ring, up to twice as long.
        """
        feedback = self.resistance * self.capacitance
        amplifier = 1.0 / (2.0 * math.pi * self.amplifier.macromodel().gain_bandwidth)
        return (feedback + amplifier) * math.log(1.0 / band)
