"""The netlist of a whole tile: crossbar, word lines and sensing, without what drives its inputs."""

from __future__ import annotations

from numpy.typing import ArrayLike

from netlists import names
from netlists.arrays import checked_conductances
from netlists.cells import CellParts, Gates, cell_lines, device_parameters, load_cell
from netlists.crossbar import input_line_lines, output_line_lines
from netlists.drivers import wordline_lines
from netlists.external import external_netlist
from netlists.sensing import virtual_ground_lines
from netlists.specs import TileSpec
from netlists.spice import Netlist


def tile_netlist(
    spec: TileSpec,
    conductances: ArrayLike,
    parts: CellParts | None = None,
    gates: Gates = Gates.WORDLINES,
) -> Netlist:
    """A tile whose cells have given conductances.

    Args:
        spec: the tile.
        conductances: one value per cell [S], `[rows, cols]`.
        parts: the cell's compact models when they are already loaded.
        gates: whether access transistors have their word lines, or held gates.

    Returns:
        A netlist whose driver nodes `in_0`, `in_1`, … are still open, with one output vector
        `i(vsense_c)` per column, positive into the sensor.

    Raises:
        ShapeError: conductances of the wrong shape or not finite.
        CardError: a conductance outside the range of the device's card.
        SpecError: the netlist of an external tile lacks what its specification names.
    """
    checked = checked_conductances(spec, conductances)
    if spec.external is not None:
        return external_netlist(spec, checked)
    parts = parts or load_cell(spec)
    parameters = device_parameters(parts, checked)
    elements = (
        *input_line_lines(spec),
        *output_line_lines(spec),
        *cell_lines(spec, parts, parameters, gates),
        *(wordline_lines(spec) if parts.has_wordlines(gates) else ()),
        *virtual_ground_lines(spec),
    )
    return Netlist(
        title=f"tile {spec.name}: {spec.rows} x {spec.cols} {spec.cell.topology}",
        elements=elements,
        definitions=parts.definitions(gates),
        temperature=spec.temperature,
        inputs=tuple(names.driver_node(row) for row in range(spec.rows)),
        outputs=tuple(names.sense_current(col) for col in range(spec.cols)),
    )
