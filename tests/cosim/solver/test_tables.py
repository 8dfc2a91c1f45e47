"""Cells from tables: elements that only ngspice has, solved and held against ngspice."""

import numpy as np
import pytest

from compact_models.errors import InputError, SpecError
from cosim.ngspice import DcSweep, Simulation, run_many
from cosim.solver.cells import series_cell, tile_cell
from cosim.solver.circuit import Circuit
from cosim.solver.operation import Tunable, tile_currents
from cosim.solver.solve import EXACT, FAST, TileSolver
from cosim.solver.table import Axis, Kind, Table
from cosim.spice_cells import OPTIONS, SpiceDevice, SpiceTransistor, native_testbench, tabulated


BSIM4 = SpiceTransistor.of_model(
    "nch",
    ".model nch nmos level=54 version=4.8.2 toxe=2.5n vth0=0.35 u0=0.04",
    1.2,
    "w=2u l=0.13u",
)
LEVEL1 = SpiceTransistor.of_model(
    "first",
    ".model first nmos level=1 vto=0.4 kp=300u gamma=0.4 phi=0.7 lambda=0.05",
    1.2,
    "w=0.65u l=0.13u",
)
SINH = """.subckt memory te be g=1e-5
b1 te be I = g * 0.25 * sinh(V(te, be) / 0.25)
.ends"""


@pytest.fixture(scope="module")
def bsim4():
    return tabulated(BSIM4, 0.0, 0.4)


def problem(size, seed=0):
    generator = np.random.default_rng(seed)
    return generator.uniform(0, 0.4, (2, size)), generator.uniform(5e-6, 4e-4, (size, size))


def in_ngspice(spec, X, G, transistor):
    netlist = native_testbench(spec, G, X, transistor).netlist
    sweep = DcSweep("vindex", 0, len(X) - 1, 1)
    simulation = Simulation(netlist.text(options=OPTIONS), sweep, netlist.outputs)
    return run_many([simulation], workers=1)[0].matrix(simulation.outputs)


def relative(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


@pytest.mark.parametrize("transistor", [BSIM4, LEVEL1], ids=["bsim4", "level-1"])
def test_a_tile_with_a_transistor_of_ngspice_has_ngspice_s_currents(tile, transistor):
    spec = tile(12, 9, 8.0)
    X, G = problem(12)
    table = tabulated(transistor, 0.0, 0.4)
    assert table.error <= 1e-5
    cell = tile_cell(spec, access=table)
    expected = in_ngspice(spec, X, G[:, :9], transistor)
    exact = TileSolver(spec, EXACT, cell=cell, threads=1).solve(X, G[:, :9])
    assert relative(exact.currents, expected) <= 1e-8
    fast = TileSolver(spec, FAST, cell=cell, threads=1).solve(X, G[:, :9])
    assert relative(fast.currents, expected) <= 1e-6


def test_a_table_has_the_slopes_of_its_current(bsim4):
    generator = np.random.default_rng(1)
    near, far = generator.uniform(0.0, 0.4, (2, 500))
    current, rising, falling, _ = bsim4.evaluate(near, far)
    step = 1e-6
    up, down = bsim4.evaluate(near + step, far)[0], bsim4.evaluate(near - step, far)[0]
    assert np.allclose((up - down) / (2 * step), rising, rtol=1e-6)
    up, down = bsim4.evaluate(near, far + step)[0], bsim4.evaluate(near, far - step)[0]
    assert np.allclose((up - down) / (2 * step), falling, rtol=1e-6)
    assert np.allclose(bsim4.evaluate(far, near)[0], -current, rtol=1e-12)


def test_a_subcircuit_of_two_terminals_makes_a_device():
    table = tabulated(
        SpiceDevice("memory", SINH, "g"), -0.3, 0.3, parameters=(1e-6, 1e-4), points=40
    )
    assert table.error <= 5e-6
    circuit = Circuit.uniform(6, 5, row_wire=5.0, row_end=11.0, col_wire=5.0, col_end=2.0)
    solver = TileSolver(None, circuit=circuit, cell=series_cell(table), threads=1)
    generator = np.random.default_rng(2)
    X, g = generator.uniform(-0.3, 0.3, (3, 6)), generator.uniform(1e-6, 1e-4, (6, 5))
    found = solver.solve_parameters(X, g, fields=True)
    across = X[:, :, None] + found.fields[:, 0] - found.fields[:, 1]
    total = (g * 0.25 * np.sinh(across / 0.25)).sum(1)
    assert np.allclose(found.currents, total, rtol=1e-5, atol=1e-9)


def test_gradients_pass_through_a_table(tile, bsim4):
    import torch

    solver = TileSolver(tile(4, 3, 30.0), cell=tile_cell(tile(4, 3), access=bsim4), threads=1)
    X = torch.full((1, 4), 0.3, dtype=torch.float64, requires_grad=True)
    G = torch.linspace(0.3, 4.0, 12, dtype=torch.float64).reshape(4, 3).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda X, G: tile_currents(solver, X, 1e-4 * G) / 1e-4, (X, G), eps=1e-5, atol=1e-6
    )
    with pytest.raises(InputError, match="one gate voltage"):
        tile_currents(solver, X, 1e-4 * G, Tunable(gate_voltage=torch.tensor(1.2)))


def test_a_table_is_not_asked_beyond_its_range(tile, bsim4):
    solver = TileSolver(tile(4, 4), cell=tile_cell(tile(4, 4), access=bsim4), threads=1)
    with pytest.raises(InputError, match="wider table"):
        solver.solve(np.full((1, 4), 0.6), np.full((4, 4), 1e-4))


def test_a_table_stands_for_one_gate_voltage(tile, bsim4):
    spec = tile(4, 4, cell={"gate_voltage": 1.0})
    with pytest.raises(SpecError, match=r"extracted at 1\.2 V"):
        TileSolver(spec, cell=tile_cell(spec, access=bsim4))


def test_a_current_that_falls_with_the_voltage_is_refused():
    axis = Axis(-0.7, 0.1, 15)
    falling = 1e-5 * (1.0 - 3.0 * axis.points[:, None] ** 2 * np.ones(10))
    with pytest.raises(InputError, match="not monotone"):
        Table.of(Kind.DEVICE, axis, Axis(0.0, 1.0, 10), falling)


@pytest.mark.parametrize(
    ("change", "words"),
    [({"low": 0.0, "high": 0.0}, "not empty"), ({"low": 0.0, "high": 0.4, "points": 4}, "points")],
)
def test_a_table_of_nothing_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        tabulated(BSIM4, **change)


def test_a_device_needs_the_range_of_its_parameter():
    with pytest.raises(InputError, match="lowest and the highest"):
        tabulated(SpiceDevice("memory", SINH, "g"), 0.0, 0.3)


def test_a_tile_without_transistors_has_none_to_replace(resistive_tile):
    spec = resistive_tile(rows=3, cols=3)
    with pytest.raises(SpecError, match="1T1R"):
        native_testbench(spec, np.full((3, 3), 1e-5), np.zeros((1, 3)), BSIM4)
