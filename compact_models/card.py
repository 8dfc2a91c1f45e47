"""Parameter cards: the numbers of one real device, with unit, range, spread and source.

A card is a TOML file `<model>__<material>_<author><year>.toml`:

    name = "..."   model = "..."   source = "..."   doi = "..."   temperature = 298.0   [K]

    [values]                           # parameters of the model
    I0 = { value = 1e-3, unit = "A", low = 1e-6, high = 1.0, d2d = 0.05, c2c = 0.01 }

    [conductance]                      # only for memory devices
    parameter = "gap_init"   low = 5e-6   high = 5e-4   read_voltage = 0.2

    [numbers]                          # other single numbers: a read time, a pulse width ...
    [laws.programming_spread]          # numbers that depend on something (`laws`)
    [draws.R0]                         # numbers that differ from device to device (`distributions`)

    [[published]]                      # figures that were published and follow from the numbers
    figure = "..."  quantity = "law"  arguments = { ... }  value = 3.9e-6  unit = "S"
    tolerance = 0.01  numbers = ["laws.programming_spread"]

`d2d` and `c2c` are relative standard deviations, from device to device and from cycle to cycle.
Each number may name a source of its own and says whether it was published, derived, calibrated to
a published figure, or assumed. A `[[published]]` row says which numbers it is evidence for;
`compact_models.published` recomputes it.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, ValidationError, model_validator

from compact_models.distributions import Distribution
from compact_models.errors import CardError
from compact_models.laws import Frozen, Law


class CardValue(Frozen):
    """One number of a card.

    Attributes:
        value: the value, in `unit`.
        unit: unit of the value and its bounds; empty for a pure number.
        low: lowest value that the card stands for.
        high: highest value that the card stands for.
        d2d: relative standard deviation from device to device (`spread` is another name for it).
        c2c: relative standard deviation from cycle to cycle of one device.
        source: where the number comes from; empty when it is the card's source.
        doi: of that source; empty when it is the card's.
        status: published, derived from published numbers, calibrated to them, or assumed.
    """

    value: float
    unit: str
    low: float
    high: float
    d2d: Annotated[float, Field(ge=0.0, lt=1.0, validation_alias=AliasChoices("d2d", "spread"))] = (
        0.0
    )
    c2c: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    source: str = ""
    doi: str = ""
    status: Literal["published", "derived", "calibrated", "assumed"] = "published"

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"value {self.value:g} {self.unit} is outside of [{self.low:g}, {self.high:g}]"
            )
        return self


class ConductanceRange(Frozen):
    """Which parameter sets the conductance of a memory device, and how far.

    Attributes:
        parameter: name of the parameter.
        low: lowest conductance [S].
        high: highest conductance [S].
        read_voltage: voltage at which the conductance I/V is meant [V].
    """

    parameter: str
    low: Annotated[float, Field(gt=0.0)]
    high: Annotated[float, Field(gt=0.0)]
    read_voltage: Annotated[float, Field(gt=0.0)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low {self.low:g} S is not below high {self.high:g} S")
        return self


class PublishedFigure(Frozen):
    """A figure that was published, and how it follows from the card.

    Attributes:
        figure: what it is, in words.
        quantity: name of the function that recomputes it (`compact_models.published`).
        arguments: for that function.
        value: as published, in `unit`.
        unit: its unit.
        tolerance: relative deviation that rounding of the published figure explains.
        bound: `equal`, or `at most` / `at least` where only a bound was published.
        numbers: what of the card it is evidence for: `values.I0`, `laws.programming_spread` ...
        source: where it was published; empty when it is the card's source.
        doi: of that source; empty when it is the card's.
    """

    figure: str
    quantity: str
    arguments: Annotated[dict[str, float | str], Field(default_factory=dict)]
    value: float
    unit: str
    tolerance: Annotated[float, Field(gt=0.0, le=1.0)]
    bound: Literal["equal", "at most", "at least"] = "equal"
    numbers: Annotated[tuple[str, ...], Field(min_length=1)]
    source: str = ""
    doi: str = ""


class Card(Frozen):
    """The parameters of one device.

    Attributes:
        name: name of the card, equal to its file's name.
        model: name of the model it is for, or the path of a .va file beside the card's own file.
        description: what device it is.
        source: where the values come from.
        doi: digital object identifier of the source, empty if there is none.
        temperature: temperature at which the values hold [K].
        entries: the parameters by name.
        conductance: what sets the conductance, None for devices without memory.
        numbers: single numbers that are no parameters of the model.
        laws: numbers that depend on something.
        draws: numbers that differ from device to device, by their distribution.
        published: figures that the numbers must reproduce.
    """

    name: str
    model: str
    source: str
    doi: str
    temperature: Annotated[float, Field(gt=0.0)]
    entries: Annotated[dict[str, CardValue], Field(alias="values")]
    description: str = ""
    conductance: ConductanceRange | None = None
    numbers: Annotated[dict[str, CardValue], Field(default_factory=dict)]
    laws: Annotated[dict[str, Law], Field(default_factory=dict)]
    draws: Annotated[dict[str, Distribution], Field(default_factory=dict)]
    published: tuple[PublishedFigure, ...] = ()

    @model_validator(mode="after")
    def _evidence_exists(self) -> Self:
        known = {*self.number_names(), "conductance"}
        for row in self.published:
            unknown = [name for name in row.numbers if name not in known]
            if unknown:
                raise ValueError(f"published {row.figure!r} names {unknown[0]}, which is not there")
        return self

    @property
    def model_name(self) -> str:
        """Name of the model's module, which is that of its file."""
        return Path(self.model).stem if self.model.endswith(".va") else self.model

    def number_names(self) -> list[str]:
        """Everything in the card that holds numbers: `values.I0`, `laws.drift`, `draws.R0` ..."""
        tables: dict[str, dict[str, Any]] = {
            "values": self.entries,
            "numbers": self.numbers,
            "laws": self.laws,
            "draws": self.draws,
        }
        return [f"{table}.{name}" for table, rows in tables.items() for name in rows]

    def number(self, name: str) -> float:
        """One of `numbers` or of the model's parameters.

        Raises:
            CardError: the card has no such number.
        """
        entry = self.numbers.get(name) or self.entries.get(name)
        if entry is None:
            raise CardError(
                f"{self.name} has no number {name!r}; it has "
                f"{', '.join([*self.numbers, *self.entries])}; add it or take another card"
            )
        return entry.value

    def law(self, name: str) -> Law:
        """One of the laws.

        Raises:
            CardError: the card has no such law.
        """
        if name not in self.laws:
            raise CardError(
                f"{self.name} has no law {name!r}; it has {', '.join(self.laws) or 'none'}; add it "
                "under [laws], or take another card"
            )
        return self.laws[name]

    @property
    def values(self) -> dict[str, float]:
        """Value of each parameter, in SI units."""
        return {name: entry.value for name, entry in self.entries.items()}

    @property
    def units(self) -> dict[str, str]:
        """Unit of each parameter."""
        return {name: entry.unit for name, entry in self.entries.items()}

    @property
    def spread(self) -> dict[str, float]:
        """Relative standard deviation of each parameter that has one."""
        return {name: e.d2d for name, e in self.entries.items() if e.d2d > 0.0}

    @property
    def cycle_spread(self) -> dict[str, float]:
        """Relative standard deviation from cycle to cycle of each parameter that has one."""
        return {name: e.c2c for name, e in self.entries.items() if e.c2c > 0.0}


