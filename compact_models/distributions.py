"""Distributions of a card's numbers over devices, drawn through their inverse function.

Drawing by the inverse of the distribution function needs exactly one uniform number per value,
whatever the truncation; so the same seed gives the same devices to every engine, and a change of
one distribution leaves the draws of all others as they are.
"""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from pydantic import model_validator
from scipy import special

from compact_models.laws import Frozen


class Distribution(Frozen):
    """One random number of a device, truncated to [low, high].

    Attributes:
        kind: `normal` (location = mean, scale = standard deviation), `lognormal` (location =
            median, scale = standard deviation of the logarithm), `exponential` (starts at location,
            mean location + scale), `uniform` (from location to location + scale).
        location: in `unit`.
        scale: in `unit`, a pure number for `lognormal`.
        unit: unit of the drawn value; empty for a pure number.
        low: smallest value.
        high: largest value.
        source: where the numbers come from; empty when it is the card's source.
        doi: of that source; empty when it is the card's.
        status: published, derived, calibrated or assumed.
    """

    kind: Literal["normal", "lognormal", "exponential", "uniform"]
    location: float
    scale: float
    unit: str
    low: float
    high: float
    source: str = ""
    doi: str = ""
    status: Literal["published", "derived", "calibrated", "assumed"] = "published"

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.scale <= 0.0:
            raise ValueError(f"scale {self.scale:g} is not above zero")
        if self.kind == "lognormal" and self.location <= 0.0:
            raise ValueError(f"median {self.location:g} of a lognormal is not above zero")
        if not self._below(self.low) < self._below(self.high):
            raise ValueError(f"nothing lies between {self.low:g} and {self.high:g}")
        return self

    def _below(self, value: float) -> float:
        """Share of the untruncated distribution below a value."""
        z = (value - self.location) / self.scale
        if self.kind == "normal":
            return float(special.ndtr(z))
        if self.kind == "lognormal":
            if value <= 0.0:
                return 0.0
            return float(special.ndtr(np.log(value / self.location) / self.scale))
        if self.kind == "exponential":
            return float(-np.expm1(-max(z, 0.0)))
        return float(np.clip(z, 0.0, 1.0))

    def quantile(self, share: Float[ndarray, "*shape"]) -> Float[ndarray, "*shape"]:
        """The value below which a share (0 to 1) of the devices lies."""
        first, last = self._below(self.low), self._below(self.high)
        u = np.minimum(first + (last - first) * share, 1.0 - 2.0**-53)
        if self.kind == "normal":
            value = self.location + self.scale * special.ndtri(u)
        elif self.kind == "lognormal":
            value = self.location * np.exp(self.scale * special.ndtri(u))
        elif self.kind == "exponential":
            value = self.location - self.scale * np.log1p(-u)
        else:
            value = self.location + self.scale * u
        return np.clip(value, self.low, self.high)

    def draw(self, random: np.random.Generator, size: int) -> Float[ndarray, " size"]:
        """Independent values, one uniform number each."""
        return self.quantile(random.random(size))
