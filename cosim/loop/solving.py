"""The stage that solves the circuit of every tile operation of the whole test set.

The solver knows the same equations as the netlist and is far faster than ngspice, so what ngspice
shows on some images, the solver shows on all of them, on the same chips. Images go through in
parts; the classes that a part was given are kept as soon as they are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cosim.engine.base import Currents, Job
from cosim.loop.answers import asked_once, keep_array, kept_array
from cosim.loop.context import Context
from cosim.loop.networks import load_network
from cosim.loop.programming import chips_of
from cosim.loop.replay import PARTS
from cosim.loop.stages import Results, key_of
from cosim.nn import Engine, evaluate
from cosim.surrogate import LineModeGalerkin


if TYPE_CHECKING:
    from cosim.engine.solver import SolverEngine

IMAGES_PER_PART = 100


def solve(context: Context, surrogate: LineModeGalerkin, key: str) -> Results:
    """Accuracy of every network on every chip, by the solver and as predicted, on all images.

    Args:
        context: of the run.
        surrogate: that predicts.
        key: hash of everything that the programmed networks depend on.
    """
    return {
        name: _solved(context, name, surrogate, key) for name in context.study.training.networks
    }


def wanted(context: Context) -> bool:
    """Whether the study wants the solver, and its tile is one that the solver knows."""
    return context.study.evaluation.solver_images != 0 and context.tile.external is None


@dataclass(frozen=True)
class _AskedOnce:
    """Asks the solver for every different vector once."""

    engine: SolverEngine

    def mvm_many(self, tasks: Sequence[Job]) -> list[Currents]:
        """Currents [A] of tasks."""
        return asked_once(tasks, self.engine.mvm_many)


def _solved(context: Context, training: str, surrogate: LineModeGalerkin, key: str) -> Results:
    # The solver is compiled when it is imported, which only those wait for who use it.
    from cosim.engine.solver import SolverEngine
    from cosim.solver.solve import FAST

    images, network = context.images, load_network(context, training)
    chips = chips_of(context, training, network)
    count = context.study.evaluation.solver_images or len(images.test_images)
    x, labels = images.test_images[:count], images.test_labels[:count]
    engine = _AskedOnce(SolverEngine(context.tile, FAST, threads=1))
    folder = context.folder / "solved" / key_of(key, training, repr(FAST))
    classes = []
    with context.progress.bar(f"solver: {training}", len(x)) as advance:
        for first in range(0, len(x), IMAGES_PER_PART):
            part = slice(first, first + IMAGES_PER_PART)
            path = folder / f"{first:06d}_{len(x[part])}.npy"
            found = kept_array(path)
            if found is None or found.shape != (len(chips), len(x[part])):
                outputs = evaluate(network, x[part], labels[part], chips, engine).outputs_of()
                found = outputs.argmax(-1).numpy()
                keep_array(path, found)
            classes.append(found)
            advance(len(x[part]))
    solved = np.concatenate(classes, axis=1)
    quick: dict[str, Engine] = {"ideal": "ideal", "surrogate": surrogate}
    predictions = evaluate(network, x, labels, chips, quick, settings=PARTS)
    same = predictions.outputs_of("surrogate").argmax(-1).numpy() == solved
    return {
        "images": len(x),
        "accuracy": {
            **{engine: predictions.of(engine).tolist() for engine in quick},
            "solver": (solved == labels.numpy()).mean(axis=1).tolist(),
        },
        "same_class": float(same.mean()),
    }
