"""What a sweep says: the Pareto front of accuracy over energy, and the cheapest point that is good.

A point is on the front when no other one is at least as accurate at less energy. The answer is the
cheapest point whose mean accuracy is within what may be given up of the best one's. All points saw
the same images, and those of the same array size the same chips, so differences are paired.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cosim.design.question import Question
from cosim.design.sweep import Measured
from netlists.si_numbers import readable


SAME = 1e-9  # accuracies that differ by less are equal


@dataclass(frozen=True)
class Answer:
    """What a question came to.

    Attributes:
        question: what was asked.
        points: results of all points, in the order of the sweep.
        best: the most accurate one; of equal ones the cheapest.
        chosen: the cheapest one that is within what may be given up.
        front: the Pareto front, from the cheapest to the most accurate.
    """

    question: Question
    points: list[Measured]
    best: Measured
    chosen: Measured
    front: list[Measured]

    @property
    def difference(self) -> tuple[float, float]:
        """Accuracy of the chosen point minus the best one's, and its standard error over chips.

        The error is not a number for one chip.
        """
        paired = self.chosen.accuracy - self.best.accuracy
        count = len(paired)
        error = float(paired.std(ddof=1) / np.sqrt(count)) if count > 1 else float("nan")
        return float(paired.mean()), error

    def words(self) -> str:
        """The answer in a sentence or two."""
        points = 100 * self.question.within
        best, chosen = self.best, self.chosen
        said = (
            f"The cheapest point within {points:g} point{'s' * (points != 1)} of the best"
            f" ({100 * best.mean:.1f} % at {best.point}) is {chosen.point}:"
            f" {100 * chosen.mean:.1f} % at {joules(chosen.energy)} per inference"
        )
        if chosen is best:
            return f"{said}, the best point itself."
        mean, error = self.difference
        spread = "" if np.isnan(error) else f" ± {100 * error:.1f}"
        return (
            f"{said}, {chosen.energy / best.energy:.0%} of the best point's energy, and"
            f" {100 * abs(mean):.1f}{spread} points below it."
        )

    def table(self) -> str:
        """One line per point; `*` on the front, `>` the answer."""
        rows = [("", "point", "accuracy", "energy", "reads")]
        for one in self.points:
            mark = ">" if one is self.chosen else "*" if self.on_front(one) else ""
            rows.append(
                (
                    mark,
                    str(one.point),
                    f"{100 * one.mean:.2f} %",
                    joules(one.energy),
                    f"{one.reads:g}",
                )
            )
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        )

    def on_front(self, one: Measured) -> bool:
        """Whether a point is on the Pareto front."""
        return any(one is other for other in self.front)

    def as_json(self) -> dict[str, object]:
        """The same for machines, SI units and fractions."""

        def point(one: Measured) -> dict[str, object]:
            return {
                "settings": dict(one.point.settings),
                "accuracy": one.mean,
                "accuracy_by_chip": one.accuracy.tolist(),
                "energy_J": one.energy,
                "energy_by_block_J": one.blocks,
                "reads": one.reads,
                "tiles": one.tiles,
                "front": self.on_front(one),
            }

        return {
            "name": self.question.name,
            "answer": self.words(),
            "chosen": point(self.chosen),
            "best": point(self.best),
            "points": [point(one) for one in self.points],
        }


def answer(question: Question, points: list[Measured]) -> Answer:
    """Find the best, the cheapest good one and the front."""
    best = min(points, key=lambda one: (-one.mean, one.energy))
    good = [one for one in points if one.mean >= best.mean - question.within - SAME]
    chosen = min(good, key=lambda one: (one.energy, -one.mean))
    front: list[Measured] = []
    for one in sorted(points, key=lambda one: (one.energy, -one.mean)):
        if not front or one.mean > front[-1].mean:
            front.append(one)
    return Answer(question, points, best, chosen, front)


def joules(energy: float) -> str:
    """An energy with its prefix."""
    return readable(energy, "J", 3)
