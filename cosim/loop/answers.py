"""An engine that is asked nothing twice, and that a killed run does not have to ask again.

Convolutions read the same tiles with thousands of vectors, many of them the same (blank patches),
and identical vectors have one answer. What is left is asked in parts of up to a hundred vectors,
and the answer to a part is on disk as soon as it is there, under a hash of the tile, of what
computes, of the conductances and of the vectors. Parts depend on nothing else: a run that was
killed goes on with those that are missing and ends as if it had never stopped, and more images add
parts to those that are there.

    ANSWERS/3f/3f0a….npy     currents [A] of one part
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from cosim.engine.base import Currents, Inputs, Job
from cosim.engine.ngspice import NgspiceEngine
from cosim.errors import SimulationFailed
from cosim.progress import Advance


PART = NgspiceEngine.VECTORS_PER_LOAD


@dataclass
class Recorder:
    """Asks ngspice what is not known yet, and remembers all tasks with their answers.

    Attributes:
        engine: that is asked.
        folder: where answers are kept.
        advance: called with the number of vectors that are answered, repeated ones included.
        tasks: what was asked, every different vector once.
        answers: currents [A] of each task.
        operations: vectors in all: one matrix-vector product on one tile each.
    """

    engine: NgspiceEngine
    folder: Path
    advance: Advance = lambda count: None
    tasks: list[Job] = field(default_factory=list)
    answers: list[Currents] = field(default_factory=list)
    operations: int = 0

    @property
    def simulated(self) -> int:
        """Different vectors, which is what ngspice has to answer."""
        return sum(map(len, self.answers))

    def mvm_many(self, tasks: Sequence[Job]) -> list[Currents]:
        """Currents [A] of tasks.

        Raises:
            SimulationFailed: ngspice gave no result.
        """
        sizes = [len(X) for _, X in tasks]

        def ask(different: list[Job]) -> list[Currents]:
            answers = self._answered(different, sizes)
            self.tasks += different
            self.answers += answers
            return answers

        self.operations += sum(sizes)
        return asked_once(tasks, ask)

    def _answered(self, tasks: Sequence[Job], sizes: Sequence[int]) -> list[Currents]:
        """Every part from disk, or from ngspice."""
        begin = digest_of(self.engine)
        parts = [
            _Part(task, slice(start, start + PART), G, X[start : start + PART], begin)
            for task, (G, X) in enumerate(tasks)
            for start in range(0, len(X), PART)
        ]
        answers = [np.empty((len(X), self.engine.spec.cols)) for _, X in tasks]
        weight = [size / max(len(X), 1) for size, (_, X) in zip(sizes, tasks, strict=True)]
        told = 0.0

        def take(part: _Part, currents: Currents) -> None:
            nonlocal told
            answers[part.task][part.vectors] = currents
            before, told = told, told + weight[part.task] * len(part.inputs)
            self.advance(round(told) - round(before))

        missing = []
        for part in parts:
            kept = part.kept(self.folder)
            if kept is None or kept.shape != (len(part.inputs), self.engine.spec.cols):
                missing.append(part)
            else:
                take(part, kept)
        jobs = [(part.conductances, part.inputs) for part in missing]
        for readout in self.engine.iter_mvm(jobs):
            if not readout.status.ok:
                raise SimulationFailed(f"{self.engine.name}: {readout.status}")
            missing[readout.index].keep(self.folder, readout.currents)
            take(missing[readout.index], readout.currents)
        return answers


def asked_once(tasks: Sequence[Job], ask: Callable[[list[Job]], list[Currents]]) -> list[Currents]:
    """Currents [A] of tasks, whose different vectors alone are asked for."""
    different = [distinct(X) for _, X in tasks]
    answers = ask([(G, X) for (G, _), (X, _) in zip(tasks, different, strict=True)])
    return [answer[place] for answer, (_, place) in zip(answers, different, strict=True)]


def distinct(
    X: Float[np.ndarray, "vectors rows"],
) -> tuple[Float[np.ndarray, "different rows"], Int[np.ndarray, " vectors"]]:
    """The different vectors in the order in which they first appear, and where each one went."""
    exact = np.ascontiguousarray(X, dtype=np.float64) + 0.0  # minus zero is zero
    rows = exact.view(np.dtype((np.void, exact.dtype.itemsize * exact.shape[1])))[:, 0]
    _, first, place = np.unique(rows, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return exact[first[order]], rank[place]


def digest_of(engine: NgspiceEngine) -> bytes:
    """A hash of the tile and of what computes."""
    content = json.dumps([engine.spec.content_hash(), engine.provenance()], sort_keys=True)
    return hashlib.sha256(content.encode()).digest()


@dataclass(frozen=True)
class _Part:
    """Vectors of one task that are simulated together.

    Attributes:
        task: which.
        vectors: of it.
        conductances: of the tile [S].
        inputs: the vectors [V].
        begin: hash of tile and engine.
    """

    task: int
    vectors: slice
    conductances: Float[np.ndarray, "rows cols"]
    inputs: Inputs
    begin: bytes

    def path(self, folder: Path) -> Path:
        digest = hashlib.sha256(self.begin)
        digest.update(np.asarray(self.conductances, dtype=np.float64).tobytes())
        digest.update(np.asarray(self.inputs, dtype=np.float64).tobytes())
        name = digest.hexdigest()[:40]
        return folder / name[:2] / f"{name}.npy"

    def kept(self, folder: Path) -> Currents | None:
        """The answer, if it is on disk in full."""
        return kept_array(self.path(folder))

    def keep(self, folder: Path, currents: Currents) -> None:
        """Put the answer on disk, in full or not at all."""
        keep_array(self.path(folder), currents)


def kept_array(path: Path) -> np.ndarray | None:
    """An array, if it is on disk in full."""
    try:
        return np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None


def keep_array(path: Path, array: np.ndarray) -> None:
    """Put an array on disk, in full or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, array)
    partial.replace(path)
