"""Drift: conductances that fall as a power of the time since programming.

    G(t) = G(t0) (t / t0)^-nu

Every cell has an exponent of its own, drawn once per chip: what all have in common can be
compensated (`compensation`), what differs cannot. Exponents are |N(mean, spread)|, with mean and
spread given, or by a card's laws of the programmed conductance.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from cosim.errors import InputError
from cosim.nn.variability import card_named, law_of, normal_like


WEEK = 7 * 24 * 3600.0  # [s]


@dataclass(frozen=True)
class AbstractDrift(ABC):
    """A power law of the time with one exponent per cell.

    As a disturbance, every draw has exponents of its own and one time for all of its cells, evenly
    distributed over the logarithm between t0 and `longest`.
    """

    @property
    @abstractmethod
    def start(self) -> float:
        """When the power law starts, t0 [s]; conductances are programmed as they are then."""

    @property
    @abstractmethod
    def end(self) -> float:
        """The longest time that training draws [s]."""

    @abstractmethod
    def exponents(
        self, programmed: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """One exponent per cell."""

    def aged(
        self,
        programmed: Float[Tensor, "*cells"],
        exponents: Float[Tensor, "*cells"],
        time: float,
    ) -> Float[Tensor, "*cells"]:
        """Conductances [S] at a time since programming [s].

        Raises:
            InputError: the time is before t0.
        """
        if not time >= self.start:
            raise InputError(
                f"cells are to be read {time:g} s after programming; their drift is known from"
                f" {self.start:g} s on; read them later"
            )
        return programmed * torch.exp(-exponents * math.log(time / self.start))

    def draw(
        self, target: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """Conductances [S] at a drawn time."""
        share = float(torch.rand((), generator=generator, dtype=torch.float64))
        time = self.start * (self.end / self.start) ** share
        return self.aged(target, self.exponents(target, generator), time)


@dataclass(frozen=True)
class Drift(AbstractDrift):
    """Drift with the same distribution of exponents for all cells.

    Attributes:
        mean: of the exponents.
        spread: standard deviation of the exponents.
        t0: when the power law starts [s].
        longest: time that training draws at most [s].

    Raises:
        InputError: a negative spread, or times that are not positive and in order.
    """

    mean: float
    spread: float
    t0: float = 1.0
    longest: float = WEEK

    def __post_init__(self) -> None:
        if self.spread < 0 or not 0 < self.t0 <= self.longest:
            raise InputError(
                f"drift was given as {self}; allowed are a spread of zero or more and"
                " 0 < t0 <= longest; correct the values"
            )

    @property
    def start(self) -> float:
        """When the power law starts [s]."""
        return self.t0

    @property
    def end(self) -> float:
        """The longest time that training draws [s]."""
        return self.longest

    def exponents(
        self, programmed: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """One exponent per cell."""
        return (self.mean + self.spread * normal_like(programmed, generator)).abs()


@dataclass(frozen=True)
class CardDrift(AbstractDrift):
    """Drift as a card has it: mean and spread of the exponents follow the conductance.

    Attributes:
        card: its name; it has `drift_exponent_mean`, `drift_exponent_spread` and `t0`.
        longest: time that training draws at most [s].

    Raises:
        CardError: the card does not exist or has no drift.
    """

    card: str
    longest: float = WEEK

    def __post_init__(self) -> None:
        card_named(self.card).law("drift_exponent_mean")

    @property
    def start(self) -> float:
        """When the power law starts [s]."""
        return card_named(self.card).number("t0")

    @property
    def end(self) -> float:
        """The longest time that training draws [s]."""
        return self.longest

    def exponents(
        self, programmed: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """One exponent per cell."""
        card = card_named(self.card)
        mean = law_of(card, "drift_exponent_mean", programmed)
        spread = law_of(card, "drift_exponent_spread", programmed)
        return (mean + spread * normal_like(programmed, generator)).abs()
