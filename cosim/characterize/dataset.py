"""The dataset of a characterisation: named dimensions, units and provenance, in a Zarr folder.

    conductance  [matrix, row, col]  S       matrix_of_sample  [sample]
    input        [sample, row]       V       done              [matrix]   written last
    output       [sample, col]       A       failure           [matrix]   "" or the status
    condition_of_matrix  [matrix]            corner, temperature, time, draw   [condition]

The folder is laid out in full before the first simulation. Each matrix has its own chunks and is
marked done only after its outputs are on disk, so a run that is killed at any moment goes on with
the matrices that are missing, and neither repeats nor loses one. A matrix that failed is marked so
with its status, and its deck is kept beside the folder for a person to look at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import xarray as xr
import zarr
from jaxtyping import Float

from cosim.characterize.plan import SamplingPlan
from cosim.errors import DatasetError, MissingFileError
from netlists.cells import device_parameters, load_cell
from netlists.specs import TileSpec


FORMAT = "cosim-dataset-1"
STATUS_LENGTH = 200


@dataclass(frozen=True)
class Dataset:
    """An open dataset folder.

    Attributes:
        path: of the Zarr folder.
        spec: the tile that was characterised.
        plan: which samples it holds.
        provenance: engine, versions and seeds.
    """

    path: Path
    spec: TileSpec
    plan: SamplingPlan
    provenance: dict[str, str]

    @classmethod
    def create(
        cls, path: str | Path, spec: TileSpec, plan: SamplingPlan, provenance: dict[str, str]
    ) -> Self:
        """Lay out an empty dataset, or open the one that the same work was begun in.

        Raises:
            DatasetError: the folder holds something else, or the samples of another tile or plan.
        """
        path = Path(path)
        if path.exists() and any(path.iterdir() if path.is_dir() else [path]):
            existing = cls.open(path)
            if (existing.spec, existing.plan) != (spec, plan):
                raise DatasetError(
                    f"{path} holds samples of another tile or plan; give another folder, or "
                    "remove this one"
                )
            return existing
        dataset = cls(path, spec, plan, provenance)
        dataset._lay_out()
        return dataset

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a dataset folder.

        Raises:
            MissingFileError: no such folder.
            DatasetError: not a dataset of this project, or damaged.
        """
        path = Path(path)
        if not path.exists():
            raise MissingFileError(f"{path}: no such dataset; make one with `cosim characterize`")
        try:
            attributes = dict(zarr.open_group(path, mode="r").attrs)
            if attributes.get("format") != FORMAT:
                raise KeyError("format")
            spec = TileSpec.from_dict(json.loads(attributes["spec"]), origin=str(path))
            plan = SamplingPlan.model_validate_json(attributes["plan"])
            provenance = json.loads(attributes["provenance"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DatasetError(
                f"{path} is not a dataset of cosim, or is damaged ({error}); make one with "
                "`cosim characterize`"
            ) from None
        return cls(path, spec, plan, provenance)

    def _lay_out(self) -> None:
        """Write the empty arrays and the conductances and inputs that will be simulated."""
        spec, plan = self.spec, self.plan
        numbers = range(plan.matrices)
        conductance = np.stack([plan.conductances(spec, m) for m in numbers])
        self._check_range(conductance)
        inputs = np.concatenate([plan.inputs(spec, m) for m in numbers])
        counts = [vectors.stop - vectors.start for vectors in map(plan.vectors_of, numbers)]
        conditions = plan.conditions.all(spec)
        corners = list(dict.fromkeys(there.corner for there in conditions))
        variables: dict[str, tuple[tuple[str, ...], np.ndarray, dict[str, object]]] = {
            "conductance": (("matrix", "row", "col"), conductance, {"units": "S"}),
            "input": (("sample", "row"), inputs, {"units": "V"}),
            "output": (
                ("sample", "col"),
                np.full((plan.all_samples, spec.cols), np.nan),
                {"units": "A", "description": "positive into the sensor"},
            ),
            "matrix_of_sample": (("sample",), np.repeat(numbers, counts), {}),
            "condition_of_matrix": (
                ("matrix",),
                np.array([plan.condition_of(m) for m in numbers]),
                {},
            ),
            "corner": (
                ("condition",),
                np.array([corners.index(there.corner) for there in conditions]),
                {"names": corners},
            ),
            "temperature": (
                ("condition",),
                np.array([there.temperature for there in conditions]),
                {"units": "K"},
            ),
            "time": (
                ("condition",),
                np.array([there.time or 0.0 for there in conditions]),
                {"units": "s", "description": "since programming"},
            ),
            "draw": (("condition",), np.array([there.draw for there in conditions]), {}),
            "done": (("matrix",), np.zeros(plan.matrices, dtype=np.int8), {}),
            "failure": (
                ("matrix", "character"),
                np.zeros((plan.matrices, STATUS_LENGTH), np.uint8),
                {},
            ),
        }
        attributes = {
            "format": FORMAT,
            "spec": spec.model_dump_json(),
            "spec_hash": spec.content_hash(),
            "plan": plan.model_dump_json(),
            "provenance": json.dumps(self.provenance),
        }
        per_matrix = {"matrix": 1, "sample": plan.inputs_per_matrix}
        encoding = {
            name: {
                "chunks": tuple(
                    per_matrix.get(dimension, length)
                    for dimension, length in zip(variable[0], variable[1].shape, strict=True)
                )
            }
            for name, variable in variables.items()
        }
        data = xr.Dataset(variables, attrs=attributes)
        data.to_zarr(self.path, mode="w-", encoding=encoding, consolidated=False, zarr_format=3)

    def _check_range(self, conductance: Float[np.ndarray, "matrix rows cols"]) -> None:
        """Refuse a plan that asks for what a cell cannot be, before anything is written.

        Raises:
            CardError: a conductance outside the range of the device's card.
            SpecError: a condition that the tile cannot have.
        """
        condition = -1
        for matrix, G in enumerate(conductance):
            if self.plan.condition_of(matrix) != condition:
                condition = self.plan.condition_of(matrix)
                parts = load_cell(self.plan.tile(self.spec, condition))
            device_parameters(parts, G)

    @property
    def decks(self) -> Path:
        """The folder of the decks that failed, beside the dataset."""
        return self.path.with_name(f"{self.path.name}.failed")

    def pending(self, again: bool = False) -> list[int]:
        """The matrices that have no result yet; with `again`, also those that failed."""
        group = zarr.open_group(self.path, mode="r")
        missing = group["done"][:] == 0
        if again:
            missing |= group["failure"][:, 0] != 0
        return [int(matrix) for matrix in np.flatnonzero(missing)]

    def keep_deck(self, matrix: int, deck: str) -> None:
        """Keep the deck of a matrix that failed, to be run by hand with `ngspice -b`."""
        self.decks.mkdir(exist_ok=True)
        (self.decks / f"matrix_{matrix:06d}.cir").write_text(deck)

    def write(
        self, matrix: int, output: Float[np.ndarray, "samples cols"], failure: str = ""
    ) -> None:
        """Keep the outputs [A] of one matrix, or why there are none."""
        group = zarr.open_group(self.path, mode="r+")
        text = failure.encode()[:STATUS_LENGTH].ljust(STATUS_LENGTH, b"\0")
        group["output"][self.plan.vectors_of(matrix)] = output
        group["failure"][matrix] = np.frombuffer(text, dtype=np.uint8)
        group["done"][matrix] = 1

    def failures(self) -> dict[int, str]:
        """The matrices that failed, with their status."""
        group = zarr.open_group(self.path, mode="r")
        texts = group["failure"][:]
        return {
            int(matrix): bytes(texts[matrix]).rstrip(b"\0").decode(errors="replace")
            for matrix in np.flatnonzero(texts[:, 0])
        }

    def arrays(self) -> xr.Dataset:
        """The samples that have a result, loaded into memory."""
        with xr.open_zarr(self.path, consolidated=False, chunks=None) as data:
            loaded = data.load()
        usable = np.isfinite(loaded["output"].to_numpy()).all(axis=1)
        return loaded.isel(sample=np.flatnonzero(usable))
