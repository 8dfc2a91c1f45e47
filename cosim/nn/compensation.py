"""Compensation of drift: what all cells of a layer lose together can be given back.

Digital ones multiply the outputs of a layer, after conversion, by a factor that a chip measures on
itself from time to time: from reference cells that nobody computes with (`ReferenceCells`), or from
stored inputs whose outputs were noted when the chip was programmed (`CalibrationInputs`), with one
factor per layer or one per output. The conductance-ratio cell compensates inside of the circuit
(`ratio_cell`).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor

from cosim.nn.chip import Cells, Chip
from cosim.nn.programmed import ProgrammedTiles
from cosim.nn.variability import generator_of


if TYPE_CHECKING:
    from cosim.nn.layer import AnalogLayer


@dataclass(frozen=True)
class Reading:
    """Which cells are read, and when.

    Attributes:
        chips: all that are read together.
        layer: its place in the network.
        time: since programming [s]; None is right after it.
    """

    chips: tuple[Chip, ...]
    layer: int
    time: float | None


class AbstractCompensation(ABC):
    """A way to give back what drift took."""

    @abstractmethod
    def applied(
        self, tiles: ProgrammedTiles, layer: AnalogLayer, reading: Reading
    ) -> ProgrammedTiles:
        """The tiles as the compensated chips read them."""


@dataclass(frozen=True)
class ReferenceCells(AbstractCompensation):
    """One factor per layer: the mean of some reference cells then over their mean now.

    The reference cells are programmed, and drift, as the layer's own cells do; none is stuck.

    Attributes:
        count: reference cells of a layer; the more, the less their own spread counts.
        level: what they are programmed to [S]; the middle of the range when None.
    """

    count: int = 16
    level: float | None = None

    def applied(
        self, tiles: ProgrammedTiles, layer: AnalogLayer, reading: Reading
    ) -> ProgrammedTiles:
        """The tiles with the factor."""
        level = level_of(layer, self.level)
        factors = []
        for chip in reading.chips:
            cells = reference_cells(chip, reading.layer, (self.count,), level)
            factors.append(cells.at(None).mean() / cells.at(reading.time).mean())
        return replace(tiles, factor=torch.stack(factors)[:, None].to(tiles.conductance))


@dataclass(frozen=True)
class CalibrationInputs(AbstractCompensation):
    """Factors from stored inputs: the sum of absolute outputs then over the sum now.

    Attributes:
        count: stored input vectors of a layer.
        per_column: one factor per output instead of one per layer.
        seed: of the stored inputs, evenly distributed over the input range.
    """

    count: int = 64
    per_column: bool = False
    seed: int = 0

    def applied(
        self, tiles: ProgrammedTiles, layer: AnalogLayer, reading: Reading
    ) -> ProgrammedTiles:
        """The tiles with the factors."""
        G = tiles.conductance
        shape = (self.count, layer.mapping.in_features)
        generator = generator_of(self.seed, reading.layer)
        stored = torch.rand(shape, generator=generator, dtype=G.dtype).to(G.device)
        inputs = stored.repeat(len(G), 1)
        fresh = torch.stack([chip.layers[reading.layer].at(None) for chip in reading.chips]).to(G)
        then, now = (
            held.outputs(layer, inputs).abs().unflatten(0, (len(G), self.count)).sum(1)
            for held in (replace(tiles, conductance=fresh), tiles)
        )
        if not self.per_column:
            then, now = then.sum(-1, keepdim=True), now.sum(-1, keepdim=True)
        # An output without weights says nothing about drift.
        return replace(tiles, factor=torch.where(now > 0, then / now, 1.0))


def level_of(layer: AnalogLayer, level: float | None) -> float:
    """The level of reference cells [S]: the given one, or the middle of the layer's range."""
    mapping = layer.mapping
    return 0.5 * (mapping.g_min + mapping.g_max) if level is None else level


def reference_cells(chip: Chip, layer: int, shape: tuple[int, ...], level: float) -> Cells:
    """Reference cells of a layer of a chip: programmed and drifting like all others, none stuck."""
    streams = chip.streams(layer)
    kinds = replace(chip.layers[layer].kinds, stuck=None)
    target: Float[Tensor, "*cells"] = torch.full(shape, level, dtype=torch.float64)
    return kinds.cells(target, lambda purpose: streams(f"reference cells: {purpose}"))
