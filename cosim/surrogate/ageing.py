"""A surrogate some time after its tile was programmed: conductances drift before they are read.

A surrogate of fresh conductances stands for aged ones too, because conductances are its inputs. So
all that time needs is the card's law of drift or retention, as a curve from the programmed to the
mean aged conductance; it is kept as points, straight in between, and so is differentiable.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from compact_models.card import Card
from compact_models.errors import InputError
from cosim.surrogate.base import Operator, Surrogate
from netlists.cells import load_cell
from netlists.specs import TileSpec


KNOTS = 1025
CURVE = "aged_conductance"


def card_of(spec: TileSpec) -> Card:
    """The card of a tile's devices.

    Raises:
        InputError: the cell's device has no card.
    """
    device = load_cell(spec).device
    if device is None:
        raise InputError(
            f"the cells of {spec.name} have a device without a card, so nothing is known about its "
            "drift or noise; name a card in `cell.device`"
        )
    return device.card


def mean_aged(
    card: Card, programmed: Float[np.ndarray, "*shape"], seconds: float
) -> Float[np.ndarray, "*shape"]:
    """Mean conductance [S] of devices a time after they were programmed.

    The mean of a power with normally distributed exponents is larger than the power with their
    mean: exp(-mean L + deviation^2 L^2 / 2) with L = ln((t + t0) / t0).

    Args:
        card: with drift exponents, or laws of retention.
        programmed: conductances [S].
        seconds: since programming.

    Raises:
        CardError: the card has neither.
    """
    if "drift_exponent_mean" in card.laws:
        t0 = card.number("t0")
        length = math.log((seconds + t0) / t0)
        mean = card.law("drift_exponent_mean")(programmed)
        spread = card.law("drift_exponent_spread")(programmed)
        return np.asarray(programmed * np.exp(-mean * length + 0.5 * (spread * length) ** 2))
    if sum(law.time is not None for law in card.laws.values()) > 1:
        return programmed  # only spreads are known at certain times
    return np.asarray(np.maximum(programmed + card.law("retention_mean")(seconds), 0.0))


class Aged(Surrogate):
    """A surrogate of a tile some time after it was programmed.

    Attributes:
        fresh: the surrogate of a fresh tile.
        low: first conductance of the curve [S].
        high: last one [S].
    """

    kind: ClassVar[str] = "aged"

    curve: Tensor

    def __init__(
        self, fresh: Surrogate, curve: Float[Tensor, " knots"], low: float, high: float
    ) -> None:
        super().__init__(fresh.rows, fresh.cols, fresh.domain)
        self.fresh, self.low, self.high = fresh, low, high
        self.register_buffer("curve", curve, persistent=False)

    @classmethod
    def of(cls, fresh: Surrogate, card: Card, seconds: float) -> Self:
        """A surrogate a time after programming.

        Args:
            fresh: right after it.
            card: of the devices.
            seconds: since then.

        Raises:
            CardError: the card has no law of drift or retention.
        """
        domain = fresh.domain
        low, high = 0.5 * domain.conductance_low, 1.2 * domain.conductance_high
        curve = mean_aged(card, np.linspace(low, high, KNOTS), seconds)
        return cls(fresh, torch.from_numpy(curve).to(next(fresh.buffers())), low, high)

    def conductances(
        self, G: Float[Tensor, "*tiles rows cols"]
    ) -> Float[Tensor, "*tiles rows cols"]:
        """What programmed conductances have become [S]."""
        position = (G - self.low) * ((KNOTS - 1) / (self.high - self.low))
        index = torch.clamp(torch.floor(position.detach()), 0, KNOTS - 2).long()
        before, after = self.curve[index], self.curve[index + 1]
        return before + (position - index) * (after - before)

    def prepare(self, G: Float[Tensor, "*tiles rows cols"]) -> Operator:
        """The operator of a tile whose cells were programmed to `G` [S]."""
        self.check_conductances(G)
        return self.fresh.prepare(self.conductances(G))

    def tensors(self) -> dict[str, Tensor]:
        """Those of the fresh surrogate, and the curve."""
        return {**self.fresh.tensors(), CURVE: self.curve.detach().double().cpu()}

    def settings(self) -> dict[str, Any]:
        """The fresh surrogate's, and the ends of the curve."""
        fresh = {"kind": self.fresh.kind, "settings": self.fresh.settings()}
        return {"fresh": fresh, "low": self.low, "high": self.high}

    @classmethod
    def rebuild(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The surrogate that `settings` and `tensors` describe, in float64."""
        # The registry of kinds holds this one, too.
        from cosim.surrogate.store import KINDS

        fresh = settings["fresh"]
        inner = KINDS[fresh["kind"]].rebuild(fresh["settings"], tensors)
        return cls(inner, tensors[CURVE], float(settings["low"]), float(settings["high"]))