def read_card(path: Path) -> Card:
    """Read and validate a card.

    Raises:
        CardError: the file is not TOML, a field is missing, unknown or out of range.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as fault:
        raise CardError(
            f"{path.name}: cannot be read as TOML ({fault}); allowed is a card with [values]; "
            "compare it with the cards in compact_models/cards"
        ) from fault
    try:
        return Card.model_validate(data)
    except ValidationError as fault:
        raise CardError(_explain(path.name, fault)) from fault


_ALLOWED = {
    "missing": "the field is required",
    "extra_forbidden": "there is no such field",
    "float_parsing": "a number is needed",
    "float_type": "a number is needed",
    "string_type": "a text in quotes is needed",
}


def _explain(name: str, fault: ValidationError) -> str:
    """The first fault in three parts: what was given, what is allowed, what to do."""
    first = fault.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "card"
    kind = first["type"]
    given = "nothing" if kind == "missing" else repr(first["input"])
    if kind == "value_error":
        allowed, given = str(first["ctx"]["error"]), "a value that contradicts its range"
    else:
        allowed = _ALLOWED.get(kind, first["msg"])
    advice = {
        "missing": "add the field",
        "extra_forbidden": "remove it, or correct its spelling",
        "value_error": "change the value, or the range if the device really covers it",
    }.get(kind, "correct the value")
    return f"{name}: {where} is given as {given}; {allowed}; {advice}"
