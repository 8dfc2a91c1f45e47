"""What a run's folder says about itself: specifications, command, versions, and how it ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cosim.errors import DatasetError, MissingFileError
from cosim.loop.context import Material
from cosim.loop.outcome import Outcome
from cosim.loop.stages import Record, Stages
from cosim.loop.study import StudySpec
from netlists.specs import TileSpec


FINISHED = "finished.json"


@dataclass(frozen=True)
class Started:
    """A run that was started once.

    Attributes:
        study: what is run.
        tile: the tile that it is about.
        command: that repeats the run.
        versions: of the packages that it ran with.
        data: folder of its data; None where they come along.
    """

    study: StudySpec
    tile: TileSpec
    command: str
    versions: dict[str, str]
    data: Path | None = None

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
            data = inputs.get("data")
            return Started(
                StudySpec.model_validate(inputs["study"]),
                TileSpec.from_dict(inputs["tile"], origin=str(folder)),
                str(inputs["command"]),
                dict(inputs["versions"]),
                None if data is None else Path(data),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"{path} is damaged ({error}); run it again") from None

    def ended(self, folder: Path) -> Outcome:
        """How the run ended.

        Raises:
            DatasetError: it has not, or a stage is missing.
        """
        try:
            end = json.loads((folder / FINISHED).read_text(encoding="utf-8"))
            keys, numbers = dict(end["stages"]), int(end["rounds"])
        except (OSError, ValueError, KeyError, TypeError):
            raise DatasetError(
                f"{folder} holds a run that has not ended; finish it with `cosim run`"
            ) from None
        records = {name: _record(folder, name, key) for name, key in keys.items()}
        return Outcome(self.study, records, numbers)

    def material(self, folder: Path, number: int = 1) -> Material:
        """What the run is about, in one of its rounds."""
        return Material(self.study, self.tile, folder, self.data, number)


def keep_end(folder: Path, outcome: Outcome) -> None:
    """Say which stages belong to the end of a run."""
    keys = {name: record.key for name, record in outcome.records.items()}
    content = json.dumps({"rounds": outcome.numbers, "stages": keys}, indent=1)
    partial = folder / f"{FINISHED}.partial"
    partial.write_text(content, encoding="utf-8")
    partial.replace(folder / FINISHED)


def _record(folder: Path, name: str, key: str) -> Record:
    record = Stages(folder).find(name)
    if record is None or record.key != key:
        raise DatasetError(f"{folder} has no stage `{name}`; finish the run with `cosim run`")
    return record
