"""The structured solver as an engine: the equations of the netlist, without ngspice.

Elements that are SPICE text are measured in ngspice once and solved from tables. A table covers the
inputs up to the read voltage; inputs beyond it get a wider one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Self

import numpy as np

from cosim.engine.base import AbstractEngine, Job, Readout
from cosim.errors import SpecError
from cosim.solver.solve import EXACT, Accuracy, TileSolver
from netlists.arrays import checked_conductances, checked_inputs
from netlists.specs import TileSpec


if TYPE_CHECKING:
    from cosim.cell_tables import TabulatedCell


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

        Raises:
            SpecError: the tile is a netlist of its own, whose equations the solver does not know.
        """
        if spec.external is not None:
            raise SpecError(
                f"the tile {spec.name} is an [external] netlist; the solver knows generated "
                "crossbars only: use ngspice, or a surrogate fitted to it"
            )
        self.spec = spec
        self._threads = threads
        self._table: TabulatedCell | None = None
        if spec.cell.has_subcircuits:
            self.solver = self._tabulated(accuracy, 0.0, spec.drivers.read_voltage)
        else:
            self.solver = TileSolver(spec, accuracy, threads=threads)

    def at(self, spec: TileSpec) -> Self:
        """A solver of the same accuracy for another tile."""
        return self if spec == self.spec else type(self)(spec, self.solver.accuracy, self._threads)

    def iter_mvm(self, jobs: Sequence[Job]) -> Iterator[Readout]:
        """Evaluate jobs in order; one sample that does not converge fails its job."""
        for index, (conductances, inputs) in enumerate(jobs):
            G = checked_conductances(self.spec, conductances)
            X = checked_inputs(self.spec, inputs)
            self._cover(float(X.min()), float(X.max()))
            began = time.perf_counter()
            solution = self.solver.solve(X, G)
            currents = solution.currents
            if not solution.status.ok:
                currents = np.full_like(currents, np.nan)
            yield Readout(index, currents, solution.status, time.perf_counter() - began)

    def provenance(self) -> dict[str, str]:
        """The accuracy that was asked for, and that of tables."""
        accuracy = self.solver.accuracy
        precision = "single" if accuracy.single else "double"
        about = {
            "engine": self.name,
            "tolerance": f"{accuracy.tolerance:g}",
            "corrections": f"{precision} precision",
        }
        if self._table is not None:
            about["table_error"] = f"{self._table.error:.1g}"
        return about

    def _cover(self, low: float, high: float) -> None:
        """Take wider tables for inputs [V] beyond those of now."""
        table, unit = self._table, self.spec.drivers.read_voltage
        if table is not None and (low < table.low or high > table.high):
            low = min(table.low, unit * math.floor(low / unit))
            high = max(table.high, unit * math.ceil(high / unit))
            self.solver = self._tabulated(self.solver.accuracy, low, high)

    def _tabulated(self, accuracy: Accuracy, low: float, high: float) -> TileSolver:
        """A solver with tables for inputs from `low` to `high` [V]."""
        # Brings all of ngspice's machinery along.
        from cosim.cell_tables import tabulated_cell

        self._table = tabulated_cell(self.spec, low, high)
        return TileSolver(self.spec, accuracy, threads=self._threads, cell=self._table.cell)
