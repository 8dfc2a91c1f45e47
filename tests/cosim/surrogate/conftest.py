"""The hand-written cells and the independent reference, as fixtures."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from cosim.surrogate import Domain, LineModeGalerkin, TileSamples, WireResistances


def _sibling(name: str) -> ModuleType:
    path = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"surrogate_tests_{name}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def cells() -> ModuleType:
    """Cell-current functions by name."""
    return _sibling("cells")


@pytest.fixture(scope="session")
def column_currents() -> Callable:
    """The sparse-Newton reference."""
    return _sibling("reference_newton").column_currents


@pytest.fixture(scope="session")
def domain() -> Domain:
    return Domain(0.0, 0.2, 5e-6, 150e-6)


@pytest.fixture(scope="session")
def wires() -> WireResistances:
    return WireResistances(input_line=1.0, output_line=1.0, source=10.0, sense=0.0)


@pytest.fixture(scope="session")
def drawn(domain: Domain) -> Callable:
    """A maker of random conductances [matrices, rows, cols] and inputs [matrices, samples, rows].

    Kinds: `uniform`; `sparse`, 70 % of the inputs zero; `weights`, 80 % of the cells at the lowest
    conductance and sparse inputs.
    """

    def draw(rows, cols, matrices, samples, kind="uniform", seed=0):
        rng = np.random.default_rng(seed)
        low, high = domain.conductance_low, domain.conductance_high
        G = rng.uniform(low, high, (matrices, rows, cols))
        V = rng.uniform(0, domain.input_high, (matrices, samples, rows))
        if kind in ("sparse", "weights"):
            V = V * (rng.random(V.shape) > 0.7)
        if kind == "weights":
            G = np.where(rng.random(G.shape) < 0.8, low, G)
        return G, V

    return draw


@pytest.fixture(scope="session")
def samples(drawn, column_currents) -> Callable:
    """A maker of reference samples of a tile."""

    def make(cell, wires, rows, cols, matrices, count, kind="uniform", seed=0):
        G, V = drawn(rows, cols, matrices, count, kind, seed)
        Y = np.stack([column_currents(cell, wires, v, g) for g, v in zip(G, V, strict=True)])
        return TileSamples(
            G, V.reshape(-1, rows), Y.reshape(-1, cols), np.repeat(np.arange(matrices), count)
        )

    return make


@pytest.fixture(scope="session")
def small(cells, domain, wires) -> LineModeGalerkin:
    """The closed form of a 6 x 4 tile of 1T1R cells."""
    return LineModeGalerkin.from_cell(6, 4, wires, cells.sinh_1t1r, domain, modes=2)


@pytest.fixture(autouse=True)
def _one_thread():
    """Small matrices are faster on one thread, and results then do not depend on the machine."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
