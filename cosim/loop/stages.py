"""Stages of a run: each is done once for given inputs, and found again when nothing changed.

A stage has a key, a hash of everything its result depends on. When it has finished it leaves a
record, `RUN/stages/<name>.json`, with that key, its results and the time it took. A run that is
started again skips every stage whose record carries the same key; a changed specification changes
the keys of the stages that depend on it, and of no others. Records are written last and renamed
into place, so a run may be killed at any moment.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cosim


Results = dict[str, Any]


@dataclass(frozen=True)
class Record:
    """What a finished stage left behind.

    Attributes:
        name: of the stage.
        key: hash of what it depended on.
        results: plain numbers and text, for later stages and the report.
        seconds: how long it took when it ran.
        reused: whether this run found it done.
    """

    name: str
    key: str
    results: Results
    seconds: float
    reused: bool = False


def key_of(*parts: object) -> str:
    """The hash of a stage's dependencies: JSON values, and keys of earlier stages."""
    content = json.dumps([cosim.__version__, *parts], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Stages:
    """The stages of one run folder.

    Attributes:
        folder: of the run.
        announce: called with one line of text when a stage starts or is found done.
    """

    folder: Path
    announce: Callable[[str], object] = lambda text: None

    def run(self, name: str, title: str, key: str, work: Callable[[], Results]) -> Record:
        """Do a stage, or find it done."""
        found = self.find(name)
        if found is not None and found.key == key:
            self.announce(f"{title}: found done")
            return Record(name, key, found.results, found.seconds, reused=True)
        self.announce(title)
        start = time.perf_counter()
        results = work()
        record = Record(name, key, results, time.perf_counter() - start)
        self._keep(record)
        return record

    def find(self, name: str) -> Record | None:
        """The record of a stage, if there is a readable one."""
        try:
            data = json.loads(self._path(name).read_text(encoding="utf-8"))
            return Record(name, data["key"], data["results"], data["seconds"])
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _keep(self, record: Record) -> None:
        path = self._path(record.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"key": record.key, "seconds": record.seconds, "results": record.results}
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(content, indent=1), encoding="utf-8")
        partial.replace(path)

    def _path(self, name: str) -> Path:
        return self.folder / "stages" / f"{name}.json"
