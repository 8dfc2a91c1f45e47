"""Tiles, surrogates and digits for the tests of the torch side."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from cosim.nn import perceptron
from cosim.surrogate import Domain, LineModeGalerkin, WireResistances
from netlists.specs import TileSpec


SCALE = 0.25  # volt, of the hyperbolic sine of the device
ACCESS_RESISTANCE = 800.0  # ohm, of the access transistor


def cell_current(vr, vc, G):
    """A sinh device behind a resistor, its inner node by Newton's method."""
    strength = G * 0.2 / np.sinh(0.2 / SCALE)
    inner = 0.9 * (vr - vc)
    for _ in range(30):
        excess = ACCESS_RESISTANCE * strength * np.sinh(inner / SCALE) + inner - (vr - vc)
        slope = ACCESS_RESISTANCE * strength / SCALE * np.cosh(inner / SCALE) + 1
        inner = inner - excess / slope
    return strength * np.sinh(inner / SCALE)


@pytest.fixture(scope="session")
def tile(rram_tile) -> TileSpec:
    return rram_tile(rows=8, cols=6)


@pytest.fixture(scope="session")
def surrogate(tile) -> LineModeGalerkin:
    return LineModeGalerkin.from_spec(tile, cell_current)


@pytest.fixture(scope="session")
def big_tile(rram_tile) -> TileSpec:
    """The tile of the study on digits."""
    return rram_tile(rows=32, cols=32)


@pytest.fixture(scope="session")
def big_surrogate(big_tile) -> LineModeGalerkin:
    return LineModeGalerkin.from_spec(big_tile, cell_current)


@pytest.fixture(scope="session")
def perfect(tile) -> LineModeGalerkin:
    """The surrogate of a tile without any resistance and with linear cells."""
    return LineModeGalerkin.from_cell(
        tile.rows,
        tile.cols,
        WireResistances(0.0, 0.0, 0.0, 0.0),
        lambda vr, vc, G: G * (vr - vc),
        Domain(0.0, 0.2, 5e-6, 150e-6),
    )


@pytest.fixture(scope="session")
def digits():
    """Images from 0 to 1 and labels of scikit-learn's digits: training and test part."""
    data = load_digits()
    x, y = torch.tensor(data.data / 16, dtype=torch.float32), torch.tensor(data.target)
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    return (x[order[:1297]], y[order[:1297]]), (x[order[1297:]], y[order[1297:]])


@pytest.fixture
def network(tile):
    made = perceptron([12, 9, 4], tile, levels=16, seed=3).eval()
    made[2].input_range.fill_(2.0)
    return made


@pytest.fixture
def images():
    """Inputs and labels for `network`."""
    generator = torch.Generator().manual_seed(5)
    return torch.rand(11, 12, generator=generator), torch.randint(4, (11,), generator=generator)


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
