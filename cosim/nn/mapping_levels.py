"""Conductances that cells can be programmed to, and which of them a weight takes.

Levels are either evenly spaced over the range of the cell, or a list, as program-verify schemes
reach them: the nine levels of V. Milo et al., IEEE Trans. Electron Devices 68(8), 2021
(10.1109/TED.2021.3089995), a high-resistance state and 50 to 225 uS in steps of 25 uS, are

    levels = (0.0, 50e-6, 75e-6, 100e-6, 125e-6, 150e-6, 175e-6, 200e-6, 225e-6)

A differential pair can make the same difference with different pairs of a list: 25 uS is 75 - 50
as well as 225 - 200. The pair with the lowest sum is taken, which draws the lowest current.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from cosim.errors import InputError
from cosim.nn.quantize import straight_through, to_levels


# Differences closer than this part of the smallest step of a list count as the same difference.
SAME_DIFFERENCE = 0.01


@dataclass(frozen=True)
class EvenLevels:
    """Evenly spaced conductances.

    Attributes:
        low: the lowest [S].
        high: the highest [S].
        count: how many there are.
    """

    low: float
    high: float
    count: int

    def single(self, G: Float[Tensor, "*cells"]) -> Float[Tensor, "*cells"]:
        """The nearest level of each conductance [S], straight-through."""
        return to_levels(G, self.low, self.high, self.count)

    def pair(self, halves: Float[Tensor, "*weights 2"]) -> Float[Tensor, "*weights 2"]:
        """The levels of pairs, one of whose cells is at the lowest level, straight-through."""
        return self.single(halves)


@dataclass(frozen=True)
class LevelList:
    """A list of conductances.

    Attributes:
        values: the levels [S], rising.
    """

    values: tuple[float, ...]

    @property
    def low(self) -> float:
        """The lowest level [S]."""
        return self.values[0]

    @property
    def high(self) -> float:
        """The highest level [S]."""
        return self.values[-1]

    def single(self, G: Float[Tensor, "*cells"]) -> Float[Tensor, "*cells"]:
        """The nearest level of each conductance [S], straight-through."""
        return straight_through(G, _nearest(G.detach(), self.values, self.values))

    def pair(self, halves: Float[Tensor, "*weights 2"]) -> Float[Tensor, "*weights 2"]:
        """The pair of lowest current whose difference is nearest to the wanted one."""
        clean = halves.detach()
        wanted = clean[..., 0] - clean[..., 1]
        table = lowest_pairs(self.values)
        differences = tuple(plus - minus for plus, minus in table)
        cells = [
            _nearest(wanted, differences, tuple(pair[half] for pair in table)) for half in (0, 1)
        ]
        return straight_through(halves, torch.stack(cells, -1))


Levels = EvenLevels | LevelList


def levels_of(given: int | tuple[float, ...], low: float, high: float) -> Levels:
    """The levels of a cell whose conductances may lie from `low` to `high` [S].

    Raises:
        InputError: a level of a list is outside of the cell's range.
    """
    if isinstance(given, int):
        return EvenLevels(low, high, given)
    values = tuple(sorted(given))
    slack = 1e-9 * high
    if values[0] < low - slack or values[-1] > high + slack:
        raise InputError(
            f"the levels run from {values[0]:g} to {values[-1]:g} S; the cell of the tile allows"
            f" {low:g} to {high:g} S; change the levels, or `conductance_min` and"
            " `conductance_max` of the tile's cell"
        )
    return LevelList(values)


@lru_cache(maxsize=64)
def lowest_pairs(values: tuple[float, ...]) -> tuple[tuple[float, float], ...]:
    """For every difference that two levels can make, the pair of lowest sum, by difference."""
    same = SAME_DIFFERENCE * min(high - low for low, high in pairwise(values))
    pairs = sorted(
        ((plus, minus) for plus in values for minus in values),
        key=lambda pair: (pair[0] - pair[1], pair[0] + pair[1]),
    )
    groups: list[list[tuple[float, float]]] = []
    for pair in pairs:
        difference = pair[0] - pair[1]
        if groups and difference - (groups[-1][0][0] - groups[-1][0][1]) < same:
            groups[-1].append(pair)
        else:
            groups.append([pair])
    return tuple(min(group, key=sum) for group in groups)


def _nearest(
    wanted: Tensor, keys: tuple[float, ...], values: tuple[float, ...]
) -> Float[Tensor, ...]:
    """For each wanted number, the value whose rising key is nearest to it."""
    edges, table = _table(keys, values, wanted.dtype, wanted.device)
    return table[torch.bucketize(wanted.contiguous(), edges)]


@lru_cache(maxsize=256)
def _table(
    keys: tuple[float, ...],
    values: tuple[float, ...],
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Edges between keys, and values, as tensors."""
    edges = [(low + high) / 2 for low, high in pairwise(keys)]
    return (
        torch.tensor(edges, dtype=dtype, device=device),
        torch.tensor(values, dtype=dtype, device=device),
    )
