"""Cells that only SPICE knows: tables for the solver, and the same circuit for ngspice.

A PDK gives its transistors as subcircuits around a BSIM model that ngspice has built in. This
module measures such an element in ngspice on a grid, once, and makes a table of it:

    transistor = SpiceTransistor("nch", TEXT, gate_voltage=1.2)
    table = tabulated(transistor, 0.0, 0.3)
    solver = TileSolver(spec, cell=tile_cell(spec, access=table))
    bench = native_testbench(spec, G, X, transistor)          # the reference, for ngspice

The error that a table states is measured too, at points between those that it is made from.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

from compact_models.errors import InputError, SpecError
from cosim.ngspice import DcSweep, Simulation, run_many
from cosim.solver.table import FEWEST_POINTS, Axis, Kind, Table
from netlists.cells import Gates, load_cell
from netlists.si_numbers import literal
from netlists.specs import TileSpec
from netlists.spice import Netlist, instance, single_line, voltage_source
from netlists.testbench import ReadTestbench, read_testbench


Grid = Float[np.ndarray, "first second"]

# Leakage out of the channel limits what a two-terminal table can say; see `Table.error`.
OPTIONS = "reltol=1e-9 abstol=1e-18 vntol=1e-12 gmin=1e-15"
GATE_NODE = "gate_read"
SWEPT = "vswept"
# First voltage across a transistor, in steps: at 0 V there is no conductance to measure.
AWAY = 0.1
# Points of a table along each axis, when no step is given.
POINTS = 80


@dataclass(frozen=True)
class SpiceTransistor:
    """A transistor as SPICE text.

    Attributes:
        name: of the subcircuit, with the terminals drain, gate, source and bulk in this order.
        definitions: the `.subckt` and the `.model` it needs; or `.lib` and `.include` lines.
        gate_voltage: of the read [V]; the bulk is at 0 V.
        parameters: of each instance, `w=… l=…`.
        reads_files: whether the definitions name files.
    """

    name: str
    definitions: str
    gate_voltage: float
    parameters: str = ""
    reads_files: bool = False

    @classmethod
    def of_model(
        cls, model: str, definition: str, gate_voltage: float, sizes: str
    ) -> SpiceTransistor:
        """A transistor from a `.model` alone.

        Args:
            model: name of the model.
            definition: its `.model` text.
            gate_voltage: of the read [V].
            sizes: of each transistor, `w=1u l=0.13u`.
        """
        name = f"{single_line(model, 'the name of a model')}_cell"
        channel = f"m1 d g s b {model} {single_line(sizes, 'the sizes of a transistor')}"
        text = f"{definition}\n.subckt {name} d g s b\n{channel}\n.ends"
        return cls(name, text, gate_voltage)


@dataclass(frozen=True)
class SpiceDevice:
    """A programmable two-terminal device as SPICE text.

    Attributes:
        name: of the subcircuit; input-line terminal first.
        definitions: the `.subckt` and what it needs.
        parameter: the subcircuit's parameter that differs from cell to cell.
        settings: the other parameters of each instance.
        reads_files: whether the definitions name files.
    """

    name: str
    definitions: str
    parameter: str
    settings: str = ""
    reads_files: bool = False


def tabulated(
    element: SpiceTransistor | SpiceDevice,
    low: float,
    high: float,
    *,
    parameters: tuple[float, float] | None = None,
    points: int = POINTS,
    temperature: float = 300.15,
) -> Table:
    """Measure an element in ngspice and make a table of it.

    Args:
        element: what to measure.
        low: lowest voltage that a line of the tile can have [V]; 0 V is always covered.
        high: highest voltage that a line of the tile can have [V].
        parameters: lowest and highest value of a device's parameter.
        points: along each axis.
        temperature: of the element [K].

    Raises:
        InputError: an empty range, or a current that does not rise with the voltage.
        SimulationFailed: ngspice finds no solution.
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if not high > low or points < FEWEST_POINTS:
        raise InputError(
            f"a table of {points} points from {low:g} to {high:g} V is asked for; it needs "
            f"{FEWEST_POINTS} or more over a range that is not empty; give low < high"
        )
    if isinstance(element, SpiceTransistor):
        step = (high - low) / (points - 1)
        first, second = Axis(AWAY * step, step, points), Axis(low, step, points)
        kind, gate = Kind.TRANSISTOR, element.gate_voltage
    else:
        # An even number of points, so that none lies at 0 V.
        step = 2 * (high - low) / (points + points % 2 - 1)
        first = Axis(low - high, step, points + points % 2)
        second = _parameter_axis(parameters, points)
        kind, gate = Kind.DEVICE, None
    measured = _measured(element, first, second, temperature)
    table = Table.of(kind, first, second, measured, gate)
    return replace(table, error=_error(table, element, temperature))


