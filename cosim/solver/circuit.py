"""The circuit around the cells: wires, drivers, sensors and gates, one value per line.

    driver V_i ──end──┬──wire──┬──wire──┬── …  open          input line i, `[rows]`
                      cell     cell     cell
    open … ──┬──wire──┬──wire──┬──end──▶ 0 V                 output line j, `[cols]`

A `TileSpec` gives every line the same values. A `Circuit` may differ from line to line: an
unselected row has its own gate voltage or a floating driver (an infinite end resistance), a dummy
column its own termination.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from compact_models.errors import SpecError
from cosim.solver.arrays import Lines, padded
from netlists.specs import TileSpec


PerLine = Float[np.ndarray, "..."]
PerRow = Float[np.ndarray, "rows"]
PerCol = Float[np.ndarray, "cols"]


@dataclass(frozen=True, eq=False)
class Circuit:
    """Everything of a tile but its cells.

    Attributes:
        row_wire: resistance of one segment of each input line [ohm].
        row_end: resistance between each driver and its first cell [ohm]; infinite when floating.
        col_wire: resistance of one segment of each output line [ohm].
        col_end: resistance between each last cell and its sensor [ohm]; infinite when floating.
        gate_voltage: of each row's access transistors [V]; ignored by cells without a gate.
    """

    row_wire: PerRow
    row_end: PerRow
    col_wire: PerCol
    col_end: PerCol
    gate_voltage: PerRow

    @classmethod
    def of(cls, spec: TileSpec) -> Self:
        """The circuit of a tile."""
        gates = np.full(spec.rows, spec.cell.gate_voltage or 0.0)
        gates[list(spec.inactive_rows)] = spec.cell.gate_voltage_off
        return cls.uniform(
            spec.rows,
            spec.cols,
            row_wire=spec.wires.input_line_resistance,
            row_end=spec.input_line_end,
            col_wire=spec.wires.output_line_resistance,
            col_end=spec.output_line_end,
            gate_voltage=gates,
        )

    @classmethod
    def uniform(
        cls,
        rows: int,
        cols: int,
        *,
        row_wire: ArrayLike,
        row_end: ArrayLike,
        col_wire: ArrayLike,
        col_end: ArrayLike,
        gate_voltage: ArrayLike = 0.0,
    ) -> Self:
        """A circuit from one value for all lines, or an array with one per line.

        Raises:
            SpecError: a resistance that is not positive, or an array of the wrong length.
        """
        return cls(
            row_wire=_per_line(row_wire, rows, "row_wire", most=np.finfo(float).max),
            row_end=_per_line(row_end, rows, "row_end"),
            col_wire=_per_line(col_wire, cols, "col_wire", most=np.finfo(float).max),
            col_end=_per_line(col_end, cols, "col_end"),
            gate_voltage=_per_line(gate_voltage, rows, "gate_voltage", least=-10.0, most=10.0),
        )

    @property
    def rows(self) -> int:
        """Number of input lines."""
        return len(self.row_wire)

    @property
    def cols(self) -> int:
        """Number of output lines."""
        return len(self.col_wire)

    def lines(self) -> Lines:
        """The padded arrays of the kernels; padded lines are ordinary wires without cells."""
        return Lines(
            row_wire=_padded(self.row_wire[::-1])[::-1].copy(),
            row_end=1.0 / _padded(self.row_end[::-1])[::-1],
            col_wire=1.0 / _padded(self.col_wire)[None, None],
            col_end=1.0 / _padded(self.col_end)[None, None],
            gate=_padded(self.gate_voltage[::-1])[::-1].copy(),
            cols=self.cols,
        )


def _padded(values: PerLine) -> PerLine:
    return np.concatenate([values, np.ones(padded(len(values)) - len(values))])


def _per_line(
    given: ArrayLike, count: int, name: str, least: float = 0.0, most: float = np.inf
) -> PerLine:
    """One value per line, checked."""
    values = np.asarray(given, dtype=np.float64)
    if values.shape not in {(), (count,)}:
        raise SpecError(
            f"{name} has shape {values.shape}; there are {count} lines; "
            "give one number, or one per line"
        )
    low = values < least if least < 0 else values <= least
    if np.isnan(values).any() or low.any() or (values > most).any():
        bound = "at least" if least < 0 else "more than"
        raise SpecError(
            f"{name} holds {values.ravel()[:4]}; allowed is {bound} {least:g}, at most {most:g}; "
            "correct these values"
        )
    return np.broadcast_to(values, (count,)).copy()
