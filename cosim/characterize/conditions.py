"""Conditions: under what a tile is characterised, beyond its own specification.

A plan's samples are taken anew at every combination of

    corner       named changes of the specification, such as a slow transistor's card
    temperature  of the whole tile
    time         since programming; the conductances drift as (time / reference_time)^-exponent
    draw         Monte Carlo: values of the specification that vary from chip to chip, and
                 conductances that vary from cell to cell

The same conductance targets and input vectors are used at each of them, so that two conditions
differ by nothing but the condition. A plan without any has one: the tile as it is specified.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from jaxtyping import Float
from pydantic import Field, model_validator

from cosim.errors import SpecError
from netlists.fields import Name, NotNegative, Positive, Spec
from netlists.specs import TileSpec


NOMINAL = "nominal"
Spread = Annotated[float, Field(ge=0, le=1)]
Temperature = Annotated[float, Field(gt=100, lt=600, allow_inf_nan=False)]


@dataclass(frozen=True)
class Condition:
    """One combination.

    Attributes:
        corner: name of the corner; `nominal` without any.
        temperature: of the tile [K].
        time: since programming [s]; None for freshly programmed cells.
        draw: number of the Monte Carlo draw; 0 for none.
    """

    corner: str
    temperature: float
    time: float | None
    draw: int


class Corner(Spec):
    """A named set of changes.

    Attributes:
        name: what datasets call it.
        changes: new values of the tile's fields by path, such as `"cell.gate_voltage" = 1.1`.
    """

    name: Name
    changes: dict[str, float | str] = Field(default_factory=dict)


class Drift(Spec):
    """How conductances change with the time since programming: G (t / t0)^-exponent.

    Attributes:
        exponent: mean of the drift exponent.
        spread: its standard deviation from cell to cell.
        reference_time: t0, when the programmed conductance was verified [s].
    """

    exponent: Annotated[float, Field(ge=0, le=1)]
    spread: Spread = 0.0
    reference_time: Positive = 1.0


class MonteCarlo(Spec):
    """Chips drawn at random.

    Attributes:
        draws: number of chips.
        chip_spread: relative standard deviation, from chip to chip, of fields of the tile, such
            as `"wires.input_line_resistance" = 0.1`; log-normal.
        cell_spread: relative standard deviation of conductances from cell to cell; log-normal.
    """

    draws: Annotated[int, Field(ge=1, le=100_000)]
    chip_spread: dict[str, Spread] = Field(default_factory=dict)
    cell_spread: Spread = 0.0


class Conditions(Spec):
    """Every combination of the corners, temperatures, times and draws given.

    Attributes:
        corners: the tile as it is when empty.
        temperatures: the tile's own when empty [K].
        times: since programming [s]; freshly programmed when empty.
        drift: how conductances change with time; needed for times.
        monte_carlo: random chips; none when absent.
    """

    corners: tuple[Corner, ...] = ()
    temperatures: tuple[Temperature, ...] = ()
    times: tuple[NotNegative, ...] = ()
    drift: Drift | None = None
    monte_carlo: MonteCarlo | None = None

    @model_validator(mode="after")
    def _times_need_drift(self) -> Self:
        if bool(self.times) != (self.drift is not None):
            raise ValueError("`times` and `drift` belong together; give both or neither")
        return self

    @property
    def count(self) -> int:
        """Number of combinations."""
        kinds = (self.corners, self.temperatures, self.times, self._draws)
        return int(np.prod([max(len(kind), 1) for kind in kinds]))

    @property
    def _draws(self) -> range:
        return range(1, self.monte_carlo.draws + 1) if self.monte_carlo else range(0)

    def all(self, spec: TileSpec) -> tuple[Condition, ...]:
        """The combinations in order; the number of one is its place here."""
        return tuple(
            Condition(*combination)
            for combination in itertools.product(
                [corner.name for corner in self.corners] or [NOMINAL],
                self.temperatures or [spec.temperature],
                self.times or [None],
                self._draws or [0],
            )
        )

    def tile(self, spec: TileSpec, condition: Condition, seed: int) -> TileSpec:
        """The tile under one condition.

        Raises:
            SpecError: a corner or a spread names no field of a tile, or leads out of its range.
        """
        changes: dict[str, float | str] = {"temperature": condition.temperature}
        for corner in self.corners:
            if corner.name == condition.corner:
                changes |= corner.changes
        origin = f"corner `{condition.corner}`"
        if self.monte_carlo is not None and self.monte_carlo.chip_spread:
            generator = np.random.default_rng([seed, condition.draw, 4])
            corner_values = _values(changed(spec, changes, origin))
            for path, spread in self.monte_carlo.chip_spread.items():
                value = _known(corner_values, path, "chip_spread")
                if isinstance(value, str):
                    raise SpecError(f"chip_spread: `{path}` is `{value}`; only numbers can vary")
                changes[path] = value * float(_lognormal(generator, spread, (1,))[0])
            origin = f"{origin}, draw {condition.draw}"
        return changed(spec, changes, origin)

    def conductances(
        self,
        targets: Float[np.ndarray, "rows cols"],
        condition: Condition,
        seed: tuple[int, int],
    ) -> Float[np.ndarray, "rows cols"]:
        """What the targets [S] have become; a cell has the same draws at every time."""
        G = targets
        if self.monte_carlo is not None:
            generator = np.random.default_rng([*seed, 2, condition.draw])
            G = G * _lognormal(generator, self.monte_carlo.cell_spread, G.shape)
        if self.drift is not None and condition.time is not None:
            generator = np.random.default_rng([*seed, 3, condition.draw])
            exponent = generator.normal(self.drift.exponent, self.drift.spread, G.shape)
            # Before the reference time the cell is as it was verified.
            age = max(condition.time / self.drift.reference_time, 1.0)
            G = G * age**-exponent
        return G


def changed(spec: TileSpec, changes: Mapping[str, float | str], origin: str) -> TileSpec:
    """A tile with other values in some of its fields.

    Args:
        spec: the tile.
        changes: new values by path, such as `wires.input_line_resistance`.
        origin: who wants that, for messages.

    Raises:
        SpecError: no such field, or a value that it cannot have.
    """
    data = spec.model_dump()
    values = _values(spec)
    for path, value in changes.items():
        _known(values, path, origin)
        *folders, field = path.split(".")
        place = data
        for folder in folders:
            place = place[folder]
        place[field] = value
    return TileSpec.from_dict(data, origin)


def _values(spec: TileSpec) -> dict[str, float | str]:
    """The fields that can be changed, by path."""
    values: dict[str, float | str] = {}
    for name, value in spec.model_dump(exclude={"name", "rows", "cols"}).items():
        parts = value.items() if isinstance(value, dict) else [(None, value)]
        for part, inner in parts:
            if isinstance(inner, float | str):
                values[f"{name}.{part}" if part else name] = inner
    return values


def _known(values: dict[str, float | str], path: str, origin: str) -> float | str:
    if path not in values:
        raise SpecError(f"{origin}: a tile has no field `{path}`; choose from {', '.join(values)}")
    return values[path]


def _lognormal(
    generator: np.random.Generator, spread: float, shape: tuple[int, ...]
) -> Float[np.ndarray, " *shape"]:
    """Factors around 1 with a relative standard deviation; never negative."""
    return np.exp(spread * generator.standard_normal(shape))
