"""Compiled placing of differential pairs: weights onto tiles, and gradients back.

The same as `quantize.to_pairs` and the layout of `mapping` digit by digit, in one pass over the
numbers instead of a dozen. Inputs come first, because a row of a tile is one input of many outputs.
Machine code is kept by numba; small layers are not worth making it (`WORTH`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from numba import njit
from torch import Tensor


# As many weights at least; fewer are as quick in torch.
WORTH = 4096

# Products and sums are rounded one by one, as torch does.
EXACT = {"nogil": True, "cache": True, "error_model": "numpy"}


class PairPlaces(NamedTuple):
    """Where pairs sit, and which conductances they take.

    Attributes:
        tiles: shape of the tiles, `(tiles, rows, cols)`.
        side: tiles side by side.
        outputs: pairs of a tile.
        low: lowest conductance [S].
        step: from one level to the next [S].
        steps: between the lowest and the highest level.
    """

    tiles: tuple[int, int, int]
    side: int
    outputs: int
    low: float
    step: float
    steps: int


def on_tiles(
    weight: Float[Tensor, "out_features in_features"], places: PairPlaces
) -> Float[Tensor, "tiles rows cols"]:
    """Conductances [S] of weights from -1 to 1 as pairs on even levels, straight-through."""
    placed: Tensor = _OnTiles.apply(weight, places)
    return placed


class _OnTiles(torch.autograd.Function):
    """Pairs on tiles; the gradient reaches the cell that holds the weight."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, places: PairPlaces) -> Tensor:  # noqa: ANN401 - torch's
        by_input = weight.t().contiguous()
        G = weight.new_empty(places.tiles)
        number = by_input.numpy().dtype.type
        scales = (number(places.low), number(places.step), number(places.steps))
        place_pairs(by_input.numpy(), places.side, places.outputs, scales, G.numpy())
        ctx.save_for_backward(by_input)
        ctx.places = places
        return G

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        (by_input,) = ctx.saved_tensors
        places = ctx.places
        found = torch.empty_like(by_input)
        scale = by_input.numpy().dtype.type(places.step * places.steps)
        tiles = grad.contiguous().numpy()
        collect_pairs(tiles, by_input.numpy(), places.side, places.outputs, scale, found.numpy())
        return found.t().contiguous(), None


@njit(**EXACT)
def place_pairs(
    weight: np.ndarray, side: int, per_tile: int, scales: tuple[float, float, float], G: np.ndarray
) -> None:
    """Pairs of weights `[inputs, outputs]` onto tiles `[tiles, rows, cols]`."""
    low, step, steps = scales
    zero = weight.dtype.type(0)
    for t in range(G.shape[0]):
        first_row, first = t // side * G.shape[1], t % side * per_tile
        count = min(per_tile, weight.shape[1] - first)
        for i in range(G.shape[1]):
            k = first_row + i
            used = count if k < weight.shape[0] else 0
            for p in range(used):
                code = np.rint(weight[k, first + p] * steps)
                code = steps if code > steps else code
                code = (-steps if code < -steps else code) * step
                G[t, i, 2 * p] = (zero if code < zero else code) + low
                G[t, i, 2 * p + 1] = (zero if code > zero else -code) + low
            for j in range(2 * used, G.shape[2]):
                G[t, i, j] = low


@njit(**EXACT)
def collect_pairs(
    grad: np.ndarray,
    weight: np.ndarray,
    side: int,
    per_tile: int,
    scale: float,
    out: np.ndarray,
) -> None:
    """Gradients in weights `[inputs, outputs]` from those in tiles `[tiles, rows, cols]`."""
    zero = weight.dtype.type(0)
    for t in range(grad.shape[0]):
        first_row, first = t // side * grad.shape[1], t % side * per_tile
        count = min(per_tile, weight.shape[1] - first)
        for i in range(min(grad.shape[1], weight.shape[0] - first_row)):
            k = first_row + i
            for p in range(count):
                up, down = grad[t, i, 2 * p], grad[t, i, 2 * p + 1]
                out[k, first + p] = (-down if weight[k, first + p] < zero else up) * scale
