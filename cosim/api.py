"""The project as a library: a call for each step, with the names and meanings of the commands.

    tile = cosim.load_tile("tile.toml")
    Y = cosim.simulate(tile, X, G)                             cosim simulate
    data = cosim.characterize_tile(tile, "data.zarr", 1000)    cosim characterize
    surrogate = cosim.fit(data, "surrogate/")                  cosim fit
    state = cosim.program(tile, G, "igvva-10")                 cosim program
    network = cosim.convert(model, tile, images)               layers on tiles
    outcome = cosim.run("study.toml", "run/")                  cosim run
    answer = cosim.answer_question("question.toml", "folder/") cosim design

All of it is imported when it is first used: `import cosim` costs nothing. What a step is made of
lives in the packages (`cosim.nn`, `cosim.surrogate`, ...), for everything that is not here.

X is `[samples, rows]` in volt, or in codes of a tile with `[inputs]`; G is `[rows, cols]` in
siemens; Y is `[samples, outputs]` in ampere, or in codes of a tile with `[readout.adc]`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, Real

from netlists.arrays import checked_conductances
from netlists.signal_chain import SignalChain
from netlists.specs import TileSpec


if TYPE_CHECKING:
    from torch import Tensor, nn

    from cosim.characterize import Dataset
    from cosim.design import Answer
    from cosim.loop import Outcome
    from cosim.nn import TileSettings
    from cosim.programming import ProgrammedState
    from cosim.surrogate import StoredSurrogate

Codes = Int[np.ndarray, "samples outputs"]
Currents = Float[np.ndarray, "samples outputs"]


def load_tile(source: str | Path | Mapping[str, Any]) -> TileSpec:
    """A tile from its TOML file, or from the same fields as a dictionary.

    Raises:
        SpecError: a field is missing, unknown or out of range; the file is missing or no TOML.
    """
    if isinstance(source, Mapping):
        return TileSpec.from_dict(dict(source))
    return TileSpec.from_toml(source)


def simulate(
    tile: TileSpec,
    inputs: Real[np.ndarray, "samples rows"],
    conductances: Float[np.ndarray, "rows cols"],
    engine: str = "ngspice",
    workers: int | None = None,
) -> Currents | Codes:
    """Outputs of a tile for every input vector.

    In scripts, ngspice's worker processes import the script again: keep calls with
    `engine="ngspice"` below `if __name__ == "__main__":`.

    Args:
        tile: from `load_tile`.
        inputs: volt, or codes of a tile with `[inputs]`.
        conductances: siemens.
        engine: `ngspice`, `solver`, or the folder of a surrogate.
        workers: processes of ngspice or threads of the solver; one per core when None.

    Returns:
        Ampere, or codes of a tile with `[readout.adc]`.

    Raises:
        ShapeError: an array of the wrong shape, or not finite.
        InputError: an unknown engine, or a surrogate of another tile.
        SimulatorError: ngspice is missing or failed.
    """
    from cosim.engine.opening import open_engine

    G = checked_conductances(tile, conductances)
    volts = SignalChain(tile).voltages(inputs)
    with open_engine(engine, tile, workers) as opened:
        currents = opened.mvm(G, volts.reshape(-1, tile.rows))
        return opened.read_out(currents.reshape(*volts.shape[:2], tile.cols))


def characterize_tile(
    tile: TileSpec,
    folder: str | Path,
    samples: int,
    *,
    engine: str = "ngspice",
    seed: int = 0,
    inputs_per_matrix: int = 32,
    workers: int | None = None,
) -> Dataset:
    """Samples of a tile on drawn conductances and inputs, in a Zarr folder; resumes.

    Args:
        tile: from `load_tile`.
        folder: new, or begun by the same call.
        samples: how many input vectors.
        engine: `ngspice`, `solver`, or the folder of a surrogate.
        seed: of the draws.
        inputs_per_matrix: input vectors that share their conductances.
        workers: processes of ngspice or threads of the solver; one per core when None.

    Raises:
        DatasetError: the folder holds something else.
        SimulatorError: ngspice is missing or failed.
    """
    from cosim.characterize import SamplingPlan, characterize
    from cosim.engine.opening import open_engine
    from netlists.toml_files import validated

    fields = {"samples": samples, "seed": seed, "inputs_per_matrix": inputs_per_matrix}
    plan = validated(SamplingPlan, fields, "arguments")
    with open_engine(engine, tile, workers) as opened:
        return characterize(opened, plan, folder)


def fit(
    data: Dataset | str | Path,
    folder: str | Path | None = None,
    *,
    held_out: float = 0.3,
    seed: int = 0,
    budget: float | None = None,
) -> StoredSurrogate:
    """The most accurate surrogate of a dataset's tile, with its certificate.

    Args:
        data: a dataset, or its folder.
        folder: to keep it in; None keeps it in memory only.
        held_out: share of the conductance matrices kept for the certificate.
        seed: of the splits.
        budget: longest training step of 100 vectors on one tile [s]; by default the kinds that cost
            matrix products only.

    Raises:
        DatasetError: no dataset, or one with too few samples.
    """
    from cosim.characterize import Dataset
    from cosim.characterize.choosing import choose
    from cosim.characterize.tiles import temperatures_of, tile_of
    from cosim.surrogate import StoredSurrogate, save

    dataset = data if isinstance(data, Dataset) else Dataset.open(data)
    best = choose(dataset, held_out, seed, budget).best
    spec = dataset.spec
    model, proof = tile_of(dataset, best.surrogate, seed=seed)
    fields = (best.surrogate, spec.model_dump(mode="json"), spec.content_hash(), best.certificate)
    stored = StoredSurrogate(*fields, model, proof, temperatures_of(spec, best.surrogate))
    if folder is not None:
        save(
            folder,
            *fields,
            tile=model,
            tile_certificate=proof,
            temperatures=stored.temperatures,
        )
    return stored


def load_surrogate(folder: str | Path) -> StoredSurrogate:
    """A surrogate that `fit` or `cosim fit` kept.

    Raises:
        MissingFileError: no such folder.
        DatasetError: it holds something else, or is damaged.
    """
    from cosim.surrogate import load

    return load(folder)


def program(
    tile: TileSpec,
    targets: Float[np.ndarray, "rows cols"],
    algorithm: str,
    *,
    seed: int = 0,
    engine: str = "compiled",
) -> ProgrammedState:
    """Write-verify of a tile's cells on the device model.

    Args:
        tile: from `load_tile`.
        targets: wanted conductances [S].
        algorithm: such as `igvva-10`; `cosim program --help` lists them.
        seed: of devices and pulses.
        engine: `compiled` integrates the compiled equations, `laws` draws from the card's
            statistical model; for every pulse in ngspice use `cosim program`.

    Raises:
        InputError: an unknown algorithm, or a target outside of the card's range.
        ShapeError: targets of another shape, or not finite.
    """
    from cosim.programming import program_tile

    return program_tile(tile, targets, algorithm, seed, engine)


def convert(
    model: nn.Module,
    tile: TileSpec,
    inputs: Tensor | tuple[Any, ...],
    settings: TileSettings | None = None,
    keep: Collection[str] = (),
) -> nn.Module:
    """A copy of a torch model whose layers with weights are on tiles; see `cosim.nn`.

    Args:
        model: any torch model; it is not changed.
        tile: of the tiles.
        inputs: typical inputs of the model, from which ranges are taken.
        settings: how tiles are used; None for those of trained models.
        keep: names of modules that stay digital.

    Raises:
        InputError: a layer that cannot be put onto tiles.
    """
    from cosim.nn import CONVERTED, convert

    return convert(model, tile, inputs, settings or CONVERTED, keep)


def run(
    study: str | Path, folder: str | Path, *, workers: int | None = None, data: Path | None = None
) -> Outcome:
    """The whole loop of a study; resumes, and ends with `report.html` in its folder.

    Args:
        study: its TOML file.
        folder: of the run.
        workers: processes of ngspice; one per core when None.
        data: folder of the data set, where the study's does not come along.

    Raises:
        SpecError: a field of the study or its tile.
        SimulatorError: ngspice is missing or failed.
    """
    from cosim.loop import check_study, load_study, run_study
    from cosim.ngspice import Workers

    spec, tile = load_study(study)
    check_study(spec, tile, data)
    with Workers(workers) as pool:
        command = f"cosim run {study} -o {folder}"
        return run_study(spec, tile, Path(folder), pool, command=command, data=data)


def answer_question(
    question: str | Path, folder: str | Path, *, data: Path | None = None
) -> Answer:
    """The points of a design question, and which of them is good and cheapest; resumes.

    Args:
        question: its TOML file.
        folder: for `points.csv` and the trained network.
        data: folder of the data set, where the question's does not come along.

    Raises:
        SpecError: a field of the question, its tile or a point.
        DatasetError: the folder holds another question's results.
    """
    from cosim.design import Sweep, answer, load_question

    asked, points = load_question(question)
    return answer(asked, Sweep(asked, points, asked.load(data), Path(folder)).run())
