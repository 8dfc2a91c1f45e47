"""A trained network as hardware: which weight sits in which cell, and its tiles as decks.

    EXPORT/
      cells.csv          every cell that belongs to a weight: layer, tile, row, column; the weight's
                         output and input; target and programmed conductance [S]; pulses used,
                         where the run programmed with an algorithm
      tiles/0_3.cir      layer 0, tile 3, as a deck that plain `ngspice -b` runs: the chip's
                         conductances, and the voltages that the images put on the tile's rows
      tiles/0_3.npz      the same as arrays: conductances [S], inputs [V], and the currents [A] that
                         the run's surrogate predicts
      export.json        the run, the training, the chip, the images, and how layers lie on tiles

Inputs are those that the images cause in the chip itself: every layer sees what the layers before
it give with this chip's conductances, by the run's surrogate.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from cosim.engine.base import Currents, Job
from cosim.errors import InputError
from cosim.loop.context import Material
from cosim.loop.networks import load_network
from cosim.loop.programming import chips_of, kept_arrays
from cosim.loop.started import Started
from cosim.loop.surrogates import surrogate_of
from cosim.nn import AnalogLayer, Chip, analog_layers, evaluate, program
from cosim.surrogate import Surrogate
from netlists.testbench import read_testbench


COLUMNS = (
    *("layer", "tile", "row", "col", "output", "input", "cell"),
    *("weight", "target_siemens", "programmed_siemens", "pulses"),
)


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        folder: where.
        cells: rows of `cells.csv`.
        tiles: decks.
    """

    folder: Path
    cells: int
    tiles: int


def export_run(run: Path, output: Path, training: str, chip: int, images: int) -> Exported:
    """Write a trained network of a finished run as cells and decks.

    Args:
        run: folder of the run.
        output: folder to write; it must not exist.
        training: `plain` or `variability-aware`.
        chip: number of one of the study's chips.
        images: test images whose reads the decks hold.

    Raises:
        MissingFileError: no such run, or it has not trained yet.
        DatasetError: the run is damaged.
        InputError: no such training or chip, no image, or the output exists.
    """
    started = Started.read(run)
    _check(started.material(run), output, training, chip, images)
    material = started.material(run, started.ended(run).numbers)
    network = load_network(material, training)
    one = chips_of(material, training, network)[chip]
    recorder = _Recorder(surrogate_of(material))
    test = material.images.first(None, images)
    evaluate(network, test.test_images, test.test_labels, [one], recorder)

    partial = output.with_name(f"{output.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "tiles").mkdir(parents=True)
    pulses = _pulses(material, training, chip, one)
    cells = _write_cells(partial / "cells.csv", network, one, pulses)
    tiles = _write_tiles(partial / "tiles", material, network, recorder)
    _write_manifest(partial / "export.json", material, network, (training, one.seed, images))
    partial.replace(output)
    return Exported(output, cells, tiles)


class _Recorder:
    """Answers with the surrogate and remembers what was asked and answered."""

    def __init__(self, surrogate: Surrogate) -> None:
        self._surrogate = surrogate
        self.tasks: list[Job] = []
        self.answers: list[Currents] = []

    def mvm_many(self, tasks: Sequence[Job]) -> list[Currents]:
        """Currents [A] of tiles."""
        answers = self._surrogate.mvm_many(list(tasks))
        self.tasks += tasks
        self.answers += answers
        return answers


def _check(material: Material, output: Path, training: str, chip: int, images: int) -> None:
    study = material.study
    if training not in study.training.networks:
        there = " and ".join(study.training.networks)
        raise InputError(
            f"training `{training}` was asked for; this run has {there}; name one of them"
        )
    if not 0 <= chip < study.programming.chips:
        raise InputError(
            f"chip {chip} was asked for; the study has {study.programming.chips}, counted from 0;"
            " name one of those"
        )
    if not 1 <= images <= len(material.images.test_images):
        raise InputError(
            f"{images} images were asked for; there are {len(material.images.test_images)} to test"
            " with; ask for at least one and at most those"
        )
    if output.exists():
        raise InputError(f"{output} exists; an export writes a new folder; name another one")


def _pulses(
    material: Material, training: str, chip: int, programmed: Chip
) -> list[np.ndarray | None]:
    """How many pulses every cell of each layer got; None where programming was not simulated."""
    layers = programmed.conductances
    if material.study.programming.algorithm is None:
        return [None] * len(layers)
    flat = kept_arrays(material, training, "pulses")[chip]
    parts = np.split(flat, np.cumsum([layer.numel() for layer in layers])[:-1])
    return [part.reshape(layer.shape) for part, layer in zip(parts, layers, strict=True)]


def _write_cells(
    path: Path, network: nn.Module, chip: Chip, pulses: Sequence[np.ndarray | None]
) -> int:
    count = 0
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        targets = program(network, 0, None).conductances
        layers = zip(analog_layers(network), targets, chip.conductances, pulses, strict=True)
        for number, (layer, target, programmed, given) in enumerate(layers):
            for row in _cells(number, layer, (target.numpy(), programmed.numpy(), given)):
                table.writerow(row)
                count += 1
    return count


def _cells(
    number: int,
    layer: AnalogLayer,
    arrays: tuple[np.ndarray, np.ndarray, np.ndarray | None],
) -> list[tuple]:
    """The rows of one layer, tile by tile."""
    target, programmed, pulses = arrays
    places = layer.mapping.places().numpy()
    weights = layer.weight.detach().flatten(1).numpy()
    columns = layer.mapping.cells.columns
    order = np.arange(weights.shape[1]) if layer.row_order is None else layer.row_order.numpy()
    rows = []
    for at in zip(*np.nonzero(places >= 0), strict=True):
        index, cell = divmod(int(places[at]), columns)
        out, place = divmod(index, weights.shape[1])
        source = int(order[place])
        tile, row, col = (int(position) for position in at)
        values = (weights[out, source], target[at], programmed[at])
        shown = (f"{value:.9g}" for value in values)
        given = "" if pulses is None else int(pulses[at])
        rows.append((number, tile, row, col, out, source, cell, *shown, given))
    return rows


def _write_tiles(folder: Path, material: Material, network: nn.Module, recorder: _Recorder) -> int:
    """A deck and its arrays for every tile; tiles are asked layer by layer, in their order."""
    names = [
        f"{number}_{tile}"
        for number, layer in enumerate(analog_layers(network))
        for tile in range(layer.mapping.tiles)
    ]
    for name, (G, X), Y in zip(names, recorder.tasks, recorder.answers, strict=True):
        deck = read_testbench(material.tile, G, X).standalone_deck()
        (folder / f"{name}.cir").write_text(deck, encoding="utf-8")
        np.savez_compressed(folder / f"{name}.npz", conductances=G, inputs=X, currents=Y)
    return len(names)


def _write_manifest(
    path: Path, material: Material, network: nn.Module, what: tuple[str, int, int]
) -> None:
    training, seed, images = what
    content = {
        "study": material.study.name,
        "tile": material.tile.model_dump(mode="json"),
        "tile_hash": material.tile.content_hash(),
        "training": training,
        "chip_seed": seed,
        "images": images,
        "layers": [
            {
                "in_features": m.in_features,
                "out_features": m.out_features,
                "row_blocks": m.row_blocks,
                "col_blocks": m.col_blocks,
                "tiles": m.tiles,
                "largest_weight": float(layer.largest_weight()),
                "input_range": float(layer.input_range),
                "read_voltage": m.read_voltage,
            }
            for layer, m in ((layer, layer.mapping) for layer in analog_layers(network))
        ],
    }
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
