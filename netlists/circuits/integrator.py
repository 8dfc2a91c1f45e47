r"""The integrator with reset: the charge that a line delivers becomes a voltage.

                        reset
                   ┌────/ ────┐
                   ├────||────┤ C
        line ──────┴──┤-      │
          I ──►       │  >────┴── out          reset ‾‾\______________
        v_cm ─────────┤+                       I     ____/‾‾‾‾‾‾\____   sampled at the end

While `reset` is high the output rests at v0 ~ v_cm; then a charge Q into the line gives, with an
amplifier of gain A and a line of capacitance C_L,

    v(out) = v0 - Q A / (C_L + (1 + A) C),   v0 = (rest + A (v_cm + offset)) / (1 + A)

after the amplifier has settled: its output resistance drives capacitors only and does not matter.
The charge that the switch leaves when it opens is integrated with the rest.
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from jaxtyping import Float
from pydantic import Field

from netlists.circuits.amplifiers import Amplifier
from netlists.circuits.opamp import OpAmp
from netlists.circuits.transmission_gate import TransmissionGate
from netlists.fields import NotNegative, Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


ON_RESISTANCE, OFF_RESISTANCE = 1e3, 1e12  # of the ideal switch [ohm]


class Integrator(Spec):
    """An integrator with reset.

    Attributes:
        kind: what a configuration calls it.
        amplifier: the operational amplifier, linear or of transistors.
        switch: `ideal` or `gate`, a transmission gate.
        gate: the transmission gate, if it is one.
        capacitance: C [F].
        common_mode: voltage at which the line is held [V].
        window: time for which currents are integrated [s].
        line_capacitance: of what is connected to the line, for the twin [F].
        matching: standard deviation of C, relative.
    """

    kind: Literal["integrator"] = "integrator"
    amplifier: Amplifier = Field(default_factory=OpAmp)
    switch: Literal["ideal", "gate"] = "gate"
    gate: TransmissionGate = Field(default_factory=lambda: TransmissionGate(width=2e-6))
    capacitance: Positive = 2e-12
    common_mode: Positive = 0.9
    window: Positive = 100e-9
    line_capacitance: NotNegative = 200e-15
    matching: NotNegative = 1e-3

    def circuit(self, technology: Technology) -> Subcircuit:
        """The integrator with ports line, vcm, reset, out, vdd."""
        name = f"integrator_{self.amplifier.kind}_{self.switch}"
        draw = Schematic(name, ("line", "vcm", "reset", "out", "vdd"), technology, "integrator")
        amplifier = self.amplifier.circuit(technology)
        draw.place("amp", amplifier, inp="vcm", inn="line", out="out", vdd="vdd")
        draw.capacitor("int", "line", "out", self.capacitance, self.matching)
        if self.switch == "gate":
            draw.place(
                "rst", self.gate.circuit(technology), a="line", b="out", on="reset", vdd="vdd"
            )
        else:
            draw.switch(
                "rst",
                "line",
                "out",
                ("reset", "0"),
                threshold=0.5 * technology.supply,
                on=ON_RESISTANCE,
                off=OFF_RESISTANCE,
            )
        return draw.subcircuit()

    @property
    def level(self) -> float:
        """Voltage at which the line is held [V]."""
        return self.common_mode

    @property
    def input_resistance(self) -> float:
        """What the line sees while currents flow [ohm].

        The amplifier's input must move by what its output moves over the gain, and while the output
        ramps it lags by the ramp's slope over 2 pi GBW.
        """
        model = self.amplifier.macromodel()
        charging = self.window / (self.capacitance * (1.0 + model.gain))
        lag = 1.0 / (2.0 * math.pi * model.gain_bandwidth * self.capacitance)
        return charging + lag + model.output_resistance / (1.0 + model.gain)

    def from_charge(
        self,
        charges: Float[np.ndarray, "*shape"],
        offset: float = 0.0,
        capacitance_error: float = 0.0,
    ) -> Float[np.ndarray, "*shape"]:
        """The behavioural twin: output voltages for charges into the line end.

        Args:
            charges: [C].
            offset: of the amplifier, beside its own [V].
            capacitance_error: of C, relative.

        Returns:
            Settled output voltages [V].
        """
        model = self.amplifier.macromodel()
        held = model.rest + model.gain * (self.common_mode + model.offset + offset)
        capacitance = self.capacitance * (1.0 + capacitance_error)
        left = (
            float(self.gate.injected(np.array(self.common_mode))) if self.switch == "gate" else 0.0
        )
        seen = self.line_capacitance + (1.0 + model.gain) * capacitance
        return np.asarray(held / (1.0 + model.gain) - (charges + left) * model.gain / seen)

    def output(
        self,
        currents: Float[np.ndarray, "*shape"],
        offset: float = 0.0,
        capacitance_error: float = 0.0,
    ) -> Float[np.ndarray, "*shape"]:
        """The behavioural twin: output voltages for currents [A] that flow for the whole window."""
        return self.from_charge(currents * self.window, offset, capacitance_error)
