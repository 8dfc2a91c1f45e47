"""What a run's folder says about itself: its specifications, its command, and the versions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cosim.errors import DatasetError, MissingFileError
from cosim.loop.study import StudySpec
from netlists.specs import TileSpec


@dataclass(frozen=True)
class Started:
    """A run that was started once.

    Attributes:
        study: what is run.
        tile: the tile that it is about.
        command: that repeats the run.
        versions: of the packages that it ran with.
    """

    study: StudySpec
    tile: TileSpec
    command: str
    versions: dict[str, str]

    @staticmethod
    def read(folder: Path) -> Started:
        """What a folder says.

        Raises:
            MissingFileError: no such run.
            DatasetError: the folder is damaged.
        """
        path = folder / "run.json"
        if not path.is_file():
            raise MissingFileError(f"{folder}: no run here; make one with `cosim run`")
        try:
            inputs = json.loads(path.read_text(encoding="utf-8"))
            return Started(
                StudySpec.model_validate(inputs["study"]),
                TileSpec.from_dict(inputs["tile"], origin=str(folder)),
                str(inputs["command"]),
                dict(inputs["versions"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"{path} is damaged ({error}); run it again") from None
