"""Voltage-mode sensing: the output line floats and takes the weighted mean of its inputs.

        V_0 ──[G_0]──┐
        V_1 ──[G_1]──┼── line ──[buffer]── out
        V_2 ──[G_2]──┘

No current leaves the line, so sum_i G_i (V_i - v) = 0 and

    v(line) = sum_i G_i V_i / sum_i G_i

which a common factor of all conductances leaves as it is; the sum of a column's conductances is
needed to undo the division (W. Wan et al., Nature 608, 504-512, 2022,
10.1038/s41586-022-04992-8). A line read at a virtual ground tells the same: with its current I when
it is held at v_h, v(line) = v_h + I / sum_i G_i. It settles with C_line / sum_i G_i.
"""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from jaxtyping import Float
from pydantic import Field

from netlists.circuits.opamp import OpAmp
from netlists.circuits.source_follower import SourceFollower
from netlists.circuits.two_stage_opamp import TwoStageOpAmp
from netlists.fields import Positive, Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


Buffer = Annotated[OpAmp | TwoStageOpAmp | SourceFollower, Field(discriminator="kind")]


class VoltageSense(Spec):
    """A buffer on a floating line.

    Attributes:
        buffer: an operational amplifier in unity feedback, or a source follower.
        line_capacitance: of what is connected to the line [F].
    """

    buffer: Buffer = Field(default_factory=OpAmp)
    line_capacitance: Positive = 200e-15

    def circuit(self, technology: Technology) -> Subcircuit:
        """The buffer with ports line, out, vdd."""
        name = f"voltage_sense_{self.buffer.kind}"
        draw = Schematic(name, ("line", "out", "vdd"), technology, "buffer of a floating line")
        buffer = self.buffer.circuit(technology)
        feedback = {"inn": "out"} if "inn" in buffer.ports else {}
        draw.place("buf", buffer, inp="line", out="out", vdd="vdd", **feedback)
        return draw.subcircuit()

    @property
    def input_resistance(self) -> float:
        """What the line sees: gates only [ohm]."""
        return math.inf

    @staticmethod
    def open_circuit(
        voltages: Float[np.ndarray, "*batch rows"], conductances: Float[np.ndarray, "rows cols"]
    ) -> Float[np.ndarray, "*batch cols"]:
        """Voltages of floating lines for input voltages [V], without wire resistance."""
        return voltages @ conductances / conductances.sum(axis=0)

    def follow(
        self, volts: Float[np.ndarray, "*shape"], offset: float = 0.0
    ) -> Float[np.ndarray, "*shape"]:
        """The behavioural twin: outputs for voltages of the lines [V]."""
        buffer = self.buffer
        if isinstance(buffer, SourceFollower):
            return np.asarray(buffer.follow(volts) + offset)
        return buffer.macromodel().follow(volts + offset)

    def output(
        self,
        currents: Float[np.ndarray, "*batch cols"],
        totals: Float[np.ndarray, " cols"],
        held: float,
        offset: float = 0.0,
    ) -> Float[np.ndarray, "*batch cols"]:
        """The behavioural twin: outputs from the currents of the same lines held at a voltage.

        Args:
            currents: into the sensor, of lines held at `held` [A].
            totals: sum of the conductances at each line [S].
            held: voltage at which the currents were taken [V].
            offset: of the buffer, beside its own [V].
        """
        return self.follow(held + currents / totals, offset)

    def settling(
        self, totals: Float[np.ndarray, "*shape"], band: float
    ) -> Float[np.ndarray, "*shape"]:
        """Time for the lines to settle to a relative band, without the buffer's [s]."""
        return self.line_capacitance / totals * math.log(1.0 / band)
