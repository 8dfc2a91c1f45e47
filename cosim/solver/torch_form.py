"""The solver in plain torch operations: batches of tiles on whatever device torch drives.

The method is that of the compiled solver: Newton's method, input lines eliminated by their ladders,
conjugate gradients over the output lines with their ladders as preconditioner. All samples of a
batch move together, so that one operation of a sweep covers every line of every sample; on a
processor the compiled solver is many times faster, on an accelerator this form is the one to use.
State and residuals are in double precision, corrections in that of the solver's accuracy.

Gradients reach inputs and device parameters by one transposed solution, with the same ladders.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from compact_models.errors import SpecError
from cosim.errors import SimulationFailed
from cosim.solver.cell_source import Element
from cosim.solver.cells import LOCAL_STEP_CLIP, LOCAL_STEP_LIMIT
from cosim.solver.solve import EXACT, Accuracy, TileSolver


Planes = Float[Tensor, "batch rows cols"]

MOST_STEPS, MOST_SWEEPS, MOST_LOCAL_STEPS = 40, 2000, 60
# What a linear step in single or double precision can reduce its residual to.
REDUCTION = {torch.float32: 1e-5, torch.float64: 1e-12}
FIRST_REDUCTION = 1e-3
NOTHING = 1e-50


@dataclass(frozen=True)
class Ladders:
    """Lines of one kind with their cells' slopes, factored; nodes come first, the driven end at 0.

    Attributes:
        factors: `[nodes, batch, lines]`.
        wire: resistance of a segment of each line [ohm].
    """

    factors: list[Tensor]
    wire: Tensor

    @classmethod
    def of(cls, slopes: Tensor, wire: Tensor, end: Tensor) -> Ladders:
        """Fold the slopes `[nodes, batch, lines]` from the open end; `end` is a conductance."""
        factors = [slopes[0]] * len(slopes)
        seen = slopes[-1]
        for node in range(len(slopes) - 1, 0, -1):
            factors[node] = 1.0 / (1.0 + wire * seen)
            seen = slopes[node - 1] + factors[node] * seen
        factors[0] = 1.0 / (end + seen)
        return cls(factors, wire)

    def solve(self, currents: Tensor) -> Tensor:
        """Voltages of all nodes for injected currents, both `[nodes, batch, lines]`."""
        folded = list(currents)
        for node in range(len(folded) - 2, -1, -1):
            folded[node] = torch.addcmul(folded[node], self.factors[node + 1], folded[node + 1])
        voltages = [self.factors[0] * folded[0]]
        for node in range(1, len(folded)):
            rise = torch.addcmul(voltages[-1], self.wire, folded[node])
            voltages.append(self.factors[node] * rise)
        return torch.stack(voltages)


@dataclass(frozen=True)
class Linear:
    """The linearised circuit of a batch.

    Attributes:
        rows: ladders of the input lines.
        cols: ladders of the output lines.
        slope_row: current of each cell per volt of its input line [S].
        slope_col: the same of its output line, sign reversed [S].
    """

    rows: Ladders
    cols: Ladders
    slope_row: Planes
    slope_col: Planes

    def along_rows(self, currents: Planes) -> Planes:
        """Solve all input lines."""
        return self.rows.solve(currents.permute(2, 0, 1).contiguous()).permute(1, 2, 0)

    def along_cols(self, currents: Planes) -> Planes:
        """Solve all output lines."""
        return self.cols.solve(currents.flip(1).transpose(0, 1)).transpose(0, 1).flip(1)

    def solve(
        self,
        row: Planes,
        col: Planes,
        goal: Callable[[Tensor], Tensor],
        *,
        transposed: bool = False,
    ) -> tuple[Planes, Planes, Tensor, Tensor]:
        """Corrections of both kinds of node for missing currents.

        Args:
            row: current missing at the input-line nodes [A].
            col: current missing at the output-line nodes [A].
            goal: squared length to reach, from the one at the start; one per sample.
            transposed: whether to solve the transposed system.

        Returns:
            The corrections, and the squared lengths of the residual before and after.
        """
        into_rows, into_cols = self.slope_col, self.slope_row
        if transposed:
            into_rows, into_cols = into_cols, into_rows
        missing = col + into_cols * self.along_rows(row)
        solved = self.along_cols(missing)
        length = first = (missing * solved).sum((1, 2))
        target = goal(first)
        moved, direction, own = torch.zeros_like(col), solved, missing
        for _ in range(MOST_SWEEPS):
            active = length > target
            if not bool(active.any()):
                break
            image = own - into_cols * self.along_rows(into_rows * direction)
            product = (image * direction).sum((1, 2))
            step = torch.where(active & (product > 0), length / product, 0.0)[:, None, None]
            moved = moved + step * direction
            missing = missing - step * image
            solved = self.along_cols(missing)
            following = (missing * solved).sum((1, 2))
            keep = torch.where(active, following / length, 0.0)[:, None, None]
            direction, own = solved + keep * direction, missing + keep * own
            length = torch.where(active, following, length)
            if not bool((active & (product > 0)).any()):
                break
        moved = moved + solved
        return self.along_rows(row + into_rows * moved), moved, first, length


class TorchTileSolver:
    """Solves batches of one tile on a torch device.

    Attributes:
        cell: the compiled cell that is written in torch.
        accuracy: when to stop, and the precision of corrections.
    """

    def __init__(
        self, solver: TileSolver, device: torch.device | str = "cpu", accuracy: Accuracy = EXACT
    ) -> None:
        """The torch form of a solver's circuit and cell.

        Raises:
            SpecError: the cell has a table, which only the compiled solver evaluates.
        """
        self._elements = [part for part in solver.cell.elements if isinstance(part, Element)]
        if len(self._elements) < len(solver.cell.elements):
            raise SpecError(
                "the cell holds a table; the torch form takes compiled models; use TileSolver"
            )
        self.cell, self.accuracy = solver.cell, accuracy
        circuit = solver.circuit
        self._row_wire = torch.as_tensor(circuit.row_wire, device=device)
        self._row_end = 1.0 / torch.as_tensor(circuit.row_end, device=device)
        self._col_wire = torch.as_tensor(circuit.col_wire, device=device)
        self._col_end = 1.0 / torch.as_tensor(circuit.col_end, device=device)
        self._gate = torch.as_tensor(circuit.gate_voltage, device=device)[:, None]
        self._work = torch.float32 if accuracy.single else torch.float64
        self._functions = [part.model.to_torch(frozen=True) for part in self._elements]

    def currents(
        self, inputs: Float[Tensor, "batch rows"], parameters: Float[Tensor, "#batch rows cols"]
    ) -> Float[Tensor, "batch cols"]:
        """Output currents [A], differentiable in both arguments.

        Args:
            inputs: voltages of the drivers [V].
            parameters: of the devices; `solver.cell.parameters` gives them from conductances.

        Raises:
            SimulationFailed: a sample has no solution.
        """
        return _Currents.apply(self, inputs, parameters)

    def element(self, position: int, near: Tensor, far: Tensor, value: Tensor) -> Tensor:
        """Current of one element of the cells [A]."""
        part, function = self._elements[position], self._functions[position]
        at: dict[str, Tensor | float] = {part.near: near, part.far: far}
        for name, held in part.held.items():
            at[name] = self._gate if held == "gate" else float(held)
        known: dict[str, Tensor | float] = dict(part.values)
        if part.varying is not None:
            known[part.varying] = value
        return function(at, {name: known[name] for name in function.parameters})[part.near][0]

    def _slopes(
        self, position: int, near: Planes, far: Planes, value: Tensor
    ) -> tuple[Planes, Planes, Planes]:
        """Current of one element and its slopes in both ends, the second with its sign reversed."""
        with torch.enable_grad():
            ends = near.detach().requires_grad_(), far.detach().requires_grad_()
            current = self.element(position, *ends, value)
            rising, falling = torch.autograd.grad(current.sum(), ends)
        return current.detach(), rising, -falling

    def cells(
        self, near: Planes, far: Planes, inside: Planes, value: Tensor
    ) -> tuple[Planes, Planes, Planes, Planes, Planes, Planes, Planes]:
        """Currents, slopes of both lines, response of the middle node, its step and its voltage."""
        if len(self.cell.elements) == 1:
            current, rising, falling = self._slopes(0, near, far, value)
            zero = torch.zeros_like(current)
            return current, rising, falling, zero, zero, zero, inside
        near, far = self.ends(near, far)
        for _ in range(MOST_LOCAL_STEPS):
            into, g_near, g_far = self._slopes(0, near, inside, value)
            out, g_drain, g_source = self._slopes(1, inside, far, value)
            share = 1.0 / (g_far + g_drain)
            step = (into - out) * share
            if not bool((step.abs() > LOCAL_STEP_LIMIT).any()):
                break
            inside = inside + step.clamp(-LOCAL_STEP_CLIP, LOCAL_STEP_CLIP)
        middle = g_near * share, g_source * share
        current, slopes = into - g_far * step, (middle[0] * g_drain, middle[1] * g_far)
        if self.cell.turned:
            return -current, *slopes[::-1], *middle[::-1], step, inside
        return current, *slopes, *middle, step, inside

    def ends(self, row: Planes, col: Planes) -> tuple[Planes, Planes]:
        """Voltages at the device's and at the access element's line."""
        return (col, row) if self.cell.turned else (row, col)

    def linear(self, slope_row: Planes, slope_col: Planes) -> Linear:
        """Factor the ladders."""
        kind = self._work
        a, b = slope_row.to(kind), slope_col.to(kind)
        lines = [x.to(kind) for x in (self._row_wire, self._row_end, self._col_wire, self._col_end)]
        rows = Ladders.of(a.permute(2, 0, 1).contiguous(), lines[0], lines[1])
        cols = Ladders.of(b.flip(1).transpose(0, 1).contiguous(), lines[2], lines[3])
        return Linear(rows, cols, a, b)

    def missing(self, drop: Planes, output: Planes, current: Planes) -> tuple[Planes, Planes]:
        """Current missing at the nodes of both lines [A]."""
        row, col = -current, current.clone()
        flow = (drop[:, :, 1:] - drop[:, :, :-1]) / self._row_wire[:, None]
        row[:, :, :-1] += flow
        row[:, :, 1:] -= flow
        row[:, :, 0] -= self._row_end * drop[:, :, 0]
        flow = (output[:, 1:] - output[:, :-1]) / self._col_wire
        col[:, :-1] += flow
        col[:, 1:] -= flow
        col[:, -1] -= self._col_end * output[:, -1]
        return row, col

    def solve(self, inputs: Tensor, value: Tensor) -> tuple[Planes, Planes, Planes]:
        """Drop, output and inside voltages of a batch; NaN for samples without a solution."""
        driver = inputs[:, :, None].expand(-1, -1, value.shape[2]).contiguous()
        zero = torch.zeros_like(driver)
        at_rest = self.cells(zero, zero, zero, value)
        drop, output, inside = zero, zero, driver * at_rest[3]
        scale = torch.zeros(len(inputs), dtype=driver.dtype, device=driver.device)
        error = torch.full_like(scale, torch.inf)
        for step in range(MOST_STEPS):
            found = self.cells(driver + drop, output, inside, value)
            system = self.linear(found[1], found[2])
            row, col = (x.to(self._work) for x in self.missing(drop, output, found[0]))
            last = error
            goal = partial(self._goal, None if step == 0 else scale)
            d_row, d_col, length, reached = system.solve(row, col, goal)
            scale = length.double() if step == 0 else scale
            error = (length.double() / scale.clamp_min(NOTHING)).sqrt()
            d_row, d_col = d_row.double(), d_col.double()
            drop, output = drop + d_row, output + d_col
            inside = found[6] + found[5] + found[3] * d_row + found[4] * d_col
            left = torch.maximum(error**2, (reached.double() / scale.clamp_min(NOTHING)).sqrt())
            stalled = (error < 1e-9) & (error > 0.3 * last)
            settled = (left < self.accuracy.tolerance) | stalled
            done = (scale <= NOTHING) | (settled & (step > 0))
            if bool((done | ~error.isfinite()).all()):
                break
        bad = (~done | ~error.isfinite())[:, None, None]
        return (
            drop.masked_fill(bad, torch.nan),
            output.masked_fill(bad, torch.nan),
            inside.masked_fill(bad, torch.nan),
        )

    def _goal(self, scale: Tensor | None, length: Tensor) -> Tensor:
        """How far a linear step reduces a squared length; the first one has no scale yet."""
        whole = (length if scale is None else scale).double().clamp_min(NOTHING)
        part = length.double() / whole
        goal = ((0.1 * part) ** 2).clamp_min((0.1 * self.accuracy.tolerance) ** 2)
        goal = torch.minimum(goal, FIRST_REDUCTION**2 * part)
        return (whole * torch.maximum(goal, REDUCTION[self._work] ** 2 * part)).to(length)

    def adjoint(
        self, inputs: Tensor, value: Tensor, fields: tuple[Tensor, ...], seeds: Tensor
    ) -> tuple[Planes, Planes, Tensor]:
        """Weights of both elements' currents, and the gradient in the inputs."""
        drop, output, inside = fields
        _, slope_row, slope_col, *middle = self.cells(
            inputs[:, :, None] + drop, output, inside, value
        )
        share = middle[1 if self.cell.turned else 0]
        system = self.linear(slope_row, slope_col)
        row, col = (
            torch.zeros_like(drop, dtype=self._work),
            torch.zeros_like(drop, dtype=self._work),
        )
        col[:, -1] = (seeds * self._col_end).to(self._work)
        reduction = 0.1 * REDUCTION[self._work]
        by_row, by_col, *_ = system.solve(
            row, col, lambda length: reduction**2 * length, transposed=True
        )
        mu = (by_row - by_col if self.cell.turned else by_col - by_row).double()
        return mu * (1.0 - share), mu * share, by_row[:, :, 0].double() * self._row_end

    @property
    def sensor(self) -> Tensor:
        """Conductance between each output line and its sensor [S]."""
        return self._col_end


class _Currents(torch.autograd.Function):
    """Output currents with the implicit-function gradient."""

    @staticmethod
    def forward(ctx: Any, solver: TorchTileSolver, inputs: Tensor, parameters: Tensor) -> Tensor:  # noqa: ANN401
        """Solve the batch."""
        fields = solver.solve(inputs.double(), parameters.double())
        currents = solver.sensor * fields[1][:, -1]
        if not bool(currents.isfinite().all()):
            raise SimulationFailed(
                "torch form: a sample has no solution; use TileSolver to see why"
            )
        ctx.solver = solver
        ctx.save_for_backward(inputs, parameters, *fields)
        return currents.to(inputs)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor, Tensor]:  # noqa: ANN401
        """Solve the transposed batch and weigh the device's slope in its parameter."""
        inputs, parameters, *fields = ctx.saved_tensors
        solver = ctx.solver
        value = parameters.double()
        found = solver.adjoint(inputs.double(), value, tuple(fields), grad.double())
        drop, output, inside = fields
        near, far = solver.ends(inputs.double()[:, :, None] + drop, output)
        far = far if len(solver.cell.elements) == 1 else inside
        with torch.enable_grad():
            leaf = value.detach().requires_grad_()
            weighted = (found[0] * solver.element(0, near, far, leaf)).sum()
            (into,) = torch.autograd.grad(weighted, leaf)
        return None, found[2].to(inputs), into.to(parameters)
