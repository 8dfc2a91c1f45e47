"""What every surrogate is: conductances are prepared once, then vectors cost matrix products.

    prepare(G [tiles, rows, cols]) ──► operator
    operator(V [tiles, samples, rows]) ──► I [tiles, samples, cols]

`prepare` does all the work that depends on the conductances only; the operator it returns is
applied to as many input vectors as wanted. Both are differentiable torch functions, in inputs and
in conductances, and work on any number of leading tile axes (none as well).

A surrogate is a `torch.nn.Module` so that `.to(dtype)` and `.to(device)` move it, but it registers
no parameter and no persistent buffer: its numbers live in its own folder (see `store`), not in the
state dict of a network that uses it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.errors import ShapeError
from cosim.surrogate.domain import Domain


class Operator(ABC):
    """A tile with its conductances fixed: a function of the inputs alone."""

    @abstractmethod
    def __call__(
        self, V: Float[Tensor, "*inputs samples rows"]
    ) -> Float[Tensor, "*tiles samples cols"]:
        """Column currents [A] for the input voltages `V` [V]."""


@dataclass(frozen=True)
class Differences(Operator):
    """Tiles side by side that share their inputs, with neighbouring columns subtracted.

    Attributes:
        columns: of the tiles on their own.
        tiles: how many there are, `[*blocks, side]`.
    """

    columns: Operator
    tiles: tuple[int, ...]

    def __call__(
        self, V: Float[Tensor, "*blocks samples rows"]
    ) -> Float[Tensor, "*blocks samples outputs"]:
        """Differences of column currents [A], tile by tile, for input voltages `V` [V]."""
        shared = V.unsqueeze(-3).expand(*self.tiles, *V.shape[-2:])
        return beside(subtracted(self.columns(shared)))


def subtracted(columns: Float[Tensor, "*lines cols"]) -> Float[Tensor, "*lines outputs"]:
    """Each even column less its right neighbour; one that is left over is dropped."""
    used = columns[..., : columns.shape[-1] // 2 * 2]
    positive, negative = used.unflatten(-1, (-1, 2)).unbind(-1)
    return positive - negative


def beside(
    tiles: Float[Tensor, "*blocks side lines cols"],
) -> Float[Tensor, "*blocks lines all_cols"]:
    """The columns of tiles next to one another."""
    return tiles.movedim(-3, -2).flatten(-2)


class Surrogate(nn.Module, ABC):
    """A fast, differentiable stand-in for a tile.

    Attributes:
        kind: the name under which `store` files this class of surrogates.
        rows: number of inputs.
        cols: number of outputs.
        domain: inputs and conductances it is meant for.
    """

    kind: ClassVar[str]

    def __init__(self, rows: int, cols: int, domain: Domain) -> None:
        super().__init__()
        self.rows = rows
        self.cols = cols
        self.domain = domain

    @abstractmethod
    def prepare(self, G: Float[Tensor, "*tiles rows cols"]) -> Operator:
        """The operator of a tile whose cells have the conductances `G` [S]."""

    def prepare_pairs(self, G: Float[Tensor, "*blocks side rows cols"]) -> Operator:
        """The operator of differential columns of tiles side by side.

        Tiles of a block share their inputs: it takes `[*blocks, samples, rows]` and gives the
        differences of neighbouring columns, `[*blocks, samples, outputs of all tiles]`.
        """
        return Differences(self.prepare(G), tuple(G.shape[:-2]))

    @abstractmethod
    def tensors(self) -> dict[str, Tensor]:
        """The numbers that define this surrogate, float64, as `store` writes them."""

    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """The rest of the definition, as JSON takes it."""

    @classmethod
    @abstractmethod
    def rebuild(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The surrogate that `settings` and `tensors` describe, in float64."""

    def forward(
        self, V: Float[Tensor, "*inputs samples rows"], G: Float[Tensor, "*tiles rows cols"]
    ) -> Float[Tensor, "*outputs samples cols"]:
        """Column currents [A] for input voltages `V` [V] and conductances `G` [S]."""
        return self.prepare(G)(V)

    def mvm(
        self, V: Float[np.ndarray, "samples rows"], G: Float[np.ndarray, "rows cols"]
    ) -> Float[np.ndarray, "samples cols"]:
        """Column currents [A] of one tile, from and to numpy arrays.

        Raises:
            ShapeError: the arrays do not fit the tile.
        """
        return self.mvm_many([(G, V)])[0]

    def mvm_many(
        self,
        tasks: list[tuple[Float[np.ndarray, "rows cols"], Float[np.ndarray, "_ rows"]]],
    ) -> list[Float[np.ndarray, "_ cols"]]:
        """Column currents [A] of several tiles, each given as (conductances [S], inputs [V]).

        Raises:
            ShapeError: an array does not fit the tile.
        """
        dtype, device = self._like().dtype, self._like().device
        results = []
        with torch.no_grad():
            for G, V in tasks:
                conductance = torch.as_tensor(np.asarray(G), dtype=dtype, device=device)
                inputs = torch.as_tensor(np.asarray(V), dtype=dtype, device=device)
                self.check_inputs(inputs)
                results.append(self(inputs, conductance).double().cpu().numpy())
        return results

    def check_conductances(self, G: Tensor) -> None:
        """Raise ShapeError unless `G` has this tile's shape and this surrogate's dtype."""
        if tuple(G.shape[-2:]) != (self.rows, self.cols):
            raise ShapeError(
                f"conductances have the shape {tuple(G.shape)}; this surrogate is of a tile with"
                f" {self.rows} rows and {self.cols} cols, so the last two axes must be"
                f" ({self.rows}, {self.cols}); give one value per cell"
            )
        expected = self._like().dtype
        if G.dtype != expected:
            raise ShapeError(
                f"conductances are {G.dtype}, the surrogate is {expected}; both must agree;"
                f" move the surrogate with `.to({G.dtype})`"
            )

    def check_inputs(self, V: Tensor) -> None:
        """Raise ShapeError unless the last axis of `V` is this tile's rows."""
        if V.dim() < 1 or V.shape[-1] != self.rows:
            raise ShapeError(
                f"inputs have the shape {tuple(V.shape)}; the last axis must hold the tile's"
                f" {self.rows} rows; give inputs as [samples, rows]"
            )

    def _like(self) -> Tensor:
        """A tensor of this surrogate's dtype and device."""
        return next(self.buffers())
