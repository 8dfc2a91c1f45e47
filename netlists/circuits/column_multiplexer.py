"""The column multiplexer: several lines share one sensor, one at a time.

        col0 ──[gate]──┐          gates are transmission gates, sel<k> closes gate k
        col1 ──[gate]──┼── out    the selects are one-hot: an open gate only leaks
        col2 ──[gate]──┘

The sensor sees the selected line through the gate's resistance, which adds to what the line sees,

    R_line = R_on + R_sensor

and which depends on the line's voltage: at the level at which the sensor holds the line it is a
constant. The open gates together leak (n - 1) times one gate's leakage.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from pydantic import Field

from compact_models.errors import InputError
from netlists.circuits.transmission_gate import TransmissionGate
from netlists.fields import Spec
from netlists.schematic import Schematic, Subcircuit
from netlists.technology import Technology


class ColumnMultiplexer(Spec):
    """A multiplexer of lines.

    Attributes:
        columns: lines that share the sensor.
        gate: the transmission gate of every line.
    """

    columns: int = Field(default=8, ge=2, le=64)
    gate: TransmissionGate = Field(default_factory=lambda: TransmissionGate(width=8e-6))

    def circuit(self, technology: Technology) -> Subcircuit:
        """The multiplexer with ports col0..., sel0..., out, vdd."""
        lines = [f"col{number}" for number in range(self.columns)]
        selects = [f"sel{number}" for number in range(self.columns)]
        draw = Schematic("column_multiplexer", (*lines, *selects, "out", "vdd"), technology)
        gate = self.gate.circuit(technology)
        for number, (line, select) in enumerate(zip(lines, selects, strict=True)):
            draw.place(f"g{number}", gate, a=line, b="out", on=select, vdd="vdd")
        return draw.subcircuit()

    @property
    def input_resistance(self) -> float:
        """What the selected line sees, beside the sensor [ohm]."""
        return self.gate.on_resistance

    @property
    def leakage(self) -> float:
        """Current of all open gates with a volt across them [A]."""
        return (self.columns - 1) * self.gate.leakage

    def output(
        self, currents: Float[np.ndarray, "*batch columns"], selected: int
    ) -> Float[np.ndarray, "*batch"]:
        """The behavioural twin: the current at the output for one selected line.

        Args:
            currents: of every line, when it is connected [A].
            selected: number of the line.

        Raises:
            InputError: no such line.
        """
        if not 0 <= selected < self.columns or currents.shape[-1] != self.columns:
            raise InputError(
                f"line {selected} of {currents.shape[-1]} currents cannot be selected; the "
                f"multiplexer has lines 0 to {self.columns - 1}, each with a current"
            )
        return currents[..., selected]

    def line_current(
        self, volts: Float[np.ndarray, "*shape"], resistance: float, held: float
    ) -> Float[np.ndarray, "*shape"]:
        """Current of a line driven with `volts` through a resistance, held at `held` behind it."""
        return np.asarray((volts - held) / (resistance + self.input_resistance))
