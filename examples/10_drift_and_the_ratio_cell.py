"""Drift of phase-change cells over a week, and three ways to live with it.

    python examples/10_drift_and_the_ratio_cell.py

Reference cells are averaged digitally; the ratio cell sets the time scale of every tile by its
reference cells inside the circuit, with the response that ngspice measured.
"""

from pathlib import Path

from cosim.datasets import digits
from cosim.nn import (
    Drift,
    EvaluationSettings,
    NonIdealities,
    RatioCell,
    ReferenceCells,
    TrainSettings,
    evaluate,
    perceptron,
    program_chips,
    train_plain,
)
from netlists.specs import TileSpec


HOUR, WEEK = 3600.0, 604800.0


def main():
    tile = TileSpec.from_toml(Path(__file__).parent / "tile_32x32.toml")
    data = digits(seed=0)
    network = perceptron([64, 32, 10], tile, levels=16, seed=0)
    train = data.train_images.flatten(1), data.train_labels
    train_plain(network, *train, TrainSettings(epochs=5, seed=0))

    drift = NonIdealities(drift=Drift(mean=0.08, spread=0.03))  # G (t / 1 s)^-nu, nu per cell
    chips = program_chips(network, 10, drift, first_seed=100)
    tests = data.test_images.flatten(1), data.test_labels
    parts = EvaluationSettings(chips_at_once=5)
    for name, help_ in {
        "no help": None,
        "digital factor": ReferenceCells(16),
        "ratio cell": RatioCell(16),
    }.items():
        result = evaluate(network, *tests, chips, "ideal", (1.0, HOUR, WEEK), help_, parts)
        percent = [f"{100 * result.of(time=time).mean():.1f} %" for time in (WEEK, HOUR, 1.0)]
        print(f"{name}: {', '.join(percent)} after a week, an hour, a second")


if __name__ == "__main__":
    main()
