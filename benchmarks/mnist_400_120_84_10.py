"""A whole network at circuit accuracy: the 400-120-84-10 perceptron on MNIST, every tile solved.

Images are the central 20 x 20 pixels. Weights are differences of two columns of 64 x 64 tiles, 32
outputs per tile; activations are voltages up to the read voltage. Every tile of every image is
solved as a nonlinear circuit, and some images are repeated in ngspice, tile by tile, with the
voltages that the solver applied. The HSPICE baseline of LASANA (its README: 10,000 images through a
400-120-84-10 crossbar network, about 4 s per image) took 11 hours.

The data are the four original IDX files (gzip), in $COSIM_DATA or a folder below it; without them
the row says so.
"""

from __future__ import annotations

import gzip
import math
import os
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmarks.peers.kept import kept
from benchmarks.run import missing_reference
from benchmarks.solver_accuracy import TILE
from cosim.engine.ngspice import NgspiceEngine
from cosim.ngspice import Workers, ngspice_info
from cosim.solver.solve import FAST, TileSolver
from netlists.specs import TileSpec


DATA_VARIABLE = "COSIM_DATA"
PUBLISHED_S = 11 * 3600.0
SIZES = (400, 120, 84, 10)
SIDE = 64
OUTPUTS_PER_TILE = SIDE // 2
CHUNK = 250
FILES = {
    "train_images": "train-images-idx3-ubyte.gz",
    "train_labels": "train-labels-idx1-ubyte.gz",
    "test_images": "t10k-images-idx3-ubyte.gz",
    "test_labels": "t10k-labels-idx1-ubyte.gz",
}


def run(quick: bool, folder: str | None = None) -> dict[str, Any]:
    """Train, map, solve the test set and repeat some images in ngspice.

    Args:
        quick: 100 images, two of them in ngspice, in place of 10,000 and 50.
        folder: where the data lie; $COSIM_DATA when not given.
    """
    found = _data_folder(folder or os.environ.get(DATA_VARIABLE))
    if found is None:
        how = f"set {DATA_VARIABLE} to a folder that holds {FILES['test_images']} and its siblings"
        return {"figures": {}, "references": [missing_reference("MNIST", how)], "ratios": {}}
    data = {name: _idx(found / file) for name, file in FILES.items()}
    training = _pixels(data["train_images"])
    network = _trained(training, data["train_labels"], epochs=1 if quick else 4)
    images = _pixels(data["test_images"])[: 100 if quick else None]
    labels = data["test_labels"][: len(images)]
    analog = AnalogPerceptron(network, training[:2000])
    began, cpu = time.perf_counter(), time.process_time()
    classes = analog.classify(images)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    checked = 2 if quick else 50
    layers = (2,) if quick else (0, 1, 2)
    error, tiles, of = analog.against_ngspice(images[:checked], layers)
    digital = network(torch.from_numpy(images)).argmax(1).numpy()
    return {
        "figures": {
            "seconds": seconds,
            "cpu_seconds": cpu,
            "images": len(images),
            "tile_solutions": analog.solved,
            "accuracy": float((classes == labels).mean()),
            "accuracy_digital": float((digital == labels).mean()),
            "ngspice_images": checked,
            "ngspice_tiles": f"{tiles} of {of}",
            "max_error_vs_ngspice": error,
        },
        "references": [
            {"name": "ngspice", "version": str(ngspice_info().version)},
            {"name": "HSPICE (published with LASANA)", "version": None, "seconds": PUBLISHED_S},
        ],
        "ratios": {"speedup_vs_published": PUBLISHED_S / seconds * len(images) / 10_000},
    }


def _data_folder(given: str | None) -> Path | None:
    if given is None:
        return None
    hits = sorted(Path(given).expanduser().rglob(FILES["test_images"]))
    return hits[0].parent if hits else None


def _idx(path: Path) -> np.ndarray:
    """The array of an IDX file: a magic number whose last byte counts dimensions, sizes, bytes."""
    raw = gzip.decompress(path.read_bytes())
    dimensions = raw[3]
    shape = np.frombuffer(raw, ">i4", dimensions, 4)
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _pixels(images: np.ndarray) -> np.ndarray:
    """Central 20 x 20 pixels in [0, 1]."""
    return (images[:, 4:24, 4:24].reshape(len(images), -1) / 255.0).astype(np.float32)


def _trained(images: np.ndarray, labels: np.ndarray, epochs: int) -> nn.Sequential:
    """The perceptron, trained digitally."""
    torch.manual_seed(0)
    parts: list[nn.Module] = []
    for inputs, outputs in pairwise(SIZES):
        parts += [nn.Linear(inputs, outputs), nn.ReLU()]
    network = nn.Sequential(*parts[:-1])
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    X, y = torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64))
    for _ in range(epochs):
        for rows in torch.randperm(len(X)).split(128):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(X[rows]), y[rows]).backward()
            optimizer.step()
    return network.eval().requires_grad_(False)


@dataclass
class AnalogLayer:
    """One linear layer on tiles.

    Attributes:
        conductances: `[row tiles, column tiles, 64, 64]` [S]; even columns carry positive weights.
        bias: added digitally.
        scale: weight per siemens.
        input_range: activation that becomes the read voltage.
    """

    conductances: np.ndarray
    bias: np.ndarray
    scale: float
    input_range: float


