"""The solver as a torch operation, differentiable in everything that the tile is made of.

    currents = tile_currents(solver, inputs, conductances, Tunable(gate_voltage=..., device={...}))

The forward pass solves the circuit; the backward pass solves the transposed system once and never
differentiates through the iteration. Conductances act through the device parameter that realises
them. Numbers that all cells share, such as a card's parameters, act through the currents of the
cells alone, whose slopes come from the compiled models and are weighted with the adjoint voltages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from compact_models.errors import InputError
from cosim.errors import SimulationFailed
from cosim.solver.arrays import DROP, INSIDE, OUTPUT
from cosim.solver.cell_source import Element
from cosim.solver.cells import current_slopes
from cosim.solver.circuit import Circuit
from cosim.solver.gradients import Gradients, gradients
from cosim.solver.solve import Batch, TileSolver


LINES = ("row_wire", "row_end", "col_wire", "col_end", "gate_voltage")


@dataclass(frozen=True)
class Tunable:
    """Quantities of a tile that replace the solver's own and take gradients.

    Attributes:
        row_wire: segment resistance of the input lines [ohm], one number or one per line.
        row_end: resistance between drivers and first cells [ohm].
        col_wire: segment resistance of the output lines [ohm].
        col_end: resistance between last cells and sensors [ohm].
        gate_voltage: of the access transistors [V], one number or one per row.
        device: parameters of the device's model by name, scalars.
        access: parameters of the access element's model by name, scalars.
    """

    row_wire: Tensor | None = None
    row_end: Tensor | None = None
    col_wire: Tensor | None = None
    col_end: Tensor | None = None
    gate_voltage: Tensor | None = None
    device: Mapping[str, Tensor] = field(default_factory=dict)
    access: Mapping[str, Tensor] = field(default_factory=dict)


NOTHING = Tunable()


def tile_currents(
    solver: TileSolver,
    inputs: Float[Tensor, "*batch samples rows"],
    conductances: Float[Tensor, "*batch rows cols"],
    tunable: Tunable = NOTHING,
) -> Float[Tensor, "*batch samples cols"]:
    """Output currents of a tile [A].

    Args:
        solver: the tile.
        inputs: voltages of the drivers [V].
        conductances: of the devices alone [S], at the values of the solver's own card.
        tunable: further quantities that take gradients.

    Raises:
        InputError: a tunable parameter that the cell's models do not have.
        SimulationFailed: a sample has no solution.
        ShapeError: shapes that do not fit the tile.
        CardError: a conductance outside the range of the device's card.
    """
    if tunable.gate_voltage is not None and not any(
        "gate" in part.held.values() for part in solver.cell.elements
    ):
        raise InputError(
            "gate_voltage is given; the cell has no gate, or a table that was extracted at one "
            "gate voltage; leave it out, or use a compiled transistor"
        )
    parameters = DeviceParameter.apply(solver, conductances)
    lines = {name: getattr(tunable, name) for name in LINES}
    given = {name: value for name, value in lines.items() if value is not None}
    shared = _shared(solver, tunable)
    tensors = (*given.values(), *shared.values())
    return TileCurrents.apply(solver, tuple(given), tuple(shared), inputs, parameters, *tensors)


def _shared(solver: TileSolver, tunable: Tunable) -> dict[tuple[int, str], Tensor]:
    """Shared model parameters by (position of the element, name)."""
    result = {}
    for position, values in enumerate((tunable.device, tunable.access)):
        for name, value in values.items():
            elements = solver.cell.elements
            if position >= len(elements) or name not in elements[position].shared_names:
                known = [", ".join(element.shared_names) for element in elements]
                raise InputError(
                    f"{name} is not a parameter that the cell's "
                    f"{('device', 'access element')[position]} uses; allowed are "
                    f"{' | '.join(known)}; correct the name"
                )
            result[position, name] = value
    return result


class DeviceParameter(torch.autograd.Function):
    """The device parameter that realises a conductance."""

    @staticmethod
    def forward(ctx: Any, solver: TileSolver, conductances: Tensor) -> Tensor:  # noqa: ANN401
        """Invert the device's conductance."""
        parameters = solver.cell.parameters(conductances.detach().cpu().double().numpy())
        ctx.solver = solver
        ctx.like = conductances
        ctx.parameters = np.asarray(parameters)
        return torch.from_numpy(ctx.parameters.copy())

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:  # noqa: ANN401
        """Divide by the slope of the conductance in the parameter."""
        device = ctx.solver.cell.device
        if device is None:
            return None, grad.to(ctx.like)
        part = ctx.solver.cell.elements[0]
        read, name = device.range.read_voltage, device.range.parameter
        top, bottom = (0.0, read) if ctx.solver.cell.turned else (read, 0.0)
        at = {part.near: top, part.far: bottom, name: ctx.parameters}
        slope = torch.from_numpy(current_slopes(part, at, (name,))[name] / (top - bottom))
        return None, (grad / slope).to(ctx.like)


