"""Energies of reads: against ngspice, block by block, and against hand calculation."""

import numpy as np
import pytest

from cosim.design import EnergyLaw, Metered
from cosim.design.question import PeripherySpec
from cosim.engine import SolverEngine
from cosim.engine.transient import run_transient
from cosim.ngspice import Workers
from netlists.signal_chain import SignalChain


def test_a_row_of_ideal_cells_takes_v_squared_g_t(resistive_tile, rng):
    ideal = {"input_line_resistance": 1e-6, "output_line_resistance": 1e-6}
    tile = resistive_tile(
        4,
        3,
        wires={**ideal, "input_line_capacitance": 2e-15},
        drivers={"source_resistance": 0.0},
        sensing={"input_resistance": 0.0},
    )
    G, V = rng.uniform(5e-6, 150e-6, (4, 3)), rng.uniform(0, 0.2, (5, 4))
    law = EnergyLaw(tile, PeripherySpec(read_time=20e-9, row_energy=1e-15))
    found = law.energy(G, V, V @ G)
    assert found["drivers"] == pytest.approx(20e-9 * (V**2 @ G).sum(1).mean(), rel=1e-9)
    assert found["lines"] == pytest.approx(3 * 2e-15 * (V**2).sum(1).mean())
    assert found["rows"] == pytest.approx(4e-15)
    assert found["level"] == found["sensing"] == found["adc"] == 0.0


def test_the_power_of_rows_with_thick_and_thin_wires_is_that_of_the_solved_circuit(
    resistive_tile, rng
):
    """All that drivers deliver is lost in cells, wires, drivers and sensors."""
    for ohm in (1.0, 30.0):
        wires = {"input_line_resistance": ohm, "output_line_resistance": ohm}
        tile = resistive_tile(16, 16, wires=wires)
        G, V = rng.uniform(5e-6, 150e-6, (16, 16)), rng.uniform(0, 0.2, (8, 16))
        currents = SolverEngine(tile).mvm(G, V)
        exact = 100e-9 * (_row_currents(tile, G, V) * V).sum(1).mean()
        found = EnergyLaw(tile).energy(G, V, currents)["drivers"]
        assert found == pytest.approx(exact, rel=0.05)


def _row_currents(tile, G, V):
    """Currents of the drivers from the node equations of the whole crossbar."""
    n, m = G.shape
    nodes = 2 * n * m
    A, b = np.zeros((nodes, nodes)), np.zeros((nodes, len(V)))

    def join(p, q, g):
        A[p, p] += g
        A[q, q] += g
        A[p, q] -= g
        A[q, p] -= g

    row_end, col_end = tile.input_line_end, tile.output_line_end
    for i in range(n):
        for j in range(m):
            row, col = i * m + j, n * m + i * m + j
            join(row, col, G[i, j])
            if j + 1 < m:
                join(row, row + 1, 1 / tile.wires.input_line_resistance)
            if i + 1 < n:
                join(col, col + m, 1 / tile.wires.output_line_resistance)
        A[i * m, i * m] += 1 / row_end
        b[i * m] = V[:, i] / row_end
    for j in range(m):
        last = n * m + (n - 1) * m + j
        A[last, last] += 1 / col_end
    solved = np.linalg.solve(A, b)
    return (V - solved[[i * m for i in range(n)]].T) / row_end


@pytest.fixture(scope="module")
def mac(rram_tile):
    return rram_tile(
        4,
        2,
        inputs={"coding": "dac", "bits": 4},
        readout={
            "sensing": {"kind": "tia", "resistance": 2e3},
            "adc": {"kind": "sar", "bits": 4, "low": 0.1, "high": 0.9},
        },
    )


def test_blocks_of_a_whole_tile_cost_what_ngspice_measures(mac):
    draws = np.random.default_rng(7)
    G = draws.uniform(5e-6, 100e-6, (4, 2))
    codes = draws.integers(0, 16, (3, 4))
    with Workers(1) as workers:
        measured = run_transient(mac, G, codes, workers)
    volts = SignalChain(mac).voltages(codes).reshape(-1, 4)
    # Ideal comparators take nothing, and the linear amplifiers draw nothing.
    law = EnergyLaw(mac, PeripherySpec(comparator_energy=0.0))
    found = law.energy(G, volts, SolverEngine(mac).mvm(G, volts))
    for block, share in (("drivers", 0.05), ("level", 0.03), ("adc", 0.1)):
        assert found[block] == pytest.approx(measured.energy[block].mean(), rel=share), block
    assert sum(found.values()) == pytest.approx(measured.energy_per_read, rel=0.05)


def test_amplifiers_and_comparators_are_counted_per_column(mac, rng):
    G, V = rng.uniform(5e-6, 100e-6, (4, 2)), rng.uniform(0, 0.2, (3, 4))
    own = PeripherySpec(comparator_energy=1e-12, amplifier_current=1e-6)
    law, none = EnergyLaw(mac, own), EnergyLaw(mac, PeripherySpec(comparator_energy=0.0))
    found, without = law.energy(G, V, V @ G), none.energy(G, V, V @ G)
    assert found["adc"] - without["adc"] == pytest.approx(2 * 4 * 1e-12)
    assert found["sensing"] == pytest.approx(2 * 1e-6 * 1.0 * law.read_time, rel=0.3)
    assert without["sensing"] == 0.0
    assert law.read_time == mac.readout.period


def test_a_meter_adds_up_every_read_and_changes_no_answer(resistive_tile, rng):
    tile = resistive_tile(4, 3)
    engine = SolverEngine(tile)
    tasks = [(rng.uniform(5e-6, 1e-4, (4, 3)), rng.uniform(0, 0.2, (k, 4))) for k in (2, 3000)]
    meter = Metered(engine, EnergyLaw(tile))
    answers = meter.mvm_many(tasks)
    np.testing.assert_array_equal(answers[0], engine.mvm(*tasks[0]))
    assert meter.reads == 3002
    each = [
        len(V) * EnergyLaw(tile).energy(G, V, Y)["drivers"]
        for (G, V), Y in zip(tasks, answers, strict=True)
    ]
    assert meter.joules["drivers"] == pytest.approx(sum(each), rel=0.02)
