"""Schedules: how a learning rate, or the size of injected errors, changes during training.

A schedule gives the factor on the full value for every part of the training that has passed.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Literal

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR, LRScheduler, OneCycleLR

from cosim.errors import InputError


class AbstractSchedule(ABC):
    """A factor between 0 and 1 over the course of training."""

    @abstractmethod
    def factor(self, progress: float) -> float:
        """The factor when a part of the training, 0 to 1, has passed."""

    def scheduler(self, optimizer: Optimizer, rate: float, steps: int) -> LRScheduler:
        """What changes the learning rate of an optimiser after each of a number of steps."""
        return LambdaLR(optimizer, lambda step: self.factor(min(step / max(steps - 1, 1), 1.0)))


@dataclass(frozen=True)
class Constant(AbstractSchedule):
    """The full value throughout."""

    def factor(self, progress: float) -> float:
        """One."""
        return 1.0


@dataclass(frozen=True)
class Steps(AbstractSchedule):
    """The value is multiplied by the same number again and again.

    Attributes:
        count: how many values there are, each for the same part of the training.
        ratio: of a value to the one before.

    Raises:
        InputError: there is no value, or a ratio that is not positive.
    """

    count: int = 3
    ratio: float = 0.5

    def __post_init__(self) -> None:
        if self.count < 1 or self.ratio <= 0:
            raise InputError(
                f"steps were given as {self}; allowed are at least one value and a ratio above 0;"
                " correct them"
            )

    def factor(self, progress: float) -> float:
        """A power of the ratio."""
        return self.ratio ** min(int(progress * self.count), self.count - 1)


@dataclass(frozen=True)
class Cosine(AbstractSchedule):
    """Half a cosine from the full value to the last one.

    Attributes:
        last: factor at the end.
    """

    last: float = 0.0

    def factor(self, progress: float) -> float:
        """The cosine, between 1 and `last`."""
        return self.last + (1.0 - self.last) * 0.5 * (1.0 + math.cos(math.pi * progress))


@dataclass(frozen=True)
class Warmup(AbstractSchedule):
    """From zero to the full value in a straight line, and constant from there on.

    Attributes:
        part: of the training, until the full value is reached.

    Raises:
        InputError: a part that is not above 0 and at most 1.
    """

    part: float = 0.3

    def __post_init__(self) -> None:
        if not 0 < self.part <= 1:
            raise InputError(
                f"a warm-up over {self.part} of the training was asked for; allowed is above 0 and"
                " at most 1; give such a part"
            )

    def factor(self, progress: float) -> float:
        """The line, then 1."""
        return min(progress / self.part, 1.0)


@dataclass(frozen=True)
class OneCycle(AbstractSchedule):
    """Up to the full value along a cosine, then down to nearly nothing along another one.

    L. N. Smith and N. Topin, arXiv:1708.07120, 2017. Learning rates follow torch's own form of it,
    which moves the momentum the other way.

    Attributes:
        rise: part of the training until the full value is reached.
        first: factor at the beginning.
        last: factor at the end, relative to `first`.
    """

    rise: float = 0.3
    first: float = 1.0 / 25.0
    last: float = 1e-4

    def factor(self, progress: float) -> float:
        """The cycle."""
        if progress < self.rise:
            return _between(self.first, 1.0, progress / self.rise)
        return _between(1.0, self.first * self.last, (progress - self.rise) / (1.0 - self.rise))

    def scheduler(self, optimizer: Optimizer, rate: float, steps: int) -> LRScheduler:
        """The cycle of learning rate and momentum."""
        return OneCycleLR(
            optimizer,
            max_lr=rate,
            total_steps=steps,
            pct_start=self.rise,
            div_factor=1.0 / self.first,
            final_div_factor=1.0 / self.last,
        )


def _between(start: float, end: float, part: float) -> float:
    return end + (start - end) * 0.5 * (1.0 + math.cos(math.pi * part))


Schedule = Literal["constant", "step", "cosine", "one-cycle"]
# By the names that specifications use.
SCHEDULES: dict[Schedule, AbstractSchedule] = {
    "constant": Constant(),
    "step": Steps(),
    "cosine": Cosine(),
    "one-cycle": OneCycle(),
}
