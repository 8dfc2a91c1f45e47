"""Do the bounds of certificates hold? Refits with other seeds, each held against fresh samples.

Every refit draws its own matrices and inputs from the solver, refines the default surrogate on a
few of them, and sets bounds from the others. Then it draws as many matrices again, and counts what
lies inside. Three rules are compared, by the number of matrices that the bound is set from:

    outputs alone   every output counts as a sample of its own, whatever its matrix
    bounds          as certificates have them for outputs
    matrix bounds   as certificates have them for matrices
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np

from cosim.characterize import SamplingPlan
from cosim.characterize.fitting import closed_form
from cosim.engine import SolverEngine
from cosim.studies.script import selected
from cosim.surrogate import (
    FitSettings,
    LineModeGalerkin,
    Provenance,
    TileSamples,
    conformal_bound,
    fit,
)
from cosim.surrogate.certificate import BOUND_LEVELS, matrix_bound, output_bound
from netlists.specs import TileSpec


RULES: dict[str, Callable[[np.ndarray, np.ndarray, float], float]] = {
    "outputs alone": lambda errors, matrix, level: conformal_bound(errors.ravel(), level),
    "bounds": output_bound,
    "matrix bounds": matrix_bound,
}
# Seeds of fresh draws start here, those of refits below it.
FRESH_SEED = 1_000_000


@dataclass(frozen=True)
class Bounds:
    """Refits of the default surrogate of one tile.

    Attributes:
        spec: the tile.
        refits: how many.
        fitted: matrices that each refinement sees.
        calibration: numbers of further matrices that bounds are set from.
        fresh: matrices that the bounds are held against.
        inputs: vectors per matrix.
    """

    spec: TileSpec
    refits: int = 20
    fitted: int = 24
    calibration: tuple[int, ...] = (10, 20, 50, 100, 400)
    fresh: int = 300
    inputs: int = 8

    keys = ("tile", "refit")
    values = ("matrices", "rule", "level", "bound_nA", "outputs", "in_matrices")

    @property
    def specification(self) -> str:
        """What tables of this study were made from."""
        draws = {name: value for name, value in asdict(self).items() if name != "spec"}
        return f"{self.spec.content_hash()} {draws}"

    @cached_property
    def start(self) -> LineModeGalerkin:
        """The surrogate before it is fitted to arrays."""
        return closed_form(LineModeGalerkin, self.spec)

    def refit(self, number: int) -> list[dict[str, str | int | float]]:
        """Shares inside the bounds of one refit: of all outputs, and of matrices.

        A matrix counts when the share `level` of its own outputs lies inside.
        """
        engine = SolverEngine(self.spec, threads=1)
        most = max(self.calibration)
        held_out = most / (most + self.fitted)
        result = fit(
            self.start,
            self._drawn(engine, most + self.fitted, number),
            Provenance(self.spec.content_hash(), engine.name, {}, {"samples": number}),
            FitSettings(held_out=held_out, seed=number),
        )
        known = result.held_out
        fresh = self._drawn(engine, self.fresh, FRESH_SEED + number)
        errors = np.abs(known.predict(result.surrogate) - known.outputs)
        new = np.abs(fresh.predict(result.surrogate) - fresh.outputs)
        new = new.reshape(self.fresh, -1)
        # Held-out matrices are in the order of the plan, which takes the kinds in turn.
        order = np.random.default_rng(number).permutation(known.matrices)
        found: list[dict[str, str | int | float]] = []
        for count in self.calibration:
            used = np.isin(known.matrix, order[:count])
            for (rule, bound_of), level in ((r, x) for r in RULES.items() for x in BOUND_LEVELS):
                bound = bound_of(errors[used], known.matrix[used], level)
                inside = (new <= bound).mean(1)
                shares = (float(inside.mean()), float(np.mean(inside >= level)))
                row = (count, rule, level, 1e9 * bound, *shares)
                found.append(dict(zip(self.values, row, strict=True)))
        return found

    def _drawn(self, engine: SolverEngine, matrices: int, seed: int) -> TileSamples:
        plan = SamplingPlan(
            samples=matrices * self.inputs, inputs_per_matrix=self.inputs, seed=seed
        )
        jobs = [
            (plan.conductances(self.spec, m), plan.inputs(self.spec, m)) for m in range(matrices)
        ]
        return TileSamples(
            np.stack([G for G, _ in jobs]),
            np.concatenate([X for _, X in jobs]),
            np.concatenate(engine.mvm_many(jobs)),
            np.repeat(np.arange(matrices), self.inputs),
        )


def bounds_table(rows: list[dict[str, str]], tiles: Iterable[str]) -> str:
    """Mean and standard deviation over the refits of what lies inside, in percent."""
    head = ("tile", "level", "matrices", *RULES, "matrix bounds, matrices")
    lines = [
        "# Shares of fresh outputs and matrices inside the bounds, in percent",
        "",
        "Mean and standard deviation over refits; `matrices` is what a bound was set from.",
        "",
        f"| {' | '.join(head)} |",
        "|" + "---|" * len(head),
    ]
    counts = sorted({int(row["matrices"]) for row in rows})
    for tile in tiles:
        for level in BOUND_LEVELS:
            for count in counts:
                wanted: dict[str, str | float] = {"tile": tile, "level": level, "matrices": count}
                cells = [_shown(rows, "outputs", {**wanted, "rule": rule}) for rule in RULES]
                cells.append(_shown(rows, "in_matrices", {**wanted, "rule": "matrix bounds"}))
                lines.append(f"| {tile} | {100 * level:g} % | {count} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _shown(rows: list[dict[str, str]], column: str, wanted: Mapping[str, str | float]) -> str:
    shares = 100 * selected(rows, column, **wanted)
    return f"{shares.mean():.2f} ± {shares.std(ddof=1):.2f}"
