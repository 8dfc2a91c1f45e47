"""Figures over mismatch draws: their mean, deviation and histogram, beside what the twin expects.

A deviation from n draws is itself uncertain by 1 / sqrt(2 n), relative; a twin is taken to be right
when it is within three times that.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from cosim.bench.base import Figure, Measurement


BINS = 9
_BARS = " ▁▂▃▄▅▆▇█"


@dataclass(frozen=True, eq=False)
class Spread:
    """One figure over draws.

    Attributes:
        bench: name of the bench.
        figure: name of the figure.
        unit: of its values.
        values: of every draw.
        expected: standard deviation that the twin expects; none when None.
    """

    bench: str
    figure: str
    unit: str
    values: Float[np.ndarray, " draws"]
    expected: float | None

    @property
    def deviation(self) -> float:
        """Standard deviation of the draws."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else float("nan")

    @property
    def uncertainty(self) -> float:
        """Relative standard error of the deviation."""
        return 1.0 / math.sqrt(2.0 * max(len(self.values) - 1, 1))

    @property
    def agrees(self) -> bool | None:
        """Whether the twin's deviation is within three standard errors; None without one."""
        if not self.expected:
            return None
        return abs(self.deviation / self.expected - 1.0) <= 3.0 * self.uncertainty

    @property
    def histogram(self) -> str:
        """How many draws lie in each ninth of four deviations to either side of the mean."""
        width = 4.0 * self.deviation
        if not width > 0.0:
            return ""
        edges = np.linspace(-width, width, BINS + 1) + self.values.mean()
        counts, _ = np.histogram(self.values, edges)
        heights = np.ceil((len(_BARS) - 1) * counts / counts.max()).astype(int)
        return "".join(_BARS[height] for height in heights.tolist())


def spreads(measurements: Iterable[Measurement]) -> list[Spread]:
    """Every figure that was measured over draws, in the order of the first draw."""
    groups: dict[tuple[str, str], list[Figure]] = {}
    for one in measurements:
        if one.condition.seed is not None:
            for figure in one.figures:
                groups.setdefault((one.bench, figure.name), []).append(figure)
    return [
        Spread(bench, name, found[0].unit, np.array([f.value for f in found]), found[0].deviation)
        for (bench, name), found in groups.items()
    ]


def spread_markdown(found: Sequence[Spread]) -> str:
    """A table of figures over draws."""
    lines = [
        "| block | figure | draws | mean | deviation | twin's deviation | distribution |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in found:
        shown = [
            "" if value is None else Figure("", value, one.unit).shown
            for value in (float(one.values.mean()), one.deviation, one.expected)
        ]
        draws = str(len(one.values))
        words = (one.bench, one.figure, draws, *shown, f"`{one.histogram}`")
        lines.append(f"| {' | '.join(words)} |")
    return "\n".join(lines) + "\n"
