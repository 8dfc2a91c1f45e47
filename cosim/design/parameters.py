"""What a design question varies: fields of a tile, by the words of a designer or by their path.

    array_size     rows and columns, as `32` or `"64x32"`
    adc_bits       bits of the converters                       readout.adc.bits
    tia_gain       feedback resistance of the amplifiers [ohm]  readout.sensing.resistance
    read_voltage   of a full-scale input [V]                    drivers.read_voltage
    wire_width     of all wires, 1 as the tile has them; resistances go with its inverse, the
                   capacitance to the neighbours is kept

Everything else is the path of a field in the tile's TOML file, such as `"cell.gate_voltage"`.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path

from cosim.errors import SpecError
from netlists.specs import TileSpec


Setting = int | float | str
Settings = Mapping[str, Setting]

PATHS = {
    "adc_bits": "readout.adc.bits",
    "tia_gain": "readout.sensing.resistance",
    "read_voltage": "drivers.read_voltage",
}
UNITS = {"tia_gain": "ohm", "read_voltage": "V"}
ARRAY_SIZE, WIRE_WIDTH = "array_size", "wire_width"
WORDS = (ARRAY_SIZE, *PATHS, WIRE_WIDTH)
SIZE = re.compile(r"([1-9]\d{0,3})(?:x([1-9]\d{0,3}))?")
PATH = re.compile(r"[a-z_]+(\.[a-z_]+)*")


def tile_with(fields: Mapping[str, object], settings: Settings, origin: str | Path) -> TileSpec:
    """The tile of a TOML file with some of its fields set otherwise.

    Args:
        fields: of the file, as read.
        settings: value by word or path.
        origin: the file, whose folder relative paths start from.

    Raises:
        SpecError: a word or path that the tile does not have, or a value that it cannot have.
    """
    changed = copy.deepcopy(dict(fields))
    for name, value in settings.items():
        if name == ARRAY_SIZE:
            changed["rows"], changed["cols"] = _size(value)
        elif name != WIRE_WIDTH:
            _set(changed, name, value)
    spec = _checked(changed, settings, origin)
    if WIRE_WIDTH not in settings:
        return spec
    wires, width = spec.wires, _width(settings[WIRE_WIDTH])
    thinner = {
        f"{line}_line_resistance": getattr(wires, f"{line}_line_resistance") / width
        for line in ("input", "output")
    }
    changed["wires"] = {**dict(_table(changed, "wires")), **thinner}
    return _checked(changed, settings, origin)


def shown(name: str, value: Setting) -> str:
    """One setting for people."""
    unit = f" {UNITS[name]}" if name in UNITS else ""
    number = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{name} {number}{unit}"


def _checked(fields: dict, settings: Settings, origin: str | Path) -> TileSpec:
    try:
        return TileSpec.from_dict(fields, origin=str(origin))
    except SpecError as error:
        point = ", ".join(shown(name, value) for name, value in settings.items())
        raise SpecError(f"{error}\nwith {point or 'nothing'} set by `sweep`") from None


def _set(fields: dict, name: str, value: Setting) -> None:
    """Set one field of nested tables by its word or path."""
    if name not in PATHS and not PATH.fullmatch(name):
        raise SpecError(
            f"`sweep` names `{name}`; allowed are {', '.join(WORDS)} and paths of the tile's"
            " fields; correct the name (see `cosim schema tile`)"
        )
    *tables, field = PATHS.get(name, name).split(".")
    place = fields
    for table in tables:
        if name in PATHS and not isinstance(place.get(table), dict):
            raise SpecError(
                f"`sweep.{name}` sets `{PATHS[name]}`, and the tile has no [{table}] there; only"
                " what a tile has can be varied; add the table to the tile, or leave it out"
            )
        place = _table(place, table)
    place[field] = value


def _table(fields: dict, name: str) -> dict:
    """A table inside others, made if it is not there."""
    inside = fields.setdefault(name, {})
    if not isinstance(inside, dict):
        raise SpecError(
            f"`sweep` goes through `{name}`, which is {inside!r} and no table; name a field of the"
            " tile (see `cosim schema tile`)"
        )
    return inside


def _size(value: Setting) -> tuple[int, int]:
    match = SIZE.fullmatch(str(value))
    if match is None:
        raise SpecError(
            f'`sweep.array_size` holds {value!r}; allowed are sizes such as 32 or "64x32";'
            " correct the value"
        )
    return int(match[1]), int(match[2] or match[1])


def _width(value: Setting) -> float:
    if not isinstance(value, int | float) or not 0.01 <= value <= 100.0:
        raise SpecError(
            f"`sweep.wire_width` holds {value!r}; allowed are 0.01 to 100 times the tile's own"
            " width; correct the value"
        )
    return float(value)
