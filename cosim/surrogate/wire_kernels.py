"""The wires of a tile as resistance kernels, and the shapes that cell voltages take along them.

    V_i ──R_source──R_in──●──R_in──●──R_in──●        row i: driven on the left, open on the right
                        r[i,0]   r[i,1]   r[i,n-1]

    c[0,j] ──R_out── c[1,j] ── ... ── c[m-1,j] ──R_out──R_sense── 0 V    column j: sensed at the end

If the cells draw the currents q_j from a row, its nodes lie below the drive by the product of the
row kernel and q, and a column's nodes lie above ground by its own kernel times the currents that
flow in:

    row kernel[j, j'] = R_source + R_in (1 + min(j, j'))
    col kernel[i, i'] = R_sense + R_out (1 + m - 1 - max(i, i'))

(the resistance of the path that two nodes share). Both are constants of the spec.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn


if TYPE_CHECKING:
    from netlists.specs import TileSpec

# Kernels must have full rank in their modes; a perfect wire is given this much resistance [ohm].
SMALLEST_RESISTANCE = 1e-6

# Number of leading wire modes in which the uniform tile is solved for the mode shapes.
UNIFORM_TILE_MODES = 8


@dataclass(frozen=True)
class WireResistances:
    """Resistances between the ideal sources and the ideal sensors of a tile.

    Attributes:
        input_line: one segment of a driven row [ohm].
        output_line: one segment of a sensed column [ohm].
        source: a driver's output resistance [ohm].
        sense: a sensor's input resistance [ohm].
    """

    input_line: float
    output_line: float
    source: float
    sense: float

    @staticmethod
    def from_spec(spec: TileSpec) -> WireResistances:
        """The resistances that a tile's specification states."""
        return WireResistances(
            input_line=spec.wires.input_line_resistance,
            output_line=spec.wires.output_line_resistance,
            source=spec.drivers.source_resistance,
            sense=spec.sense_resistance,
        )

    def scaled(self, factors: tuple[float, float, float, float]) -> WireResistances:
        """The same wires with each resistance multiplied, in the order of the attributes."""
        a, b, c, d = factors
        return replace(
            self,
            input_line=self.input_line * a,
            output_line=self.output_line * b,
            source=self.source * c,
            sense=self.sense * d,
        )


class WireKernels(nn.Module):
    """Kernels of the rows and columns of a tile, and what the mode shapes are built from.

    Attributes:
        row: [cols, cols] kernel of a row [ohm].
        col: [rows, rows] kernel of a column [ohm].
        row_modes: number of load modes per row.
        col_modes: number of load modes per column.
    """

    row: Tensor
    col: Tensor
    row_legendre: Tensor
    col_legendre: Tensor
    row_basis: Tensor
    col_basis: Tensor
    row_overlap: Tensor
    col_overlap: Tensor
    mode_resistance: Tensor
    row_steps: Tensor
    col_steps: Tensor

    def __init__(self, rows: int, cols: int, wires: WireResistances, modes: int) -> None:
        super().__init__()
        self.wires = wires
        # Without line resistance all loads of a line give the same field: one mode is exact.
        self.row_modes = modes if wires.input_line > 0 else 1
        self.col_modes = modes if wires.output_line > 0 else 1
        row = _row_kernel(cols, wires)
        col = _col_kernel(rows, wires)
        row_basis, row_resistance = _leading_modes(row)
        col_basis, col_resistance = _leading_modes(col)
        constants = {
            "row": row,
            "col": col,
            "row_legendre": _legendre(cols, self.row_modes),
            "col_legendre": _legendre(rows, self.col_modes),
            "row_basis": row_basis,
            "col_basis": col_basis,
            "row_overlap": row_basis.sum(1),
            "col_overlap": col_basis.sum(1),
            "mode_resistance": col_resistance[:, None] + row_resistance[None, :],
            # Segments between a node and the open end of its line, and of the line as a whole.
            "row_steps": cols - torch.arange(cols, dtype=torch.float64),
            "col_steps": torch.arange(rows, dtype=torch.float64) + 1,
        }
        for name, value in constants.items():
            self.register_buffer(name, value, persistent=False)

    def mode_shapes(
        self, mean: Float[Tensor, "*tiles"]
    ) -> tuple[Float[Tensor, "*tiles row_modes cols"], Float[Tensor, "*tiles col_modes rows"]]:
        """Shapes of the cell voltage along rows and columns, for tiles of a mean conductance.

        Legendre polynomials times an estimate of the decay along the line: the geometric mean of a
        single loaded line and of the uniform tile, both closed forms. With three and more modes
        the single line alone spans more than the mean does.

        Args:
            mean: mean conductance of the cells of each tile [S].
        """
        line_row, line_col = self._single_line(mean)
        if max(self.row_modes, self.col_modes) > 2:
            row, col = line_row, line_col
        else:
            tile_row, tile_col = self._uniform_tile(mean)
            row = (line_row * tile_row).clamp_min(0).sqrt()
            col = (line_col * tile_col).clamp_min(0).sqrt()
        return self.row_legendre * row[..., None, :], self.col_legendre * col[..., None, :]

    def _single_line(self, mean: Tensor) -> tuple[Tensor, Tensor]:
        """Decay along one line with the other side grounded: cosh of the distance to its end."""
        row_rate = (mean[..., None] * self.wires.input_line).sqrt()
        col_rate = (mean[..., None] * self.wires.output_line).sqrt()
        return (
            torch.cosh(self.row_steps * row_rate) / torch.cosh(self.row_steps.max() * row_rate),
            torch.cosh(self.col_steps * col_rate) / torch.cosh(self.col_steps.max() * col_rate),
        )

    def _uniform_tile(self, mean: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cell voltage along rows and columns of a uniform tile with all inputs at 1 V.

        In the eigenvectors of both kernels the cell voltages d = 1 - g (d row + col d) decouple.
        """
        load = mean[..., None, None] * self.mode_resistance
        lost = self.col_overlap[:, None] * self.row_overlap[None, :] * (load / (1 + load))
        rows, cols = self.col.shape[0], self.row.shape[0]
        along_row = 1 - (self.col_overlap @ lost) @ self.row_basis / rows
        along_col = 1 - (lost @ self.row_overlap) @ self.col_basis / cols
        return along_row, along_col


def _row_kernel(cols: int, wires: WireResistances) -> Float[Tensor, "cols cols"]:
    j = torch.arange(cols, dtype=torch.float64)
    shared = 1 + torch.minimum(j[:, None], j[None, :])
    return max(wires.source, SMALLEST_RESISTANCE) + wires.input_line * shared


def _col_kernel(rows: int, wires: WireResistances) -> Float[Tensor, "rows rows"]:
    i = torch.arange(rows, dtype=torch.float64)
    shared = rows - torch.maximum(i[:, None], i[None, :])
    return max(wires.sense, SMALLEST_RESISTANCE) + wires.output_line * shared


def _leading_modes(kernel: Tensor) -> tuple[Float[Tensor, "modes nodes"], Float[Tensor, " modes"]]:
    resistance, vectors = torch.linalg.eigh(kernel)
    count = min(UNIFORM_TILE_MODES, kernel.shape[0])
    return vectors[:, -count:].T.contiguous(), resistance[-count:].clone()


def _legendre(nodes: int, modes: int) -> Float[Tensor, "modes nodes"]:
    position = (np.arange(nodes) + 0.5) / nodes * 2 - 1
    return torch.from_numpy(np.polynomial.legendre.legvander(position, modes - 1).T.copy())
