"""What a cell holds instead of what it was asked to hold.

A *disturbance* turns target conductances into drawn ones. Everything that spoils a conductance is
one: Gaussian programming errors, the spreads of a card, a log-normal factor, stuck cells
(`faults`), drift (`drift`), read noise (`noise`), and all of them in order (`chip`). Two uses are
kept apart:

* *static*: a chip is drawn once from its seed, and every read of it sees the same cells
  (`chip.program`);
* *redrawn*: training draws anew for every batch, so that the network learns the distribution and
  not one chip (`network.set_arithmetic`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from typing import Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from compact_models import Card, load_card
from cosim.errors import InputError


class Disturbance(Protocol):
    """Anything that draws conductances around targets, cell by cell."""

    def draw(
        self, target: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """Conductances [S] instead of target conductances [S]."""


@dataclass(frozen=True)
class ProgrammingError:
    """Gaussian programming error of a conductance.

    The error has an absolute part [S] and a part relative to the target, and the programmed value
    stays within the device's range, as a write-verify loop keeps it there.

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
        spread = min(self.absolute_std, self.relative_std)
        _check("a programming error", self, spread, self.low < self.high)

    def draw(
        self, target: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """Programmed conductances [S] for target conductances [S]."""
        variance = target.new_tensor(self.absolute_std**2)
        if self.relative_std:
            variance = variance + (self.relative_std * target) ** 2
        disturbed = normal_like(target, generator).mul_(variance.sqrt()).add_(target)
        return disturbed.clamp_(self.low, self.high)


@dataclass(frozen=True)
class LogNormalFactor:
    """A factor exp(sigma n), n standard normal, on every conductance.

    Attributes:
        sigma: standard deviation of the logarithm.
        low: smallest conductance that a device can have [S].
        high: largest conductance that a device can have [S].

    Raises:
        InputError: the spread is negative or the range is empty.
    """

    sigma: float
    low: float = 0.0
    high: float = math.inf

    def __post_init__(self) -> None:
        _check("a log-normal factor", self, self.sigma, self.low < self.high)

    def draw(
        self, target: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """Conductances [S], each with a factor of its own."""
        factor = torch.exp(self.sigma * normal_like(target, generator))
        return (target * factor).clamp(self.low, self.high)


@dataclass(frozen=True)
class CardProgramming:
    """What a card says that programming leaves: a spread and a shift that follow the target.

    The laws are those that `cosim.programming.from_laws` uses: `programming_spread_<algorithm>` and
    `programming_shift_<algorithm>`, or `programming_spread` where the algorithm has none.

    Attributes:
        card: its name.
        algorithm: its name, such as `igvva-10`; empty for the card's general law.
        scale: factor on the spread, for sweeps.
        shifted: whether the mean excess over the target counts too.

    Raises:
        CardError: the card does not exist or knows no spread after programming.
        InputError: the factor is negative.
    """

    card: str
    algorithm: str = ""
    scale: float = 1.0
    shifted: bool = True

    def __post_init__(self) -> None:
        self._model.law(self._spread_law)
        if self.scale < 0:
            raise InputError(
                f"a spread scaled by {self.scale} was asked for; allowed are factors from 0 on;"
                " give one of those"
            )

    def draw(
        self, target: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """Programmed conductances [S] for target conductances [S], never below zero."""
        spread = law_of(self._model, self._spread_law, target)
        disturbed = target + self.scale * spread * normal_like(target, generator)
        shift = self._law_name("shift")
        if self.shifted and shift in self._model.laws:
            disturbed = disturbed + law_of(self._model, shift, target)
        limits = self._model.conductance
        return disturbed.clamp(0.0, None if limits is None else limits.high)

    @property
    def _model(self) -> Card:
        return card_named(self.card)

    @property
    def _spread_law(self) -> str:
        own = self._law_name("spread")
        return own if own in self._model.laws else "programming_spread"

    def _law_name(self, what: str) -> str:
        return f"programming_{what}_{self.algorithm.replace('-', '_')}"


@dataclass(frozen=True)
class Scaled:
    """Another disturbance with all of its deviations made larger or smaller.

    Attributes:
        disturbance: the other one.
        factor: on the deviation from the target.
        low: smallest conductance that a device can have [S].
        high: largest conductance that a device can have [S].
    """

    disturbance: Disturbance
    factor: float
    low: float = 0.0
    high: float = math.inf

    def draw(
        self, target: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """Conductances [S] as far from the target as the factor says."""
        drawn = self.disturbance.draw(target, generator)
        return torch.lerp(target, drawn, self.factor).clamp(self.low, self.high)


def _check(what: str, given: Disturbance, spread: float, ordered: bool) -> None:
    """Raise InputError for a negative spread or an empty range."""
    if spread < 0 or not ordered:
        raise InputError(
            f"{what} was given as {given}; allowed are spreads of zero or more and `low` below"
            " `high`; correct the values"
        )


@cache
def card_named(name: str) -> Card:
    """A card, read once: training draws from it for every batch.

    Raises:
        CardError: there is no such card.
    """
    return load_card(name)


def law_of(card: Card, law: str, target: Float[Tensor, "*cells"]) -> Float[Tensor, "*cells"]:
    """The values of a card's law for conductances [S]."""
    values = card.law(law)(target.detach().cpu().double().numpy())
    return torch.as_tensor(values).to(target)


def normal_like(
    target: Float[Tensor, "*cells"], generator: torch.Generator
) -> Float[Tensor, "*cells"]:
    """Standard normal numbers, drawn where the generator is and brought to where they are used."""
    drawn = torch.randn(target.shape, generator=generator, dtype=target.dtype)
    return drawn.to(target.device)


def generator_of(*key: int) -> torch.Generator:
    """A generator that depends on all of the numbers of a key, as (chip seed, layer)."""
    seed = np.random.SeedSequence(key).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(seed))
