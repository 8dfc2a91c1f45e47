"""Do the bounds of certificates hold? Refits with other seeds, each held against fresh samples.

Every refit draws its own matrices and inputs from the solver, refines the default surrogate on a
few of them, and sets bounds from the others. Then it draws as many matrices again, and counts what
lies inside. Three rules are compared, by the number of matrices that the bound is set from:

    outputs alone   every output counts as a sample of its own, whatever its matrix
    bounds          as certificates have them for outputs
    matrix bounds   as certificates have them for matrices
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field

from cosim.characterize import SamplingPlan
from cosim.characterize.fitting import closed_form
from cosim.engine import SolverEngine
from cosim.report import Axis, LineChart, Mark, Series
from cosim.studies.rows import Row
from cosim.studies.script import selected, shown
from cosim.studies.spec import StudyBase
from cosim.studies.study_run import StudyRun
from cosim.surrogate import (
    FitSettings,
    LineModeGalerkin,
    Provenance,
    TileSamples,
    conformal_bound,
    fit,
)
from cosim.surrogate.certificate import BOUND_LEVELS, matrix_bound, output_bound
from netlists.fields import NotNegative, Spec
from netlists.specs import TileSpec


RULES: dict[str, Callable[[np.ndarray, np.ndarray, float], float]] = {
    "outputs alone": lambda errors, matrix, level: conformal_bound(errors.ravel(), level),
    "bounds": output_bound,
    "matrix bounds": matrix_bound,
}
# Seeds of fresh draws start here, those of refits below it.
FRESH_SEED = 1_000_000


class Size(Spec):
    """A tile that the study looks at.

    Attributes:
        rows: of the array.
        cols: of the array.
        ohm: of a segment of its wires.
    """

    rows: Annotated[int, Field(ge=1)]
    cols: Annotated[int, Field(ge=1)]
    ohm: NotNegative

    @property
    def name(self) -> str:
        """As tables have it."""
        return f"{self.rows} x {self.cols}, {self.ohm:g} ohm"


class BoundsStudy(StudyBase):
    """The study.

    Attributes:
        tile: everything but the size and the wires.
        sizes: the tiles.
        refits: of each tile.
        fitted: matrices that each refinement sees.
        calibration: numbers of further matrices that bounds are set from.
        fresh: matrices that the bounds are held against.
        inputs: vectors per matrix.
    """

    tile: TileSpec
    sizes: tuple[Size, ...]
    refits: Annotated[int, Field(ge=1)]
    fitted: Annotated[int, Field(ge=1)]
    calibration: tuple[int, ...]
    fresh: Annotated[int, Field(ge=1)]
    inputs: Annotated[int, Field(ge=1)]

    def tiles(self) -> dict[str, TileSpec]:
        """The tiles by their names."""
        return {size.name: self._tile(size) for size in self.sizes}

    def _tile(self, size: Size) -> TileSpec:
        wires = {"input_line_resistance": size.ohm, "output_line_resistance": size.ohm}
        return self.tile.model_copy(
            update={
                "rows": size.rows,
                "cols": size.cols,
                "wires": self.tile.wires.model_copy(update=wires),
            }
        )


@dataclass(frozen=True)
class Refits:
    """Refits of the default surrogate of one tile.

    Attributes:
        spec: the tile.
        study: how they are made.
    """

    spec: TileSpec
    study: BoundsStudy

    @cached_property
    def start(self) -> LineModeGalerkin:
        """The surrogate before it is fitted to arrays."""
        return closed_form(LineModeGalerkin, self.spec)

    def refit(self, number: int) -> list[Row]:
        """Shares inside the bounds of one refit: of all outputs, and of matrices.

        A matrix counts when the share `level` of its own outputs lies inside.
        """
        engine = SolverEngine(self.spec, threads=1)
        most = max(self.study.calibration)
        held_out = most / (most + self.study.fitted)
        result = fit(
            self.start,
            self._drawn(engine, most + self.study.fitted, number),
            Provenance(self.spec.content_hash(), engine.name, {}, {"samples": number}),
            FitSettings(held_out=held_out, seed=number),
        )
        known = result.held_out
        fresh = self._drawn(engine, self.study.fresh, FRESH_SEED + number)
        errors = np.abs(known.predict(result.surrogate) - known.outputs)
        new = np.abs(fresh.predict(result.surrogate) - fresh.outputs)
        new = new.reshape(self.study.fresh, -1)
        # Held-out matrices are in the order of the plan, which takes the kinds in turn.
        order = np.random.default_rng(number).permutation(known.matrices)
        found: list[Row] = []
        for count in self.study.calibration:
            used = np.isin(known.matrix, order[:count])
            for (rule, bound_of), level in ((r, x) for r in RULES.items() for x in BOUND_LEVELS):
                bound = bound_of(errors[used], known.matrix[used], level)
                inside = (new <= bound).mean(1)
                shares = (float(inside.mean()), float(np.mean(inside >= level)))
                row = (count, rule, level, 1e9 * bound, *shares)
                found.append(dict(zip(Bounds.values, row, strict=True)))
        return found

    def _drawn(self, engine: SolverEngine, matrices: int, seed: int) -> TileSamples:
        plan = SamplingPlan(
            samples=matrices * self.study.inputs, inputs_per_matrix=self.study.inputs, seed=seed
        )
        jobs = [
            (plan.conductances(self.spec, m), plan.inputs(self.spec, m)) for m in range(matrices)
        ]
        return TileSamples(
            np.stack([G for G, _ in jobs]),
            np.concatenate([X for _, X in jobs]),
            np.concatenate(engine.mvm_many(jobs)),
            np.repeat(np.arange(matrices), self.study.inputs),
        )


@dataclass(frozen=True)
class Bounds(StudyRun[BoundsStudy]):
    """A run of the study."""

    keys: ClassVar[tuple[str, ...]] = ("tile", "refit")
    values: ClassVar[tuple[str, ...]] = (
        *("matrices", "rule", "level"),
        *("bound_nA", "outputs", "in_matrices"),
    )

    def run(self) -> None:
        """Every refit that is not in the table yet."""
        for name, tile in self.study.tiles().items():
            refits = Refits(tile, self.study)
            for number in range(self.study.refits):
                self.rows.case({"tile": name, "refit": number}, partial(refits.refit, number))

    def chart(self) -> LineChart:
        """What lies inside over the number of matrices, for the larger tile and level."""
        rows, level = self.rows.all, max(BOUND_LEVELS)
        counts = np.array(sorted({int(row["matrices"]) for row in rows}))
        tile = list(dict.fromkeys(row["tile"] for row in rows))[-1]

        def shares(rule: str, column: str) -> np.ndarray:
            wanted: dict[str, str | float] = {"tile": tile, "rule": rule, "level": level}
            found = [selected(rows, column, **wanted, matrices=str(count)) for count in counts]
            return np.array([share.mean() for share in found])

        curves = [
            Series(f"{rule}: outputs inside", counts, shares(rule, "outputs")) for rule in RULES
        ]
        inside = shares("matrix bounds", "in_matrices")
        curves.append(Series("matrix bounds: matrices inside", counts, inside, dashed=True))
        return LineChart(
            Axis(f"matrices that a bound is set from, tile of {tile}", log=True),
            Axis("share inside", "%"),
            tuple(curves),
            (Mark("promised", level),),
        )

    def figures(self) -> Mapping[str, str]:
        """None: nothing of it is published elsewhere."""
        return {}

    def more(self) -> str:
        """Mean and standard deviation over the refits of what lies inside, in percent."""
        rows = self.rows.all
        head = ("tile", "level", "matrices", *RULES, "matrix bounds, matrices")
        lines = [
            "",
            "Shares of fresh outputs and matrices inside the bounds, in percent: mean and standard"
            " deviation over refits; `matrices` is what a bound was set from.",
            "",
            f"| {' | '.join(head)} |",
            "|" + "---|" * len(head),
        ]
        counts = sorted({int(row["matrices"]) for row in rows})
        for tile in dict.fromkeys(row["tile"] for row in rows):
            for level in BOUND_LEVELS:
                for count in counts:
                    wanted: dict[str, str | float] = {"tile": tile, "level": level}
                    wanted["matrices"] = count
                    cells = [_shown(rows, "outputs", {**wanted, "rule": rule}) for rule in RULES]
                    cells.append(_shown(rows, "in_matrices", {**wanted, "rule": "matrix bounds"}))
                    lines.append(f"| {tile} | {100 * level:g} % | {count} | {' | '.join(cells)} |")
        return "\n".join(lines) + "\n"


def _shown(rows: list[dict[str, str]], column: str, wanted: Mapping[str, str | float]) -> str:
    return shown(100 * selected(rows, column, **wanted), "")
