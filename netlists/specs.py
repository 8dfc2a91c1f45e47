"""The specification of a tile: one frozen description that every engine reads.

A tile is one crossbar with its drivers and sensing, the unit that performs one matrix-vector
multiplication (MVM). Rows are inputs and columns are outputs. The netlist writer, the solver and
the surrogates all start from the same `TileSpec`, so they cannot disagree about the circuit.

    v_in ──source_resistance──segment──┬─segment─┬─segment─┬── …        input line (row)
                                       cell      cell      cell
    output line (column): cells … ──segment──┬──segment──input_resistance──▶ virtual ground, 0 V

All values are SI: ohm, volt, siemens, kelvin.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from netlists.cell_spec import CellSpec
from netlists.external_spec import ExternalSpec
from netlists.fields import Name, NotNegative, Spec, plain_name
from netlists.readout_spec import InputSpec, ReadoutSpec
from netlists.toml_files import read_toml, validated
from netlists.wire_spec import WireSpec


# Of a tile whose own netlist holds its wires [ohm].
NEGLIGIBLE_WIRES = {"input_line_resistance": 1e-3, "output_line_resistance": 1e-3}


class DriverSpec(Spec):
    """What drives the input lines.

    Attributes:
        read_voltage: the voltage of a full-scale input [V].
        source_resistance: output resistance of each driver [ohm].
    """

    read_voltage: Annotated[float, Field(gt=0, le=2, allow_inf_nan=False)]
    source_resistance: NotNegative = 0.0


class SensingSpec(Spec):
    """What reads the output lines.

    Attributes:
        kind: `virtual_ground`, an ideal current sensor that holds the line's end at 0 V.
        input_resistance: resistance between the line's end and the sensor [ohm].
    """

    kind: Literal["virtual_ground"] = "virtual_ground"
    input_resistance: NotNegative = 0.0


class TileSpec(Spec):
    """One tile: crossbar, drivers and sensing.

    Attributes:
        name: what the tile is called in netlists and reports.
        rows: number of input lines.
        cols: number of output lines.
        cell: what stands at every crosspoint.
        wires: segment resistances.
        drivers: input side.
        sensing: output side.
        inputs: how input codes become voltages; inputs are volts without it.
        readout: from currents to codes; outputs are currents without it. What the sensing is
            relative to, its common-mode level, is the 0 V of the whole crossbar then.
        external: a netlist that stands in place of the generated crossbar; cell, wires, drivers
            and sensing then say what is inside of it as far as surrogates start from it.
        inactive_rows: input lines whose word line is at `cell.gate_voltage_off` and whose driver
            is at 0 V.
        dummy_columns: output lines that are there and are no outputs, such as those at the edges.
        temperature: temperature of the whole tile [K].
    """

    name: Name
    rows: Annotated[int, Field(ge=1, le=1024)]
    cols: Annotated[int, Field(ge=1, le=1024)]
    cell: CellSpec
    wires: WireSpec
    drivers: DriverSpec
    sensing: SensingSpec = SensingSpec()
    inputs: InputSpec | None = None
    readout: ReadoutSpec | None = None
    external: ExternalSpec | None = None
    inactive_rows: tuple[int, ...] = ()
    dummy_columns: tuple[int, ...] = ()
    temperature: Annotated[float, Field(gt=100, lt=600, allow_inf_nan=False)] = 300.15

    _plain_name = field_validator("name")(plain_name)

    @model_validator(mode="after")
    def _lines_make_outputs(self) -> Self:
        weights = "unsigned" if self.readout is None else self.readout.weights
        lines = self.cols - len(self.dummy_columns)
        if weights == "differential" and lines % 2:
            raise ValueError(
                f"differential weights need an even number of lines; there are {lines}"
            )
        if weights == "offset" and lines < 2:
            raise ValueError("offset weights need a line for the reference; give one more column")
        return self

    @model_validator(mode="after")
    def _lines_exist(self) -> Self:
        for name, given, count in (
            ("inactive_rows", self.inactive_rows, self.rows),
            ("dummy_columns", self.dummy_columns, self.cols),
        ):
            if len(set(given)) < len(given) or not set(given) <= set(range(count)):
                raise ValueError(f"`{name}` is {list(given)}; give different numbers below {count}")
            if len(given) == count:
                raise ValueError(f"`{name}` leaves none of the {count} lines; leave at least one")
        return self

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read a tile from a TOML file.

        Cards and SPICE files given as relative paths are taken from the TOML file's folder.

        Raises:
            SpecError: a field is missing, unknown or out of range.
        """
        return cls.from_dict(read_toml(path), origin=str(path))

    @classmethod
    def from_dict(cls, data: dict, origin: str = "tile") -> Self:
        """Validate a tile given as a dictionary; `origin` names it in messages."""
        return validated(cls, _with_full_paths(data, Path(origin).parent), origin)

    @property
    def input_line_end(self) -> float:
        """Resistance between a driver and the first cell of its line [ohm]."""
        return self.drivers.source_resistance + self.wires.input_line_resistance

    @property
    def output_line_end(self) -> float:
        """Resistance between the last cell of an output line and its sensor [ohm]."""
        return self.sense_resistance + self.wires.output_line_resistance

    @property
    def sense_resistance(self) -> float:
        """Resistance between the end of an output line and the level that holds it [ohm]."""
        amplifier = 0.0 if self.readout is None else self.readout.sensing.input_resistance
        return self.sensing.input_resistance + amplifier

    def content_hash(self) -> str:
        """Hash of everything that defines the circuit, name excluded (first 16 hex digits)."""
        data = self.model_dump(exclude={"name"})
        for part, usual in CellSpec.later_fields():
            if data["cell"][part] == usual:  # specs without one are as they always were
                del data["cell"][part]
            elif part.endswith("subcircuit"):
                data["cell"][part]["file"] = file_digest(data["cell"][part]["file"])
        data["wires"] = self.wires.numbers()
        for part in ("inputs", "readout", "inactive_rows", "dummy_columns"):
            if not data[part]:
                del data[part]
        if data["external"] is None:
            del data["external"]
        else:
            data["external"]["netlist"] = file_digest(data["external"]["netlist"])
        content = json.dumps(data, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:16]


