"""A purely resistive tile in ngspice equals an independent nodal solution to 1e-7.

The reference knows nothing of the netlist writer: it numbers nodes its own way, stamps a dense
conductance matrix from the drawing in `netlists.crossbar`, and solves it with LAPACK.
"""

import numpy as np
import pytest

from cosim.engine import NgspiceEngine
from cosim.ngspice import Workers


def nodal_currents(spec, G, V):
    """Output currents [samples, cols] of the resistive crossbar by dense nodal analysis."""
    rows, cols = G.shape
    count = 2 * rows * cols

    def input_line(r, c):
        return r * cols + c

    def output_line(r, c):
        return rows * cols + r * cols + c

    Y = np.zeros((count, count))

    def stamp(a, b, siemens):
        Y[a, a] += siemens
        Y[b, b] += siemens
        Y[a, b] -= siemens
        Y[b, a] -= siemens

    source = 1 / (spec.drivers.source_resistance + spec.wires.input_line_resistance)
    sense = 1 / (spec.sensing.input_resistance + spec.wires.output_line_resistance)
    for r in range(rows):
        Y[input_line(r, 0), input_line(r, 0)] += source
        for c in range(1, cols):
            stamp(input_line(r, c - 1), input_line(r, c), 1 / spec.wires.input_line_resistance)
    for c in range(cols):
        last = output_line(rows - 1, c)
        Y[last, last] += sense
        for r in range(1, rows):
            stamp(output_line(r - 1, c), output_line(r, c), 1 / spec.wires.output_line_resistance)
    for r in range(rows):
        for c in range(cols):
            stamp(input_line(r, c), output_line(r, c), G[r, c])
    injected = np.zeros((count, len(V)))
    for r in range(rows):
        injected[input_line(r, 0)] = source * V[:, r]
    voltages = np.linalg.solve(Y, injected)
    return np.stack([sense * voltages[output_line(rows - 1, c)] for c in range(cols)], axis=1)


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
