"""Parameter cards: the numbers of one real device, with unit, range, spread and source.

A card is a TOML file `<model>__<material>_<author><year>.toml`:

    name = "..."   model = "..."   source = "..."   doi = "..."   temperature = 298.0   [K]

    [values]
    I0 = { value = 1e-3, unit = "A", low = 1e-6, high = 1.0, spread = 0.05 }

    [conductance]                      # only for memory devices
    parameter = "gap_init"   low = 5e-6   high = 5e-4   read_voltage = 0.2

`spread` is the relative standard deviation from device to device.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from compact_models.errors import CardError


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class CardValue(_Frozen):
    """One parameter of a card.

    Attributes:
        value: the value, in `unit`.
        unit: unit of the value and its bounds; empty for a pure number.
        low: lowest value that the card stands for.
        high: highest value that the card stands for.
        spread: relative standard deviation from device to device.
    """

    value: float
    unit: str
    low: float
    high: float
    spread: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        if not self.low <= self.value <= self.high:
            raise ValueError(
                f"value {self.value:g} {self.unit} is outside of [{self.low:g}, {self.high:g}]"
            )
        return self


class ConductanceRange(_Frozen):
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


class Card(_Frozen):
    """The parameters of one device.

    Attributes:
        name: name of the card, equal to its file's name.
        model: name of the model it is for.
        description: what device it is.
        source: where the values come from.
        doi: digital object identifier of the source, empty if there is none.
        temperature: temperature at which the values hold [K].
        entries: the parameters by name.
        conductance: what sets the conductance, None for devices without memory.
    """

    name: str
    model: str
    source: str
    doi: str
    temperature: Annotated[float, Field(gt=0.0)]
    entries: Annotated[dict[str, CardValue], Field(alias="values")]
    description: str = ""
    conductance: ConductanceRange | None = None

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
        return {name: e.spread for name, e in self.entries.items() if e.spread > 0.0}


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
