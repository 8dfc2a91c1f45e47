"""Read noise: what differs from one read to the next.

One read is one pass of a batch through a layer. The noise is drawn anew for each of them, never
kept: a static error would look the same on one batch and is something else on the next.
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


@dataclass(frozen=True)
class AbstractReadNoise(ABC):
    """Gaussian noise of a conductance, never below zero."""

    @abstractmethod
    def spread(
        self, conductance: Float[Tensor, "*cells"], time: float | None
    ) -> Float[Tensor, "*cells"]:
        """Standard deviation [S] some time [s] after programming; None is right after it."""

    def read(
        self,
        conductance: Float[Tensor, "*cells"],
        time: float | None,
        generator: torch.Generator,
    ) -> Float[Tensor, "*cells"]:
        """Conductances [S] as one read sees them."""
        noise = self.spread(conductance, time) * normal_like(conductance, generator)
        return (conductance + noise).clamp_min(0.0)

    def draw(
        self, target: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """Conductances [S] as one read sees them right after programming."""
        return self.read(target, None, generator)


@dataclass(frozen=True)
class ReadNoise(AbstractReadNoise):
    """Noise of the same size at every time.

    Attributes:
        relative_std: standard deviation relative to the conductance.
        absolute_std: standard deviation that every cell has, added in quadrature [S].

    Raises:
        InputError: a spread is negative.
    """

    relative_std: float = 0.0
    absolute_std: float = 0.0

    def __post_init__(self) -> None:
        if self.relative_std < 0 or self.absolute_std < 0:
            raise InputError(
                f"read noise was given as {self}; allowed are spreads of zero or more; correct the"
                " values"
            )

    def spread(
        self, conductance: Float[Tensor, "*cells"], time: float | None
    ) -> Float[Tensor, "*cells"]:
        """Standard deviation [S]."""
        return (self.absolute_std**2 + (self.relative_std * conductance) ** 2).sqrt()


@dataclass(frozen=True)
class CardReadNoise(AbstractReadNoise):
    """1/f noise by a card's law; it grows with the root of the logarithm of the time.

    Attributes:
        card: its name; it has `read_noise` and `t_read`.

    Raises:
        CardError: the card does not exist or has no read noise.
    """

    card: str

    def __post_init__(self) -> None:
        card_named(self.card).law("read_noise")

    def spread(
        self, conductance: Float[Tensor, "*cells"], time: float | None
    ) -> Float[Tensor, "*cells"]:
        """Standard deviation [S], as `compact_models.variability.ReadNoise` has it."""
        card = card_named(self.card)
        t_read = card.number("t_read")
        shortest = card.number("t0") if "t0" in (*card.numbers, *card.entries) else t_read
        decades = ((time or shortest) + t_read) / (2.0 * t_read)
        spread = law_of(card, "read_noise", conductance)
        if card.law("read_noise").unit == "":
            spread = spread * conductance
        return spread.clamp_min(0.0) * math.sqrt(math.log(max(decades, 1.0)))
