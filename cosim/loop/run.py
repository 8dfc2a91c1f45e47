"""The loop: the stages of a study, round by round, each found again when nothing it needs changed.

samples ─► fit ─► train ─► program ─┬─► replay of every network in ngspice ─┬─► look ─► report
            ▲     (measure) ─┘      └─► solve                               │
            └────────────────────── join ◄──────────────────────────────────┘ no agreement
"""

from __future__ import annotations

import json
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

import cosim
from cosim.engine.ngspice import NgspiceEngine
from cosim.errors import InputError
from cosim.loop.context import Context, Material, Progress
from cosim.loop.networks import build, train_networks
from cosim.loop.outcome import Outcome
from cosim.loop.programming import (
    check_programming,
    measure_programming,
    program_all,
    training_error,
)
from cosim.loop.replay import replay
from cosim.loop.rounds import Round, join, rounds_of
from cosim.loop.solving import solve, wanted
from cosim.loop.stages import Record, Results, key_of
from cosim.loop.started import FINISHED, keep_end
from cosim.loop.story import write_report
from cosim.loop.study import FROM_PROGRAMMING, StudySpec
from cosim.loop.surrogates import (
    digest_of,
    fit_surrogate,
    starting_point,
    surrogate_of,
    take_samples,
)
from cosim.loop.views import look
from cosim.ngspice import Workers
from cosim.surrogate import Certificate
from netlists.specs import TileSpec


# Packages whose version may change a figure; they stand in the report.
PACKAGES = ("PySpice", "numpy", "scipy", "numba", "torch", "scikit-learn", "dask", "zarr")


def run_study(
    study: StudySpec,
    tile: TileSpec,
    folder: Path,
    workers: Workers,
    progress: Progress | None = None,
    command: str = "",
    data: Path | None = None,
) -> Outcome:
    """Run a study, or finish one that was interrupted; ends with `report.html` in its folder.

    Args:
        study: what to run.
        tile: the tile that the study names.
        folder: where everything goes.
        workers: that simulate.
        progress: how the run tells what it is doing.
        command: the command that repeats the run, for the report.
        data: folder of the data set, where the study's does not come along.

    Raises:
        SimulationFailed: ngspice gave no result where one is needed.
        InputError: the study asks for what cannot be; nothing was written.
        DatasetError: the folder of the data does not hold them.
    """
    check_study(study, tile, data)
    folder.mkdir(parents=True, exist_ok=True)
    engine = NgspiceEngine(tile, workers)
    context = Context(study, tile, folder, data, engine=engine, progress=progress or Progress())
    _keep_inputs(context, command)
    run = _Run(context)
    with one_thread():
        numbers = sum(1 for _ in rounds_of(study, run.records, run.do_round))
        run.do(
            "look", "looking inside the tile", [f"{numbers}"], partial(look, run.at), ["program"]
        )
    outcome = Outcome(study, run.records, numbers)
    keep_end(folder, outcome)
    context.progress.announce("writing the report")
    write_report(folder)
    return outcome


def check_study(study: StudySpec, tile: TileSpec, data: Path | None) -> None:
    """Refuse what cannot be run before anything is written.

    Raises:
        InputError: the data, the network, the programming or the start cannot be.
        DatasetError: the folder of the data does not hold them.
    """
    name = study.network.data
    if name == "digits" and data is not None:
        raise InputError(
            f"a folder of data was given ({data}), and the study's data are the digits, which"
            " come along; leave it out"
        )
    if name != "digits" and data is None:
        raise InputError(
            f"the study's data are `{name}`, which do not come with cosim; they are read from a"
            " folder that holds MNIST/raw or cifar-10-batches-bin; name it with --data FOLDER"
        )
    material = Material(study, tile, Path(), data)
    check_programming(material)
    if study.surrogate.initial is not None:
        starting_point(study.surrogate.initial, tile)
    build(material)


