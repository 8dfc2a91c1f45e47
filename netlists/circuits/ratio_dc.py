"""The DC form of the conductance-ratio multiplier: reference cells in the feedback.

    cm + v x_i ──[ G+_ij ]──┐        ┌──[ G_ref ]──┐   M reference cells of the column's own
                            ├─ s_j ──┤             ├── out_j
    cm - v x_i ──[ G-_ij ]──┘        └──── -▷ ─────┘
                                       + at cm

    out_j - cm = -v sum_i x_i (G+_ij - G-_ij) / sum of the column's G_ref

No time, no ramp, no leak: six decades of drift leave the output where it is. But the input is an
amplitude, so the cells' hyperbolic sine bends the characteristic, the more the larger the input
and the output; and each column needs reference cells and an amplifier that carries its current.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from pydantic import Field

from compact_models.errors import InputError
from netlists.circuits.ratio_cells import PhaseChangeCells
from netlists.circuits.ratio_mac import ROOM
from netlists.fields import Finite, Name, Positive, Spec
from netlists.schematic import GROUND, Schematic, Subcircuit
from netlists.technology import Technology


NEWTON_STEPS = 60
LARGEST_STEP = 0.02  # of the output, in one Newton step [V]


class RatioDc(Spec):
    """A tile with DC inputs.

    Attributes:
        card: of the cells.
        inputs: number of inputs n.
        columns: number of signed columns.
        reference_level: that the cells in the feedback are programmed to [S].
        references: of these per column, M.
        input_voltage: for x = 1 [V].
        common_mode: of inputs and amplifiers [V].
        gain: of the amplifiers; they are linear.
        output_resistance: of the amplifiers [ohm].
    """

    card: Name = "pcm__epcm_90nm_materials2021"
    inputs: int = Field(default=8, ge=1)
    columns: int = Field(default=1, ge=1)
    reference_level: Positive = 10e-6
    references: int = Field(default=4, ge=1)
    input_voltage: Positive = 0.05
    common_mode: Finite = 1.25
    gain: Positive = 1e4
    output_resistance: Positive = 100.0

    def circuit(self, technology: Technology, state: RatioDcState) -> Subcircuit:
        """The tile with ports x0.. (the input voltage, against ground) and out0...

        Raises:
            InputError: the cells do not fit the tile.
        """
        state.check(self)
        ports = (*(f"x{i}" for i in range(self.inputs)), *(f"out{j}" for j in range(self.columns)))
        draw = Schematic("ratio_dc", ports, technology, "conductance-ratio multiplier, DC form")
        draw.voltage("cm", "cm", GROUND, self.common_mode)
        for i in range(self.inputs):
            draw.amplifier(f"p{i}", f"p{i}", "cm", (f"x{i}", GROUND), 1.0)
            draw.amplifier(f"n{i}", f"n{i}", "cm", (f"x{i}", GROUND), -1.0)
        for j in range(self.columns):
            for sign, cells in (("p", state.positive), ("n", state.negative)):
                for row in np.flatnonzero(cells.conductance[:, j]).tolist():
                    nets = (f"{sign}{row}", f"s{j}")
                    cells.place(draw, f"{sign}{row}_{j}", nets, (row, j))
            for r in range(self.references):
                state.reference.place(draw, f"f{r}_{j}", (f"s{j}", f"out{j}"), (j, r))
            draw.amplifier(f"a{j}", f"a{j}", "cm", ("cm", f"s{j}"), self.gain)
            draw.resistor(f"a{j}", f"a{j}", f"out{j}", self.output_resistance)
        return draw.subcircuit()


@dataclass(frozen=True, eq=False)
class RatioDcState:
    """What is in a tile of the DC form, and when.

    Attributes:
        positive: cells that add, `[inputs, columns]`.
        negative: cells that subtract, `[inputs, columns]`.
        reference: cells in the feedback, `[columns, references]`.
        elapsed: time since programming [s].
        temperature: [K].
    """

    positive: PhaseChangeCells
    negative: PhaseChangeCells
    reference: PhaseChangeCells
    elapsed: float = 1.0
    temperature: float = ROOM

    def check(self, mac: RatioDc) -> None:
        """Refuse cells that do not fit the tile.

        Raises:
            InputError: a wrong number of cells.
        """
        array = (mac.inputs, mac.columns)
        wanted = (array, array, (mac.columns, mac.references))
        cells = (self.positive, self.negative, self.reference)
        given = tuple(group.conductance.shape for group in cells)
        if given != wanted:
            raise InputError(
                f"positive, negative and reference cells of shapes {given} are given; the tile has "
                f"{wanted}; give those"
            )

    def law(
        self, mac: RatioDc, x: Float[np.ndarray, "samples inputs"]
    ) -> Float[np.ndarray, "samples columns"]:
        """Results without curvature and with infinite gain [V]."""
        adds, subtracts = self.positive.aged(self.elapsed), self.negative.aged(self.elapsed)
        reference = self.reference.aged(self.elapsed).sum(axis=-1)
        return np.asarray(mac.input_voltage * (x @ (adds - subtracts)) / reference)

    def twin(
        self, mac: RatioDc, x: Float[np.ndarray, "samples inputs"]
    ) -> Float[np.ndarray, "samples columns"]:
        """Results, common mode minus output [V]: the node equation of every column by Newton.

        With y = cm - out and u = s - cm: y = gain' u, since the amplifier drives -gain u through
        its output resistance, whose drop is part of the equation.
        """
        v0 = self.positive.scale_voltage(self.temperature)
        unit = float(self.positive.shape(v0, self.temperature)) / np.sinh(1.0)
        adds = unit * self.positive.aged(self.elapsed)
        subtracts = unit * self.negative.aged(self.elapsed)
        feedback = unit * self.reference.aged(self.elapsed).sum(axis=-1)
        drive = mac.input_voltage * x / v0
        up = np.exp(drive) @ adds + np.exp(-drive) @ subtracts
        down = np.exp(-drive) @ adds + np.exp(drive) @ subtracts
        y = self.law(mac, x)
        for _ in range(NEWTON_STEPS):
            current, slope = _through(y, feedback, v0)
            u = (y + mac.output_resistance * current) / mac.gain
            du = (1.0 + mac.output_resistance * slope) / mac.gain
            rise, fall = 0.5 * up * np.exp(-u / v0), 0.5 * down * np.exp(u / v0)
            into, into_slope = rise - fall, -(rise + fall) * du / v0
            back, back_slope = _through(y + u, feedback, v0)
            step = (into - back) / (into_slope - back_slope * (1.0 + du))
            y = y - np.clip(step, -LARGEST_STEP, LARGEST_STEP)
        return y


def _through(
    volt: Float[np.ndarray, "samples columns"], factor: Float[np.ndarray, " columns"], v0: float
) -> tuple[Float[np.ndarray, "samples columns"], Float[np.ndarray, "samples columns"]]:
    """Current of the reference cells of each column, and its slope."""
    bounded = np.clip(volt / v0, -20.0, 20.0)
    return factor * np.sinh(bounded), factor * np.cosh(bounded) / v0
