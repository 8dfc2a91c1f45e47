"""Cells compiled for the solver: the system's own cell, selectors, sharp devices."""

import numpy as np
import pytest

from compact_models import compile_text
from cosim.cell import TileCell
from cosim.solver.cells import element, series_cell
from cosim.solver.circuit import Circuit
from cosim.solver.solve import TileSolver


SINH = """
`include "disciplines.vams"
module NAME(te, be); inout te, be; electrical te, be;
  parameter real g = 1e-5; parameter real v0 = 0.25;
  analog I(te, be) <+ g * v0 * sinh(V(te, be) / v0);
endmodule
"""


def sinh(name, v0, **values):
    model = compile_text(SINH.replace("NAME", name))
    return element(model, {"v0": v0, **values}, varying=None if values else "g")


def test_a_tile_of_one_cell_carries_the_current_of_that_cell(tile):
    spec = tile(1, 1, 1e-3)
    made = TileSolver(spec, threads=1)
    X, G = np.linspace(-0.5, 0.5, 9)[:, None], np.array([[120e-6]])
    solution = made.solve(X, G, fields=True)
    near = X[:, 0] + solution.fields[:, 0, 0, 0]
    expected = TileCell(spec).current(near, solution.fields[:, 1, 0, 0], 120e-6)
    assert np.allclose(solution.currents[:, 0], expected, rtol=1e-8, atol=1e-18)


def two_in_series(volts, g_device, v_device, g_selector, v_selector):
    """Current of two sinh elements in series, by bisection on the voltage between them."""
    low, high = 0.0, volts
    for _ in range(200):
        middle = 0.5 * (low + high)
        excess = g_device * v_device * np.sinh((volts - middle) / v_device)
        excess -= g_selector * v_selector * np.sinh(middle / v_selector)
        low, high = (middle, high) if excess > 0 else (low, middle)
    return g_selector * v_selector * np.sinh(0.5 * (low + high) / v_selector)


def test_a_selector_in_series_makes_a_cell():
    cell = series_cell(sinh("device", 0.25), sinh("selector", 0.03, g=1e-6))
    circuit = Circuit.uniform(1, 1, row_wire=1, row_end=1e-6, col_wire=1, col_end=1e-6)
    made = TileSolver(None, circuit=circuit, cell=cell, threads=1)
    for volts in (0.05, 0.3, 0.6):
        found = made.solve_parameters(np.array([[volts]]), np.array([[5e-5]]))
        expected = two_in_series(volts, 5e-5, 0.25, 1e-6, 0.03)
        assert found.currents[0, 0] == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize(("v0", "volts"), [(0.05, 0.8), (0.026, 1.0)])
def test_devices_of_sharp_exponentials_reach_the_reference(reference, v0, volts):
    cell = series_cell(sinh("sharp", v0))
    circuit = Circuit.uniform(12, 12, row_wire=1.0, row_end=11.0, col_wire=1.0, col_end=2.0)
    generator = np.random.default_rng(5)
    X, g = generator.uniform(0, volts, (2, 12)), generator.uniform(1e-6, 2e-5, (12, 12))
    found = TileSolver(None, circuit=circuit, cell=cell, threads=1).solve_parameters(X, g)
    static = g * v0 * np.sinh(0.2 / v0) / 0.2
    assert found.status.ok
    expected = reference(circuit, X, static, v0=v0, transistor=False)
    assert np.abs(found.currents - expected).max() <= 1e-9 * np.abs(expected).max()


def test_conductances_over_six_decades_and_shorts_are_solved(reference):
    cell = series_cell(sinh("wide", 0.25))
    circuit = Circuit.uniform(20, 20, row_wire=2.0, row_end=11.0, col_wire=2.0, col_end=3.0)
    generator = np.random.default_rng(6)
    g = 10.0 ** generator.uniform(-9, -3, (20, 20))
    g[generator.random((20, 20)) < 0.3] = 1e-15
    g[generator.random((20, 20)) < 0.03] = 1e-2
    X = generator.uniform(-0.2, 0.2, (2, 20))
    found = TileSolver(None, circuit=circuit, cell=cell, threads=1).solve_parameters(X, g)
    static = g * 0.25 * np.sinh(0.2 / 0.25) / 0.2
    expected = reference(circuit, X, static, transistor=False)
    assert np.abs(found.currents - expected).max() <= 1e-9 * np.abs(expected).max()
