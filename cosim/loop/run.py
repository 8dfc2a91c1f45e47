"""The loop: the stages of a study in order, each found again when nothing it depends on changed.

samples ─► fit ─► train ─► program ─► replay (plain) ─► replay (variability-aware) ─► look ─► report
"""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

import cosim
from cosim.characterize import Dataset, characterize
from cosim.characterize.fitting import fit_dataset
from cosim.engine.ngspice import NgspiceEngine
from cosim.errors import DatasetError
from cosim.loop.context import Context, Progress
from cosim.loop.networks import TRAININGS, program_both, train_both
from cosim.loop.outcome import Outcome
from cosim.loop.replay import replay
from cosim.loop.stages import Results, key_of
from cosim.loop.story import write_report
from cosim.loop.study import StudySpec
from cosim.loop.views import look
from cosim.ngspice import Workers
from cosim.surrogate import LineModeGalerkin, load, save
from netlists.specs import TileSpec


# Packages whose version may change a figure; they stand in the report.
PACKAGES = ("PySpice", "numpy", "scipy", "numba", "torch", "scikit-learn", "dask", "zarr")


class Stage(NamedTuple):
    """One step of the loop.

    Attributes:
        name: of its record.
        title: what it does, for people.
        dependencies: what it depends on besides the stages before it, as JSON values.
        work: does it.
    """

    name: str
    title: str
    dependencies: list[Any]
    work: Callable[[], Results]


def run_study(
    study: StudySpec,
    tile: TileSpec,
    folder: Path,
    workers: Workers,
    progress: Progress | None = None,
    command: str = "",
) -> Outcome:
    """Run a study, or finish one that was interrupted; ends with `report.html` in its folder.

    Args:
        study: what to run.
        tile: the tile that the study names.
        folder: where everything goes.
        workers: that simulate.
        progress: how the run tells what it is doing.
        command: the command that repeats the run, for the report.

    Raises:
        SimulationFailed: ngspice gave no result where one is needed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    context = Context(study, tile, folder, NgspiceEngine(tile, workers), progress or Progress())
    _keep_inputs(context, command)
    records, key = {}, ""
    with one_thread():
        for name, title, dependencies, work in _plan(context):
            key = key_of(key, *dependencies)
            records[name] = context.stages.run(name, title, key, work)
    context.progress.announce("writing the report")
    write_report(folder)
    return Outcome(study, records)


def _plan(context: Context) -> list[Stage]:
    """The stages of a run; each depends on all before it."""
    study, tile = context.study, context.tile
    specs = study.model_dump(mode="json")
    samples = study.characterize.samples
    characterized = [tile.content_hash(), specs["characterize"], context.engine.provenance()]
    replays = [
        Stage(
            f"replay-{training}",
            f"replaying the {training} network in ngspice",
            [study.evaluation.images],
            partial(_replay, context, training),
        )
        for training in TRAININGS
    ]
    return [
        Stage(
            "samples",
            f"sampling the tile in ngspice ({samples} samples)",
            characterized,
            partial(take_samples, context),
        ),
        Stage(
            "fit",
            "fitting the surrogate",
            [specs["surrogate"], study.seed],
            partial(fit_surrogate, context),
        ),
        Stage(
            "train",
            "training plainly and variability aware",
            [specs["network"], specs["training"]],
            partial(_train, context),
        ),
        Stage(
            "program",
            f"programming {study.programming.chips} chips",
            [specs["programming"]],
            partial(program_both, context),
        ),
        *replays,
        Stage("look", "looking inside the tile", [], partial(look, context)),
    ]


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch use one thread: tiles are small, and threads that wait for each other spin."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _keep_inputs(context: Context, command: str) -> None:
    """The specifications, so that the folder alone says what was run."""
    content = {
        "study": context.study.model_dump(mode="json"),
        "tile": context.tile.model_dump(mode="json"),
        "command": command,
        "versions": {
            "cosim": cosim.__version__,
            "Python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        },
    }
    (context.folder / "run.json").write_text(json.dumps(content, indent=1), encoding="utf-8")


def _train(context: Context) -> Results:
    return train_both(context, surrogate_of(context))


def _replay(context: Context, training: str) -> Results:
    return replay(context, training, surrogate_of(context))


def take_samples(context: Context) -> Results:
    """Characterise the tile into `samples.zarr`, going on where an earlier run stopped."""
    path, plan = context.folder / "samples.zarr", context.study.characterize
    if path.exists() and not _same_work(path, context):
        shutil.rmtree(path)
    with context.progress.bar("ngspice: samples", plan.all_samples) as advance:
        dataset = characterize(context.engine, plan, path, advance)
    failures = {str(matrix): status for matrix, status in dataset.failures().items()}
    return {"provenance": dataset.provenance, "matrices": plan.matrices, "failures": failures}


def _same_work(path: Path, context: Context) -> bool:
    """Whether a dataset holds the samples that this run wants."""
    try:
        dataset = Dataset.open(path)
    except DatasetError:
        return False
    return (dataset.spec, dataset.plan) == (context.tile, context.study.characterize)


def fit_surrogate(context: Context) -> Results:
    """Fit and certify the surrogate; keep predictions on the held-out samples for the report."""
    dataset = Dataset.open(context.folder / "samples.zarr")
    result = fit_dataset(dataset, context.study.surrogate.held_out, context.study.seed)
    tile = context.tile
    save(
        context.folder / "surrogate",
        result.surrogate,
        tile.model_dump(mode="json"),
        tile.content_hash(),
        result.certificate,
    )
    predicted = result.held_out.predict(result.surrogate)
    np.savez_compressed(
        context.folder / "held_out.npz",
        predicted=predicted,
        reference=result.held_out.outputs,
    )
    return {
        "certificate": result.certificate.to_dict(),
        "closed_form_nrmse": result.closed_form_nrmse,
        "refined_nrmse": result.refined_nrmse,
        "modes": result.surrogate.modes,
    }


def surrogate_of(context: Context) -> LineModeGalerkin:
    """The surrogate that the fit stage kept."""
    surrogate = load(context.folder / "surrogate", context.tile.content_hash()).surrogate
    if not isinstance(surrogate, LineModeGalerkin):
        raise DatasetError(f"{context.folder / 'surrogate'} holds another kind of surrogate")
    return surrogate