class AnalogPerceptron:
    """The perceptron on tiles.

    Attributes:
        solved: number of tile circuits solved so far.
    """

    def __init__(self, network: nn.Sequential, calibration: np.ndarray) -> None:
        """Map a trained network; its activations on `calibration` set the input ranges."""
        data = TileSpec.from_toml(TILE).model_dump()
        self.spec = TileSpec.from_dict({**data, "rows": SIDE, "cols": SIDE})
        self.solver = TileSolver(self.spec, FAST)
        self.read_voltage = self.spec.drivers.read_voltage
        self.solved = 0
        self.layers: list[AnalogLayer] = []
        x = torch.from_numpy(calibration)
        for part in network:
            if isinstance(part, nn.Linear):
                self.layers.append(self._mapped(part, float(x.max())))
            x = part(x)
        self.parameters = [self.solver.cell.parameters(layer.conductances) for layer in self.layers]

    def _mapped(self, part: nn.Linear, input_range: float) -> AnalogLayer:
        low, high = self.spec.cell.conductance_min, self.spec.cell.conductance_max
        W = part.weight.numpy().T.astype(np.float64)
        scale = float(np.abs(W).max()) / (high - low)
        tall, wide = -(-W.shape[0] // SIDE), -(-W.shape[1] // OUTPUTS_PER_TILE)
        G = np.full((tall * SIDE, wide * SIDE), low)
        G[: W.shape[0], 0 : 2 * W.shape[1] : 2] += np.maximum(W, 0) / scale
        G[: W.shape[0], 1 : 2 * W.shape[1] : 2] += np.maximum(-W, 0) / scale
        tiles = G.reshape(tall, SIDE, wide, SIDE).swapaxes(1, 2)
        return AnalogLayer(np.ascontiguousarray(tiles), part.bias.numpy(), scale, input_range)

    def voltages(self, layer: AnalogLayer, x: np.ndarray) -> np.ndarray:
        """Driver voltages `[row tiles, 1, samples, 64]` of a layer's tiles [V]."""
        tall = layer.conductances.shape[0]
        V = np.zeros((len(x), tall * SIDE))
        V[:, : x.shape[1]] = self.read_voltage * np.clip(x / layer.input_range, 0.0, 1.0)
        return V.reshape(len(x), tall, SIDE).swapaxes(0, 1)[:, None]

    def forward(self, number: int, x: np.ndarray) -> np.ndarray:
        """Outputs of a layer, from the currents of all its tiles.

        Raises:
            ArithmeticError: a tile has no solution.
        """
        layer = self.layers[number]
        V = self.voltages(layer, x)
        solution = self.solver.solve_parameters(V, self.parameters[number])
        if not solution.status.ok:
            raise ArithmeticError(str(solution.status))
        self.solved += solution.steps.size
        currents = solution.currents.sum(0)
        pairs = currents[..., 0::2] - currents[..., 1::2]
        outputs = pairs.swapaxes(0, 1).reshape(len(x), -1)[:, : len(layer.bias)]
        return outputs * layer.scale * layer.input_range / self.read_voltage + layer.bias

    def classify(self, images: np.ndarray) -> np.ndarray:
        """The class of every image."""
        return np.concatenate(
            [
                self._activations(images[first : first + CHUNK])[-1].argmax(1)
                for first in range(0, len(images), CHUNK)
            ]
        )

    def _activations(self, images: np.ndarray) -> list[np.ndarray]:
        """Inputs of every layer, and the outputs of the last."""
        values: list[np.ndarray] = [images.astype(np.float64)]
        for number in range(len(self.layers)):
            hidden = self.forward(number, values[-1])
            last = number + 1 == len(self.layers)
            values.append(hidden if last else np.maximum(hidden, 0.0))
        return values

    def against_ngspice(
        self, images: np.ndarray, layers: tuple[int, ...], seconds: float = math.inf
    ) -> tuple[float, int, int]:
        """Repeat tiles in ngspice, with the voltages that the solver applied.

        Finished tiles are kept on disk, so that a run that was stopped goes on where it ended.

        Args:
            images: what to classify.
            layers: which layers to repeat.
            seconds: no further tile is begun after this time.

        Returns:
            The largest difference of any tile's currents relative to that tile's largest current,
            and how many tiles were compared, of how many.
        """
        values = self._activations(images)
        worst, done, everything = 0.0, 0, 0
        stop = time.monotonic() + seconds
        with Workers() as workers:
            engine = NgspiceEngine(self.spec, workers)
            for number in layers:
                layer = self.layers[number]
                V = self.voltages(layer, values[number])
                found = self.solver.solve_parameters(V, self.parameters[number]).currents
                for place in np.ndindex(*layer.conductances.shape[:2]):
                    everything += 1
                    in_time = time.monotonic() < stop
                    expected = _kept(engine, layer.conductances[place], V[place[0], 0], in_time)
                    if expected is not None:
                        done += 1
                        error = np.abs(found[place] - expected).max() / np.abs(expected).max()
                        worst = max(worst, float(error))
        return worst, done, everything


def _kept(
    engine: NgspiceEngine, conductances: np.ndarray, inputs: np.ndarray, simulate: bool
) -> np.ndarray | None:
    """Ngspice's currents of one tile, from disk or else, when allowed, from ngspice."""
    parts = (engine.spec.content_hash().encode(), conductances.tobytes(), inputs.tobytes())
    return kept("mnist", parts, (lambda: engine.mvm(conductances, inputs)) if simulate else None)
