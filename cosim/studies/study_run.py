"""A study at work: what its script, its table and its picture need of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Generic, Self, TypeVar

from cosim.datasets import Images
from cosim.report import GroupChart, LineChart
from cosim.studies.rows import Rows
from cosim.studies.spec import ImageStudy, StudyBase


S = TypeVar("S", bound=StudyBase)
P = TypeVar("P", bound=ImageStudy)


@dataclass(frozen=True)
class StudyRun(ABC, Generic[S]):
    """A run of a study.

    Attributes:
        study: what is run.
        rows: where results go.
        keys: columns of the table that name a case.
        values: columns that a case results in.
    """

    study: S
    rows: Rows
    keys: ClassVar[tuple[str, ...]]
    values: ClassVar[tuple[str, ...]]

    @classmethod
    def of(cls, study: S, rows: Rows, folder: Path | None) -> Self:
        """A run with what it needs from a folder of data sets."""
        return cls(study, rows)

    @abstractmethod
    def run(self) -> None:
        """Work out every case that is not in the table yet."""

    @abstractmethod
    def figures(self) -> Mapping[str, str]:
        """What the study comes to, by the names of the published figures; more may be added."""

    @abstractmethod
    def chart(self) -> LineChart | GroupChart:
        """The picture that says most."""

    def more(self) -> str:
        """What is to be said below the comparison, in Markdown."""
        return ""


@dataclass(frozen=True)
class ImageRun(StudyRun[P]):
    """A run of a study of images.

    Attributes:
        images: what is trained and tested on.
    """

    images: Images

    @classmethod
    def of(cls, study: P, rows: Rows, folder: Path | None) -> Self:
        """A run with its images."""
        return cls(study, rows, study.images(folder))
