"""The specification of a designer's own netlist as a tile: which of its names plays which role."""

from __future__ import annotations

import re
import string
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from netlists.fields import Finite, Name, Spec, plain_name


NET = re.compile(r"[A-Za-z0-9_.:#+\-\[\]]+")


def _pattern(fields: frozenset[str], text: str) -> str:
    """A name with `{row}` or `{col}` in it, and nothing else in braces."""
    try:
        parts = list(string.Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"braces hold `row` or `col` only ({error})") from None
    found = {name for _, name, _, _ in parts if name is not None}
    if found != fields or any(literal and not NET.fullmatch(literal) for literal, *_ in parts):
        wanted = ["{" + name + "}" for name in sorted(fields, reverse=True)]
        raise ValueError(
            f"write a plain name that holds {' and '.join(wanted)}, such as `x_{'_'.join(wanted)}`"
        )
    return text.lower()


def _row_pattern(text: str) -> str:
    return _pattern(frozenset({"row"}), text)


def _col_pattern(text: str) -> str:
    return _pattern(frozenset({"col"}), text)


def _cell_pattern(text: str) -> str:
    return _pattern(frozenset({"row", "col"}), text)


class ExternalSpec(Spec):
    """A netlist that stands in place of the generated crossbar.

    Attributes:
        netlist: SPICE file with the tile's subcircuit and all that it uses, relative to the file
            of the tile.
        subcircuit: name of the tile's subcircuit.
        inputs: port of a row, such as `in{row}`.
        outputs: port of a column, such as `bl{col}`.
        sensing: `current`, the port is held at `level` and its current is the output; or
            `voltage`, the port is open and (its voltage - `output_level`) / `output_gain` is.
        output_gain: of a macro with its own amplifiers [V/A].
        output_level: voltage of such a port without current [V].
        level: what inputs and held outputs are relative to [V].
        supplies: further ports and their constant voltages [V].
        device: the element that holds the conductance of a cell, such as `xcell_{row}_{col}`; an
            element inside instances is named by its path, such as `xarray.xcell_{row}_{col}`.
        parameter: the element's parameter; `value` for the value of a resistor.
        takes: whether the parameter is a conductance [S] or a resistance [ohm].
        libraries: model libraries that ngspice reads, relative to the file of the tile.
        corner: the section of every library; whole files when not given.
    """

    netlist: Annotated[str, Field(min_length=1)]
    subcircuit: Annotated[Name, AfterValidator(plain_name), AfterValidator(str.lower)]
    inputs: Annotated[str, AfterValidator(_row_pattern)]
    outputs: Annotated[str, AfterValidator(_col_pattern)]
    sensing: Literal["current", "voltage"] = "current"
    output_gain: Finite = 1.0
    output_level: Finite = 0.0
    level: Finite = 0.0
    supplies: dict[str, Finite] = Field(default_factory=dict)
    device: Annotated[str, AfterValidator(_cell_pattern)]
    parameter: Annotated[Name, AfterValidator(plain_name), AfterValidator(str.lower)]
    takes: Literal["conductance", "resistance"] = "conductance"
    libraries: tuple[str, ...] = ()
    corner: Annotated[Name, AfterValidator(plain_name)] | None = None

    @field_validator("output_gain")
    @classmethod
    def _gain_is_not_zero(cls, gain: float) -> float:
        if gain == 0.0:
            raise ValueError("a gain of 0 V/A gives no current; give that of the read-out")
        return gain

    @field_validator("supplies")
    @classmethod
    def _supplies_are_nets(cls, supplies: dict[str, float]) -> dict[str, float]:
        for net in supplies:
            if not NET.fullmatch(net):
                raise ValueError(f"`{net}` is no port; write plain names")
        return {net.lower(): volt for net, volt in supplies.items()}
