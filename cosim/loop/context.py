"""What every stage of a run shares: the study, the tile, the folder, ngspice, and progress."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Self

from cosim.datasets import DatasetName, Images, load_images
from cosim.engine.ngspice import NgspiceEngine
from cosim.loop.stages import Stages
from cosim.loop.study import StudySpec
from cosim.progress import Bar, no_bar
from netlists.specs import TileSpec


@dataclass(frozen=True)
class Progress:
    """How a run tells what it is doing.

    Attributes:
        announce: takes one line of text when a stage starts.
        bar: opens a progress bar with a title and a total; its value advances it.
    """

    announce: Callable[[str], object] = lambda text: None
    bar: Bar = no_bar


@dataclass(frozen=True)
class Material:
    """What a run is about, and where its results are.

    Attributes:
        study: what is run.
        tile: the tile that it is about.
        folder: where results go.
        data: folder of the data set; None for one that comes along.
        number: of the round, from 1.
    """

    study: StudySpec
    tile: TileSpec
    folder: Path
    data: Path | None = None
    number: int = 1

    @property
    def images(self) -> Images:
        """The data set, split by the study's seed.

        Raises:
            InputError: the data set needs a folder and none was given.
            DatasetError: the folder does not hold the data set.
        """
        network = self.study.network
        every = _images(network.data, self.data, self.study.seed)
        return every.first(network.train_images, network.test_images)

    @property
    def place(self) -> Path:
        """Where the results of this round go; those of the first one lie in the run's folder."""
        return self.folder if self.number == 1 else self.folder / f"round-{self.number}"

    def in_round(self, number: int) -> Self:
        """The same in another round."""
        return replace(self, number=number)

    def name(self, stage: str) -> str:
        """A stage of this round."""
        return stage if self.number == 1 else f"{stage}-{self.number}"

    def data_digest(self) -> str:
        """A hash of the images, where they are not those that come along."""
        return "" if self.data is None else _digest(self.study.network.data, self.data)


@dataclass(frozen=True)
class Context(Material):
    """One run of a study.

    Attributes:
        engine: ngspice on running workers.
        progress: how the run tells what it is doing.
    """

    engine: NgspiceEngine = field(kw_only=True)
    progress: Progress = field(kw_only=True)

    @cached_property
    def stages(self) -> Stages:
        """Finds what is already done."""
        return Stages(self.folder, self.progress.announce)


@lru_cache(maxsize=1)
def _images(name: DatasetName, folder: Path | None, seed: int) -> Images:
    return load_images(name, folder, seed)


@lru_cache(maxsize=1)
def _digest(name: DatasetName, folder: Path) -> str:
    images, digest = _images(name, folder, 0), hashlib.sha256()
    for part in (images.train_images, images.train_labels, images.test_images, images.test_labels):
        digest.update(part.numpy().tobytes())
    return digest.hexdigest()[:16]
