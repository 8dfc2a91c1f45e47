"""Engines: things that evaluate a tile. All answer one question, in the same units.

    mvm_many([(conductances, inputs), ...]) -> [output currents, ...]

`NgspiceEngine` simulates the full netlist; `SolverEngine` solves the same circuit, from the same
models, with a method made for crossbars; `SurrogateEngine` evaluates a fitted stand-in. Because
they are interchangeable, any two can be compared, and one conformance suite runs against all.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float

from cosim.errors import InputError, SimulationFailed
from cosim.ngspice import DEFAULT_TIMEOUT, DcSweep, Result, Simulation, Workers, ngspice_info
from cosim.results import OK, Status
from cosim.solver.solve import EXACT, Accuracy, TileSolver
from cosim.surrogate import Surrogate
from netlists import names
from netlists.arrays import checked_conductances, checked_inputs
from netlists.cells import Gates, load_cell
from netlists.specs import TileSpec
from netlists.testbench import read_testbench


# `_`: one call takes jobs with different numbers of samples.
Conductances = Float[np.ndarray, "rows cols"]
Inputs = Float[np.ndarray, "_ rows"]
Currents = Float[np.ndarray, "_ cols"]
Job = tuple[Conductances, Inputs]
Progress = Callable[[int], object]


@dataclass(frozen=True)
class Readout:
    """The answer to one job.

    Attributes:
        index: which job it answers.
        currents: `[samples, cols]` [A]; all NaN when the status is not ok.
        status: how the evaluation ended.
        seconds: time of the evaluation itself.
    """

    index: int
    currents: Currents
    status: Status
    seconds: float = 0.0


class AbstractEngine(ABC):
    """Evaluates matrix-vector multiplications on one tile.

    Attributes:
        spec: the tile.
        name: what results call this engine.
    """

    spec: TileSpec
    name: str

    @abstractmethod
    def iter_mvm(self, jobs: Sequence[Job]) -> Iterator[Readout]:
        """Evaluate jobs, yielding each readout as it is ready, in any order."""

    @abstractmethod
    def provenance(self) -> dict[str, str]:
        """Name and versions of what computes, for datasets and reports."""

    @abstractmethod
    def at(self, spec: TileSpec) -> Self:
        """The same engine for the tile under other conditions.

        Raises:
            InputError: this engine knows one tile only.
        """

    def deck(self, job: Job) -> str:
        """What a person would run to see a job fail; empty when the engine has no decks."""
        return ""

    def mvm_many(self, jobs: Sequence[Job], progress: Progress | None = None) -> list[Currents]:
        """Evaluate many jobs, each a conductance matrix [S] with its input vectors [V].

        Args:
            jobs: pairs of `[rows, cols]` and `[samples, rows]`.
            progress: called with the number of samples of each finished job.

        Returns:
            Output currents `[samples, cols]` [A] of each job, in order.

        Raises:
            ShapeError: an array of the wrong shape or not finite.
            SimulationFailed: a job ended without a result.
        """
        outputs: list[Currents | None] = [None] * len(jobs)
        for readout in self.iter_mvm(jobs):
            if not readout.status.ok:
                raise SimulationFailed(f"{self.name}, job {readout.index}: {readout.status}")
            outputs[readout.index] = readout.currents
            if progress is not None:
                progress(len(readout.currents))
        return [output for output in outputs if output is not None]

    def mvm(self, conductances: Conductances, inputs: Inputs) -> Currents:
        """Evaluate one conductance matrix `[rows, cols]` on inputs `[samples, rows]`."""
        return self.mvm_many([(conductances, inputs)])[0]


class NgspiceEngine(AbstractEngine):
    """The reference: every wire and transistor of the netlist, in ngspice.

    Input vectors of one conductance matrix run in one load of the circuit, as a DC sweep.
    """

    name = "ngspice"
    # More vectors per load gain little, and smaller pieces keep every worker busy.
    VECTORS_PER_LOAD = 100

    def __init__(self, spec: TileSpec, workers: Workers, timeout: float = DEFAULT_TIMEOUT) -> None:
        """An engine for one tile on running workers.

        Args:
            spec: the tile.
            workers: where ngspice runs.
            timeout: longest time for one load of the circuit with its input vectors [s].
        """
        self.spec = spec
        self.workers = workers
        self.timeout = timeout
        self._parts = load_cell(spec)

    def iter_mvm(self, jobs: Sequence[Job]) -> Iterator[Readout]:
        """Evaluate jobs; each is split into pieces and answered when all of them are in."""
        checked = [
            (checked_conductances(self.spec, G), checked_inputs(self.spec, X)) for G, X in jobs
        ]
        pieces = [
            (job, start)
            for job, (_, inputs) in enumerate(checked)
            for start in range(0, len(inputs), self.VECTORS_PER_LOAD)
        ]
        simulations = (self._simulation(*checked[job], start) for job, start in pieces)
        gather = _Gather([len(inputs) for _, inputs in checked], self.spec.cols)
        for number, result in self.workers.iter_many(simulations, self.timeout):
            job, start = pieces[number]
            readout = gather.add(job, start, result)
            if readout is not None:
                yield readout

    def at(self, spec: TileSpec) -> Self:
        """The same workers for another tile."""
        return self if spec == self.spec else type(self)(spec, self.workers, self.timeout)

    def deck(self, job: Job) -> str:
        """The deck of all input vectors of a job, with its analysis, for `ngspice -b`."""
        return read_testbench(self.spec, *job, self._parts, Gates.HELD).standalone_deck()

    def _simulation(self, conductances: Conductances, inputs: Inputs, start: int) -> Simulation:
        """One load of the circuit with up to `VECTORS_PER_LOAD` input vectors."""
        vectors = inputs[start : start + self.VECTORS_PER_LOAD]
        bench = read_testbench(self.spec, conductances, vectors, self._parts, Gates.HELD)
        sweep = DcSweep(names.INDEX_SOURCE, 0, max(len(vectors) - 1, 0), 1)
        return Simulation(bench.deck(), sweep, bench.netlist.outputs)

    def provenance(self) -> dict[str, str]:
        """Ngspice's version and solver."""
        info = ngspice_info()
        return {"engine": self.name, "ngspice": str(info.version), "klu": str(info.klu)}


