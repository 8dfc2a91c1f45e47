"""The dataset of a characterisation: named dimensions, units and provenance, in a Zarr folder.

    conductance  [matrix, row, col]  S       matrix_of_sample  [sample]
    input        [sample, row]       V       done              [matrix]   written last
    output       [sample, col]       A       failure           [matrix]   "" or the status
    condition_of_matrix  [matrix]            corner, temperature, time, draw   [condition]

    transients/<number>/   reads over time, of tiles with a read-out, each a group of its own

The folder is laid out in full beside its place, and moved there, before the first simulation. Each
matrix has its own chunks and is marked done only after its outputs are on disk, so a run that is
killed at any moment goes on with the matrices that are missing, and neither repeats nor loses one.
A matrix that failed is marked so with its status, and its deck is kept beside the folder for a
person to look at.
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

from cosim.characterize.layout import STATUS_LENGTH, empty_dataset
from cosim.characterize.plan import SamplingPlan
from cosim.errors import DatasetError, MissingFileError
from cosim.read_sequences import ReadSequences
from netlists.specs import TileSpec


FORMAT = "cosim-dataset-1"
TRANSIENTS = "transients"
ENERGY = "energy_"
READ_ARRAYS = ("conductance", "inputs", "outputs", "codes", "sensed", "latency")


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
        """Write what will be simulated, and room for what will come of it."""
        data = empty_dataset(self.spec, self.plan)
        data.attrs = {
            "format": FORMAT,
            "spec": self.spec.model_dump_json(),
            "spec_hash": self.spec.content_hash(),
            "plan": self.plan.model_dump_json(),
            "provenance": json.dumps(self.provenance),
        }
        per_matrix = {"matrix": 1, "sample": self.plan.inputs_per_matrix}
        encoding = {
            name: {
                "chunks": tuple(per_matrix.get(str(dim), data.sizes[dim]) for dim in variable.dims)
            }
            for name, variable in data.items()
        }
        # Beside its place, and then moved there: a dataset that is there is there in full.
        beside = self.path.with_name(f"{self.path.name}.partial")
        data.to_zarr(beside, mode="w", encoding=encoding, consolidated=False, zarr_format=3)
        beside.replace(self.path)

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

    def pending_transients(self) -> list[int]:
        """The sequences of reads over time that are not on disk yet."""
        kept = set(self._transients())
        return [number for number in range(self.plan.transients) if number not in kept]

    def write_transient(self, number: int, reads: ReadSequences) -> None:
        """Keep one sequence of reads; it counts once all of it is on disk."""
        group = zarr.open_group(self.path, mode="r+").require_group(TRANSIENTS)
        place = group.create_group(f"{number:06d}", overwrite=True)
        for name in READ_ARRAYS:
            place.create_array(name, data=getattr(reads, name)[0])
        for block, joule in reads.energy.items():
            place.create_array(f"{ENERGY}{block}", data=joule[0])
        place.attrs["done"] = True

    def transients(self) -> ReadSequences | None:
        """All sequences of reads over time that are on disk; None without any."""
        parts = []
        for _, group in sorted(self._transients().items()):
            arrays = {name: group[name][:][None] for name in READ_ARRAYS}
            blocks = [name for name in group.array_keys() if name.startswith(ENERGY)]
            energy = {name.removeprefix(ENERGY): group[name][:][None] for name in sorted(blocks)}
            parts.append(ReadSequences(**arrays, energy=energy))
        return ReadSequences.joined(parts) if parts else None

    def _transients(self) -> dict[int, zarr.Group]:
        """The groups of the sequences that are complete."""
        root = zarr.open_group(self.path, mode="r")
        if TRANSIENTS not in root:
            return {}
        groups = dict(root[TRANSIENTS].groups())
        return {int(name): group for name, group in groups.items() if group.attrs.get("done")}
