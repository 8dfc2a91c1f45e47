"""How the weights of a layer sit on tiles.

Every weight is a differential pair of cells in one row: column 2j holds its positive part, column
2j + 1 its negative part, so `conductance[row, 2j]` and `conductance[row, 2j + 1]` belong to
`weight[j, row]`.

    g_positive = g_min + max(w, 0) / w_max (g_max - g_min)       w = (g_positive - g_negative)
    g_negative = g_min + max(-w, 0) / w_max (g_max - g_min)          / (g_max - g_min) w_max

A layer with more inputs than a tile has rows is cut into row blocks whose outputs are added
digitally; more outputs than a tile has column pairs make column blocks. Tiles are numbered row
block by row block. Rows and columns that a layer does not fill stay at g_min, their inputs at 0 V;
the last column of a tile with an odd number of columns is never used.

    inputs   0..rows-1       tile 0    tile 1    tile 2       (row block 0)
    inputs   rows..2rows-1   tile 3    tile 4    tile 5       (row block 1)
                             outputs 0..p-1, p..2p-1, ...      with p = cols // 2
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from cosim.errors import SpecError


if TYPE_CHECKING:
    from netlists.specs import TileSpec


@dataclass(frozen=True)
class TileMapping:
    """Where the weights, inputs and outputs of a layer are on its tiles.

    Attributes:
        in_features: inputs of the layer.
        out_features: outputs of the layer.
        rows: inputs of a tile.
        cols: outputs of a tile.
        g_min: conductance of a zero half of a pair [S].
        g_max: conductance of a full one [S].
        read_voltage: voltage of a full-scale input [V].
    """

    in_features: int
    out_features: int
    rows: int
    cols: int
    g_min: float
    g_max: float
    read_voltage: float

    @staticmethod
    def of(spec: TileSpec, in_features: int, out_features: int) -> TileMapping:
        """The mapping of a layer onto tiles of a specification.

        Raises:
            SpecError: the tile has no room for a differential pair.
        """
        if spec.cols < 2:
            raise SpecError(
                f"`cols` is {spec.cols}; a differential pair needs at least 2 columns;"
                " give the tile more columns"
            )
        return TileMapping(
            in_features,
            out_features,
            spec.rows,
            spec.cols,
            spec.cell.conductance_min,
            spec.cell.conductance_max,
            spec.drivers.read_voltage,
        )

    @property
    def pairs(self) -> int:
        """Outputs (column pairs) per tile."""
        return self.cols // 2

    @property
    def row_blocks(self) -> int:
        """Number of parts the inputs are cut into."""
        return ceil(self.in_features / self.rows)

    @property
    def col_blocks(self) -> int:
        """Number of parts the outputs are cut into."""
        return ceil(self.out_features / self.pairs)

    @property
    def tiles(self) -> int:
        """Number of tiles of the layer."""
        return self.row_blocks * self.col_blocks

    @property
    def g_range(self) -> float:
        """Conductance difference of a full-scale weight [S]."""
        return self.g_max - self.g_min

    def conductances(
        self, weight: Float[Tensor, "out_features in_features"]
    ) -> Float[Tensor, "tiles rows cols"]:
        """Conductances [S] of weights given in units of the largest one, from -1 to 1."""
        halves = torch.stack([weight.clamp_min(0), (-weight).clamp_min(0)], -1)
        filled = halves.new_zeros(self.col_blocks * self.pairs, self.row_blocks * self.rows, 2)
        filled[: self.out_features, : self.in_features] = halves
        blocks = filled.reshape(self.col_blocks, self.pairs, self.row_blocks, self.rows, 2)
        tiles = blocks.permute(2, 0, 3, 1, 4).reshape(self.tiles, self.rows, 2 * self.pairs)
        unused = tiles.new_zeros(self.tiles, self.rows, self.cols - 2 * self.pairs)
        return self.g_min + self.g_range * torch.cat([tiles, unused], -1)

    def weights(
        self, G: Float[Tensor, "*chips tiles rows cols"]
    ) -> Float[Tensor, "*chips out_features in_features"]:
        """Weights, in units of the largest one, that conductances [S] stand for."""
        pairs = G[..., : 2 * self.pairs].unflatten(-1, (self.pairs, 2))
        difference = (pairs[..., 0] - pairs[..., 1]) / self.g_range
        blocks = difference.unflatten(-3, (self.row_blocks, self.col_blocks))
        whole = blocks.movedim(-4, -1).movedim(-3, -1)  # [..., col_blocks, pairs, row_blocks, rows]
        weight = whole.flatten(-2).flatten(-3, -2)
        return weight[..., : self.out_features, : self.in_features]

    def voltages(
        self, x: Float[Tensor, "*chips samples in_features"]
    ) -> Float[Tensor, "*chips tiles samples rows"]:
        """Input voltages [V] of every tile for layer inputs from 0 to 1."""
        missing = self.row_blocks * self.rows - self.in_features
        padded = torch.nn.functional.pad(x, (0, missing)) * self.read_voltage
        blocks = padded.unflatten(-1, (self.row_blocks, self.rows)).movedim(-2, -3)
        return blocks.repeat_interleave(self.col_blocks, dim=-3)

    def outputs(
        self, currents: Float[Tensor, "*chips tiles samples cols"]
    ) -> Float[Tensor, "*chips samples out_features"]:
        """Layer outputs, in units of full-scale input times largest weight.

        The columns of a pair are subtracted, which removes what they have in common, and the row
        blocks are added.
        """
        pairs = currents[..., : 2 * self.pairs].unflatten(-1, (self.pairs, 2))
        difference = pairs[..., 0] - pairs[..., 1]
        blocks = difference.unflatten(-3, (self.row_blocks, self.col_blocks)).sum(-4)
        joined = blocks.movedim(-3, -2).flatten(-2)[..., : self.out_features]
        return joined / (self.read_voltage * self.g_range)
