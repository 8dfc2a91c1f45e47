"""Cells: what stands at a crosspoint, and which device parameter carries its conductance.

1R     input line ── device ── output line

1S1R   input line ── device ── m ── selector ── output line

1T1R   input line ── device ── m ── access transistor ── output line, or the other way round
                                    gate = word line, bulk = 0 V
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from jaxtyping import Float

from compact_models import CompactModel, Device, load_card, load_model
from compact_models.errors import SpecError
from netlists import names
from netlists.cell_spec import SUBCIRCUIT, CellSpec
from netlists.si_numbers import literals, readable
from netlists.specs import TileSpec
from netlists.subcircuits import SpiceElement, load_subcircuit


IDEAL_RESISTOR = "resistor"
TEMPERATURE = "temperature"
READ_LIMIT = 10.0  # V; inputs reach 2 V and gates 10 V at most, and no node lies outside of them


class Gates(Enum):
    """How the gates of a 1T1R tile are written."""

    WORDLINES = "one node per row, driven by a source"
    HELD = "folded into the transistor's model"


@dataclass(frozen=True)
class CellParts:
    """The compact models of a cell, loaded.

    Attributes:
        device: the programmable device; `None` for an ideal resistor.
        transistor: the access transistor; `None` without one.
        gate_voltage: of the access transistor [V]; `None` without one.
        gate_voltage_off: of the transistors of inactive rows [V]; `None` without such rows.
        selector: the selector; `None` without one.
        device_subcircuit: the device where it is SPICE text; `device` is `None` then.
        access_subcircuit: the transistor where it is SPICE text; `transistor` is `None` then.
        level: what the crossbar's 0 V is in a deck [V]; gates and bulks are relative to it.
    """

    device: Device | None
    transistor: Device | None
    gate_voltage: float | None = None
    gate_voltage_off: float | None = None
    selector: Device | None = None
    device_subcircuit: SpiceElement | None = None
    access_subcircuit: SpiceElement | None = None
    level: float = 0.0
    _definitions: dict[Gates, tuple[str, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def access(self) -> Device | None:
        """The compiled element in series with the device: transistor or selector."""
        return self.transistor or self.selector

    def access_model(self, gates: Gates, *, active: bool = True) -> CompactModel | None:
        """The element in series with the device as the netlist has it; `active` is the row."""
        if self.selector is not None:
            return self.selector.model
        gate = self.gate_voltage if active else self.gate_voltage_off
        if self.transistor is None or gate is None:
            return None
        model = self.transistor.model
        if gates is Gates.WORDLINES:
            return model
        held = {"g": gate + self.level, "b": self.level}
        return model.held(held, name=f"{model.name}_{'read' if active else 'off'}")

    @property
    def subcircuits(self) -> tuple[SpiceElement, ...]:
        """The elements that are SPICE text."""
        both = (self.device_subcircuit, self.access_subcircuit)
        return tuple(part for part in both if part is not None)

    @property
    def reads_files(self) -> bool:
        """Whether a deck of this cell names files."""
        return any(part.reads_files for part in self.subcircuits)

    def has_wordlines(self, gates: Gates) -> bool:
        """Whether the gates are nodes; those of SPICE text always are."""
        has_gates = self.transistor is not None or self.access_subcircuit is not None
        return has_gates and (gates is Gates.WORDLINES or self.access_subcircuit is not None)

    def definitions(self, gates: Gates) -> tuple[str, ...]:
        """The subcircuits that the cells of a read netlist use, states frozen; written once."""
        if gates not in self._definitions:
            self._definitions[gates] = self._written_definitions(gates)
        return self._definitions[gates]

    def _written_definitions(self, gates: Gates) -> tuple[str, ...]:
        texts = list(dict.fromkeys(part.definition for part in self.subcircuits))
        if self.device is not None:
            texts.append(
                self.device.model.to_ngspice(
                    frozen=True, values=self.device.values, within=READ_LIMIT
                )
            )
        if self.access is not None:
            values = {**self.access.card.values, TEMPERATURE: self.access.temperature}
            models = [self.access_model(gates, active=active) for active in (True, False)]
            different = {model.name: model for model in models if model is not None}
            texts += [
                model.to_ngspice(frozen=True, values=values, within=READ_LIMIT)
                for model in different.values()
            ]
        return tuple(texts)


def load_cell(spec: TileSpec) -> CellParts:
    """Load the compact models that a tile's cells name.

    Raises:
        CardError: a card is unknown or malformed.
        SpecError: the conductance range of the spec is wider than the device card's.
    """
    cell = spec.cell
    device, transistor, selector = None, None, None
    if cell.device not in {IDEAL_RESISTOR, SUBCIRCUIT}:
        device = _device(cell.device, spec.temperature)
        _check_range(cell, device)
    if cell.access_transistor not in {None, SUBCIRCUIT}:
        transistor = _device(cell.access_transistor, spec.temperature)
    if cell.selector is not None:
        selector = _device(cell.selector, spec.temperature)
    own, access = cell.device_subcircuit, cell.access_subcircuit
    return CellParts(
        device,
        transistor,
        gate_voltage=cell.gate_voltage,
        gate_voltage_off=cell.gate_voltage_off if spec.inactive_rows else None,
        selector=selector,
        device_subcircuit=None if own is None else load_subcircuit(own),
        access_subcircuit=None if access is None else load_subcircuit(access),
    )


def _device(card_name: str, temperature: float) -> Device:
    """One compact model with the values of a card."""
    card = load_card(card_name)
    return Device(load_model(card.model), card, temperature=temperature)


def _check_range(cell: CellSpec, device: Device) -> None:
    """The device must be programmable, over at least the range that the spec asks for."""
    allowed = device.card.conductance
    if allowed is None:
        raise SpecError(
            f"cell.device: the card {device.card.name} has no [conductance] table, so nothing in "
            "it can be programmed; choose the card of a memory device"
        )
    if cell.conductance_min < allowed.low or cell.conductance_max > allowed.high:
        raise SpecError(
            f"cell.conductance_min/max: {readable(cell.conductance_min, 'S')} to "
            f"{readable(cell.conductance_max, 'S')} is given; the card {device.card.name} allows "
            f"{readable(allowed.low, 'S')} to {readable(allowed.high, 'S')}; stay inside it"
        )


def device_parameters(
    parts: CellParts, conductances: Float[np.ndarray, "rows cols"]
) -> Float[np.ndarray, "rows cols"]:
    """The value of each device's conductance parameter (ohm for an ideal resistor).

    A subcircuit takes the conductance itself.

    Raises:
        CardError: a conductance outside the card's range.
    """
    if parts.device_subcircuit is not None:
        return conductances
    if parts.device is None:
        return 1.0 / conductances
    return parts.device.parameter_for(conductances)


def cell_lines(
    spec: TileSpec,
    parts: CellParts,
    parameters: Float[np.ndarray, "rows cols"],
    gates: Gates,
    ground: str = "0",
) -> Iterator[str]:
    """The elements of every cell, row by row; bulks at the crossbar's `ground`."""
    shape = (spec.rows, spec.cols)
    values = literals(parameters)
    tops, bottoms = names.input_line_nodes(*shape), names.output_line_nodes(*shape)
    in_series = _access_text(parts, gates, active=True) is not None
    middles = names.middle_nodes(*shape) if in_series else bottoms
    device_first = spec.cell.driven == "device"
    for row in range(spec.rows):
        outer, inner = tops[row], middles[row]
        ends = (outer, inner) if device_first else (inner, bottoms[row])
        cells = [top[2:] for top in tops[row]]
        yield from _device_lines(parts, cells, *ends, values[row])
        if in_series:
            near, far = (inner, bottoms[row]) if device_first else (outer, inner)
            text = _access_text(parts, gates, active=row not in spec.inactive_rows)
            gate, bulk = "", ""
            if parts.has_wordlines(gates):
                gate, bulk = f"{names.wordline_node(row)} ", f"{ground} "
            for cell, drain, source in zip(cells, near, far, strict=True):
                yield f"xfet{cell} {drain} {gate}{source} {bulk}{text}"


def _access_text(parts: CellParts, gates: Gates, *, active: bool) -> str | None:
    """What the lines of access elements end with; `None` without such elements."""
    if parts.access_subcircuit is not None:
        return parts.access_subcircuit.name + parts.access_subcircuit.settings
    model = parts.access_model(gates, active=active)
    return None if model is None else model.name


def _device_lines(
    parts: CellParts,
    cells: Iterable[str],
    tops: Iterable[str],
    bottoms: Iterable[str],
    values: Iterable[str],
) -> Iterator[str]:
    """The devices of one row, between two nodes each."""
    element, setting, more = "rdev", "", ""
    if parts.device_subcircuit is not None:
        text = parts.device_subcircuit
        element, setting, more = "xdev", f"{text.name} {text.parameter}=", text.settings
    elif parts.device is not None:
        element = "xdev"
        setting = f"{parts.device.model.name} {parts.device.range.parameter}="
    for cell, top, bottom, value in zip(cells, tops, bottoms, values, strict=True):
        yield f"{element}{cell} {top} {bottom} {setting}{value}{more}"
