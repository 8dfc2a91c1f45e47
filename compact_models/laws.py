"""Laws: published numbers that depend on something, kept as coefficients with unit and source.

A spread that grows with the conductance, a drift exponent that falls with it: a card holds such a
dependence as one of a few shapes, so that the numbers stay data and can be checked against the
figures that were published.

    polynomial          y = unit_y * sum_k c_k (x / unit_x)^k, not below `floor`
    clipped_logarithm   y = unit_y * clip(slope * ln(x / unit_x) + offset, low, high)
    power               y = unit_y * min(factor * (x / unit_x)^exponent, ceiling)
    piecewise           one law below a value of x, another one from there on
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from numpy.typing import ArrayLike
from pydantic import BaseModel, ConfigDict, Field

from compact_models.errors import CardError


Positive = Annotated[float, Field(gt=0.0)]


class Frozen(BaseModel):
    """Base of everything in a card: frozen, finite, and no field that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class AbstractShape(Frozen, ABC):
    """How y follows from x, without units.

    Attributes:
        x_unit: the value of x that counts as one, in the law's unit of x.
        y_unit: the value of y that counts as one, in the law's unit of y.
    """

    x_unit: Positive = 1.0
    y_unit: Positive = 1.0

    @abstractmethod
    def at(self, x: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
        """The value for each x."""


class Polynomial(AbstractShape):
    """A polynomial in x, lowest power first."""

    kind: Literal["polynomial"]
    coefficients: Annotated[tuple[float, ...], Field(min_length=1)]
    floor: float = -math.inf

    model_config = ConfigDict(allow_inf_nan=True)

    def at(self, x: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
        """The value for each x."""
        value = np.polynomial.polynomial.polyval(x / self.x_unit, np.array(self.coefficients))
        return self.y_unit * np.maximum(value, self.floor)


class ClippedLogarithm(AbstractShape):
    """A straight line in ln x between two limits."""

    kind: Literal["clipped_logarithm"]
    slope: float
    offset: float
    low: float = -math.inf
    high: float = math.inf

    model_config = ConfigDict(allow_inf_nan=True)

    def at(self, x: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
        """The value for each x."""
        line = self.slope * np.log(np.maximum(x / self.x_unit, 1e-300)) + self.offset
        return self.y_unit * np.clip(line, self.low, self.high)


class Power(AbstractShape):
    """A power of x up to a ceiling."""

    kind: Literal["power"]
    factor: float
    exponent: float
    ceiling: float = math.inf

    model_config = ConfigDict(allow_inf_nan=True)

    def at(self, x: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
        """The value for each x."""
        scaled = np.maximum(x / self.x_unit, 1e-300)
        return self.y_unit * np.minimum(self.factor * scaled**self.exponent, self.ceiling)


Shape = Annotated[Polynomial | ClippedLogarithm | Power, Field(discriminator="kind")]


class Piecewise(AbstractShape):
    """One shape below a value of x, another one from there on."""

    kind: Literal["piecewise"]
    border: float
    below: Shape
    above: Shape

    def at(self, x: Float[ndarray, " n"]) -> Float[ndarray, " n"]:
        """The value for each x."""
        return self.y_unit * np.where(
            x < self.border * self.x_unit,
            self.below.at(x / self.x_unit),
            self.above.at(x / self.x_unit),
        )


class Law(Frozen):
    """One dependence of a card.

    Attributes:
        of: what x is.
        x: unit of x; empty for a pure number.
        unit: unit of the value.
        low: smallest x that the law stands for.
        high: largest x that the law stands for.
        shape: how the value follows from x.
        time: how long after programming the law holds [s], None when that does not matter.
        source: where the numbers come from; empty when it is the card's source.
        doi: of that source; empty when it is the card's.
        status: published, derived from something published, calibrated to it, or assumed.
    """

    of: str
    x: str
    unit: str
    low: float
    high: float
    shape: Annotated[Polynomial | ClippedLogarithm | Power | Piecewise, Field(discriminator="kind")]
    time: float | None = None
    source: str = ""
    doi: str = ""
    status: Literal["published", "derived", "calibrated", "assumed"] = "published"

    def __call__(self, x: ArrayLike) -> Float[ndarray, "*shape"]:
        """The value for each x, which is drawn into [low, high] first."""
        values = np.asarray(x, dtype=np.float64)
        inside = np.clip(np.atleast_1d(values).ravel(), self.low, self.high)
        return self.shape.at(inside).reshape(values.shape)

    def strict(self, x: ArrayLike) -> Float[ndarray, "*shape"]:
        """The value for each x.

        Raises:
            CardError: an x outside of what the law stands for.
        """
        values = np.asarray(x, dtype=np.float64)
        outside = np.maximum(self.low - values, values - self.high)
        if np.any(outside > 1e-9 * max(abs(self.low), abs(self.high))):
            worst = values.ravel()[int(np.argmax(outside))]
            raise CardError(
                f"{self.of} of {worst:g} {self.x} was asked for; the law covers [{self.low:g}, "
                f"{self.high:g}] {self.x}; stay inside it"
            )
        return self(values)