class _Gather:
    """Collects the pieces of each job until it is complete."""

    def __init__(self, samples: Sequence[int], cols: int) -> None:
        self.outputs = [np.full((count, cols), np.nan) for count in samples]
        self.missing = list(samples)
        self.seconds = [0.0] * len(samples)
        self.status: list[Status] = [OK] * len(samples)
        self.cols = cols

    def add(self, job: int, start: int, result: Result) -> Readout | None:
        """Take one piece; the readout of the job when it was the last."""
        output = self.outputs[job]
        piece = slice(start, start + NgspiceEngine.VECTORS_PER_LOAD)
        if result.status.ok:
            vectors = [result.vectors[names.sense_current(col)] for col in range(self.cols)]
            output[piece] = np.stack(vectors, axis=1)
        else:
            self.status[job] = result.status
        self.missing[job] -= len(output[piece])
        self.seconds[job] += result.seconds
        if self.missing[job]:
            return None
        if not self.status[job].ok:
            output[:] = np.nan
        return Readout(job, output, self.status[job], self.seconds[job])


class SolverEngine(AbstractEngine):
    """The structured solver: the equations of the netlist, without ngspice."""

    name = "solver"

    def __init__(
        self, spec: TileSpec, accuracy: Accuracy = EXACT, threads: int | None = None
    ) -> None:
        """An engine for one tile.

        Args:
            spec: the tile.
            accuracy: how exactly it solves.
            threads: how many threads; all cores when not given.
        """
        self.spec = spec
        self.solver = TileSolver(spec, accuracy, threads=threads)
        self._threads = threads

    def at(self, spec: TileSpec) -> Self:
        """A solver of the same accuracy for another tile."""
        return self if spec == self.spec else type(self)(spec, self.solver.accuracy, self._threads)

    def iter_mvm(self, jobs: Sequence[Job]) -> Iterator[Readout]:
        """Evaluate jobs in order; one sample that does not converge fails its job."""
        for index, (conductances, inputs) in enumerate(jobs):
            G = checked_conductances(self.spec, conductances)
            X = checked_inputs(self.spec, inputs)
            began = time.perf_counter()
            solution = self.solver.solve(X, G)
            currents = solution.currents
            if not solution.status.ok:
                currents = np.full_like(currents, np.nan)
            yield Readout(index, currents, solution.status, time.perf_counter() - began)

    def provenance(self) -> dict[str, str]:
        """The accuracy that was asked for."""
        accuracy = self.solver.accuracy
        precision = "single" if accuracy.single else "double"
        return {
            "engine": self.name,
            "tolerance": f"{accuracy.tolerance:g}",
            "corrections": f"{precision} precision",
        }


class SurrogateEngine(AbstractEngine):
    """A fitted stand-in for the tile, at the speed of a matrix product."""

    name = "surrogate"

    def __init__(self, spec: TileSpec, surrogate: Surrogate) -> None:
        """An engine for the tile that the surrogate was fitted to."""
        self.spec = spec
        self.surrogate = surrogate

    def at(self, spec: TileSpec) -> Self:
        """This surrogate, as long as nothing else is asked for.

        Raises:
            InputError: another tile, to which it was not fitted.
        """
        if spec != self.spec:
            raise InputError(
                "a surrogate stands for the one tile it was fitted to; characterise corners, "
                "temperatures, times and draws with `ngspice` or `solver`"
            )
        return self

    def iter_mvm(self, jobs: Sequence[Job]) -> Iterator[Readout]:
        """Evaluate jobs in order."""
        for index, (conductances, inputs) in enumerate(jobs):
            G = checked_conductances(self.spec, conductances)
            X = checked_inputs(self.spec, inputs)
            yield Readout(index, self.surrogate.mvm(X, G), OK)

    def provenance(self) -> dict[str, str]:
        """Which surrogate this is."""
        return {"engine": self.name, "surrogate": self.surrogate.kind}