def file_digest(path: str) -> str:
    """A hash of a file's contents; its path when it cannot be read."""
    try:
        return hashlib.sha256(Path(path).expanduser().read_bytes()).hexdigest()[:16]
    except OSError:
        return path


def _with_full_paths(data: dict, folder: Path) -> dict:
    """The fields of a tile, with relative paths of files taken from the tile's folder."""
    cell, external = data.get("cell"), data.get("external")
    if isinstance(cell, dict):
        cell = dict(cell)
        for part in ("device", "access_transistor"):
            if isinstance(cell.get(part), str) and cell[part].endswith(".toml"):
                cell[part] = str(folder / cell[part])
        for part in ("device_subcircuit", "access_subcircuit"):
            cell |= _table_with_full_paths(cell, part, "file", folder)
        data = {**data, "cell": cell}
    if isinstance(external, dict):
        data = {"wires": NEGLIGIBLE_WIRES, **data}
        data |= _table_with_full_paths(data, "external", "netlist", folder)
        libraries = data["external"].get("libraries")
        if isinstance(libraries, list) and all(isinstance(file, str) for file in libraries):
            libraries = [str(folder / file) for file in libraries]
            data["external"] = {**data["external"], "libraries": libraries}
    return data


def _table_with_full_paths(data: dict, table: str, field: str, folder: Path) -> dict:
    """One table of a specification with the full path of its file; nothing without the table."""
    fields = data.get(table)
    if not isinstance(fields, dict) or not isinstance(fields.get(field), str):
        return {}
    return {table: {**fields, field: str(folder / fields[field])}}
