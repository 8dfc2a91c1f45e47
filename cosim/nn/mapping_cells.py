"""How one weight becomes cells: a differential pair, or one cell against a reference.

    DifferentialPairs()       row i:  g(w+) g(w-) | g(w+) g(w-) | ...        w ~ I+ - I-
    OffsetColumn()            row i:  g(w)  g(w)  g(w)  ...     | g_ref      w ~ I  - I_ref

A differential weight of zero has both cells at the lowest conductance. An offset weight of zero has
its cell in the middle of the range, as all cells of the shared reference column have. So with
errors relative to the conductance, small weights suffer far more in an offset column, and its
full-scale weight is half the range only; in return a weight takes one column instead of two.

With `slices`, a weight is a number of several digits, one per cell: with `levels` levels a cell,
S slices hold levels**S steps. Each slice is read by its own column, and the columns are added
digitally with the weights of their digits (*shift and add*); the most significant slice is first.

    DifferentialPairs(slices=2)   row i:  g1(w+) g1(w-) g0(w+) g0(w-) | ...
    OffsetColumn(slices=2)        row i:  g1(w) g0(w) | g1(w) g0(w) | ...    | g_ref
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from cosim.errors import InputError
from cosim.nn.mapping_levels import EvenLevels, LevelList, Levels
from cosim.nn.quantize import straight_through, to_pairs


Subtraction = Literal["analog", "digital"]


@dataclass(frozen=True)
class WeightCells(ABC):
    """How a weight becomes cells in neighbouring columns, and currents an output.

    Attributes:
        slices: number of digits that a weight is cut into.

    Raises:
        InputError: there is not one slice.
    """

    slices: int = 1

    def __post_init__(self) -> None:
        if self.slices < 1:
            raise InputError(
                f"`slices` is {self.slices}; a weight needs at least 1 cell; give 1 or more"
            )

    @property
    @abstractmethod
    def columns(self) -> int:
        """Columns that an output takes."""

    @property
    @abstractmethod
    def shared_columns(self) -> int:
        """Columns at the end of each tile that all of its outputs share."""

    @abstractmethod
    def full_scale(self, g_min: float, g_max: float) -> float:
        """Conductance difference of a full-scale weight [S]."""

    @abstractmethod
    def cells(
        self, weight: Float[Tensor, "*weights"], g_min: float, g_max: float, levels: Levels | None
    ) -> Float[Tensor, "*weights columns"]:
        """Conductances [S] of weights from -1 to 1, quantised if there are levels."""

    @abstractmethod
    def signals(
        self, currents: Float[Tensor, "*tiles cols"], outputs: int, subtraction: Subtraction
    ) -> Float[Tensor, "*tiles signals"]:
        """What converters see of a tile's column currents: differences, or the columns [A]."""

    @abstractmethod
    def differences(
        self,
        signals: Float[Tensor, "*tiles signals"],
        subtraction: Subtraction,
        background: Float[Tensor, "*tiles"] | None,
    ) -> Float[Tensor, "*tiles outputs slices"]:
        """Signed outputs of every slice from what converters gave.

        Args:
            signals: after the converters [A].
            subtraction: where columns are subtracted from one another.
            background: what a column of reference cells carries by calculation [A], for a mapping
                that has no column for it.
        """

    @abstractmethod
    def alone(
        self, cells: Float[Tensor, "*weights columns"], g_middle: float
    ) -> Float[Tensor, "*weights slices"]:
        """Conductance differences of every slice of weights, given their own cells [S]."""

    def joined(
        self, slices: Float[Tensor, "*tiles outputs slices"], levels: Levels | None
    ) -> Float[Tensor, "*tiles outputs"]:
        """Slices added with the weights of their digits, which sum to one."""
        if self.slices == 1:
            return slices.squeeze(-1)
        factors = digit_weights(self.slices, _steps(levels) + 1)
        return slices @ torch.tensor(factors, dtype=slices.dtype, device=slices.device)


@dataclass(frozen=True)
class DifferentialPairs(WeightCells):
    """Two cells per weight, of which one holds its positive, one its negative part."""

    @property
    def columns(self) -> int:
        """Columns that an output takes."""
        return 2 * self.slices

    @property
    def shared_columns(self) -> int:
        """Columns that all outputs of a tile share: none."""
        return 0

    def full_scale(self, g_min: float, g_max: float) -> float:
        """Conductance difference of a full-scale weight [S]."""
        return g_max - g_min

    def cells(
        self, weight: Float[Tensor, "*weights"], g_min: float, g_max: float, levels: Levels | None
    ) -> Float[Tensor, "*weights columns"]:
        """Pairs of every slice, [S]."""
        if self.slices == 1 and isinstance(levels, EvenLevels):
            return to_pairs(weight, levels.low, levels.high, levels.count)
        halves = torch.stack([weight.clamp_min(0), (-weight).clamp_min(0)], -1)
        G = g_min + (g_max - g_min) * halves
        if levels is None:
            return G
        if self.slices == 1:
            return levels.pair(G)
        return _digits(halves, G, self.slices, levels).flatten(-2)

    def signals(
        self, currents: Float[Tensor, "*tiles cols"], outputs: int, subtraction: Subtraction
    ) -> Float[Tensor, "*tiles signals"]:
        """Differences of pairs, or all their columns [A]."""
        used = currents[..., : outputs * self.columns]
        if subtraction == "digital":
            return used
        positive, negative = used.unflatten(-1, (-1, 2)).unbind(-1)
        return positive - negative

    def differences(
        self,
        signals: Float[Tensor, "*tiles signals"],
        subtraction: Subtraction,
        background: Float[Tensor, "*tiles"] | None,
    ) -> Float[Tensor, "*tiles outputs slices"]:
        """Signed outputs of every slice."""
        if subtraction == "digital":
            positive, negative = signals.unflatten(-1, (-1, 2)).unbind(-1)
            signals = positive - negative
        return signals.unflatten(-1, (-1, self.slices))

    def alone(
        self, cells: Float[Tensor, "*weights columns"], g_middle: float
    ) -> Float[Tensor, "*weights slices"]:
        """Conductance differences of every slice of weights, given their own cells [S]."""
        positive, negative = cells.unflatten(-1, (self.slices, 2)).unbind(-1)
        return positive - negative