class TileCurrents(torch.autograd.Function):
    """The solution of a tile as a function of inputs, device parameters and tunables."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        solver: TileSolver,
        lines: tuple[str, ...],
        shared: tuple[tuple[int, str], ...],
        inputs: Tensor,
        parameters: Tensor,
        *tensors: Tensor,
    ) -> Tensor:
        """Solve the circuit."""
        tuned = _tuned(solver, lines, shared, tensors)
        X = inputs.detach().cpu().double().numpy()
        batch = tuned.batch(X, parameters.detach().numpy())
        solution = tuned.solve_batch(batch, fields=True)
        if not solution.status.ok:
            raise SimulationFailed(f"solver: {solution.status}")
        ctx.tuned, ctx.batch, ctx.fields = tuned, batch, solution.fields
        ctx.names = (lines, shared)
        ctx.save_for_backward(inputs, parameters, *tensors)
        currents = solution.currents if inputs.ndim > 1 else solution.currents[..., 0, :]
        return torch.from_numpy(currents).to(inputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        """Solve the transposed system, then spread the result."""
        inputs, parameters, *tensors = ctx.saved_tensors
        lines, shared = ctx.names
        seeds = grad.detach().cpu().double().numpy().reshape(len(ctx.batch.matrix), -1)
        result = gradients(ctx.tuned, ctx.batch, ctx.fields, seeds, cells=bool(shared))
        rows = inputs if inputs.ndim > 1 else inputs[None]
        X = _summed(torch.from_numpy(result.inputs).reshape(*ctx.batch.shape, -1), rows)
        into = [getattr(result, name) for name in lines]
        into += _into_shared(ctx.tuned, ctx.batch, ctx.fields, result, shared)
        return (
            None,
            None,
            None,
            _summed(X, inputs if inputs.ndim > 1 else inputs[None])
            .reshape(inputs.shape)
            .to(inputs),
            torch.from_numpy(result.parameters).reshape(parameters.shape),
            *(
                _summed(torch.as_tensor(value), tensor).to(tensor)
                for value, tensor in zip(into, tensors, strict=True)
            ),
        )


def _tuned(
    solver: TileSolver,
    lines: tuple[str, ...],
    shared: tuple[tuple[int, str], ...],
    tensors: tuple[Tensor, ...],
) -> TileSolver:
    """The solver with tunable quantities in place of its own."""
    if not tensors:
        return solver
    values = [tensor.detach().cpu().double().numpy() for tensor in tensors]
    circuit = solver.circuit
    own = {name: getattr(circuit, name) for name in LINES}
    own.update(zip(lines, values[: len(lines)], strict=True))
    numbers = [float(value) for value in values[len(lines) :]]
    cell = solver.cell.with_values(dict(zip(shared, numbers, strict=True)))
    return TileSolver(
        None,
        solver.accuracy,
        threads=solver.threads,
        circuit=Circuit.uniform(circuit.rows, circuit.cols, **own),
        cell=cell,
    )


def _summed(gradient: Tensor, like: Tensor) -> Tensor:
    """The gradient of a tensor that was broadcast: summed over what was repeated."""
    return gradient.sum_to_size(like.shape)


def _into_shared(
    solver: TileSolver,
    batch: Batch,
    fields: np.ndarray,
    result: Gradients,
    shared: tuple[tuple[int, str], ...],
) -> list[Tensor]:
    """Gradients in parameters that all cells share: mu . dI/dparameter at the solution."""
    if result.cells is None:
        return []
    outer = (batch.inputs[:, :, None] + fields[:, DROP], fields[:, OUTPUT])
    sign = 1.0
    if solver.cell.turned:
        outer, sign = outer[::-1], -1.0
    inside = fields[:, INSIDE]
    elements = solver.cell.elements
    ends = [outer] if len(elements) == 1 else [(outer[0], inside), (inside, outer[1])]
    gate = solver.circuit.gate_voltage[:, None]
    found: dict[tuple[int, str], Tensor] = {}
    for position, part in enumerate(elements):
        names = tuple(name for place, name in shared if place == position)
        if not names or not isinstance(part, Element):
            continue
        at: dict[str, np.ndarray | float] = {part.near: ends[position][0]}
        at[part.far] = ends[position][1]
        for name, what in part.held.items():
            at[name] = gate if what == "gate" else float(what)
        if part.varying is not None:
            at[part.varying] = batch.parameters[batch.matrix]
        weights = sign * result.cells[:, position]
        for name, slope in current_slopes(part, at, names).items():
            found[position, name] = torch.tensor((weights * slope).sum())
    return [found[key] for key in shared]
