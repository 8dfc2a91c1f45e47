r"""Regulated bit line and current mirror: the line is held, and a copy of its current is used.

        vdd ──┬──────────┬── vdd
            ──┤1       2 ├──             1, 2: p-channel mirror of equal units, ratio by number
              ├─(gate)─┘ │
             [1c]      [2c]              1c, 2c: cascodes, on request
              │          └──── out ──[ R ]── 0
        amp ──┤ regulator
    v_ref ─►+ │
        line ─┴─►-   (cells draw I from the line; a bleed keeps the regulator awake)

The amplifier drives the gate of the n-channel regulator so that the line stays at v_ref whatever
the cells draw; the current flows on through the mirror's diode. The line sees about
1 / (A gm) of the regulator. For a current I drawn from the line,

    v(out) = R i,    i = r J (1 + l (vdd - v(out) - v_sg)),    J = I + bleed
    v_sg = V_T + 2 s log(exp(sqrt(c)) - 1),    c = J / I_S
    l = 1 / V_A + D gm / J,    gm / J = (1 - exp(-sqrt(c))) / (s sqrt(c))

with the mirror's ratio r. The output transistor has another drain voltage than the diode, and the
drain acts on the channel's length (V_A) and on its barrier (D), so a plain mirror is wrong by six
per cent at 100 uA and by a third at 1 uA, and by more as the supply moves. With cascodes both
drains are alike and what is left is matching, for which a gate's mismatch counts times gm / J.
The law of the transistor, from weak to strong inversion, is that of C. Enz, F. Krummenacher,
E. Vittoz, Analog Integrated Circuits and Signal Processing 8, 1995, 10.1007/BF01239381.
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


THERMAL_VOLTAGE = 0.02585  # at 300 K [V]
SLOPE_FACTOR = 1.3  # of the transistors' weak inversion


def _slow() -> OpAmp:
    """Slower than the line with the smallest current through the regulator, for stability."""
    return OpAmp(gain=2000.0, gain_bandwidth=20e6)


class CurrentMirrorReadout(Spec):
    """A regulated bit line with a mirrored current into a resistor.

    Attributes:
        kind: what a configuration calls it.
        amplifier: the operational amplifier that regulates the line.
        cascoded: whether the mirror has cascodes.
        reference: voltage at which the line is held [V].
        regulator_width: of the n-channel regulator [m].
        unit_width: of one unit of the mirror [m].
        unit_length: of the mirror's transistors [m].
        cascode_length: of the cascodes [m].
        input_units: of the mirror's diode.
        output_units: of its output; their ratio is the mirror's.
        bleed: constant current drawn from the line [A].
        resistance: of the output to ground [ohm].
        threshold: V_T [V], fitted like the numbers below to the diode from 5 to 105 uA.
        specific_current: I_S of one unit [A].
        gate_slope: s [V].
        early_voltage: V_A [V].
        barrier_lowering: D [V/V].
    """

    kind: Literal["current_mirror"] = "current_mirror"
    amplifier: Amplifier = Field(default_factory=_slow)
    cascoded: bool = True
    reference: Positive = 0.2
    regulator_width: Positive = 20e-6
    unit_width: Positive = 10e-6
    unit_length: Positive = 1e-6
    cascode_length: Positive = 0.28e-6
    input_units: int = Field(default=4, ge=1)
    output_units: int = Field(default=4, ge=1)
    bleed: NotNegative = 5e-6
    resistance: Positive = 8e3
    threshold: Positive = 0.460
    specific_current: Positive = 0.213e-6
    gate_slope: Positive = 15.96e-3
    early_voltage: Positive = 28.9
    barrier_lowering: NotNegative = 6.8e-3

    @property
    def level(self) -> float:
        """Voltage at which the line is held [V]."""
        return self.reference

    @property
    def ratio(self) -> float:
        """Output over line current."""
        return self.output_units / self.input_units

    @property
    def input_resistance(self) -> float:
        """The most that the line sees, with the bleed alone through the regulator [ohm]."""
        gain = self.amplifier.macromodel().gain
        return SLOPE_FACTOR * THERMAL_VOLTAGE / (self.bleed or 1e-6) / gain

    def circuit(self, technology: Technology) -> Subcircuit:
        """The read-out with ports line, vref, out, vdd."""
        name = "current_mirror_readout" + ("_cascoded" if self.cascoded else "")
        draw = Schematic(name, ("line", "vref", "out", "vdd"), technology, "bit line and mirror")
        amplifier = self.amplifier.circuit(technology)
        draw.place("amp", amplifier, inp="vref", inn="line", out="gate", vdd="vdd")
        draw.nmos("reg", d="diode", g="gate", s="line", w=self.regulator_width)
        if self.bleed:
            draw.current("bleed", "line", "0", self.bleed)
        for number, foot, units in (
            ("1", "diode", self.input_units),
            ("2", "out", self.output_units),
        ):
            top = f"top{number}" if self.cascoded else foot
            gate = "top1" if self.cascoded else "diode"
            self._pmos(draw, number, (top, gate, "vdd"), self.unit_length, units)
            if self.cascoded:
                self._pmos(draw, f"{number}c", (foot, "diode", top), self.cascode_length, units)
        draw.resistor("out", "out", "0", self.resistance)
        return draw.subcircuit()

    def _pmos(
        self, draw: Schematic, name: str, nets: tuple[str, str, str], length: float, units: int
    ) -> None:
        """One transistor of the mirror between drain, gate and source, in its own well."""
        drain, gate, source = nets
        draw.pmos(
            name, d=drain, g=gate, s=source, b=source, w=self.unit_width, length=length, m=units
        )

    def output(
        self,
        currents: Float[np.ndarray, "*shape"],
        ratio_error: float = 0.0,
        supply: float = 2.5,
    ) -> Float[np.ndarray, "*shape"]:
        """The behavioural twin: output voltages for currents that cells draw from the line.

        Args:
            currents: out of the line into the cells, positive [A].
            ratio_error: of the mirror, relative.
            supply: [V]; counts without cascodes.

        Returns:
            Output voltages [V].
        """
        through = np.asarray(np.maximum(currents + self.bleed, 0.0))
        copied = self.ratio * (1.0 + ratio_error) * through
        if not self.cascoded:
            root = np.sqrt(np.maximum(through, 1e-12) / (self.input_units * self.specific_current))
            gate = self.threshold + 2.0 * self.gate_slope * np.log(np.expm1(root))
            slope = 1.0 / self.early_voltage + self.barrier_lowering * self._efficiency(through)
            excess = 1.0 + slope * (supply - gate)
            copied = copied * excess / (1.0 + slope * copied * self.resistance)
        return np.asarray(self.resistance * copied)

    def _efficiency(self, through: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Transconductance over current of the mirror's diode at its currents [1/V]."""
        root = np.sqrt(np.maximum(through, 1e-12) / (self.input_units * self.specific_current))
        return np.asarray(-np.expm1(-root) / (self.gate_slope * root))

    def ratio_deviation(self, technology: Technology, current: float) -> float:
        """Standard deviation of the mirror's ratio at a line current [A], relative."""
        slope = float(self._efficiency(np.array(current + self.bleed)))
        deviations = [
            math.hypot(slope * threshold, factor)
            for threshold, factor in (
                technology.mismatch("pmos", self.unit_width, self.unit_length * units)
                for units in (self.input_units, self.output_units)
            )
        ]
        return math.hypot(*deviations)
