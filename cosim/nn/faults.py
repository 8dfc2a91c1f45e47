"""Stuck cells: they stay at one end of the range, whatever is programmed and however old they are.

Every cell gets one uniform number. The smallest numbers are stuck at the highest conductance, the
largest at the lowest one, so a cell that is stuck at some rate is stuck at every higher rate, and
one polarity does not move the cells of the other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int8
from torch import Tensor

from cosim.errors import InputError


@dataclass(frozen=True)
class StuckCells:
    """Shares of the cells that cannot be programmed.

    Attributes:
        high_share: of the cells at the highest conductance, 0 to 1.
        low_share: of the cells at the lowest conductance, 0 to 1.
        low: the lowest conductance [S].
        high: the highest conductance [S].

    Raises:
        InputError: shares that cannot be, or an empty range.
    """

    high_share: float
    low_share: float
    low: float
    high: float

    def __post_init__(self) -> None:
        shares = (self.high_share, self.low_share)
        if min(shares) < 0 or sum(shares) > 1 or self.low >= self.high:
            raise InputError(
                f"stuck cells were given as {self}; allowed are shares from 0 to 1 that together"
                " do not exceed 1, and `low` below `high`; correct the values"
            )

    def swapped(self) -> StuckCells:
        """The other polarity: the shares change places."""
        return replace(self, high_share=self.low_share, low_share=self.high_share)

    def states(
        self, like: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Int8[Tensor, "*cells"]:
        """1 for cells stuck at the highest conductance, -1 at the lowest, 0 for all others."""
        u = torch.rand(like.shape, generator=generator, dtype=torch.float64)
        states = (u < self.high_share).to(torch.int8) - (u >= 1.0 - self.low_share).to(torch.int8)
        return states.to(like.device)

    def held(
        self, conductance: Float[Tensor, "*cells"], states: Int8[Tensor, "*cells"]
    ) -> Float[Tensor, "*cells"]:
        """Conductances [S] with the stuck cells where they are stuck."""
        held = torch.where(states > 0, self.high, conductance)
        return torch.where(states < 0, self.low, held).to(conductance)

    def draw(
        self, target: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """Conductances [S] of which some are stuck."""
        return self.held(target, self.states(target, generator))
