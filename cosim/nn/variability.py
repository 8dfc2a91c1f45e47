"""Programming error: what a cell holds instead of what it was asked to hold.

The error is Gaussian with an absolute part [S] and a part relative to the target, and the
programmed value stays within the device's range, as a write-verify loop keeps it there. Two uses
are kept apart:

* *static*: a chip is drawn once from its seed, and every read of it sees the same error
  (`evaluate.program`);
* *redrawn*: training draws anew for every batch, so that the network learns the distribution and
  not one chip (`linear.AnalogLinear`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cosim.errors import InputError


@dataclass(frozen=True)
class ProgrammingError:
    """Gaussian programming error of a conductance.

    Attributes:
        absolute_std: standard deviation that every cell has [S].
        relative_std: standard deviation relative to the target, added in quadrature.
        low: smallest conductance that a device can have [S].
        high: largest conductance that a device can have [S].

    Raises:
        InputError: a spread is negative or the range is empty.
    """

    absolute_std: float
    low: float
    high: float
    relative_std: float = 0.0

    def __post_init__(self) -> None:
        if self.absolute_std < 0 or self.relative_std < 0 or self.low >= self.high:
            raise InputError(
                f"a programming error was given as {self}; allowed are spreads of zero or more and"
                " `low` below `high`; correct the values"
            )

    def draw(
        self, target: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """Programmed conductances [S] for target conductances [S]."""
        normal = torch.randn(target.shape, generator=generator, dtype=target.dtype)
        normal = normal.to(target.device)
        variance = self.absolute_std**2 + (self.relative_std * target) ** 2
        return (target + normal * variance.sqrt()).clamp(self.low, self.high)


def generator_of(*key: int) -> torch.Generator:
    """A generator that depends on all of the numbers of a key, as (chip seed, layer)."""
    seed = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(seed))
