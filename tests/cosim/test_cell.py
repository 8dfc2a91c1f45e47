"""The cell that surrogates fit is the cell that the netlist simulates."""

import itertools

import numpy as np
import pytest

from cosim.cell import TileCell
from cosim.engine.ngspice import NgspiceEngine
from cosim.ngspice import Workers


def bias_plane(samples=60):
    """Line voltages and conductances over the whole read range, reverse bias included."""
    generator = np.random.default_rng(0)
    vr = generator.uniform(-0.3, 0.3, samples)
    vc = generator.uniform(-0.05, 0.05, samples)
    G = np.geomspace(5e-6, 150e-6, samples)[generator.permutation(samples)]
    return vr, vc, G


def test_device_and_transistor_carry_the_same_current(rram_tile):
    cell = TileCell(rram_tile(rows=1, cols=1))
    vr, vc, G = bias_plane()
    current = cell.current(vr, vc, G)
    parameter = cell.device_parameter(G)
    # The voltage that the device takes for this current follows from its own inverse.
    low, high = np.full_like(vr, -1.0), np.full_like(vr, 1.0)
    for _ in range(80):
        middle = 0.5 * (low + high)
        above = cell.parts.device.current(middle, parameter)[0] > current
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    through_transistor = cell.transistor_current(vr - middle, vc)[0]
    assert np.abs(through_transistor - current).max() < 1e-12 * np.abs(current).max() + 1e-16


def test_one_cell_in_ngspice_agrees_over_the_bias_plane(rram_tile):
    """A 1 x 1 tile whose wires take next to nothing, one conductance after another."""
    wires = {"input_line_resistance": 1e-3, "output_line_resistance": 1e-3}
    spec = rram_tile(rows=1, cols=1, wires=wires, drivers={"source_resistance": 0.0})
    cell = TileCell(spec)
    voltages = np.linspace(-0.3, 0.3, 13)[:, None]
    conductances = [5e-6, 2e-5, 6e-5, 1.5e-4]
    with Workers(1) as workers:
        jobs = [(np.array([[G]]), voltages) for G in conductances]
        measured = np.stack(NgspiceEngine(spec, workers).mvm_many(jobs))[..., 0]
    expected = cell.current(voltages[:, 0], 0.0, np.array(conductances)[:, None])
    # The milliohms of wire take up to 2e-3 ohm * G of the current; correct for them to first order.
    corrected = expected * (1 - 2e-3 * np.array(conductances)[:, None])
    scale = np.abs(expected).max(axis=1, keepdims=True)
    assert np.abs((measured - corrected) / scale).max() < 1e-6


def test_a_cell_without_transistor_is_its_device(rram_tile, resistive_tile):
    data = rram_tile(rows=1, cols=1).model_dump()
    data["cell"] |= {"topology": "1R", "access_transistor": None, "gate_voltage": None}
    bare = TileCell(type(rram_tile(rows=1, cols=1)).from_dict(data))
    assert bare.current(0.2, 0.0, 5e-5) == pytest.approx(0.2 * 5e-5, rel=1e-9)
    assert TileCell(resistive_tile(rows=1, cols=1)).current(0.3, 0.1, 1e-5) == pytest.approx(2e-6)


def test_the_current_grows_with_voltage_and_conductance(rram_tile):
    cell = TileCell(rram_tile(rows=1, cols=1))
    by_voltage = cell.current(np.linspace(-0.4, 0.4, 41), 0.0, 5e-5)
    by_conductance = cell.current(0.2, 0.0, np.geomspace(5e-6, 150e-6, 41))
    for curve in (by_voltage, by_conductance):
        assert all(after > before for before, after in itertools.pairwise(curve))


def test_no_voltage_drives_no_current(rram_tile):
    cell = TileCell(rram_tile(rows=1, cols=1))
    assert np.abs(cell.current(0.05, 0.05, np.geomspace(5e-6, 150e-6, 5))).max() < 1e-18