class _Run:
    """A run under way: what has been done, and under which keys."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.at = context
        self.records: dict[str, Record] = {}

    def do(
        self,
        stage: str,
        title: str,
        dependencies: list[Any],
        work: Callable[[], Results],
        after: list[str],
    ) -> None:
        """Do a stage, or find it done; its key holds those of the stages of this round before."""
        # What happens once, in the first round, is named as it is.
        once = stage in {"samples", "measure", "look"}
        name = stage if once else self.at.name(stage)
        keys = [self._key(one) for one in after]
        self.records[name] = self.context.stages.run(name, title, key_of(keys, *dependencies), work)

    def do_round(self, number: int) -> None:
        """All stages of a round; without the solver, if the replays have failed already."""
        study = self.context.study
        self.at = self.context.in_round(number)
        again = "" if number == 1 else f"round {number}: "
        if number == 1:
            self._begin()
        else:
            self._join(number)
        before = ["samples"] if number == 1 else ["samples", *self._joins(number)]
        start = digest_of(study.surrogate.initial) if number == 1 else ""
        self.do(
            "fit",
            f"{again}fitting the surrogate" if not start else "taking the surrogate to start with",
            [study.surrogate.held_out, study.seed, start],
            partial(fit_surrogate, self.at),
            before,
        )
        self._train(again)
        self.do(
            "program",
            f"{again}programming {study.programming.chips} chips",
            [study.programming.model_dump(mode="json")],
            partial(program_all, self.at),
            ["train"],
        )
        for training in study.training.networks:
            self._replay(training, again)
        if wanted(self.at) and (self._holds(number) or number == study.loop.rounds):
            key = self.records[self.at.name("program")].key
            self.do(
                "solve",
                f"{again}solving the circuit of the test images",
                [study.evaluation.solver_images],
                lambda: solve(self.at, surrogate_of(self.at), key),
                ["program"],
            )

    def _begin(self) -> None:
        context, study = self.context, self.context.study
        plan, tile = study.characterize, context.tile.content_hash()
        self.do(
            "samples",
            f"sampling the tile in ngspice ({plan.samples} samples)",
            [tile, plan.model_dump(mode="json"), context.engine.provenance()],
            partial(take_samples, context),
            [],
        )
        if study.training.variation == FROM_PROGRAMMING:
            programming = study.programming.model_dump(mode="json", exclude={"chips"})
            self.do(
                "measure",
                "measuring what programming leaves",
                [tile, programming, study.network.levels, study.seed],
                partial(measure_programming, context),
                [],
            )

    def _join(self, number: int) -> None:
        study = self.context.study
        before = Round(number - 1, study, self.records)
        earlier = self.context.in_round(number - 1)
        replays = [earlier.name(f"replay-{name}") for name in study.training.networks]
        self.do(
            "join",
            f"round {number}: taking reads of round {number - 1} to the samples",
            [study.loop.samples, study.seed],
            lambda: join(self.at, before),
            replays,
        )

    def _train(self, again: str) -> None:
        study = self.context.study
        first = self.at.number == 1
        network = study.network.model_dump(mode="json", exclude={"test_images"})
        goes_on = [] if first else [study.loop.epochs, study.loop.learning_rate]
        before = [] if first else [self.context.in_round(self.at.number - 1).name("train")]
        training = study.training.model_dump(mode="json")
        measured = ["measure"] if "measure" in self.records else []
        self.do(
            "train",
            f"{again}training: {', '.join(study.training.networks)}",
            [network, study.network.test_images, training, self.at.data_digest(), *goes_on],
            self._training,
            ["fit", *measured, *before],
        )

    def _training(self) -> Results:
        found = self.records.get("measure")
        error = training_error(self.at, None if found is None else found.results)
        return train_networks(self.at, surrogate_of(self.at), error)

    def _replay(self, training: str, again: str) -> None:
        study, engine = self.context.study, self.context.engine
        another = self.at.number < study.loop.rounds
        pilot = [study.loop.pilot, study.surrogate.max_nrmse] if another else []
        fitted = self.records[self.at.name("fit")].results
        certificate = Certificate.from_dict(fitted["certificate"])
        self.do(
            f"replay-{training}",
            f"{again}replaying the {training} network in ngspice",
            [study.evaluation.images, *(pilot if study.loop.pilot else []), engine.provenance()],
            lambda: replay(self.at, training, surrogate_of(self.at), certificate),
            ["program"],
        )

    def _holds(self, number: int) -> bool:
        """Whether everything that was compared so far in a round holds."""
        return Round(number, self.context.study, self.records).agrees

    def _joins(self, number: int) -> list[str]:
        return [self.context.in_round(one).name("join") for one in range(2, number + 1)]

    def _key(self, stage: str) -> str:
        """The key of a stage: of this round, or by its full name."""
        here = self.at.name(stage)
        return self.records[here if here in self.records else stage].key


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
        "data": None if context.data is None else str(context.data.resolve()),
        "command": command,
        "versions": {
            "cosim": cosim.__version__,
            "Python": platform.python_version(),
            **{package: version(package) for package in PACKAGES},
        },
    }
    (context.folder / FINISHED).unlink(missing_ok=True)
    (context.folder / "run.json").write_text(json.dumps(content, indent=1), encoding="utf-8")
