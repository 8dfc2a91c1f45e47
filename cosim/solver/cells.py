"""The cells of a tile, compiled for the solver from the same models as the netlist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float

from compact_models import CompactModel, Device, NumbaKernel, compile_text
from compact_models.errors import CardError, SpecError
from compact_models.veriloga.equations import defaults, frozen
from compact_models.veriloga.expressions import symbol
from compact_models.veriloga.to_numba import numba_kernel
from cosim.solver.cell_call import FIRST_PARAMETER, STEP_CLIP, STEP_LIMIT
from cosim.solver.cell_source import Element, Part, cell_text, sensitivity_text
from cosim.solver.generated import module_of
from cosim.solver.table import Table
from netlists.cells import CellParts, load_cell
from netlists.specs import TileSpec


Array = Float[np.ndarray, "..."]

# Below the thermal voltage, the sharpest exponential that a cell can hold; a middle node nearer to
# its equilibrium than this is left to the steps of the whole tile.
LOCAL_STEP_LIMIT = 0.02
LOCAL_STEP_CLIP = 0.1
# Currents of a two-terminal element may differ by rounding only.
BALANCE = 1e-9

RESISTOR = """
`include "disciplines.vams"
module resistor(te, be);
    inout te, be;
    electrical te, be;
    parameter real conductance = 1e-6;
    analog I(te, be) <+ conductance * V(te, be);
endmodule
"""


@dataclass(frozen=True, eq=False)
class SolverCell:
    """A cell that kernels can call.

    Attributes:
        function: the compiled function; kept because its address is used.
        single: the same in single precision.
        shared: parameters that all cells have in common.
        device: what turns a conductance into the device parameter; `None` for an ideal resistor.
        elements: the parts, device first.
        turned: whether the device is at the output line; each element's `near` is then the terminal
            towards that line, and the cell's current is the reverse of theirs.
    """

    function: Any
    single: Any
    shared: np.ndarray
    device: Device | None
    elements: tuple[Part, ...]
    turned: bool = False

    def companion(self, *, single: bool) -> Any:  # noqa: ANN401
        """The compiled function for gradients, made when it is first needed."""
        device, *others = self.elements
        access = others[0] if others else None
        text = sensitivity_text(device, access, FIRST_PARAMETER, single=single, turned=self.turned)
        return module_of(text).cell

    def parameters(self, conductances: Array) -> Array:
        """The device parameter of each conductance [S].

        Raises:
            CardError: a conductance outside the card's range, or a negative one.
        """
        if self.device is None:
            values = np.asarray(conductances, dtype=np.float64)
            if values.size and values.min() < 0.0:
                raise CardError(
                    f"conductances reach {values.min():g} S; a resistor has 0 S or more; "
                    "map signed weights to pairs of columns"
                )
            return values
        return self.device.parameter_for(conductances)

    def assert_covers(self, low: float, high: float, parameters: Array) -> None:
        """Tables among the elements must hold every voltage that these inputs [V] can cause.

        Raises:
            InputError: one of them does not.
        """
        for part in self.elements:
            if isinstance(part, Table):
                part.assert_covers(low, high, parameters)

    def assert_gate(self, gate_voltage: Array) -> None:
        """A tabulated transistor stands for one gate voltage.

        Raises:
            SpecError: a line of the circuit has another one.
        """
        for part in self.elements:
            gate = part.gate if isinstance(part, Table) else None
            if gate is not None and (gate_voltage != gate).any():
                raise SpecError(
                    f"gate_voltage: {gate_voltage[gate_voltage != gate][0]:g} V is given; the "
                    f"transistor's table was extracted at {gate:g} V; extract another one"
                )

    def with_values(self, values: Mapping[tuple[int, str], float]) -> SolverCell:
        """The same cell with other numbers, given by (position of the element, parameter)."""
        if not values:
            return self
        elements = tuple(
            replace(part, values={**part.values, **_own(values, position)})
            if isinstance(part, Element)
            else part
            for position, part in enumerate(self.elements)
        )
        shared = self.shared.copy()
        shared[FIRST_PARAMETER:] = [number for part in elements for number in part.numbers]
        return replace(self, shared=shared, elements=elements)


def _own(values: Mapping[tuple[int, str], float], position: int) -> dict[str, float]:
    return {name: float(value) for (place, name), value in values.items() if place == position}


def tile_cell(
    spec: TileSpec,
    parts: CellParts | None = None,
    access: Table | None = None,
    device: Table | None = None,
) -> SolverCell:
    """The cell of a tile.

    Args:
        spec: the tile.
        parts: the cell's compact models when they are already loaded.
        access: a tabulated transistor that replaces the one of the spec.
        device: a tabulated device that replaces the one of the spec.

    Raises:
        CardError: a card is unknown or malformed.
        SpecError: the cell is not one that the solver can reduce to two terminals, or is a
            subcircuit without its table.
    """
    turned = spec.cell.driven == "transistor"
    parts = parts or load_cell(spec)
    for text, table in ((parts.device_subcircuit, device), (parts.access_subcircuit, access)):
        if text is not None and table is None:
            raise SpecError(
                f"cell: {text.name} is a subcircuit, which the solver knows from a table only; use "
                "SolverEngine, or give TileSolver cosim.cell_tables.tabulated_cell(...).cell"
            )
    if turned and not (device is None and access is None):
        raise SpecError(
            "cell.driven: a cell that is driven at its transistor is reduced from compiled models, "
            "not from tables; use the ngspice engine for this tile"
        )
    own = _device_of(parts, turned=turned) if device is None else device
    programmable = parts.device if device is None else None
    if parts.selector is not None:
        values = {
            **parts.selector.card.values,
            parts.selector.model.system.temperature: spec.temperature,
        }
        return series_cell(own, element(parts.selector.model, values), programmable)
    if access is not None or parts.transistor is None:
        return series_cell(own, access, programmable)
    model, card = parts.transistor.model, parts.transistor.card
    values = {**card.values, model.system.temperature: spec.temperature}
    near, far = ("s", "d") if turned else ("d", "s")
    transistor = element(model, values, near=near, far=far, held={"g": "gate", "b": "0.0"})
    return series_cell(own, transistor, programmable, turned=turned)


def _device_of(parts: CellParts, *, turned: bool) -> Element:
    """The compiled device of a cell, or an ideal resistor."""
    model, values, varying = compile_text(RESISTOR), {}, "conductance"
    if parts.device is not None:
        model, values = parts.device.model, parts.device.values
        varying = parts.device.range.parameter
    near, far = reversed(model.ports) if turned else model.ports
    return element(model, values, varying=varying, near=near, far=far)


def element(
    model: CompactModel,
    values: Mapping[str, float],
    varying: str | None = None,
    near: str | None = None,
    far: str | None = None,
    held: Mapping[str, str] | None = None,
) -> Element:
    """A model as part of a cell.

    Args:
        model: the compiled model.
        values: parameters that differ from the model's defaults, temperature included.
        varying: the parameter that differs from cell to cell.
        near: the terminal towards the input line; the first port when not given.
        far: the terminal towards the output line; the second port when not given.
        held: what the other terminals are at: `gate`, or a number in volt.

    Raises:
        SpecError: the model has unknowns beyond these terminals, or does not carry the same current
            through both.
    """
    near, far = near or model.ports[0], far or model.ports[1]
    held = dict(held or {})
    kernel = dc_kernel(model, () if varying is None else (varying,))
    terminals = set(kernel.unknowns) - {varying}
    if terminals != {near, far, *held}:
        raise SpecError(
            f"cell: {model.name} has the DC unknowns {', '.join(terminals)}; the solver "
            f"takes elements with the terminals {', '.join((near, far, *held))} and nothing else; "
            "use the ngspice engine for this cell"
        )
    every = defaults(model.system, dict(values))
    part = Element(model, kernel, near, far, every, varying, held)
    _check_balance(model, part)
    return part


@cache
def dc_kernel(model: CompactModel, varying: tuple[str, ...]) -> NumbaKernel:
    """The DC equations of a model; parameters that vary become unknowns, for their slopes."""
    system = frozen(model.system)
    if not varying:
        return numba_kernel(system)
    mapped = system.mapped({symbol("parameter", name): symbol("node", name) for name in varying})
    return numba_kernel(replace(mapped, nodes=(*mapped.nodes, *varying)))


def current_slopes(
    part: Element, at: Mapping[str, Array | float], names: tuple[str, ...]
) -> dict[str, Array]:
    """Slopes of the current into an element's near terminal in some of its parameters.

    Args:
        part: the element.
        at: voltages of its terminals [V] and its varying parameter, arrays that broadcast.
        names: the parameters.
    """
    kernel = dc_kernel(part.model, names)
    known = {**part.values, **at}
    points = np.broadcast_arrays(*(np.asarray(known[name], float) for name in kernel.unknowns))
    others = np.broadcast_arrays(
        points[0], *(np.asarray(known[name], float) for name in kernel.parameters)
    )[1:]
    x = np.stack([values.ravel() for values in points], axis=1)
    p = np.stack([values.ravel() for values in others], axis=1) if others else np.zeros((len(x), 0))
    slopes = kernel.jacobians(kernel.evaluate(x, p))[0][:, kernel.residuals.index(part.near)]
    shape = points[0].shape
    return {name: slopes[:, kernel.unknowns.index(name)].reshape(shape) for name in names}


def _check_balance(model: CompactModel, part: Element) -> None:
    """Current in must be current out: nothing may leave through a gate or bulk in DC."""
    import torch

    grid = torch.linspace(-0.5, 0.7, 5, dtype=torch.float64)
    near, far = torch.meshgrid(grid, grid, indexing="ij")
    others = {name: 1.0 if what == "gate" else float(what) for name, what in part.held.items()}
    function = model.to_torch(frozen=True)
    needed = {name: part.values[name] for name in function.parameters}
    rows = function({part.near: near, part.far: far, **others}, needed)
    into, out = rows[part.near][0], rows[part.far][0]
    if not bool(((into + out).abs() <= BALANCE * into.abs() + 1e-15).all()):
        raise SpecError(
            f"cell: in DC {model.name} carries different currents at {part.near} and {part.far}; "
            "the solver takes elements without leakage to other terminals; use the ngspice engine"
        )


def series_cell(
    device: Part,
    access: Part | None = None,
    programmable: Device | None = None,
    *,
    turned: bool = False,
) -> SolverCell:
    """A device alone, or in series with an access element on the output-line side.

    Args:
        device: the element whose `varying` parameter differs from cell to cell.
        access: a transistor with its gate held, or a two-terminal selector.
        programmable: what turns conductances into values of that parameter.
        turned: whether the device is on the output-line side and the access element on the other.
    """
    elements = (device,) if access is None else (device, access)
    double, single = (
        module_of(cell_text(device, access, FIRST_PARAMETER, single=one, turned=turned)).cell
        for one in (False, True)
    )
    values = [number for part in elements for number in part.numbers]
    shared = np.zeros(FIRST_PARAMETER + len(values))
    shared[STEP_LIMIT], shared[STEP_CLIP] = LOCAL_STEP_LIMIT, LOCAL_STEP_CLIP
    shared[FIRST_PARAMETER:] = values
    return SolverCell(double, single, shared, programmable, elements, turned)
