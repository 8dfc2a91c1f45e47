"""A purely resistive tile in ngspice equals an independent nodal solution to 1e-7.

The reference knows nothing of the netlist writer: it numbers nodes its own way, stamps a dense
conductance matrix from the drawing in `netlists.crossbar`, and solves it with LAPACK.
"""

import numpy as np
import pytest

from cosim.engine.ngspice import NgspiceEngine
from cosim.ngspice import Workers


def nodal_currents(spec, G, V):
    """Output currents [samples, cols] of the resistive crossbar by dense nodal analysis."""
    inputs, outputs = np.arange(2 * G.size).reshape(2, *G.shape)
    Y = np.zeros((2 * G.size, 2 * G.size))

    def connect(a, b, siemens):
        for one, other, sign in ((a, a, 1), (b, b, 1), (a, b, -1), (b, a, -1)):
            np.add.at(Y, (one, other), sign * siemens)

    source = 1 / (spec.drivers.source_resistance + spec.wires.input_line_resistance)
    sense = 1 / (spec.sensing.input_resistance + spec.wires.output_line_resistance)
    Y[inputs[:, 0], inputs[:, 0]] += source
    Y[outputs[-1], outputs[-1]] += sense
    connect(inputs[:, :-1], inputs[:, 1:], 1 / spec.wires.input_line_resistance)
    connect(outputs[:-1], outputs[1:], 1 / spec.wires.output_line_resistance)
    connect(inputs, outputs, G)
    injected = np.zeros((2 * G.size, len(V)))
    injected[inputs[:, 0]] = source * V.T
    return sense * np.linalg.solve(Y, injected)[outputs[-1]].T


@pytest.fixture(scope="module")
def workers():
    with Workers(1) as pool:
        yield pool


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (4, 3), (3, 7), (12, 12)])
def test_ngspice_agrees_with_dense_nodal_analysis(resistive_tile, workers, rows, cols):
    spec = resistive_tile(rows=rows, cols=cols)
    generator = np.random.default_rng(rows * 100 + cols)
    G = generator.uniform(5e-6, 150e-6, (rows, cols))
    V = generator.uniform(-0.2, 0.2, (9, rows))
    expected = nodal_currents(spec, G, V)
    measured = NgspiceEngine(spec, workers).mvm(G, V)
    assert np.abs(measured - expected).max() <= 1e-7 * np.abs(expected).max()


def test_the_wires_matter_in_that_comparison(resistive_tile):
    spec = resistive_tile(rows=12, cols=12)
    G = np.full((12, 12), 150e-6)
    V = np.full((1, 12), 0.2)
    assert np.abs(nodal_currents(spec, G, V) / (V @ G) - 1).max() > 0.01


def test_more_vectors_than_one_load_takes_come_back_in_order(resistive_tile, workers, monkeypatch):
    spec = resistive_tile(rows=3, cols=2)
    monkeypatch.setattr(NgspiceEngine, "VECTORS_PER_LOAD", 4)
    generator = np.random.default_rng(5)
    jobs = [
        (generator.uniform(1e-5, 1e-4, (3, 2)), generator.uniform(0, 0.2, (k, 3))) for k in (1, 9)
    ]
    seen = []
    answers = NgspiceEngine(spec, workers).mvm_many(jobs, seen.append)
    for (G, V), answer in zip(jobs, answers, strict=True):
        assert np.allclose(answer, nodal_currents(spec, G, V), rtol=1e-6, atol=1e-15)
    assert sorted(seen) == [1, 9]
