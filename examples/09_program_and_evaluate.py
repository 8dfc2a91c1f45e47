"""Write and verify: what pulses leave in the cells of a tile, and what a network loses by it.

    python examples/09_program_and_evaluate.py

First single cells, pulse by pulse, by two algorithms on the compiled device model; then whole
chips, by the spread that the card's source published for the same algorithm.
"""

from pathlib import Path

import numpy as np

from cosim.datasets import digits
from cosim.nn import (
    CardProgramming,
    TrainSettings,
    evaluate,
    perceptron,
    program_chips,
    train_plain,
)
from cosim.programming import program_tile
from netlists.specs import TileSpec


CARD = "rram_gap__hfo2_milo2021"


def main():
    tile = TileSpec.from_toml(Path(__file__).parent / "tile_32x32.toml")
    cell = {"device": CARD, "access_transistor": "nmos_ekv__hfo2_array_250nm"}
    cell |= {"conductance_min": 50e-6, "conductance_max": 200e-6, "gate_voltage": 3.0}
    tile = tile.model_copy(update={"cell": tile.cell.model_copy(update=cell)})

    part = tile.model_copy(update={"rows": 16, "cols": 8})
    targets = np.random.default_rng(0).uniform(50e-6, 200e-6, (16, 8))
    for algorithm in ("single-shot", "igvva-100", "igvva-10"):
        state = program_tile(part, targets, algorithm, seed=1)
        left = np.std(state.conductance - targets) * 1e6
        print(f"{algorithm}: {left:.2f} uS left, {state.pulses.mean():.1f} pulses a cell")

    data = digits(seed=0)
    network = perceptron([64, 32, 10], tile, levels=16, seed=0)
    train = data.train_images.flatten(1), data.train_labels
    train_plain(network, *train, TrainSettings(epochs=5, seed=0))
    for scale in (1.0, 6.0):
        errors = CardProgramming(CARD, algorithm="igvva-100", scale=scale)
        chips = program_chips(network, 10, errors, first_seed=100)
        tests = data.test_images.flatten(1), data.test_labels
        accuracy = evaluate(network, *tests, chips, "ideal").mean.item()
        print(f"10 chips at {scale:.0f} x the published spread: {100 * accuracy:.1f} %")


if __name__ == "__main__":
    main()
