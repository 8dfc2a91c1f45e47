"""Specifications of studies: one TOML file each, with a table `quick` of what a small run changes.

    epochs = 20
    seeds = 10
    [quick]
    epochs = 2
    seeds = 1

A quick run is the same study on less: it shows that everything works, in a minute.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from cosim.datasets import DatasetName, Images, load_images
from netlists.fields import Spec
from netlists.toml_files import read_toml, validated


def later(usual: bool | tuple) -> Any:  # noqa: ANN401 - pydantic's
    """A field that came to a study later: at its usual value it is no part of the hash.

    So tables that were made before it keep their specification.
    """
    return Field(exclude_if=lambda value: value == usual)


class PublishedFigure(Spec):
    """A figure of a paper that a study stands beside its own.

    Attributes:
        name: which of the study's own figures belongs to it.
        figure: what was measured.
        value: as printed, with its unit.
        why: why ours differs, or what it says that it does not.
    """

    name: str
    figure: str
    value: str
    why: str


class StudyBase(Spec):
    """What every study has.

    Attributes:
        title: of its table and picture.
        source: the paper, or whose question it is.
        published: figures to compare with.
    """

    title: str
    source: str
    published: tuple[PublishedFigure, ...] = ()

    @property
    def needs_folder(self) -> bool:
        """Whether it needs data that do not come with cosim."""
        return False

    @classmethod
    def read(cls, path: Path, *, quick: bool = False) -> Self:
        """The study of a TOML file, or its quick form.

        Raises:
            SpecError: a field is missing, unknown or out of range.
        """
        fields = read_toml(path)
        changes = fields.pop("quick", {})
        return validated(cls, {**fields, **changes} if quick else fields, str(path))

    def content_hash(self) -> str:
        """Hash of everything that results depend on: all fields but the published figures."""
        fields = self.model_dump(mode="json", exclude={"published", "title", "source"})
        return hashlib.sha256(json.dumps(fields, sort_keys=True).encode()).hexdigest()[:16]


class ImageStudy(StudyBase):
    """A study of networks that classify images.

    Attributes:
        data: the images.
        pooled: pixels of a side that are averaged into one.
        test_images: how many of the test set are used, the first ones; None takes all.
        train_images: how many of the training set are used; None takes all.
    """

    data: DatasetName
    pooled: int = Field(default=1, ge=1)
    test_images: int | None = Field(default=None, ge=1)
    train_images: int | None = Field(default=None, ge=1)

    @property
    def needs_folder(self) -> bool:
        """Only the digits come with cosim."""
        return self.data != "digits"

    def images(self, folder: Path | None) -> Images:
        """The images of the study.

        Raises:
            InputError: they need a folder and none was given, or cannot be pooled like that.
            DatasetError: the folder does not hold them.
        """
        images = load_images(self.data, folder).first(self.train_images, self.test_images)
        return images.pooled(self.pooled) if self.pooled > 1 else images
