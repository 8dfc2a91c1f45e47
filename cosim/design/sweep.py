"""Run a design question: every point on the same trained network, chips and images.

    digital network, trained once ──► tiles of the point ──► chips ──► engine with a meter
                                                                        └─► accuracy, energy

The results are rows of a CSV file, one per point and chip, each written when it is known: a sweep
that was interrupted goes on where it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import safetensors.torch
from jaxtyping import Float
from torch import nn

from cosim.cell import TileCell
from cosim.datasets import Images
from cosim.design.energy import BLOCKS, EnergyLaw, Metered
from cosim.design.parameters import Settings
from cosim.design.question import Point, Question, points_hash
from cosim.engine import SolverEngine
from cosim.errors import DatasetError
from cosim.nn import (
    Chip,
    NonIdealities,
    ProgrammingError,
    TileEngine,
    TileSettings,
    TrainSettings,
    analog_layers,
    calibrate_gain,
    evaluate,
    program,
)
from cosim.progress import Advance
from cosim.solver.solve import FAST
from cosim.studies.arms import PARTS, on_tiles, trained
from cosim.studies.networks import lenet5, multilayer_perceptron
from cosim.studies.rows import Row, Rows
from cosim.surrogate import LineModeGalerkin
from netlists.specs import TileSpec


FIRST_CHIP = 1000
# Images that layers' gains are calibrated on.
GAIN_IMAGES = 128
VALUES = ("tiles", "reads", "accuracy", "energy", *BLOCKS)


@dataclass(frozen=True)
class Measured:
    """What a point came to.

    Attributes:
        point: the settings and the tile.
        accuracy: of each chip.
        energy: of an inference, mean over the chips [J].
        blocks: the same by block [J].
        reads: of tiles, per inference.
        tiles: that hold the network.
    """

    point: Point
    accuracy: Float[np.ndarray, " chips"]
    energy: float
    blocks: dict[str, float]
    reads: float
    tiles: int

    @property
    def mean(self) -> float:
        """Mean accuracy over the chips, to the digits that the table has."""
        return round(float(self.accuracy.mean()), 5)


@dataclass(frozen=True)
class Sweep:
    """A question at work.

    Attributes:
        question: what is asked.
        points: its points.
        images: what networks are trained and tested on.
        folder: of the results.
        threads: of the solver; all cores when None.
    """

    question: Question
    points: list[Point]
    images: Images
    folder: Path
    threads: int | None = None

    def run(self, advance: Advance = lambda count: None) -> list[Measured]:
        """Work out every point and chip that is not in the table yet.

        Args:
            advance: called with 1 after every chip of a point.

        Raises:
            DatasetError: the folder holds the results of another question.
            SimulationFailed: a circuit without a solution.
        """
        rows = self.rows()
        digital = self.digital()
        found = []
        for point in self.points:
            work = _PointWork(self, digital, point)
            results = []
            for chip in range(self.question.chips):
                key = {**_key(point.settings), "chip": chip}
                results += rows.case(key, partial(work.result, chip))
                advance(1)
            found.append(_measured(point, results))
        return found

    def rows(self) -> Rows:
        """The table of results, found or new."""
        return Rows(
            self.folder / "points.csv",
            f"cosim design, {self.question.name}",
            points_hash(self.question, self.points),
            (*self.question.sweep, "chip"),
            VALUES,
        )

    def digital(self) -> nn.Sequential:
        """The network that all points start from: found, or trained.

        Raises:
            DatasetError: the file in its place is another network.
        """
        question, images = self.question, self.images
        if question.network == "lenet5":
            network = lenet5(images.shape, question.seed)
        else:
            network = multilayer_perceptron(
                [images.pixels, *question.hidden, images.classes], question.seed
            )
        path = self.folder / f"network-{question.training_hash()}.safetensors"
        if path.exists():
            try:
                network.load_state_dict(safetensors.torch.load_file(path))
            except (safetensors.SafetensorError, RuntimeError) as error:
                raise DatasetError(
                    f"{path}: not the network of this question ({error}); only what a sweep wrote"
                    " is read; remove the file"
                ) from None
            return network.eval()
        settings = TrainSettings(question.epochs, 64, 3e-3, question.seed)
        trained(network, images, settings).eval()
        unfinished = path.with_suffix(".part")
        safetensors.torch.save_file(network.state_dict(), unfinished)
        unfinished.replace(path)
        return network

    def network(self, digital: nn.Sequential, tile: TileSpec) -> nn.Module:
        """The network on tiles of a point, its gains calibrated by the closed form."""
        question, images = self.question, self.images
        settings = TileSettings(question.levels, question.weight_clip)
        network = on_tiles(digital, images, tile, settings)
        calibrate_gain(network, images.train_images[:GAIN_IMAGES], closed_form(tile))
        return network.eval()

    def chip(self, network: nn.Module, tile: TileSpec, number: int) -> Chip:
        """One draw of the programming error; the same for networks of the same shape."""
        cell = tile.cell
        error = ProgrammingError(
            self.question.variation, cell.conductance_min, cell.conductance_max
        )
        seed = FIRST_CHIP * (self.question.seed + 1) + number
        return program(network, seed, NonIdealities((error,)))

    def engine(self, tile: TileSpec) -> TileEngine:
        """What answers for the circuit."""
        if self.question.engine == "surrogate":
            return closed_form(tile)
        return SolverEngine(tile, FAST, self.threads)


@dataclass(frozen=True)
class _PointWork:
    """One point at work; its network is made when the first chip is missing."""

    sweep: Sweep
    digital: nn.Sequential
    point: Point

    @cached_property
    def network(self) -> nn.Module:
        """The network on the tiles of the point."""
        return self.sweep.network(self.digital, self.point.tile)

    @cached_property
    def engine(self) -> TileEngine:
        """What answers for the circuit."""
        return self.sweep.engine(self.point.tile)

    def result(self, number: int) -> Row:
        """Accuracy and energy of one chip."""
        images, tile = self.sweep.images, self.point.tile
        meter = Metered(self.engine, EnergyLaw(tile, self.sweep.question.periphery))
        chip = self.sweep.chip(self.network, tile, number)
        found = evaluate(
            self.network, images.test_images, images.test_labels, [chip], meter, settings=PARTS
        )
        count = len(images.test_labels)
        joules = {block: joule / count for block, joule in meter.joules.items()}
        return {
            "tiles": sum(layer.mapping.tiles for layer in analog_layers(self.network)),
            "reads": meter.reads / count,
            "accuracy": float(found.of()[0]),
            "energy": sum(joules.values()),
            **joules,
        }


def closed_form(tile: TileSpec) -> LineModeGalerkin:
    """The surrogate of a tile as its specification gives it, fitted to nothing."""
    return LineModeGalerkin.from_spec(tile, TileCell(tile).current)


def _key(settings: Settings) -> dict[str, str | int | float]:
    """Settings as the table writes them: all digits, so that no two values look alike."""
    return {
        name: repr(value) if isinstance(value, float) else value for name, value in settings.items()
    }


def _measured(point: Point, rows: list[dict[str, str]]) -> Measured:
    def mean(column: str) -> float:
        return float(np.mean([float(row[column]) for row in rows]))

    return Measured(
        point,
        np.array([float(row["accuracy"]) for row in rows]),
        mean("energy"),
        {block: mean(block) for block in BLOCKS},
        mean("reads"),
        int(rows[0]["tiles"]),
    )
