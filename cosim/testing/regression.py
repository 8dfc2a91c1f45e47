"""One regression of a tile: its samples, SPICE on one side, the behavioural model on the other.

                       ┌── ngspice, every transistor and wire ──► reference ──┐
    tile, seed ─► jobs ┤                                                      ├─► difference
                       └── surrogate, solver or the user's own MVM ───────────┘

The reference is simulated once per test, whatever is then compared with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float

from cosim.cell import TileCell
from cosim.characterize import SamplingPlan
from cosim.engine.base import AbstractEngine
from cosim.errors import CheckFailed, ShapeError
from cosim.testing.difference import Difference, Samples
from cosim.testing.goldens import (
    Golden,
    Job,
    Origin,
    check_origin,
    origin_of,
    read_golden,
    version_note,
    write_golden,
)
from cosim.testing.plot import write_plot
from cosim.testing.settings import CLOSED_FORM, SOLVER, TileSettings
from netlists.specs import TileSpec


# Conductances [rows, cols] [S] and inputs [samples, rows] [V] to column currents [samples, cols].
Model = Callable[[np.ndarray, np.ndarray], np.ndarray]
Currents = Float[np.ndarray, "samples cols"]


@dataclass(frozen=True)
class Places:
    """Where a regression reads and writes.

    Attributes:
        folder: of the test; relative paths start here.
        golden: file of the golden result.
        plot: SVG file that is written when a comparison fails.
        update: whether golden results are written instead of compared with.
    """

    folder: Path
    golden: Path
    plot: Path
    update: bool = False


@dataclass(frozen=True)
class TileRegression:
    """What a test asks.

    Attributes:
        settings: what the mark says.
        places: files.
        open_reference: opens the engine of the reference for a tile.
        written: golden files written so far.
    """

    settings: TileSettings
    places: Places
    open_reference: Callable[[TileSpec], AbstractEngine]
    written: list[Path] = field(default_factory=list)

    @cached_property
    def spec(self) -> TileSpec:
        """The tile."""
        return TileSpec.from_toml(self.places.folder / self.settings.tile)

    @cached_property
    def jobs(self) -> list[Job]:
        """Conductances [S] and inputs [V], drawn from the seed."""
        s = self.settings
        plan = SamplingPlan(samples=s.samples, inputs_per_matrix=s.inputs_per_matrix, seed=s.seed)
        spec = self.spec
        return [(plan.conductances(spec, m), plan.inputs(spec, m)) for m in range(plan.matrices)]

    @cached_property
    def engine(self) -> AbstractEngine:
        """The engine of the reference."""
        return self.open_reference(self.spec)

    @cached_property
    def reference(self) -> Currents:
        """Column currents of the reference [A]."""
        return np.concatenate(self.engine.mvm_many(self.jobs))

    def compare(self, model: Model | None = None) -> Difference:
        """The behavioural model against SPICE; `model` takes the place of the mark's."""
        about = self.engine.provenance()
        against = " ".join([about["engine"], about.get(about["engine"], "")]).strip()
        return self._difference(model, against, self.reference)

    def check(self, model: Model | None = None) -> Difference:
        """Fail unless the behavioural model follows SPICE within the tolerance.

        Args:
            model: a function of conductances [rows, cols] [S] and inputs [samples, rows] [V] that
                gives column currents [samples, cols] [A]; None takes what the mark names.

        Raises:
            CheckFailed: it does not; the message says which output, on which input, how far.
        """
        return self._judged(self.compare(model))

    def check_golden(self) -> Difference:
        """Fail unless SPICE still gives the kept result; with `--update-goldens`, keep it.

        Raises:
            CheckFailed: it does not, or the kept result is of another tile, or there is none.
        """
        origin = self._origin
        if self.places.update:
            self._keep(origin)
        golden = read_golden(self.places.golden)
        check_origin(self.places.golden, golden, origin)
        tolerance = self.settings.golden_tolerance
        samples = self._samples(golden.outputs, self.reference)
        found = Difference(self.spec.name, origin.engine, "its golden result", samples, tolerance)
        return self._judged(replace(found, note=version_note(golden, origin)))

    def check_against_golden(self, model: Model | None = None) -> Difference:
        """Fail unless the behavioural model follows the kept result of SPICE; simulates nothing.

        Args:
            model: as in `check`.

        Raises:
            CheckFailed: it does not, or the kept result is of another tile, or there is none.
        """
        if self.places.update:
            self._keep(self._origin)
        golden = read_golden(self.places.golden)
        kept = golden.origin
        about = {**kept.versions, "engine": kept.engine}
        now = origin_of(self.spec, self.jobs, self.settings.seed, about)
        check_origin(self.places.golden, golden, now)
        return self._judged(self._difference(model, "the golden result", golden.outputs))

    @property
    def _origin(self) -> Origin:
        return origin_of(self.spec, self.jobs, self.settings.seed, self.engine.provenance())

    def _keep(self, origin: Origin) -> None:
        write_golden(self.places.golden, Golden(self.spec.name, origin, self.reference))
        self.written.append(self.places.golden)

    def _difference(self, model: Model | None, against: str, reference: Currents) -> Difference:
        named = self.settings.model if model is None else "the given model"
        predicted = predictions(self._model if model is None else model, self.jobs)
        samples = self._samples(reference, predicted)
        return Difference(self.spec.name, named, against, samples, self.settings.tolerance)

    def _samples(self, reference: Currents, predicted: Currents) -> Samples:
        if predicted.shape != reference.shape:
            raise ShapeError(
                f"the model gives currents of the shape {predicted.shape}, the reference "
                f"{reference.shape}; give one row per input vector and one value per column"
            )
        matrix = np.repeat(np.arange(len(self.jobs)), [len(inputs) for _, inputs in self.jobs])
        return Samples(np.concatenate([X for _, X in self.jobs]), matrix, reference, predicted)

    def _judged(self, difference: Difference) -> Difference:
        if difference.holds:
            return difference
        plot = write_plot(difference, self.places.plot)
        raise CheckFailed(f"{difference.text()}\nplot: {plot}")

    @cached_property
    def _model(self) -> Model:
        """The behavioural model that the mark names."""
        name, spec = self.settings.model, self.spec
        if name == SOLVER:
            from cosim.engine.solver import SolverEngine

            return SolverEngine(spec).mvm
        from cosim.surrogate import LineModeGalerkin, load

        if name == CLOSED_FORM:
            surrogate = LineModeGalerkin.from_spec(spec, TileCell(spec).current)
            return lambda G, X: surrogate.mvm(X, G)
        stored = load(self.places.folder / name, spec.content_hash()).surrogate
        return lambda G, X: stored.mvm(X, G)


def predictions(model: Model, jobs: Sequence[Job]) -> Currents:
    """What a model says for all jobs [A].

    Raises:
        ShapeError: not one row per input vector.
    """
    outputs = [np.asarray(model(G, X), dtype=np.float64) for G, X in jobs]
    for (_, X), found in zip(jobs, outputs, strict=True):
        if found.ndim != 2 or len(found) != len(X):
            raise ShapeError(
                f"the model gives currents of the shape {found.shape} for {len(X)} input vectors; "
                "give [samples, cols]"
            )
    return np.concatenate(outputs)
