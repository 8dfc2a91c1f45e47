"""What the sections of a report are told: one finished run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cosim.loop.outcome import Outcome
from cosim.loop.started import Started
from cosim.loop.study import StudySpec
from netlists.specs import TileSpec


@dataclass(frozen=True)
class Told:
    """One run folder, read.

    Attributes:
        folder: of the run.
        started: its specifications.
        outcome: how it ended.
    """

    folder: Path
    started: Started
    outcome: Outcome

    @property
    def study(self) -> StudySpec:
        """What was run."""
        return self.started.study

    @property
    def tile(self) -> TileSpec:
        """The tile that it was about."""
        return self.started.tile

    @property
    def networks(self) -> tuple[str, ...]:
        """The trainings of the study."""
        return tuple(self.study.training.networks)

    @property
    def place(self) -> Path:
        """Where the results of the last round are."""
        return self.started.material(self.folder, self.outcome.numbers).place

    @property
    def solved(self) -> str:
        """What the solver was given, in words."""
        count = self.study.evaluation.solver_images
        return "the whole test set" if count is None else f"{count:,} test images"
