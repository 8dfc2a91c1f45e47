"""Rounds: whether prediction and circuit agree, and what joins the samples when they do not.

A round ends with checks of every network that it has programmed:

    its reads in ngspice     the surrogate's error is within what the study accepts, and within the
                             bound of the certificate as often as that promises
    its accuracy             predicted and in ngspice, on the same images; predicted and by the
                             solver, on the whole test set

When all hold, the loop ends. When one does not and rounds are left, some of the reads that ngspice
has answered already join the samples of the next fit: half of the matrices are those where the
surrogate is most wrong, half are drawn at random, so that the certificate is not judged on the
worst alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from cosim.loop.context import Context
from cosim.loop.replay import LEVEL, Reads, reads_of
from cosim.loop.stages import Record, Results
from cosim.loop.study import StudySpec
from cosim.loop.surrogates import surrogate_of


READS_PER_MATRIX = 8  # at most, of those that join
ROUNDING = 1e-9  # accuracies are shares of whole images; equal to the margin is within it


@dataclass(frozen=True)
class Check:
    """One question at the end of a round.

    Attributes:
        text: what was compared.
        measured: the figure, formatted.
        needed: the limit, formatted.
        holds: whether it is kept.
    """

    text: str
    measured: str
    needed: str
    holds: bool


@dataclass(frozen=True)
class Round:
    """One round, finished.

    Attributes:
        number: from 1.
        study: what is run.
        records: of all stages that have run, by name.
    """

    number: int
    study: StudySpec
    records: Mapping[str, Record]

    def of(self, stage: str) -> Results:
        """What a stage of this round found."""
        return self.records[self._name(stage)].results

    def has(self, stage: str) -> bool:
        """Whether a stage is part of this round."""
        return self._name(stage) in self.records

    def accuracies(self, training: str, engine: str) -> np.ndarray:
        """Accuracy of every chip on the replayed images."""
        return np.array(self.of(f"replay-{training}")["accuracy"][engine])

    def on_all(self, training: str, engine: str) -> np.ndarray:
        """Accuracy of every chip on the images that the solver was given."""
        return np.array(self.of("solve")[training]["accuracy"][engine])

    @property
    def checks(self) -> tuple[Check, ...]:
        """Everything that was compared."""
        return tuple(check for name in self.study.training.networks for check in self._checks(name))

    @property
    def agrees(self) -> bool:
        """Whether prediction and circuit agree."""
        return all(check.holds for check in self.checks)

    @property
    def verdict(self) -> str:
        """How the round ended, in words."""
        failed = [check for check in self.checks if not check.holds]
        if not failed:
            return "prediction and circuit agree"
        said = "; ".join(
            f"{check.text}: {check.measured}, needed {check.needed}" for check in failed
        )
        last = self.number >= self.study.loop.rounds
        return f"{said}{' (no round left)' if last else ''}"

    def _name(self, stage: str) -> str:
        return stage if self.number == 1 else f"{stage}-{self.number}"

    def _checks(self, training: str) -> Iterator[Check]:
        reads, limit = self.of(f"replay-{training}"), self.study.surrogate.max_nrmse
        nrmse, inside, needed = (
            reads[name] for name in ("surrogate_nrmse", "inside", "inside_needed")
        )
        yield Check(
            f"surrogate error on the reads of {training}",
            f"{100 * nrmse:.3g} %",
            f"at most {100 * limit:g} %",
            nrmse <= limit,
        )
        yield Check(
            f"reads of {training} within the {100 * LEVEL:g} % bound of the certificate",
            f"{100 * inside:.1f} %",
            f"at least {100 * needed:.1f} %",
            inside >= needed,
        )
        yield self._gap(f"predicted against ngspice, {training}", self._in_ngspice(training))
        if self.has("solve"):
            yield self._gap(f"predicted against solver, {training}", self._solved(training))

    def _in_ngspice(self, training: str) -> tuple[float, float]:
        predicted, measured = (
            float(self.accuracies(training, engine).mean()) for engine in ("surrogate", "ngspice")
        )
        return predicted, measured

    def _solved(self, training: str) -> tuple[float, float]:
        predicted, measured = (
            float(self.on_all(training, engine).mean()) for engine in ("surrogate", "solver")
        )
        return predicted, measured

    def _gap(self, text: str, both: tuple[float, float]) -> Check:
        margin = self.study.loop.margin
        return Check(
            text,
            f"{100 * both[0]:.2f} % against {100 * both[1]:.2f} %",
            f"at most {100 * margin:g} points apart",
            abs(both[0] - both[1]) <= margin + ROUNDING,
        )


def rounds_of(
    study: StudySpec, records: Mapping[str, Record], find: Callable[[int], None]
) -> Iterator[Round]:
    """The rounds of a run, one after the other, until one agrees or none is left.

    Args:
        study: what is run.
        records: of all stages, by name; it grows.
        find: does a round, or finds it done, and adds the records of its stages.
    """
    for number in range(1, study.loop.rounds + 1):
        find(number)
        done = Round(number, study, records)
        yield done
        if done.agrees:
            return


def join(context: Context, before: Round) -> Results:
    """Choose reads of the round before that join the samples; keep them in `joined.npz`."""
    earlier = context.in_round(before.number)
    surrogate = surrogate_of(earlier)
    reads: dict[str, Reads] = {
        name: reads_of(earlier, name, surrogate, before.of(f"replay-{name}")["images"])
        for name in context.study.training.networks
    }
    generator = np.random.default_rng([context.study.seed, context.number])
    tasks = [(name, task) for name, own in reads.items() for task in range(len(own.predicted))]
    error = np.concatenate([own.rms() for own in reads.values()])
    chosen: list[tuple[str, int]] = []
    each: list[np.ndarray] = []
    left = context.study.loop.samples
    for index in _half_worst(error, len(tasks), generator):
        name, task = tasks[index]
        rows = _vectors(reads[name], task, min(left, READS_PER_MATRIX), generator)
        chosen.append((name, task))
        each.append(rows)
        left -= len(rows)
        if left <= 0:
            break
    _keep(context, reads, chosen, each)
    return {
        "samples": sum(map(len, each)),
        "matrices": len(chosen),
        "round": before.number,
        "from": [[name, *map(int, reads[name].places[task])] for name, task in chosen],
    }


def _vectors(reads: Reads, task: int, count: int, generator: np.random.Generator) -> np.ndarray:
    """Reads of one matrix: half with the largest errors, half at random."""
    error = np.abs(reads.predicted[task] - reads.recorder.answers[task]).max(axis=1)
    return _half_worst(error, count, generator)


def _half_worst(
    error: Float[np.ndarray, " all"], count: int, generator: np.random.Generator
) -> Int[np.ndarray, " chosen"]:
    """Places in turn: the largest error that is left, and one of the others at random."""
    worst = np.argsort(-error, kind="stable")
    both = np.stack([worst, generator.permutation(len(error))], axis=1).ravel()
    _, first = np.unique(both, return_index=True)
    return both[np.sort(first)][:count]


def _keep(
    context: Context,
    reads: Mapping[str, Reads],
    chosen: list[tuple[str, int]],
    each: list[np.ndarray],
) -> None:
    tasks = [reads[name].recorder.tasks[task] for name, task in chosen]
    answers = [reads[name].recorder.answers[task] for name, task in chosen]
    context.place.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        context.place / "joined.npz",
        conductance=np.stack([G for G, _ in tasks]),
        inputs=np.concatenate([X[rows] for (_, X), rows in zip(tasks, each, strict=True)]),
        outputs=np.concatenate([Y[rows] for Y, rows in zip(answers, each, strict=True)]),
        matrix=np.repeat(np.arange(len(chosen)), [len(rows) for rows in each]),
    )
