"""The specification of a cell: what stands at every crosspoint of a tile.

    1R     input line ── device ── output line
    1S1R   input line ── device ── selector ── output line
    1T1R   input line ── device ── transistor ── output line          driven = "device"
           input line ── transistor ── device ── output line          driven = "transistor"

A 2T2R pair is two 1T1R cells of one row in neighbouring columns: a tile with differential weights.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from netlists.fields import Name, Positive, Spec, plain_name


SETTINGS = re.compile(r"(?:\w+=[\w.+*/(){}-]+(?: (?=\w)|$))*")
# What `device` and `access_transistor` say when the element is SPICE text.
SUBCIRCUIT = "subcircuit"


def _instance_settings(text: str) -> str:
    if not SETTINGS.fullmatch(text):
        raise ValueError("write `name=value name=value`, without other spaces or quotes")
    return text


PlainName = Annotated[Name, AfterValidator(plain_name)]


class SubcircuitSpec(Spec):
    """An element of a cell that is SPICE text: a PDK's, or anybody's.

    Attributes:
        file: the file that defines it, relative to the file of the tile.
        section: the section of a library (`.lib file section`); the whole file when not given.
        name: of the subcircuit.
        settings: of each instance, such as `w=2u l=0.13u`.
    """

    file: Annotated[str, Field(min_length=1)]
    section: PlainName | None = None
    name: PlainName
    settings: Annotated[str, AfterValidator(_instance_settings)] = ""


class DeviceSubcircuit(SubcircuitSpec):
    """A programmable device with two terminals, that of the input line first.

    Attributes:
        parameter: the subcircuit's parameter that takes the conductance of each cell [S].
    """

    parameter: PlainName


class AccessSubcircuit(SubcircuitSpec):
    """An access transistor with the terminals drain, gate, source and bulk.

    Attributes:
        kind: whether the name is that of a `.subckt` or of a MOSFET's `.model`.
    """

    kind: Literal["subcircuit", "model"] = "subcircuit"


class CellSpec(Spec):
    """What stands at every crosspoint.

    Attributes:
        topology: `1R`, the device alone; `1S1R`, in series with a selector; `1T1R`, in series
            with an access transistor.
        device: the parameter card of the device (a name, or the path of a card file), or
            `resistor` for an ideal linear one, or `subcircuit`.
        device_subcircuit: the device as SPICE text, with `device = "subcircuit"`.
        selector: the card of the two-terminal selector (1S1R only).
        access_transistor: the card of the access transistor, or `subcircuit` (1T1R only).
        access_subcircuit: the transistor as SPICE text, with `access_transistor = "subcircuit"`.
        gate_voltage: voltage of every word line during a read [V] (1T1R only).
        gate_voltage_off: voltage of the word lines of inactive rows [V].
        driven: which end of a 1T1R cell is at the input line.
        conductance_min: lowest conductance that programming uses [S].
        conductance_max: highest conductance that programming uses [S].
    """

    topology: Literal["1R", "1S1R", "1T1R"]
    device: Name
    device_subcircuit: DeviceSubcircuit | None = None
    selector: Name | None = None
    access_transistor: Name | None = None
    access_subcircuit: AccessSubcircuit | None = None
    gate_voltage: Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None = None
    gate_voltage_off: Annotated[float, Field(ge=-10, le=10, allow_inf_nan=False)] = 0.0
    driven: Literal["device", "transistor"] = "device"
    conductance_min: Positive
    conductance_max: Positive

    @model_validator(mode="after")
    def _parts_match_topology(self) -> Self:
        transistor_fields = (self.access_transistor, self.gate_voltage)
        if self.topology == "1T1R" and None in transistor_fields:
            raise ValueError("a 1T1R cell needs both `access_transistor` and `gate_voltage`")
        if self.topology != "1T1R" and transistor_fields != (None, None):
            raise ValueError(
                f"a {self.topology} cell has no `access_transistor` and no `gate_voltage`"
            )
        if (self.topology == "1S1R") != (self.selector is not None):
            raise ValueError("a 1S1R cell, and no other, needs a `selector`")
        if self.driven == "transistor" and self.topology != "1T1R":
            raise ValueError("only a 1T1R cell can be driven at its transistor")
        if self.conductance_min >= self.conductance_max:
            raise ValueError("`conductance_min` must be below `conductance_max`")
        return self

    @classmethod
    def later_fields(cls) -> tuple[tuple[str, Any], ...]:
        """Fields that cells did not always have, with what they are without."""
        names = ("selector", "gate_voltage_off", "driven", "device_subcircuit", "access_subcircuit")
        return tuple((name, cls.model_fields[name].default) for name in names)

    @property
    def has_subcircuits(self) -> bool:
        """Whether a part of the cell is SPICE text."""
        return SUBCIRCUIT in {self.device, self.access_transistor}

    @model_validator(mode="after")
    def _subcircuits_are_announced(self) -> Self:
        for name, table in (("device", "device"), ("access_transistor", "access")):
            table = f"{table}_subcircuit"
            if (getattr(self, name) == SUBCIRCUIT) != (getattr(self, table) is not None):
                raise ValueError(f'`{name} = "subcircuit"` and a table `{table}` need each other')
        return self
