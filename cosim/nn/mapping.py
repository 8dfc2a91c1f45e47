"""How the weights of a layer sit on tiles.

By default every weight is a differential pair of cells in one row: column 2j holds its positive
part, column 2j + 1 its negative part, so `conductance[row, 2j]` and `conductance[row, 2j + 1]`
belong to `weight[j, row]`. `mapping_cells` has the alternatives: one cell against a reference
column, and weights cut into slices.

    g_positive = g_min + max(w, 0) / w_max (g_max - g_min)       w = (g_positive - g_negative)
    g_negative = g_min + max(-w, 0) / w_max (g_max - g_min)          / (g_max - g_min) w_max

A layer with more inputs than a tile has rows is cut into row blocks whose outputs are added
digitally; more outputs than fit into the columns of a tile make column blocks. Tiles are numbered
row block by row block. Rows and columns that a layer does not fill stay at g_min, their inputs at
0 V; columns that are left over are never used.

    inputs   0..rows-1       tile 0    tile 1    tile 2       (row block 0)
    inputs   rows..2rows-1   tile 3    tile 4    tile 5       (row block 1)
                             outputs 0..p-1, p..2p-1, ...      with p outputs per tile

The groups of a grouped convolution do not share inputs. As many of them as fit lie on the diagonal
of one *pack*, with weights of zero beside them, and every pack has its own tiles:

    pack 0:   group 0      0         tiles 0 ..
                 0      group 1
    pack 1:   group 2      0         the next tiles ..
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import ceil
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from cosim.errors import SpecError
from cosim.nn.mapping_cells import DifferentialPairs, OffsetColumn, Subtraction, WeightCells
from cosim.nn.mapping_kernels import WORTH, PairPlaces, on_tiles
from cosim.nn.mapping_levels import EvenLevels, Levels, levels_of
from cosim.nn.patches import Inputs, Patches, as_rows, block_diagonal, times
from cosim.nn.quantize import code_grid
from cosim.surrogate.fused import applies


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
        g_min: lowest conductance of a cell [S].
        g_max: highest conductance of a cell [S].
        read_voltage: voltage of a full-scale input [V].
        cells: how a weight becomes cells.
        levels: conductances that cells can take; None for all from g_min to g_max.
        groups: parts of the layer that do not share inputs.
    """

    in_features: int
    out_features: int
    rows: int
    cols: int
    g_min: float
    g_max: float
    read_voltage: float
    cells: WeightCells = field(default_factory=DifferentialPairs)
    levels: Levels | None = None
    groups: int = 1

    @staticmethod
    def of(
        spec: TileSpec,
        in_features: int,
        out_features: int,
        cells: WeightCells | None = None,
        levels: int | tuple[float, ...] | None = None,
        groups: int = 1,
    ) -> TileMapping:
        """The mapping of a layer onto tiles of a specification.

        Args:
            spec: the tile.
            in_features: inputs of the layer.
            out_features: outputs of the layer.
            cells: how a weight becomes cells; what the tile's read-out says when not given.
            levels: how many levels a cell has, or which ones [S].
            groups: parts of the layer that do not share inputs.

        Raises:
            SpecError: the tile has no room for the cells of a weight.
            InputError: a level is outside of the cell's range.
        """
        chosen = cells or cells_of(spec)
        needed = chosen.columns + chosen.shared_columns
        if spec.cols < needed:
            raise SpecError(
                f"`cols` is {spec.cols}; {_what(chosen)} needs at least {needed} columns;"
                " give the tile more columns"
            )
        low, high = spec.cell.conductance_min, spec.cell.conductance_max
        available = None if levels is None else levels_of(levels, low, high)
        return TileMapping(
            in_features,
            out_features,
            spec.rows,
            spec.cols,
            low if available is None else available.low,
            high if available is None else available.high,
            spec.drivers.read_voltage,
            chosen,
            available,
            groups,
        )

    @property
    def outputs_per_tile(self) -> int:
        """Outputs that fit into the columns of a tile."""
        return (self.cols - self.cells.shared_columns) // self.cells.columns

    @property
    def outputs_read(self) -> int:
        """Outputs per tile that are read: no more than there are, if one tile has all of them."""
        return min(self.outputs_per_tile, self.pack_outputs)

    @property
    def pairs(self) -> int:
        """Outputs (column pairs) per tile."""
        return self.outputs_per_tile

    @property
    def groups_per_pack(self) -> int:
        """Groups that lie on the diagonal of one matrix.

        A zero beside the diagonal must be one exactly, so only differential pairs are packed.
        """
        if self.groups == 1 or not isinstance(self.cells, DifferentialPairs):
            return 1
        inputs, outputs = self.in_features // self.groups, self.out_features // self.groups
        return max(1, min(self.rows // inputs, self.outputs_per_tile // outputs, self.groups))

    @property
    def packs(self) -> int:
        """Number of matrices that are mapped on their own."""
        return ceil(self.groups / self.groups_per_pack)

    @property
    def pack_inputs(self) -> int:
        """Inputs of one matrix."""
        return self.in_features // self.groups * self.groups_per_pack

    @property
    def pack_outputs(self) -> int:
        """Outputs of one matrix."""
        return self.out_features // self.groups * self.groups_per_pack

    @property
    def row_blocks(self) -> int:
        """Number of parts the inputs of a matrix are cut into."""
        return ceil(self.pack_inputs / self.rows)

    @property
    def col_blocks(self) -> int:
        """Number of parts the outputs of a matrix are cut into."""
        return ceil(self.pack_outputs / self.outputs_per_tile)

    @property
    def tiles(self) -> int:
        """Number of tiles of the layer."""
        return self.packs * self.row_blocks * self.col_blocks

    @property
    def g_range(self) -> float:
        """Conductance difference of a full-scale weight [S]."""
        return self.cells.full_scale(self.g_min, self.g_max)

    @property
    def g_middle(self) -> float:
        """Conductance of reference cells [S]."""
        return (self.g_min + self.g_max) / 2

    def conductances(
        self, weight: Float[Tensor, "out_features group_inputs"]
    ) -> Float[Tensor, "tiles rows cols"]:
        """Conductances [S] of weights given in units of the largest one, from -1 to 1.

        They are those of `levels` where there are any, with the gradient going straight through,
        also for weights beyond, which take the last level.
        """
        if self._has_even_pairs and weight.numel() >= WORTH and applies(weight):
            return on_tiles(weight, self._pair_places)
        cells = self.cells.cells(self._packed(weight), self.g_min, self.g_max, self.levels)
        return self._laid_out(cells, self.g_min, self.g_middle)

    @property
    def _has_even_pairs(self) -> bool:
        pairs = isinstance(self.cells, DifferentialPairs) and self.cells.slices == 1
        return pairs and self.groups == 1 and isinstance(self.levels, EvenLevels)

    @property
    def _pair_places(self) -> PairPlaces:
        steps = self.levels.count - 1 if isinstance(self.levels, EvenLevels) else 1
        return PairPlaces(
            (self.tiles, self.rows, self.cols),
            self.col_blocks,
            self.outputs_per_tile,
            self.g_min,
            (self.g_max - self.g_min) / steps,
            steps,
        )

    def places(self) -> Int[Tensor, "tiles rows cols"]:
        """Which cell of which weight stands where.

        The cells of weight `[output, input]` have the numbers from
        `(output * group_inputs + input) * columns` on, `columns` cells each in their order. Cells
        that belong to no weight are -1.
        """
        columns = self.cells.columns
        shape = (self.out_features, self.in_features // self.groups)
        weights = torch.arange(1, shape[0] * shape[1] + 1, dtype=torch.float64).reshape(shape)
        packed = self._packed(weights)[..., None]
        numbers = (packed - 1) * columns + torch.arange(columns)
        return self._laid_out(torch.where(packed > 0, numbers, -1.0), -1.0, -1.0).long()

    def _laid_out(
        self, cells: Float[Tensor, "packs outputs inputs columns"], unused: float, shared: float
    ) -> Float[Tensor, "tiles rows cols"]:
        """Cells on tiles, with these values where no weight is and in the shared columns."""
        per_tile, columns = self.outputs_per_tile, self.cells.columns
        more_rows = self.row_blocks * self.rows - self.pack_inputs
        more_outputs = self.col_blocks * per_tile - self.pack_outputs
        filled = _padded(cells, (0, 0, 0, more_rows, 0, more_outputs), unused)
        blocks = filled.reshape(
            self.packs, self.col_blocks, per_tile, self.row_blocks, self.rows, columns
        )
        tiles = blocks.permute(0, 3, 1, 4, 2, 5).reshape(self.tiles, self.rows, -1)
        at_end = self.cells.shared_columns
        free = self.cols - per_tile * columns - at_end
        return _padded(_padded(tiles, (0, free), unused), (0, at_end), shared)

    def held(
        self, weight: Float[Tensor, "out_features group_inputs"]
    ) -> Float[Tensor, "out_features group_inputs"]:
        """What undisturbed cells hold of weights from -1 to 1, without laying them out on tiles."""
        pairs = isinstance(self.cells, DifferentialPairs) and self.cells.slices == 1
        if pairs and isinstance(self.levels, EvenLevels):
            return code_grid(weight, self.levels.count - 1)
        cells = self.cells.cells(weight, self.g_min, self.g_max, self.levels)
        slices = self.cells.alone(cells, self.g_middle)
        return self.cells.joined(slices, self.levels) / self.g_range

    def matrices(
        self, G: Float[Tensor, "*chips tiles rows cols"]
    ) -> Float[Tensor, "*chips packs pack_outputs pack_inputs"]:
        """What every pack multiplies with, in units of the largest weight.

        Beside the diagonal of a pack there are the errors of cells that were asked for zero.
        """
        # A row alone at one volt gives its conductances as currents.
        background = G.new_full(G.shape[:-1], self.g_middle) if self.needs_volts else None
        signals = self.cells.signals(G, self.outputs_per_tile, "analog")
        rows = self._differences(signals, "analog", background) / self.g_range
        blocks = rows.unflatten(-3, (self.packs, self.row_blocks, self.col_blocks))
        whole = blocks.movedim((-4, -2), (-2, -1))  # [.., packs, col_blocks, p, row_blocks, rows]
        matrix = whole.flatten(-2).flatten(-3, -2)
        return matrix[..., : self.pack_outputs, : self.pack_inputs]

    def weights(
        self, G: Float[Tensor, "*chips tiles rows cols"]
    ) -> Float[Tensor, "*chips out_features group_inputs"]:
        """Weights, in units of the largest one, that conductances [S] stand for."""
        matrices = self.matrices(G)
        if self.groups == 1:
            return matrices[..., 0, :, :]
        per_pack = self.groups_per_pack
        parts = matrices.unflatten(-1, (per_pack, -1)).unflatten(-3, (per_pack, -1))
        own = parts.diagonal(dim1=-4, dim2=-2)  # [.., packs, outputs, inputs, groups of a pack]
        flat = own.movedim(-1, -3).flatten(-4, -2)
        return flat[..., : self.out_features, :]

    def products(
        self,
        G: Float[Tensor, "*chips tiles rows cols"],
        x: Inputs,
    ) -> Float[Tensor, "*chips samples out_features"]:
        """Exact products of layer inputs with what conductances [S] stand for."""
        matrices = self.matrices(G)
        if self.groups == 1:
            return times(x, matrices[..., 0, :, :].transpose(-1, -2))
        packed = _padded(as_rows(x), (0, self.packs * self.pack_inputs - self.in_features), 0.0)
        packs = packed.unflatten(-1, (self.packs, self.pack_inputs)).movedim(-2, -3)
        outputs = packs @ matrices.transpose(-1, -2)
        return outputs.movedim(-3, -2).flatten(-2)[..., : self.out_features]

    def voltages(
        self, x: Float[Tensor, "*chips samples in_features"]
    ) -> Float[Tensor, "*chips tiles samples rows"]:
        """Input voltages [V] of every tile for layer inputs from 0 to 1."""
        blocks = self._row_blocks(x * self.read_voltage)
        shape = (*blocks.shape[:-3], self.row_blocks, self.col_blocks, *blocks.shape[-2:])
        return blocks.unsqueeze(-3).expand(shape).flatten(-5, -3)

    def block_voltages(
        self, x: Float[Tensor, "samples in_features"]
    ) -> Float[Tensor, "blocks samples rows"]:
        """Input voltages [V] of every row block of every pack."""
        return self._row_blocks(x * self.read_voltage).flatten(0, 1)

    def beside(self, G: Float[Tensor, "tiles rows cols"]) -> Float[Tensor, "blocks side rows cols"]:
        """Conductances with the tiles that share their inputs side by side."""
        return G.unflatten(0, (-1, self.col_blocks))

    def by_tile(
        self, differences: Float[Tensor, "blocks samples outputs"]
    ) -> Float[Tensor, "tiles samples signals"]:
        """Differences of the columns of tiles side by side, as `signals` has them."""
        each = differences.unflatten(-1, (self.col_blocks, -1))
        used = each[..., : self.outputs_read * self.cells.slices]
        return used.movedim(-2, -3).flatten(0, 1)

    def read_columns(self, values: Float[Tensor, "*tiles cols"]) -> Float[Tensor, "*tiles read"]:
        """Those of the columns that are read: few outputs on a wide tile leave most empty."""
        used, shared = self.outputs_read * self.cells.columns, self.cells.shared_columns
        if used + shared == self.cols:
            return values
        return torch.cat([values[..., :used], values[..., self.cols - shared :]], -1)

    def currents(
        self, G: Float[Tensor, "*chips tiles rows lines"], x: Inputs
    ) -> Float[Tensor, "*chips tiles samples lines"]:
        """Currents [A] of columns of linear cells, or of sums and differences of columns.

        Inputs are not copied for the tiles that share them.
        """
        side = (G * self.read_voltage).unflatten(-3, (self.packs, self.row_blocks, self.col_blocks))
        wide = side.movedim(-3, -2).flatten(-2)  # column blocks side by side
        if isinstance(x, Patches):
            found = x.times(block_diagonal(wide.squeeze(-4), self.in_features))
            return found.unflatten(-1, (self.row_blocks * self.col_blocks, -1)).movedim(-2, -3)
        currents = self._row_blocks(x) @ wide
        return currents.unflatten(-1, (self.col_blocks, -1)).movedim(-2, -3).flatten(-5, -3)

    def signals(
        self, currents: Float[Tensor, "*chips tiles samples read"], subtraction: Subtraction
    ) -> Float[Tensor, "*chips tiles samples signals"]:
        """What the converters of the tiles see [A], of all columns or of those that are read."""
        return self.cells.signals(currents, self.outputs_read, subtraction)

    def used_signals(self, subtraction: Subtraction) -> Bool[Tensor, "tiles signals"]:
        """Which of the signals come from columns that the layer fills, or from shared ones."""
        count = self.signals(torch.zeros(1, 1, self.cols), subtraction).shape[-1]
        shared = self.cells.shared_columns if subtraction == "digital" else 0
        each = (count - shared) // self.outputs_read
        outputs = torch.arange(self.col_blocks * self.outputs_read) < self.pack_outputs
        used = outputs.repeat_interleave(each).reshape(self.col_blocks, -1)
        used = torch.cat([used, used.new_ones(self.col_blocks, shared)], -1)
        return used.repeat(self.packs * self.row_blocks, 1)

    def joined(
        self,
        signals: Float[Tensor, "*chips tiles samples signals"],
        subtraction: Subtraction,
        volts: Float[Tensor, "*chips tiles samples"] | None = None,
    ) -> Float[Tensor, "*chips samples out_features"]:
        """Layer outputs, in units of full-scale input times largest weight, from signals [A].

        Args:
            signals: of all tiles, after the converters.
            subtraction: where columns are subtracted from one another.
            volts: sums of the input voltages of every tile [V], for a calculated reference.
        """
        background = None if volts is None else volts * self.g_middle
        difference = self._differences(signals, subtraction, background)
        blocks = difference.unflatten(-3, (self.packs, self.row_blocks, self.col_blocks))
        added = blocks.squeeze(-4) if self.row_blocks == 1 else blocks.sum(-4)
        joined = added.movedim(-2, -4).flatten(-2)[..., : self.pack_outputs].flatten(-2)
        return joined[..., : self.out_features] / (self.read_voltage * self.g_range)

    def outputs(
        self,
        currents: Float[Tensor, "*chips tiles samples cols"],
        volts: Float[Tensor, "*chips tiles samples"] | None = None,
    ) -> Float[Tensor, "*chips samples out_features"]:
        """Layer outputs, in units of full-scale input times largest weight, from currents [A].

        The columns of a pair are subtracted, which removes what they have in common, and the row
        blocks are added.
        """
        return self.joined(self.signals(currents, "analog"), "analog", volts)

    @property
    def needs_volts(self) -> bool:
        """Whether outputs take the sums of the input voltages, for a calculated reference."""
        return isinstance(self.cells, OffsetColumn) and not self.cells.reference_columns

    def _differences(
        self, signals: Tensor, subtraction: Subtraction, background: Tensor | None
    ) -> Float[Tensor, "... outputs"]:
        slices = self.cells.differences(signals, subtraction, background)
        return self.cells.joined(slices, self.levels)

    def _packed(self, weight: Tensor) -> Float[Tensor, "packs pack_outputs pack_inputs"]:
        """Weights as one matrix per pack, groups on its diagonal."""
        if self.groups == 1:
            return weight[None]
        per_pack = self.groups_per_pack
        groups = weight.unflatten(0, (self.groups, -1))
        missing = self.packs * per_pack - self.groups
        packs = _padded(groups, (0, 0, 0, 0, 0, missing), 0.0).unflatten(0, (-1, per_pack))
        if per_pack == 1:
            return packs[:, 0]
        own = torch.eye(per_pack, dtype=weight.dtype, device=weight.device)
        matrices = packs[:, :, :, None, :] * own[:, None, :, None]
        return matrices.flatten(3).flatten(1, 2)

    def _row_blocks(self, x: Tensor) -> Float[Tensor, "*chips packs row_blocks samples rows"]:
        """Inputs as the rows of every row block see them."""
        packed = _padded(x, (0, self.packs * self.pack_inputs - self.in_features), 0.0)
        packs = packed.unflatten(-1, (self.packs, self.pack_inputs))
        filled = _padded(packs, (0, self.row_blocks * self.rows - self.pack_inputs), 0.0)
        blocks = filled.unflatten(-1, (self.row_blocks, self.rows))
        return blocks.movedim(-4, -2)


def cells_of(spec: TileSpec) -> WeightCells:
    """How a weight becomes cells on a tile: as its read-out subtracts its columns."""
    if spec.readout is not None and spec.readout.weights == "offset":
        return OffsetColumn()
    return DifferentialPairs()


def _padded(values: Tensor, pads: tuple[int, ...], value: float) -> Tensor:
    return torch.nn.functional.pad(values, pads, value=value) if any(pads) else values


def _what(cells: WeightCells) -> str:
    kind = "a differential pair" if isinstance(cells, DifferentialPairs) else "a cell with its"
    extra = "" if isinstance(cells, DifferentialPairs) else " reference"
    sliced = "" if cells.slices == 1 else f" in {cells.slices} slices"
    return f"{kind}{extra}{sliced}"
