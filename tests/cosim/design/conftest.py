"""A question that takes a second: random images, small tiles, the closed form."""

import numpy as np
import pytest
import torch

from cosim.datasets import Images
from cosim.design import Question
from cosim.design.question import points_of


@pytest.fixture(scope="session")
def images():
    """Three classes of 2x4 pixels that a small network tells apart."""
    draws = torch.Generator().manual_seed(3)
    centres = torch.rand(3, 1, 2, 4, generator=draws)
    labels = torch.arange(240) % 3
    noisy = centres[labels] + 0.15 * torch.randn(240, 1, 2, 4, generator=draws)
    x = noisy.clamp(0, 1)
    return Images("digits", x[:180], labels[:180], x[180:], labels[180:], classes=3)


@pytest.fixture(scope="session")
def fields(rram_tile):
    """The fields of a small tile, as a TOML file has them."""
    wires = {"input_line_resistance": 4.0, "output_line_resistance": 6.0}
    tile = rram_tile(8, 6, wires=wires, sensing={"input_resistance": 20.0})
    return tile.model_dump(mode="json", exclude_none=True)


@pytest.fixture(scope="session")
def question():
    """Wires of two widths at two read voltages."""
    sweep = {"wire_width": (0.1, 1.0), "read_voltage": (0.1, 0.2)}
    return Question(
        name="small",
        tile="tile.toml",
        sweep=sweep,
        engine="surrogate",
        hidden=(8,),
        epochs=40,
        images=60,
        chips=2,
        periphery={"read_time": 50e-9},
    )


@pytest.fixture(scope="session")
def points(question, resistive_tile):
    wires = {"input_line_resistance": 4.0, "output_line_resistance": 6.0}
    tile = resistive_tile(8, 6, wires=wires, sensing={"input_resistance": 20.0})
    return points_of(question, tile.model_dump(mode="json", exclude_none=True), "tile.toml")


@pytest.fixture
def rng():
    return np.random.default_rng(5)
