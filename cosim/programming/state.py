"""The state of a programmed tile in a folder, and where it came from.

    conductance.npy  [rows, cols]  S   at the end of the algorithm: what the tile computes with
    verified.npy     [rows, cols]  S   right after each cell's last verification
    target.npy       [rows, cols]  S
    pulses.npy       [rows, cols]      given to each cell
    converged.npy    [rows, cols]      whether the cell met its condition
    state.json                         tile, algorithm, engine, seed, cost, versions

The folder appears complete or not at all: it is written under another name and then renamed.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from cosim.errors import DatasetError, InputError, MissingFileError
from cosim.programming.outcome import Outcome


FORMAT = "cosim-programmed-1"
ARRAYS = ("conductance", "verified", "target", "pulses", "converged")


@dataclass(frozen=True)
class ProgrammedState:
    """A programmed tile.

    Attributes:
        conductance: at the end [S].
        verified: after the last verification [S].
        target: what was wanted [S].
        pulses: given to each cell.
        converged: whether the cell met its condition.
        provenance: tile, algorithm, engine, seed, cost, versions.
    """

    conductance: Float[ndarray, "rows cols"]
    verified: Float[ndarray, "rows cols"]
    target: Float[ndarray, "rows cols"]
    pulses: Int[ndarray, "rows cols"]
    converged: Bool[ndarray, "rows cols"]
    provenance: dict[str, Any]

    @classmethod
    def of(
        cls, outcome: Outcome, shape: tuple[int, int], provenance: dict[str, Any]
    ) -> ProgrammedState:
        """The outcome of an algorithm whose cells are those of a tile, row by row."""
        return cls(
            conductance=outcome.final.reshape(shape),
            verified=outcome.verified.reshape(shape),
            target=outcome.targets.reshape(shape),
            pulses=outcome.pulses.reshape(shape),
            converged=outcome.converged.reshape(shape),
            provenance=provenance,
        )

    def save(self, path: Path) -> None:
        """Write the folder.

        Raises:
            InputError: there is something at that path already.
        """
        check_free(path)
        temporary = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            for name in ARRAYS:
                np.save(temporary / f"{name}.npy", getattr(self, name), allow_pickle=False)
            about = {"format": FORMAT, **self.provenance}
            (temporary / "state.json").write_text(json.dumps(about, indent=2) + "\n", "utf-8")
            temporary.chmod(0o755)
            os.rename(temporary, path)  # noqa: PTH104 - pathlib's rename would do the same
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise

    @classmethod
    def load(cls, path: Path) -> ProgrammedState:
        """Read a folder.

        Raises:
            MissingFileError: no such folder.
            DatasetError: it is something else, or damaged.
        """
        if not path.is_dir():
            raise MissingFileError(f"{path}: no such state; make one with `cosim program`")
        try:
            about = json.loads((path / "state.json").read_text("utf-8"))
            if about.pop("format") != FORMAT:
                raise KeyError("format")
            arrays = {n: np.load(path / f"{n}.npy", allow_pickle=False) for n in ARRAYS}
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise DatasetError(
                f"{path} is not the state of a tile, or is damaged ({error}); make one with "
                "`cosim program`"
            ) from None
        return cls(**arrays, provenance=about)


def check_free(path: Path) -> None:
    """Refuse an output that exists, or whose folder does not.

    Raises:
        InputError: there is something at that path.
        MissingFileError: the folder around it does not exist.
    """
    if path.exists():
        raise InputError(f"{path} exists already; give another name, or remove it first")
    if not path.parent.is_dir():
        raise MissingFileError(f"{path.parent}: no such folder; create it first")