def _parameter_axis(parameters: tuple[float, float] | None, points: int) -> Axis:
    """The axis of a device's parameter.

    Raises:
        InputError: no range is given, or an empty one.
    """
    if parameters is None or not parameters[1] > parameters[0]:
        raise InputError(
            f"parameters is {parameters}; a device needs the lowest and the highest value of its "
            "parameter; give (low, high)"
        )
    return Axis(parameters[0], (parameters[1] - parameters[0]) / (points - 1), points)


def _error(table: Table, element: SpiceTransistor | SpiceDevice, temperature: float) -> float:
    """The largest relative error of the conductance between the points of the table.

    A transistor is measured with its terminals exchanged, so that the error holds its asymmetry; a
    device away from ground and behind it, so that it holds leakage, and what does not depend on the
    voltage across alone.
    """
    first, second = (
        Axis(axis.low + 0.4 * axis.step, axis.step, axis.count - 1)
        for axis in (table.first, table.second)
    )
    measured = _measured(element, first, second, temperature, exchanged=True)
    x, y = np.meshgrid(first.points, second.points, indexing="ij")
    if table.kind is Kind.TRANSISTOR:
        found = table.evaluate(y, x + y)[0] / -x
    else:
        found = table.evaluate(x, np.zeros_like(x), y)[0] / x
    return float(np.abs(found / measured - 1.0)[table.reachable(x, y)].max())


def _measured(
    element: SpiceTransistor | SpiceDevice,
    first: Axis,
    second: Axis,
    temperature: float,
    *,
    exchanged: bool = False,
) -> Grid:
    """Static conductances [S] on a grid, from one sweep of ngspice."""
    simulation = _simulation(element, first, second, temperature, exchanged=exchanged)
    currents = run_many([simulation], workers=1)[0].matrix(simulation.outputs)
    return currents / first.points[:, None]


def _simulation(
    element: SpiceTransistor | SpiceDevice,
    first: Axis,
    second: Axis,
    temperature: float,
    *,
    exchanged: bool,
) -> Simulation:
    """One element per point of the second axis, all swept along the first.

    Exchanged, a transistor has its terminals the other way round; a device has both of its own
    raised, and its current is measured behind it.
    """
    lines = [voltage_source(SWEPT, "swept", "0", first.low)]
    transistor = isinstance(element, SpiceTransistor)
    for number, value in enumerate(second.points):
        upper, top, lower = f"u{number}", f"t{number}", f"l{number}"
        lines.append(f"eacross_{number} {upper} {lower} swept 0 1")
        above_ground = value if transistor else first.high * exchanged
        lines.append(voltage_source(f"vlow_{number}", lower, "0", above_ground))
        if isinstance(element, SpiceTransistor):
            drain, source = (lower, top) if exchanged else (top, lower)
            nodes = (drain, GATE_NODE, source, "0")
            lines.append(instance(f"x{number}", nodes, element.name, element.parameters))
        else:
            setting = f"{element.parameter}={literal(value)} {element.settings}"
            ends = (upper, top) if exchanged else (top, lower)
            lines.append(instance(f"x{number}", ends, element.name, setting))
        sensor = (top, lower) if exchanged and not transistor else (upper, top)
        lines.append(voltage_source(f"vsense_{number}", *sensor, 0.0))
    if isinstance(element, SpiceTransistor):
        lines.append(voltage_source("vgate", GATE_NODE, "0", element.gate_voltage))
    outputs = tuple(f"i(vsense_{number})" for number in range(second.count))
    netlist = Netlist(
        f"table of {element.name}",
        tuple(lines),
        (element.definitions,),
        temperature,
        outputs=outputs,
    )
    # The last point must not be lost to rounding.
    sweep = DcSweep(SWEPT, first.low, first.high + 1e-3 * first.step, first.step)
    return Simulation(netlist.text(options=OPTIONS), sweep, outputs, element.reads_files)


def native_testbench(
    spec: TileSpec, conductances: ArrayLike, inputs: ArrayLike, transistor: SpiceTransistor
) -> ReadTestbench:
    """The read testbench of a 1T1R tile with a SPICE transistor in place of its own.

    Raises:
        SpecError: the cells of the tile have no access transistor.
    """
    parts = load_cell(spec)
    model = parts.access_model(Gates.HELD)
    if model is None:
        raise SpecError(
            f"the cells of {spec.name} are {spec.cell.topology}; a transistor replaces the one of "
            "a 1T1R cell; change cell.topology"
        )
    bench = read_testbench(spec, conductances, inputs, parts, Gates.HELD)
    own = parts.definitions(Gates.HELD)
    held = "\n".join(
        (
            f".global {GATE_NODE}",
            transistor.definitions,
            f".subckt {model.name} drain source",
            instance(
                "xheld",
                ("drain", GATE_NODE, "source", "0"),
                transistor.name,
                transistor.parameters,
            ),
            ".ends",
        )
    )
    gate = voltage_source("vgate", GATE_NODE, "0", transistor.gate_voltage)
    netlist = replace(bench.netlist, definitions=(*own[:-1], held)).with_elements(gate)
    return replace(bench, netlist=netlist)
