"""What every engine is: `mvm_many` of jobs, each a conductance matrix with its input vectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from jaxtyping import Float

from cosim.errors import SimulationFailed
from cosim.progress import Advance
from cosim.results import Status
from netlists.signal_chain import Outputs, SignalChain
from netlists.specs import TileSpec


# `_`: one call takes jobs with different numbers of samples.
Conductances = Float[np.ndarray, "rows cols"]
Inputs = Float[np.ndarray, "_ rows"]
Currents = Float[np.ndarray, "_ cols"]
Job = tuple[Conductances, Inputs]


@dataclass(frozen=True)
class Readout:
    """The answer to one job.

    Attributes:
        index: which job it answers.
        currents: `[samples, cols]` [A]; all NaN when the status is not ok.
        status: how the evaluation ended.
        seconds: time of the evaluation itself.
    """

    index: int
    currents: Currents
    status: Status
    seconds: float = 0.0


class AbstractEngine(ABC):
    """Evaluates matrix-vector multiplications on one tile.

    Attributes:
        spec: the tile.
        name: what results call this engine.
    """

    spec: TileSpec
    name: str

    @abstractmethod
    def iter_mvm(self, jobs: Sequence[Job]) -> Iterator[Readout]:
        """Evaluate jobs, yielding each readout as it is ready, in any order."""

    @abstractmethod
    def provenance(self) -> dict[str, str]:
        """Name and versions of what computes, for datasets and reports."""

    @abstractmethod
    def at(self, spec: TileSpec) -> Self:
        """The same engine for the tile under other conditions.

        Raises:
            InputError: this engine knows one tile only.
        """

    def deck(self, job: Job) -> str:
        """What a person would run to see a job fail; empty when the engine has no decks."""
        return ""

    def read_out(self, currents: Float[np.ndarray, "samples reads cols"]) -> Outputs:
        """The tile's outputs for the currents of all reads [A]: those of the blocks' twins."""
        return SignalChain(self.spec).read_out(currents)

    def mvm_many(self, jobs: Sequence[Job], progress: Advance | None = None) -> list[Currents]:
        """Evaluate many jobs, each a conductance matrix [S] with its input vectors [V].

        Args:
            jobs: pairs of `[rows, cols]` and `[samples, rows]`.
            progress: called with the number of samples of each finished job.

        Returns:
            Output currents `[samples, cols]` [A] of each job, in order.

        Raises:
            ShapeError: an array of the wrong shape or not finite.
            SimulationFailed: a job ended without a result.
        """
        outputs: list[Currents | None] = [None] * len(jobs)
        for readout in self.iter_mvm(jobs):
            if not readout.status.ok:
                raise SimulationFailed(f"{self.name}, job {readout.index}: {readout.status}")
            outputs[readout.index] = readout.currents
            if progress is not None:
                progress(len(readout.currents))
        return [output for output in outputs if output is not None]

    def mvm(self, conductances: Conductances, inputs: Inputs) -> Currents:
        """Evaluate one conductance matrix `[rows, cols]` on inputs `[samples, rows]`."""
        return self.mvm_many([(conductances, inputs)])[0]
