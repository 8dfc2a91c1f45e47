"""What every stage of a run shares: the study, the tile, the folder, ngspice, and progress."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from cosim.datasets import Images, digits
from cosim.engine.ngspice import NgspiceEngine
from cosim.loop.stages import Stages
from cosim.loop.study import StudySpec
from netlists.specs import TileSpec


Advance = Callable[[int], object]


def _no_bar(title: str, total: int) -> AbstractContextManager[Advance]:
    """A progress bar that shows nothing."""
    return nullcontext(lambda count: None)


@dataclass(frozen=True)
class Progress:
    """How a run tells what it is doing.

    Attributes:
        announce: takes one line of text when a stage starts.
        bar: opens a progress bar with a title and a total; its value advances it.
    """

    announce: Callable[[str], object] = lambda text: None
    bar: Callable[[str, int], AbstractContextManager[Advance]] = _no_bar


@dataclass(frozen=True)
class Material:
    """What a run is about, and where its results are.

    Attributes:
        study: what is run.
        tile: the tile that it is about.
        folder: where results go.
        images: the data set, split by the study's seed.
    """

    study: StudySpec
    tile: TileSpec
    folder: Path
    images: Images = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "images", digits(self.study.seed))


@dataclass(frozen=True)
class Context(Material):
    """One run of a study.

    Attributes:
        engine: ngspice on running workers.
        progress: how the run tells what it is doing.
        stages: finds what is already done.
    """

    engine: NgspiceEngine
    progress: Progress
    stages: Stages = field(init=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "stages", Stages(self.folder, self.progress.announce))
