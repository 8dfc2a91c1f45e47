"""A trained torch model onto tiles: its accuracy in floating point, quantised, and in the circuit.

    python examples/07_convert_a_torch_model.py

The circuit here is the solver's: every tile operation of the network solved, wires, transistors and
curved cells included.
"""

from pathlib import Path

import torch

from cosim.cell import TileCell
from cosim.datasets import digits
from cosim.engine import SolverEngine
from cosim.nn import TileSettings, calibrate_gain, convert, evaluate, program
from cosim.surrogate import LineModeGalerkin
from netlists.specs import TileSpec


def train(model, images, labels):
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()


def main():
    tile = TileSpec.from_toml(Path(__file__).parent / "tile_32x32.toml")
    data = digits(seed=0)
    torch.manual_seed(0)
    layers = torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10)
    model = torch.nn.Sequential(torch.nn.Flatten(), *layers)
    train(model, data.train_images, data.train_labels)
    images, labels = data.test_images[:200], data.test_labels[:200]
    digital = (model(images).argmax(1) == labels).double().mean().item()

    analog = convert(model, tile, data.train_images, TileSettings(levels=16))
    surrogate = LineModeGalerkin.from_spec(tile, TileCell(tile).current)
    calibrate_gain(analog, data.train_images, surrogate)
    chip = program(analog, 0, None)  # without errors: the cells hold their targets
    engines = {"ideal": "ideal", "surrogate": surrogate, "circuit": SolverEngine(tile)}
    result = evaluate(analog, images, labels, [chip], engines)
    print(f"floating point: {100 * digital:.1f} %")
    for name in engines:
        print(f"{name}: {100 * result.of(name).item():.1f} %")


if __name__ == "__main__":
    main()
