"""Program all cells of a tile: from its specification and targets to a state with provenance."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy import ndarray

import cosim
from compact_models import load_card
from cosim.errors import InputError, ShapeError
from cosim.ngspice import Result, Simulation
from cosim.programming.algorithms import (
    AbstractAlgorithm,
    Igvva,
    Ispva,
    ReadVerifyWrite,
    SingleShot,
)
from cosim.programming.cells import AbstractCells, CellKind
from cosim.programming.cost import cost
from cosim.programming.outcome import Outcome
from cosim.programming.phase_change import IterativeProgramVerify
from cosim.programming.spice import SpiceCells
from cosim.programming.state import ProgrammedState
from cosim.programming.statistical import check_range, from_laws
from cosim.programming.vectorised import VectorisedCells
from cosim.progress import Advance
from netlists.cells import IDEAL_RESISTOR
from netlists.specs import TileSpec


ALGORITHMS: dict[str, AbstractAlgorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Ispva(),
        Igvva(),
        Igvva(step=0.1),
        SingleShot(),
        ReadVerifyWrite(),
        IterativeProgramVerify(),
    )
}
ENGINES = ("compiled", "ngspice", "laws")


def program_tile(
    spec: TileSpec,
    targets: Float[ndarray, "rows cols"],
    algorithm: str,
    seed: int,
    engine: str = "compiled",
    run: Callable[[Simulation], Result] | None = None,
    watch: Advance = lambda count: None,
) -> ProgrammedState:
    """Program a tile.

    Args:
        spec: the tile.
        targets: wanted conductances of the devices [S].
        algorithm: one of `ALGORITHMS`.
        seed: of the devices and of every pulse's noise.
        engine: `compiled` integrates the compiled equations, `ngspice` simulates every pulse,
            `laws` draws from the card's statistical model.
        run: runs one simulation, for the engine `ngspice`.
        watch: told how many cells are done, whenever some are.

    Raises:
        InputError: an unknown algorithm or engine, a cell that cannot be programmed, a target
            outside of the card's range.
        ShapeError: targets of another shape, or not finite.
    """
    if algorithm not in ALGORITHMS:
        raise InputError(
            f"algorithm {algorithm!r} is unknown; allowed are {', '.join(ALGORITHMS)}; choose one"
        )
    check_targets(spec, targets)
    wanted = np.ascontiguousarray(targets, dtype=np.float64).ravel()
    chosen = ALGORITHMS[algorithm]
    if engine == "laws":
        outcome = from_laws(load_card(spec.cell.device), chosen.name, wanted, seed)
        watch(wanted.size)
    else:
        outcome = chosen.run(_cells(spec, wanted.size, seed, engine, run, watch), wanted)
    return ProgrammedState.of(
        outcome, (spec.rows, spec.cols), _provenance(spec, outcome, algorithm, seed, engine)
    )


def check_targets(spec: TileSpec, targets: Float[ndarray, ...]) -> None:
    """Refuse targets before any work is done.

    Raises:
        ShapeError: another shape than the tile, or values that are not finite.
        InputError: a target outside of the card's range.
    """
    if targets.shape != (spec.rows, spec.cols):
        raise ShapeError(
            f"the targets have the shape {targets.shape}; the tile {spec.name} has "
            f"{spec.rows} x {spec.cols} cells; give one target for each"
        )
    if not np.all(np.isfinite(targets)):
        row, col = np.argwhere(~np.isfinite(targets))[0]
        raise ShapeError(
            f"the target of row {row}, column {col} is {targets[row, col]}; finite numbers are "
            "needed; correct it"
        )
    if spec.cell.device == IDEAL_RESISTOR:
        raise InputError(
            f"the cells of {spec.name} are ideal resistors, which need no programming; name the "
            "card of a memory device in cell.device"
        )
    check_range(load_card(spec.cell.device), np.asarray(targets, dtype=np.float64).ravel())


def _cells(
    spec: TileSpec,
    count: int,
    seed: int,
    engine: str,
    run: Callable[[Simulation], Result] | None,
    watch: Advance,
) -> AbstractCells:
    if spec.cell.access_transistor is None:
        raise InputError(
            f"the cells of {spec.name} have no access transistor, and `{engine}` simulates 1T1R "
            "cells; use the engine `laws`, or a 1T1R tile"
        )
    kind = CellKind.from_names(spec.cell.device, spec.cell.access_transistor, spec.temperature)
    if engine == "compiled":
        return VectorisedCells(kind, count, seed, watch=watch)
    if engine == "ngspice" and run is not None:
        return SpiceCells(kind, count, seed, watch=watch, run=run)
    raise InputError(f"engine {engine!r} is unknown; allowed are {', '.join(ENGINES)}")


def _provenance(
    spec: TileSpec, outcome: Outcome, algorithm: str, seed: int, engine: str
) -> dict[str, Any]:
    spent = cost(outcome, parallel=1)
    return {
        "tile": spec.model_dump(mode="json"),
        "tile_hash": spec.content_hash(),
        "algorithm": algorithm,
        "settings": dataclasses.asdict(ALGORITHMS[algorithm]),
        "engine": engine,
        "seed": seed,
        "pulses": spent.pulses,
        "seconds": spent.seconds,
        "joules": None if np.isnan(spent.joules) else spent.joules,
        "summary": outcome.summary(),
        "cosim": cosim.__version__,
        "numpy": np.__version__,
    }
