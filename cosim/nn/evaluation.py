"""What an evaluation found: a distribution over chips for every engine and time, never one draw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor

from cosim.errors import InputError


HEADER = ("engine", "time", "chips", "mean", "std", "median", "quartiles")


@dataclass(frozen=True)
class Evaluation:
    """What chips made of a set of images.

    Attributes:
        engines: their names.
        times: since programming [s]; None is right after it.
        seeds: of the chips.
        accuracy: part of the images that each chip classifies correctly.
        outputs: outputs of the network.
    """

    engines: tuple[str, ...]
    times: tuple[float | None, ...]
    seeds: tuple[int, ...]
    accuracy: Float[np.ndarray, "engines times chips"]
    outputs: Float[Tensor, "engines times chips samples classes"]

    @property
    def mean(self) -> Float[np.ndarray, "engines times"]:
        """Mean accuracy over the chips."""
        return self.accuracy.mean(-1)

    @property
    def std(self) -> Float[np.ndarray, "engines times"]:
        """Standard deviation over the chips; 0 for a single one."""
        return _std(self.accuracy)

    @property
    def median(self) -> Float[np.ndarray, "engines times"]:
        """Median over the chips: chips with stuck cells have long tails."""
        return np.median(self.accuracy, -1)

    @property
    def quartiles(self) -> Float[np.ndarray, "2 engines times"]:
        """First and third quartile over the chips."""
        return np.quantile(self.accuracy, [0.25, 0.75], axis=-1)

    def of(
        self, engine: str | None = None, time: float | None = None
    ) -> Float[np.ndarray, " chips"]:
        """Accuracy of every chip by one engine at one time.

        Args:
            engine: its name; the only one when None.
            time: since programming [s]; the only one when None.

        Raises:
            InputError: it was not evaluated, or there are several and none was named.
        """
        return self.accuracy[self._place(engine, time)]

    def outputs_of(
        self, engine: str | None = None, time: float | None = None
    ) -> Float[Tensor, "chips samples classes"]:
        """Outputs of the network by one engine at one time; see `of`."""
        return self.outputs[self._place(engine, time)]

    def minus(self, other: Evaluation) -> PairedDifference:
        """The paired difference to another evaluation on the same chips, engine by engine.

        Raises:
            InputError: the other one has other chips, engines or times.
        """
        for what in ("seeds", "engines", "times"):
            mine, others = getattr(self, what), getattr(other, what)
            if mine != others:
                raise InputError(
                    f"evaluations with {what} {mine} and {others} are compared; only the same"
                    f" {what} can be paired; evaluate both with the same ones"
                )
        return PairedDifference(self.engines, self.times, self.accuracy - other.accuracy)

    def table(self) -> str:
        """One line per engine and time."""

        def cells(e: int, t: int) -> tuple[str, ...]:
            low, high = self.quartiles[:, e, t]
            figures = (self.mean[e, t], self.std[e, t], self.median[e, t])
            return (
                str(len(self.seeds)),
                *(f"{100 * figure:.2f} %" for figure in figures),
                f"{100 * low:.2f} ... {100 * high:.2f} %",
            )

        return _table(HEADER, self.engines, self.times, cells)

    def _place(self, engine: str | None, time: float | None) -> tuple[int, int]:
        return (
            _index("engine", engine, self.engines),
            _index("time", time, self.times),
        )


@dataclass(frozen=True)
class PairedDifference:
    """Differences of two evaluations chip by chip.

    Attributes:
        engines: their names.
        times: since programming [s].
        difference: of the accuracies.
    """

    engines: tuple[str, ...]
    times: tuple[float | None, ...]
    difference: Float[np.ndarray, "engines times chips"]

    @property
    def mean(self) -> Float[np.ndarray, "engines times"]:
        """Mean difference."""
        return self.difference.mean(-1)

    @property
    def standard_error(self) -> Float[np.ndarray, "engines times"]:
        """Standard error of the mean difference; not a number for a single chip."""
        count = self.difference.shape[-1]
        return (
            _std(self.difference) / np.sqrt(count) if count > 1 else np.full_like(self.mean, np.nan)
        )

    @property
    def ahead(self) -> Float[np.ndarray, "engines times"]:
        """Share of the chips on which the first one is better."""
        return (self.difference > 0).mean(-1)

    def table(self) -> str:
        """One line per engine and time."""
        header = ("engine", "time", "chips", "difference", "standard error", "ahead on")

        def cells(e: int, t: int) -> tuple[str, ...]:
            return (
                str(self.difference.shape[-1]),
                f"{100 * self.mean[e, t]:+.2f} points",
                f"{100 * self.standard_error[e, t]:.2f}",
                f"{100 * self.ahead[e, t]:.0f} %",
            )

        return _table(header, self.engines, self.times, cells)


def _std(values: Float[np.ndarray, "engines times chips"]) -> Float[np.ndarray, "engines times"]:
    return values.std(-1, ddof=1) if values.shape[-1] > 1 else np.zeros(values.shape[:-1])


def _index(kind: str, wanted: object, there: tuple[object, ...]) -> int:
    if wanted in there:
        return there.index(wanted)
    if wanted is None and len(there) == 1:
        return 0
    raise InputError(
        f"{kind} {wanted!r} was asked for; evaluated are {', '.join(map(repr, there))}; name one of"
        " those"
    )


def _table(
    header: tuple[str, ...],
    engines: tuple[str, ...],
    times: tuple[float | None, ...],
    cells: Callable[[int, int], tuple[str, ...]],
) -> str:
    rows = [header]
    for e, engine in enumerate(engines):
        for t, time in enumerate(times):
            when = "programmed" if time is None else f"{time:g} s"
            rows.append((engine, when, *cells(e, t)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )
