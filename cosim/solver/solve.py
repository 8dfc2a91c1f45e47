"""The solver of a tile: batches of inputs and of conductances, on all cores.

    solver = TileSolver(spec)
    solution = solver.solve(inputs, conductances)
    solution.currents, solution.statuses

Shapes follow those of a matrix product: inputs `[..., samples, rows]`, conductances
`[..., rows, cols]`, currents `[..., samples, cols]`, where leading dimensions broadcast.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Empty, SimpleQueue

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from compact_models.errors import InputError, ShapeError
from cosim.results import OK, Code, Status
from cosim.solver.arrays import PARAMETER, System, aligned_zeros, new_state, new_system
from cosim.solver.cell_call import CHUNK, SLOTS, CellCode
from cosim.solver.cells import SolverCell, tile_cell
from cosim.solver.circuit import Circuit
from cosim.solver.generated import patience
from cosim.solver.newton import Settings
from cosim.solver.predictor import POLYNOMIAL_PLANES, PreparationJob, preparation_loop
from cosim.solver.samples import CONVERGED, ERROR, REPORT_COLUMNS, STEPS, SWEEPS, Job, sample_loop
from netlists.arrays import finite_array
from netlists.specs import TileSpec


Array = Float[np.ndarray, "..."]
Counts = Int[np.ndarray, "..."]

# What an evaluation of the cells in single precision can leave of the error.
SINGLES_LEAVE = 2e-5
# Parts of the input by which a sample that does not converge at once is approached.
FIRST_PART, SMALLEST_PART = 0.25, 1e-3
# From this many inputs per conductance matrix on, their starts are predicted.
PREDICTED = 48
PREDICTED_TOLERANCE = 1e-4
COMPILING = "compiling the solver's loops"
# Pieces of a batch per thread.
PIECES = 8


@dataclass(frozen=True)
class Accuracy:
    """How exactly circuits are solved.

    State and the last residual are always in double precision.

    Attributes:
        tolerance: where Newton's iteration ends: the predicted relative error of the solution in
            the energy norm of the output lines.
        single: whether corrections, and cells in early steps, are computed in single precision; a
            sample that fails so is solved again in double precision.
    """

    tolerance: float
    single: bool

    def __post_init__(self) -> None:
        if not 1e-13 <= self.tolerance <= 1e-2:
            raise InputError(
                f"tolerance is {self.tolerance:g}; allowed is 1e-13 to 1e-2; "
                "use cosim.solver.EXACT or cosim.solver.FAST"
            )

    @property
    def settings(self) -> Settings:
        """The same for the kernels."""
        if not self.single:
            return Settings(self.tolerance, 1e-12, 0.0)
        return Settings(self.tolerance, 1e-5, SINGLES_LEAVE)

    @property
    def dtype(self) -> type:
        """Working precision of the corrections."""
        return np.float32 if self.single else np.float64


EXACT = Accuracy(tolerance=1e-11, single=True)
"""Currents within 1e-9 of the largest one."""

FAST = Accuracy(tolerance=1e-6, single=True)
"""Currents within 1e-6 of the largest one."""


@dataclass(frozen=True, eq=False)
class Solution:
    """The currents of a batch, and how each sample ended.

    Attributes:
        currents: `[..., samples, cols]` [A]; NaN where a sample did not converge.
        statuses: one per sample, in the order of the flattened batch.
        steps: Newton steps of each sample, `[..., samples]`.
        sweeps: iterations of the linear steps of each sample.
        fields: drop, output and inside voltages [V] of each sample, `[samples, 3, rows, cols]`, of
            the flattened batch; `None` unless they were asked for.
    """

    currents: Array
    statuses: tuple[Status, ...]
    steps: Counts
    sweeps: Counts
    fields: Float[np.ndarray, "samples 3 rows cols"] | None = None

    @property
    def status(self) -> Status:
        """The first status that is not ok, or ok."""
        return next((status for status in self.statuses if not status.ok), OK)


@dataclass(frozen=True, eq=False)
class Batch:
    """Flattened inputs with the matrix that each of them meets.

    Attributes:
        inputs: `[samples, rows]` [V].
        parameters: `[matrices, rows, cols]`.
        matrix: index of the matrix of each sample.
        shape: leading dimensions and samples of the result.
    """

    inputs: Float[np.ndarray, "samples rows"]
    parameters: Float[np.ndarray, "matrices rows cols"]
    matrix: Counts
    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Workspace:
    """What one thread computes in."""

    system: System
    state: np.ndarray
    cell: CellCode


class TileSolver:
    """Solves one tile; arrays, machine code and threads are set up once.

    Attributes:
        circuit: wires, drivers, sensors and gates.
        cell: what stands at the crosspoints.
        accuracy: how exactly it solves.
        threads: how many threads.
        lines: the circuit as the kernels see it.
    """

    def __init__(
        self,
        spec: TileSpec | None = None,
        accuracy: Accuracy = EXACT,
        *,
        threads: int | None = None,
        circuit: Circuit | None = None,
        cell: SolverCell | None = None,
    ) -> None:
        """A solver for a tile.

        Args:
            spec: the tile; may be left out when circuit and cell are given.
            accuracy: `EXACT`, `FAST` or your own.
            threads: how many threads; all cores when not given.
            circuit: replaces the uniform circuit of the spec.
            cell: replaces the cell of the spec.

        Raises:
            InputError: neither spec nor both circuit and cell, or less than one thread.
        """
        if spec is None and (circuit is None or cell is None):
            raise InputError("a solver needs a spec, or both circuit and cell; give one of these")
        if threads is not None and threads < 1:
            raise InputError(f"threads is {threads}; allowed is 1 or more; leave it out for all")
        self.circuit = circuit if circuit is not None else Circuit.of(spec)  # type: ignore[arg-type]
        self.cell = cell if cell is not None else tile_cell(spec)  # type: ignore[arg-type]
        self.accuracy = accuracy
        self.threads = threads or _cores()
        self.lines = self.circuit.lines()
        self.cell.assert_gate(self.circuit.gate_voltage)
        self._free: dict[type, SimpleQueue[Workspace]] = {
            dtype: SimpleQueue() for dtype in (np.float32, np.float64)
        }
        self._pool: ThreadPoolExecutor | None = None

    def solve(
        self, inputs: ArrayLike, conductances: ArrayLike, *, fields: bool = False
    ) -> Solution:
        """Solve a batch.

        Args:
            inputs: driver voltages [V], `[..., samples, rows]`, or `[rows]` for one sample.
            conductances: of the devices alone [S], `[..., rows, cols]`.
            fields: whether to keep the node voltages.

        Raises:
            ShapeError: arrays that do not fit the tile or each other, or are not finite.
            CardError: a conductance outside the range of the device's card.
        """
        G = finite_array_of(conductances, "conductances", (self.circuit.rows, self.circuit.cols))
        return self.solve_parameters(inputs, self.cell.parameters(G), fields=fields)

    def solve_parameters(
        self, inputs: ArrayLike, parameters: ArrayLike, *, fields: bool = False
    ) -> Solution:
        """As `solve`, with the device parameter of each cell in place of its conductance."""
        return self.solve_batch(self.batch(inputs, parameters), fields=fields)

    def batch(self, inputs: ArrayLike, parameters: ArrayLike) -> Batch:
        """Check and flatten a batch."""
        shape = (self.circuit.rows, self.circuit.cols)
        P = finite_array_of(parameters, "parameters", shape)
        X = np.asarray(inputs)
        X = finite_array_of(X[None] if X.ndim == 1 else X, "inputs", (None, self.circuit.rows))
        self.cell.assert_covers(float(X.min(initial=0.0)), float(X.max(initial=0.0)), P)
        try:
            leading = np.broadcast_shapes(X.shape[:-2], P.shape[:-2])
        except ValueError:
            raise ShapeError(
                f"inputs have the shape {X.shape} and conductances {P.shape}; leading dimensions "
                "must broadcast against each other; make them equal, or 1"
            ) from None
        matrices = np.arange(max(P[..., 0, 0].size, 1)).reshape(P.shape[:-2])
        samples = X.shape[-2]
        X = np.broadcast_to(X, (*leading, *X.shape[-2:]))
        matrix = np.broadcast_to(matrices, leading)[..., None]
        return Batch(
            inputs=np.require(X.reshape(-1, shape[0]), requirements=["C", "W"]),
            parameters=np.require(P.reshape(-1, *shape), requirements=["C", "W"]),
            matrix=np.broadcast_to(matrix, (*leading, samples)).reshape(-1).copy(),
            shape=(*leading, samples),
        )

    def solve_batch(self, batch: Batch, *, fields: bool = False) -> Solution:
        """Solve a flattened batch."""
        samples = len(batch.matrix)
        polynomials, curvature = self._predictors(batch)
        rows, cols = self.circuit.rows, self.circuit.cols
        job = Job(
            batch.parameters,
            batch.matrix,
            batch.inputs,
            np.empty((samples, cols)),
            np.zeros((samples, REPORT_COLUMNS)),
            np.empty((samples if fields else 0, 3, rows, cols)),
            resume=False,
            polynomials=polynomials,
            curvature=curvature,
        )
        self._run(job)
        return Solution(
            currents=job.currents.reshape(*batch.shape, cols),
            statuses=tuple(_status(line) for line in job.report),
            steps=job.report[:, STEPS].astype(np.int64).reshape(batch.shape),
            sweeps=job.report[:, SWEEPS].astype(np.int64).reshape(batch.shape),
            fields=job.fields if fields else None,
        )

    def _predictors(self, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """What samples start from, for matrices that meet many inputs of one sign; else nothing."""
        rows, cols = len(self.lines.row_wire), self.lines.col_wire.shape[-1]
        matrices, samples = len(batch.parameters), len(batch.matrix)
        highest = float(batch.inputs.max(initial=0.0))
        alike = float(batch.inputs.min(initial=0.0)) >= 0.0 and highest > 0.0
        enough = samples >= PREDICTED * matrices and self.accuracy.single
        if not (alike and enough):
            return np.empty((0, POLYNOMIAL_PLANES, rows, cols), np.float32), np.empty(0)
        made = np.zeros((matrices, POLYNOMIAL_PLANES, rows, cols), np.float32)
        curvature = np.zeros(matrices)
        loop = preparation_loop()

        settings = self.accuracy.settings._replace(tolerance=PREDICTED_TOLERANCE)

        def prepare(first: int, last: int) -> None:
            window = slice(first, last)
            job = PreparationJob(batch.parameters[window], highest, made[window], curvature[window])
            with self.workspace(np.float32) as space, patience(COMPILING, loop):
                loop(space.system, space.state, self.lines, space.cell, settings, job)

        self.in_pieces(matrices, prepare)
        return made, curvature

    def _run(self, job: Job) -> None:
        """Solve a job's samples in pieces."""
        self.in_pieces(
            len(job.matrix), lambda first, last: self._solve_piece(_piece(job, first, last))
        )

    def in_pieces(self, samples: int, work: Callable[[int, int], None]) -> None:
        """Call `work(first, last)` on ranges that cover all samples, on as many threads as allowed.

        There are several pieces per thread, because samples differ in effort.
        """
        threads = min(self.threads, samples)
        if threads <= 1:
            work(0, samples)
            return
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads, thread_name_prefix="cosim-solver")
        edges = np.linspace(0, samples, min(samples, PIECES * threads) + 1).astype(int).tolist()
        list(self._pool.map(work, edges[:-1], edges[1:]))

    @contextmanager
    def workspace(self, dtype: type) -> Iterator[Workspace]:
        """What one thread computes in with corrections of a precision, kept for the next."""
        free = self._free[dtype]
        try:
            workspace = free.get_nowait()
        except Empty:
            workspace = self._new_workspace(dtype)
        try:
            yield workspace
        finally:
            free.put(workspace)

    def _solve_piece(self, job: Job) -> None:
        """Solve some samples; those that fail are solved again in double precision, or in parts."""
        with self.workspace(self.accuracy.dtype) as workspace:
            self._call(workspace, job)
        failed = np.flatnonzero(job.report[:, CONVERGED] == 0.0).tolist()
        if not failed:
            return
        with self.workspace(np.float64) as workspace:
            for sample in failed:
                piece = _piece(job, sample, sample + 1)
                if self.accuracy.single:
                    piece = piece._replace(curvature=piece.curvature[:0])
                    self._call(workspace, piece)
                if not piece.report[0, CONVERGED]:
                    self._approach(workspace, piece)

    def _call(self, workspace: Workspace, job: Job) -> None:
        """Run the compiled loop."""
        double = workspace.system.planes.dtype == np.float64
        accuracy = Accuracy(self.accuracy.tolerance, single=False) if double else self.accuracy
        loop = sample_loop()
        with patience(COMPILING, loop):
            loop(
                workspace.system,
                workspace.state,
                self.lines,
                workspace.cell,
                accuracy.settings,
                job,
            )

    def _approach(self, workspace: Workspace, job: Job) -> None:
        """Solve one sample by raising its input in parts, each started from the part before."""
        fields = workspace.state[:PARAMETER]
        goal, reached, part = 0.0, 0.0, FIRST_PART
        self._call(workspace, job._replace(voltages=0.0 * job.voltages))
        good = fields.copy()
        while part >= SMALLEST_PART:
            goal = min(1.0, reached + part)
            # The fields follow the input, to first order.
            fields[:] = good * (goal / reached if reached > 0.0 else 1.0)
            self._call(workspace, job._replace(voltages=goal * job.voltages, resume=True))
            if not job.report[0, CONVERGED]:
                part *= 0.5
            elif goal == 1.0:
                return
            else:
                good, reached, part = fields.copy(), goal, 2.0 * part
        if goal != 1.0:
            job.report[0, CONVERGED] = 0.0
            job.currents[:] = np.nan

    def _new_workspace(self, dtype: type) -> Workspace:
        work = aligned_zeros((1, SLOTS, CHUNK), np.float64)
        return Workspace(
            new_system(self.lines, dtype),
            new_state(self.circuit.rows, self.circuit.cols),
            CellCode(
                int(self.cell.function.address),
                int(self.cell.single.address),
                work,
                self.cell.shared.copy(),
                aligned_zeros((1, SLOTS, CHUNK), np.float32),
                self.cell.shared.astype(np.float32),
            ),
        )


def finite_array_of(values: ArrayLike, what: str, shape: tuple[int | None, ...]) -> Array:
    """An array of finite numbers whose last dimensions have a given shape."""
    array = np.asarray(values)
    if array.ndim < len(shape):
        return finite_array(array, what, shape)
    return finite_array(array, what, (*(None,) * (array.ndim - len(shape)), *shape))


def _cores() -> int:
    """Cores that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _piece(job: Job, first: int, last: int) -> Job:
    """Some samples of a job, as views."""
    window = slice(first, last)
    return Job(
        job.parameters,
        job.matrix[window],
        job.voltages[window],
        job.currents[window],
        job.report[window],
        job.fields[window],
        job.resume,
        job.polynomials,
        job.curvature,
    )


def _status(report: Array) -> Status:
    """How one sample ended."""
    if report[CONVERGED]:
        return OK
    if np.isnan(report[ERROR]) and report[SWEEPS] == 0:
        return Status(
            Code.SINGULAR,
            "the linearised circuit has no solution: some line or cell is tied to nothing",
            "give every line a finite end resistance or a conducting cell, and every cell a slope",
        )
    return Status(
        Code.NO_CONVERGENCE,
        f"{report[STEPS]:.0f} Newton steps, also with the input raised in parts, "
        f"ended at a relative correction of {report[ERROR]:.1g}",
        "look for cells whose current falls with their voltage, or inputs far beyond the cell's "
        "range; the ngspice engine takes any circuit",
    )
