"""Measurements that were made are kept: what is cut off goes on where it was.

A file with one JSON object per line. A measurement is found again by what was simulated: the decks
of its runs, their analyses and outputs, and the ngspice and the cosim that made it. A line that was
cut off while it was written is left out, as are measurements that failed: they are made again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import cosim
from cosim.bench.base import Bench, Condition, Figure, Measurement
from cosim.errors import DatasetError
from cosim.ngspice import Simulation, ngspice_info
from cosim.results import OK


BEGIN = '{"key": "'  # of every line


class KeptMeasurements:
    """Measurements in a file.

    Args:
        path: the file; made when the first measurement is kept.

    Raises:
        DatasetError: there is a file, and it is not one of measurements.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made_by = f"cosim {cosim.__version__}, ngspice {ngspice_info().version}"
        self._known = _read(path) if path.exists() else {}

    def key(self, bench: Bench, condition: Condition, runs: Mapping[str, Simulation]) -> str:
        """What a measurement is found by."""
        digest = hashlib.sha256(f"{self._made_by}, {bench.name}, {condition}".encode())
        for name, run in runs.items():
            digest.update("\0".join((name, run.analysis.command, *run.outputs, run.deck)).encode())
        return digest.hexdigest()[:32]

    def find(self, key: str, bench: Bench, condition: Condition) -> Measurement | None:
        """A measurement that was kept."""
        if key not in self._known:
            return None
        figures, seconds = self._known[key]
        return Measurement(bench.name, condition, figures, OK, seconds)

    def keep(self, key: str, measurement: Measurement) -> None:
        """Write a measurement down, unless it failed."""
        if not measurement.status.ok:
            return
        figures = [asdict(figure) for figure in measurement.figures]
        line = json.dumps({"key": key, "seconds": measurement.seconds, "figures": figures})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    def remove(self) -> None:
        """Delete the file; what it held is in a table now."""
        self.path.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, tuple[tuple[Figure, ...], float]]:
    """Figures and seconds of the measurements of a file, by their keys.

    A last line that was cut off is taken away, so that it does not run into the next; but not
    before all of the file was found to be one of measurements.
    """
    known = {}
    try:
        *lines, last = path.read_text(encoding="utf-8").split("\n")
        for line in lines:
            entry = json.loads(line)
            figures = tuple(Figure(**figure) for figure in entry["figures"])
            known[str(entry["key"])] = (figures, float(entry["seconds"]))
        if not last.startswith(BEGIN[: len(last)]):
            raise ValueError(last)
    except (OSError, ValueError, KeyError, TypeError):
        raise DatasetError(
            f"{path}: is no file of measurements that were cut off; move it away, or name"
            " another output"
        ) from None
    if last:
        path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return known
