"""A study at work: what its script, its table and its picture need of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from cosim.datasets import Images
from cosim.report import GroupChart, LineChart
from cosim.studies.rows import Rows
from cosim.studies.spec import StudyBase


S = TypeVar("S", bound=StudyBase)


@dataclass(frozen=True)
class StudyRun(ABC, Generic[S]):
    """A run of a study.

    Attributes:
        study: what is run.
        images: what is trained and tested on.
        rows: where results go.
        keys: columns of the table that name a case.
        values: columns that a case results in.
    """

    study: S
    images: Images
    rows: Rows
    keys: ClassVar[tuple[str, ...]]
    values: ClassVar[tuple[str, ...]]

    @abstractmethod
    def run(self) -> None:
        """Work out every case that is not in the table yet."""

    @abstractmethod
    def figures(self) -> Mapping[str, str]:
        """What the study comes to, by the names of the published figures; more may be added."""

    @abstractmethod
    def chart(self) -> LineChart | GroupChart:
        """The picture that says most."""
