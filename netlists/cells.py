"""Cells: what stands at a crosspoint, and which device parameter carries its conductance.

1R     input line ── device ── output line

1T1R   input line ── device ── m ── access transistor ── output line
                                    gate = word line, bulk = 0 V
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from compact_models import Device, load_card, load_model
from compact_models.errors import SpecError
from netlists import names
from netlists.si_numbers import literal, readable
from netlists.specs import CellSpec, TileSpec


IDEAL_RESISTOR = "resistor"


@dataclass(frozen=True)
class CellParts:
    """The compact models of a cell, loaded.

    Attributes:
        device: the programmable device; `None` for an ideal resistor.
        transistor: the access transistor; `None` without one.
    """

    device: Device | None
    transistor: Device | None

    def definitions(self) -> tuple[str, ...]:
        """The subcircuits that the cells of a read netlist use, states frozen."""
        parts = (self.device, self.transistor)
        return tuple(
            part.model.to_ngspice(frozen=True, values=part.card.values) for part in parts if part
        )


def load_cell(spec: TileSpec) -> CellParts:
    """Load the compact models that a tile's cells name.

    Raises:
        CardError: a card is unknown or malformed.
        SpecError: the conductance range of the spec is wider than the device card's.
    """
    cell = spec.cell
    device = None if cell.device == IDEAL_RESISTOR else _device(cell.device, spec.temperature)
    transistor = None
    if cell.access_transistor is not None:
        transistor = _device(cell.access_transistor, spec.temperature)
    if device is not None:
        _check_range(cell, device)
    return CellParts(device, transistor)


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

    Raises:
        CardError: a conductance outside the card's range.
    """
    if parts.device is None:
        return 1.0 / conductances
    return parts.device.parameter_for(conductances)


def cell_lines(
    spec: TileSpec, parts: CellParts, parameters: Float[np.ndarray, "rows cols"]
) -> Iterator[str]:
    """The elements of every cell, row by row."""
    prefix = _device_writer(parts)
    transistor = parts.transistor.model.name if parts.transistor else ""
    for row in range(spec.rows):
        wordline = names.wordline_node(row)
        for col in range(spec.cols):
            top = names.input_line_node(row, col)
            bottom = names.output_line_node(row, col)
            device_bottom = names.middle_node(row, col) if transistor else bottom
            value = literal(parameters[row, col])
            yield prefix.format(row=row, col=col, top=top, bottom=device_bottom, value=value)
            if transistor:
                yield f"xfet_{row}_{col} {device_bottom} {wordline} {bottom} 0 {transistor}"


def _device_writer(parts: CellParts) -> str:
    """The format of one device line."""
    if parts.device is None:
        return "rdev_{row}_{col} {top} {bottom} {value}"
    parameter = parts.device.card.conductance.parameter
    return (
        f"xdev_{{row}}_{{col}} {{top}} {{bottom}} {parts.device.model.name} {parameter}={{value}}"
    )
