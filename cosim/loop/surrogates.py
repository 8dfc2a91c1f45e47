"""The stages around the surrogate: samples of the tile, and a fit in every round.

Round 1 fits to the samples of the tile, or takes what the study says it starts with. Later rounds
fit to these samples and to reads of the network itself, which ngspice has answered in the replays
of the rounds before.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np

from cosim.characterize import Dataset, characterize
from cosim.characterize.fitting import closed_form, provenance_of, samples_of
from cosim.errors import DatasetError, InputError
from cosim.loop.context import Context, Material
from cosim.loop.stages import Results
from cosim.surrogate import (
    Certificate,
    Fit,
    FitSettings,
    LineModeGalerkin,
    TileSamples,
    accuracy_of,
    certify,
    fit,
    load,
    save,
)
from netlists.specs import TileSpec


def take_samples(context: Context) -> Results:
    """Characterise the tile into `samples.zarr`, going on where an earlier run stopped."""
    path, plan = context.folder / "samples.zarr", context.study.characterize
    if path.exists() and not _same_work(path, context):
        shutil.rmtree(path)
    with context.progress.bar("ngspice: samples", plan.all_samples) as advance:
        dataset = characterize(context.engine, plan, path, advance)
    failures = {str(matrix): status for matrix, status in dataset.failures().items()}
    return {"provenance": dataset.provenance, "matrices": plan.matrices, "failures": failures}


def _same_work(path: Path, context: Context) -> bool:
    """Whether a dataset holds the samples that this run wants."""
    try:
        dataset = Dataset.open(path)
    except DatasetError:
        return False
    return (dataset.spec, dataset.plan) == (context.tile, context.study.characterize)


def fit_surrogate(context: Context) -> Results:
    """Fit and certify this round's surrogate; keep what it says of held-out samples."""
    dataset = Dataset.open(context.folder / "samples.zarr")
    study = context.study
    settings = FitSettings(held_out=study.surrogate.held_out, seed=study.seed)
    provenance = provenance_of(dataset, study.seed)
    tile, initial = context.tile, study.surrogate.initial
    samples = samples_of(dataset)
    joined = [_joined(context, number) for number in range(2, context.number + 1)]
    if joined:
        own = sum(part.matrices for part in joined)
        note = f"{own} of {own + samples.matrices} matrices"
        versions = {**provenance.versions, "reads of the network": note}
        provenance = replace(provenance, versions=versions)
        samples = together([samples, *joined])
    if initial is not None and context.number == 1:
        held_in, held_out = samples.split(1 - settings.held_out, settings.seed)
        surrogate, certificate = starting_point(initial, tile)
        certificate = certificate or certify(surrogate, held_in, held_out, provenance)
        error = accuracy_of(surrogate, held_out).nrmse
        result = Fit(surrogate, certificate, error, error, held_in, held_out)
    else:
        start = closed_form(LineModeGalerkin, tile)
        result = fit(start, samples, provenance, settings)
    return _kept(context, result)


def _kept(context: Context, result: Fit) -> Results:
    tile = context.tile
    save(
        context.place / "surrogate",
        result.surrogate,
        tile.model_dump(mode="json"),
        tile.content_hash(),
        result.certificate,
    )
    predicted = result.held_out.predict(result.surrogate)
    np.savez_compressed(
        context.place / "held_out.npz", predicted=predicted, reference=result.held_out.outputs
    )
    return {
        "certificate": result.certificate.to_dict(),
        "closed_form_nrmse": result.closed_form_nrmse,
        "refined_nrmse": result.refined_nrmse,
        "held_out_nrmse": accuracy_of(result.surrogate, result.held_out).nrmse,
        "modes": result.surrogate.modes,
    }


def surrogate_of(material: Material) -> LineModeGalerkin:
    """The surrogate that this round's fit stage kept."""
    folder = material.place / "surrogate"
    return _line_modes(load(folder, material.tile.content_hash()).surrogate, folder)


def starting_point(initial: str, tile: TileSpec) -> tuple[LineModeGalerkin, Certificate | None]:
    """The surrogate that a study starts with, and its certificate if it has one.

    Args:
        initial: folder of a stored surrogate, or TOML file of a tile.
        tile: the tile of the study, which must be as large.

    Raises:
        MissingFileError: there is nothing there.
        DatasetError: no surrogate, or of another kind.
        InputError: a surrogate of a tile of another size.
    """
    path = Path(initial)
    certificate = None
    if path.suffix == ".toml":
        surrogate = closed_form(LineModeGalerkin, TileSpec.from_toml(path))
    else:
        stored = load(path)
        surrogate, certificate = _line_modes(stored.surrogate, path), stored.certificate
    if (surrogate.rows, surrogate.cols) != (tile.rows, tile.cols):
        raise InputError(
            f"surrogate.initial ({path}) stands for {surrogate.rows} x {surrogate.cols} cells; the"
            f" tile {tile.name} has {tile.rows} x {tile.cols}; name one of that size"
        )
    return surrogate, certificate


def digest_of(initial: str | None) -> str:
    """A hash of what a study starts with; empty when it starts with a fit.

    Raises:
        MissingFileError: there is nothing there.
    """
    if initial is None:
        return ""
    path = Path(initial)
    if path.suffix == ".toml":
        return TileSpec.from_toml(path).content_hash()
    load(path)
    files = sorted(file for file in path.iterdir() if file.is_file())
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def together(parts: list[TileSamples]) -> TileSamples:
    """Several sets of samples as one; matrices are numbered on."""
    first = np.cumsum([0, *(part.matrices for part in parts)])
    return TileSamples(
        np.concatenate([part.conductance for part in parts]),
        np.concatenate([part.inputs for part in parts]),
        np.concatenate([part.outputs for part in parts]),
        np.concatenate([start + part.matrix for start, part in zip(first, parts, strict=False)]),
    )


def _joined(context: Context, number: int) -> TileSamples:
    """The reads that joined in a round."""
    with np.load(context.in_round(number).place / "joined.npz") as data:
        return TileSamples(data["conductance"], data["inputs"], data["outputs"], data["matrix"])


def _line_modes(surrogate: object, folder: Path) -> LineModeGalerkin:
    if not isinstance(surrogate, LineModeGalerkin):
        raise DatasetError(
            f"{folder} holds another kind of surrogate than a run fits; allowed is"
            f" `{LineModeGalerkin.kind}`; fit one with `cosim fit`"
        )
    return surrogate
