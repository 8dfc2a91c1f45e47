"""The structured solver as an engine: the equations of the netlist, without ngspice."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np

from cosim.engine.base import AbstractEngine, Job, Readout
from cosim.solver.solve import EXACT, Accuracy, TileSolver
from netlists.arrays import checked_conductances, checked_inputs
from netlists.specs import TileSpec


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