@dataclass(frozen=True)
class OffsetColumn(WeightCells):
    """One cell per weight and slice, against a reference in the middle of the range.

    Attributes:
        reference_columns: columns of reference cells at the end of each tile, whose mean is
            subtracted; with 0, their current is calculated from the inputs and subtracted
            digitally, which takes no cells and no error.

    Raises:
        InputError: the number of reference columns is negative.
    """

    reference_columns: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reference_columns < 0:
            raise InputError(
                f"`reference_columns` is {self.reference_columns}; it must not be negative; give"
                " 1 or more, or 0 for a reference that is calculated"
            )

    @property
    def columns(self) -> int:
        """Columns that an output takes."""
        return self.slices

    @property
    def shared_columns(self) -> int:
        """The reference columns."""
        return self.reference_columns

    def full_scale(self, g_min: float, g_max: float) -> float:
        """Conductance difference of a full-scale weight [S]."""
        return (g_max - g_min) / 2

    def cells(
        self, weight: Float[Tensor, "*weights"], g_min: float, g_max: float, levels: Levels | None
    ) -> Float[Tensor, "*weights columns"]:
        """The cell of every slice, [S]."""
        unit = ((weight + 1) / 2)[..., None]
        G = g_min + (g_max - g_min) * unit
        if levels is None:
            return G
        if self.slices == 1:
            return levels.single(G)
        return _digits(unit, G, self.slices, levels)[..., 0]

    def signals(
        self, currents: Float[Tensor, "*tiles cols"], outputs: int, subtraction: Subtraction
    ) -> Float[Tensor, "*tiles signals"]:
        """Currents less the mean reference, or all columns, reference columns last [A]."""
        used = currents[..., : outputs * self.slices]
        if not self.reference_columns:
            return used
        reference = currents[..., -self.reference_columns :]
        if subtraction == "digital":
            return torch.cat([used, reference], -1)
        return used - reference.mean(-1, keepdim=True)

    def differences(
        self,
        signals: Float[Tensor, "*tiles signals"],
        subtraction: Subtraction,
        background: Float[Tensor, "*tiles"] | None,
    ) -> Float[Tensor, "*tiles outputs slices"]:
        """Signed outputs of every slice."""
        if not self.reference_columns and background is not None:
            signals = signals - background[..., None]
        elif subtraction == "digital":
            reference = signals[..., -self.reference_columns :].mean(-1, keepdim=True)
            signals = signals[..., : -self.reference_columns] - reference
        return signals.unflatten(-1, (-1, self.slices))

    def alone(
        self, cells: Float[Tensor, "*weights columns"], g_middle: float
    ) -> Float[Tensor, "*weights slices"]:
        """Conductance differences of every slice of weights, given their own cells [S]."""
        return cells - g_middle


def digit_weights(slices: int, base: int) -> list[float]:
    """Weights of digits, the most significant first; they sum to one."""
    powers = [base**position for position in reversed(range(slices))]
    return [power / sum(powers) for power in powers]


def _digits(
    unit: Float[Tensor, "*weights parts"],
    G: Float[Tensor, "*weights parts"],
    slices: int,
    levels: Levels,
) -> Float[Tensor, "*weights slices parts"]:
    """Conductances [S] of the digits of numbers from 0 to 1, the most significant digit first.

    The gradient takes every slice for a cell that holds the whole number; since the weights of the
    digits sum to one, the gradient of an output in its weight is that of a single cell.
    """
    base = _steps(levels) + 1
    code = (unit.detach().double().clamp(0, 1) * (base**slices - 1)).round()
    digits = [
        torch.div(code, base**position, rounding_mode="floor").remainder(base)
        for position in reversed(range(slices))
    ]
    cells = levels.low + (levels.high - levels.low) / (base - 1) * torch.stack(digits, -2)
    clean = G[..., None, :].expand_as(cells)
    return straight_through(clean, cells.to(G))


def _steps(levels: Levels | None) -> int:
    """Steps between the lowest and the highest level of a digit."""
    if isinstance(levels, EvenLevels):
        return levels.count - 1
    given = "a list of levels" if isinstance(levels, LevelList) else "no levels"
    raise InputError(
        f"weights are to be cut into slices with {given}; digits need evenly spaced levels; give"
        " `levels` as a number, or one slice"
    )
