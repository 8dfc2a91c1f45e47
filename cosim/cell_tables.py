"""The tables of a tile whose cells are SPICE text: measured in ngspice once, and kept.

A `TileSpec` names the text (`netlists.subcircuits`); ngspice simulates it as it stands, the solver
takes a table of it (`cosim.solver.table`). A table covers the voltages that a tile's inputs can
cause, states its error, and is refused where that is large.

    made = tabulated_cell(spec, 0.0, 0.2)
    TileSolver(spec, cell=made.cell), made.error
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from compact_models.errors import SpecError
from cosim import spice_cells
from cosim.ngspice import ngspice_info
from cosim.solver import table as tables
from cosim.solver.cells import SolverCell, tile_cell
from cosim.solver.generated import cache_folder, patience
from cosim.solver.table import Axis, Kind, Table
from cosim.spice_cells import SpiceDevice, SpiceTransistor, tabulated
from netlists.cells import load_cell
from netlists.specs import TileSpec
from netlists.subcircuits import SpiceElement


# The largest error of a table, relative, of the conductance, that a tile is computed with.
LIMIT = 1e-3


@dataclass(frozen=True, eq=False)
class TabulatedCell:
    """A cell with tables for its subcircuits.

    Attributes:
        cell: for the solver.
        low: lowest input that it covers [V].
        high: highest input that it covers [V].
        error: largest error of any of its tables, relative, of the static conductance.
    """

    cell: SolverCell
    low: float
    high: float
    error: float


def tabulated_cell(spec: TileSpec, low: float, high: float) -> TabulatedCell:
    """The cell of a tile, with tables that cover inputs from `low` to `high` [V].

    Tables are kept on disk, under the text that they were measured from; what a library's file
    names in turn is taken as unchanged.

    Raises:
        SpecError: the cells have no subcircuits, or one that two-terminal tables cannot describe.
        InputError: an element whose current does not rise with its voltage.
        SimulationFailed: ngspice finds no solution.
    """
    parts = load_cell(spec)
    device, access = parts.device_subcircuit, parts.access_subcircuit
    found: dict[str, Table] = {}
    if device is not None:
        wanted = SpiceDevice(
            device.name, device.definition, device.parameter, device.settings, device.reads_files
        )
        limits = (spec.cell.conductance_min, spec.cell.conductance_max)
        found["device"] = _table(wanted, device, (low, high), limits, spec.temperature)
    if access is not None:
        gate = spec.cell.gate_voltage or 0.0
        transistor = SpiceTransistor(
            access.name, access.definition, gate, access.settings, access.reads_files
        )
        found["access"] = _table(transistor, access, (low, high), None, spec.temperature)
    if not found:
        raise SpecError(f"the cells of {spec.name} have no subcircuits; use TileSolver(spec)")
    error = max(table.error for table in found.values())
    return TabulatedCell(tile_cell(spec, parts, **found), low, high, error)


@cache
def _ngspice() -> int:
    """The version of ngspice; a child process is started to find it."""
    return ngspice_info().version


@cache
def _table(
    element: SpiceTransistor | SpiceDevice,
    text: SpiceElement,
    volts: tuple[float, float],
    parameters: tuple[float, float] | None,
    temperature: float,
) -> Table:
    """The table of an element, from disk or from ngspice; says once what its error is."""
    sources = [Path(str(module.__file__)).read_bytes() for module in (tables, spice_cells)]
    key = repr((element, text.digest, volts, parameters, temperature, _ngspice()))
    digest = hashlib.sha256(b"|".join([key.encode(), *sources])).hexdigest()[:24]
    path = cache_folder() / f"table_{digest}.npz"
    made = _loaded(path) if path.exists() else None
    if made is None:
        with patience(f"measuring {element.name} in ngspice"):
            made = tabulated(element, *volts, parameters=parameters, temperature=temperature)
        _keep(path, made)
    if not made.error <= LIMIT:
        raise SpecError(
            f"cell: the table of {element.name} has an error of {made.error:.1g}; allowed is "
            f"{LIMIT:g}: its current depends on more than the voltages of two terminals, or has "
            "corners; use the ngspice engine for this cell"
        )
    note = f"cosim: {element.name} is solved from a table with an error of {made.error:.1g}"
    sys.stderr.write(f"{note} of its conductance\n")
    return made


def _keep(path: Path, table: Table) -> None:
    """Write a table aside and rename it, because another process may be reading it."""
    handle = tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False)  # noqa: SIM115
    with handle as file:
        np.savez(
            file,
            kind=table.kind.name,
            axes=[[axis.low, axis.step, axis.count] for axis in (table.first, table.second)],
            coefficients=table.coefficients,
            error=table.error,
            gate=np.nan if table.gate is None else table.gate,
        )
    Path(handle.name).replace(path)


def _loaded(path: Path) -> Table | None:
    """A table that was kept; `None` for a file that is none."""
    try:
        with np.load(path) as data:
            first, second = (Axis(low, step, int(count)) for low, step, count in data["axes"])
            gate = float(data["gate"])
            return Table(
                Kind[str(data["kind"])],
                first,
                second,
                data["coefficients"],
                float(data["error"]),
                None if np.isnan(gate) else gate,
            )
    except (OSError, ValueError, KeyError):
        return None
