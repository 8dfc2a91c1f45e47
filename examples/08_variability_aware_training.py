"""Two trainings on the same chips: plain, and with the circuit and its errors in the forward pass.

    python examples/08_variability_aware_training.py

Chips are draws of the programming errors. Both networks meet the same ones, so the difference is
taken chip by chip and comes with its standard error.
"""

from pathlib import Path

from cosim.cell import TileCell
from cosim.datasets import digits
from cosim.nn import (
    ProgrammingError,
    TrainSettings,
    calibrate_gain,
    evaluate,
    perceptron,
    program_chips,
    train_plain,
    train_vat,
)
from cosim.surrogate import LineModeGalerkin
from netlists.specs import TileSpec


def main():
    tile = TileSpec.from_toml(Path(__file__).parent / "tile_32x32.toml")
    low, high = tile.cell.conductance_min, tile.cell.conductance_max
    error = ProgrammingError(absolute_std=30e-6, low=low, high=high)  # 21 % of the range
    surrogate = LineModeGalerkin.from_spec(tile, TileCell(tile).current)
    data = digits(seed=0)
    x, labels = data.train_images.flatten(1), data.train_labels
    settings = TrainSettings(epochs=8, seed=0)

    plain = perceptron([64, 32, 10], tile, levels=16, seed=0)
    train_plain(plain, x, labels, settings)
    calibrate_gain(plain, x, surrogate)

    aware = perceptron([64, 32, 10], tile, levels=16, seed=0)
    calibrate_gain(aware, x, surrogate)
    train_vat(aware, x, labels, settings, surrogate, error)

    results = {}
    for name, network in {"plain": plain, "aware": aware}.items():
        chips = program_chips(network, 5, error, first_seed=100)
        tests = data.test_images.flatten(1), data.test_labels
        results[name] = evaluate(network, *tests, chips, surrogate)
        print(f"{name}: {100 * results[name].mean.item():.1f} % on 5 chips")
    gain = results["aware"].minus(results["plain"])
    spread = 100 * gain.standard_error.item()
    print(f"gain: {100 * gain.mean.item():.1f} points, standard error {spread:.1f}")


if __name__ == "__main__":
    main()
