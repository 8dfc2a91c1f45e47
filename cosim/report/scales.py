"""From numbers to positions: linear and logarithmic scales, and ticks that a reader expects.

A linear axis is labelled in one SI prefix for the whole axis (`Current [µA]`: 0, 50, 100); a
logarithmic one spans many prefixes, so there every tick names its own (`1 nA`, `1 µA`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Real

from cosim.report.model import Axis
from netlists.si_numbers import PREFIXES, readable


TICK_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Scale:
    """Maps the interval `[low, high]` of numbers to `[start, end]` of the drawing.

    Attributes:
        low: number at `start`.
        high: number at `end`.
        start: position of `low`.
        end: position of `high` (below `start` on a vertical axis, where y counts downwards).
        log: logarithmic.
    """

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, values: Real[np.ndarray, " points"] | float) -> Float[np.ndarray, " points"]:
        """Positions of `values`."""
        low, high = self._inner(np.array([self.low, self.high]))
        fraction = (self._inner(np.atleast_1d(values)) - low) / (high - low)
        return self.start + fraction * (self.end - self.start)

    def at(self, value: float) -> float:
        """Position of one value."""
        return float(self(value)[0])

    def _inner(self, values: Real[np.ndarray, " points"]) -> Float[np.ndarray, " points"]:
        return np.log10(values) if self.log else np.asarray(values, dtype=float)


@dataclass(frozen=True)
class Ticks:
    """Where an axis is labelled, with what, and the axis' title.

    Attributes:
        values: numbers at the ticks.
    labels: their text.
    factor: what a number is multiplied with to get the text of its label (linear axes).
        title: the axis' label with its unit.
        factor: what a number is multiplied by to read as its label does (linear axes).
    """

    values: tuple[float, ...]
    labels: tuple[str, ...]
    title: str
    factor: float = 1.0


def fitted_scale(
    axis: Axis, values: Real[np.ndarray, " points"], start: float, end: float, margin: float = 0.04
) -> Scale:
    """A scale that shows all usable `values`, with a little room unless `axis` fixes an end."""
    usable = usable_values(axis, values)
    low, high = (float(usable.min()), float(usable.max())) if usable.size else (0.1, 1.0)
    if axis.log:
        room = max(high / low, 1.0 + 1e-9) ** margin
        low, high = low / room, high * room
        if high / low < 1.5:
            low, high = low / 1.5, high * 1.5
    else:
        room = (high - low) * margin
        if room <= 1e-12 * max(abs(low), abs(high)):
            room = 0.5 * abs(high) or 0.5
        low, high = low - room, high + room
    low = low if axis.low is None else float(axis.low)
    high = high if axis.high is None else float(axis.high)
    return Scale(low, high, start, end, axis.log)


def usable_values(axis: Axis, values: Real[np.ndarray, " points"]) -> Float[np.ndarray, " usable"]:
    """The values that the axis can show: finite, and positive on a logarithmic axis."""
    numbers = np.asarray(values, dtype=float).ravel()
    numbers = numbers[np.isfinite(numbers)]
    return numbers[numbers > 0] if axis.log else numbers


def ticks(axis: Axis, scale: Scale, target: int = 5, whole: bool = False) -> Ticks:
    """About `target` round numbers between the ends of `scale`, `whole` ones where asked."""
    if axis.log:
        return _log_ticks(axis, scale, target)
    return _linear_ticks(axis, scale, round_step(scale.high - scale.low, target, whole))


def round_step(span: float, target: int, whole: bool = False) -> float:
    """The round number (1, 2, 2.5 or 5 times a power of ten) that divides `span` about so often."""
    rough = span / max(target, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    steps = [step * power for step in TICK_STEPS if step * power >= rough * 0.999999]
    if whole:
        steps = [max(1.0, step) for step in steps if step < 1 or step.is_integer()]
    return steps[0]


def are_counts(axis: Axis, values: Real[np.ndarray, " points"]) -> bool:
    """Whether an axis shows whole numbers only, such as epochs."""
    usable = usable_values(axis, values)
    return not axis.unit and usable.size > 0 and bool(np.all(usable == np.round(usable)))


def _linear_ticks(axis: Axis, scale: Scale, step: float) -> Ticks:
    first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
    values = tuple(index * step for index in range(first, last + 1))
    factor, title = _prefixed(axis, max(abs(scale.low), abs(scale.high)))
    shown_step = step * factor
    decimals = next((d for d in range(7) if abs(round(shown_step, d) - shown_step) < 1e-9), 7)
    labels = tuple(f"{value * factor + 0.0:.{decimals}f}".replace("-", "−") for value in values)
    return Ticks(values, labels, title, factor)


def _prefixed(axis: Axis, largest: float) -> tuple[float, str]:
    """The factor that turns numbers into what the ticks say, and the axis' title."""
    if axis.unit == "%":
        return 100.0, f"{axis.label} [%]"
    if largest == 0 or (not axis.unit and 1e-3 <= largest < 1e5):
        return 1.0, f"{axis.label} [{axis.unit}]" if axis.unit else axis.label
    exponent = 3 * math.floor(math.log10(largest) / 3 + 1e-12)
    if not axis.unit:
        return 10.0**-exponent, f"{axis.label} [×10{str(exponent).translate(SUPERSCRIPTS)}]"
    exponent = min(max(exponent, min(PREFIXES)), max(PREFIXES))
    return 10.0**-exponent, f"{axis.label} [{PREFIXES[exponent]}{axis.unit}]"


def _log_ticks(axis: Axis, scale: Scale, target: int) -> Ticks:
    first = math.ceil(math.log10(scale.low) - 1e-9)
    last = math.floor(math.log10(scale.high) + 1e-9)
    decades = last - first + 1
    if decades >= 3:
        every = math.ceil(decades / (target + 1))
        values = [10.0**power for power in range(first, last + 1, every)]
    else:
        values = [
            step * 10.0**power
            for power in range(first - 1, last + 1)
            for step in (1, 2, 5)
            if scale.low * 0.999 <= step * 10.0**power <= scale.high * 1.001
        ]
    labels = tuple(_log_label(axis, value) for value in values)
    return Ticks(tuple(values), labels, axis.label)


def _log_label(axis: Axis, value: float) -> str:
    if axis.unit == "%":
        return f"{100 * value:g} %"
    if axis.unit:
        return readable(value, axis.unit)
    power = math.log10(value)
    if abs(power - round(power)) < 1e-9 and not -3 <= power <= 3:
        return "10" + str(round(power)).translate(SUPERSCRIPTS)
    return f"{value:g}"
