"""One pulse on one cell: the compiled loop against a stiff solver on the same equations."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from compact_models import load_model
from compact_models.errors import InputError
from cosim.programming import CellKind, Pulse, VectorisedCells
from cosim.programming.cell_source import pulse_loop


KIND = CellKind.from_names("rram_gap__hfo2_milo2021", "nmos_ekv__hfo2_array_250nm")
# conductance before [S], te, gate, sl [V], width [s]
PULSES = [
    (8e-6, 0.7, 1.5, 0.0, 1e-6),
    (8e-6, 0.95, 1.5, 0.0, 1e-6),
    (8e-6, 1.2, 2.5, 0.0, 1e-6),
    (60e-6, 1.2, 1.4, 0.0, 1e-7),
    (60e-6, 2.0, 1.6, 0.0, 1e-5),
    (150e-6, 0.0, 2.7, 0.6, 1e-6),
    (200e-6, 0.0, 2.7, 1.2, 1e-6),
]


def reference(cells, state, te, gate, sl, width):
    """State and energy by LSODA on the compiled kernels, the node by bisection."""
    values = {**KIND.fixed_values, **{n: v[0] for n, v in cells.device_parameters.items()}}
    device = load_model("rram_gap").to_numba(values={**values, KIND.state_parameter: 1e-9})
    transistor = load_model("nmos_ekv").to_numba(frozen=True, values=KIND.transistor_values)

    def inner(gap):
        node = brentq(
            lambda m: device.function(te, m, gap)[1] + transistor.function(m, gate, sl, 0.0)[0],
            min(te, sl), max(te, sl), xtol=1e-15, rtol=1e-14,
        )  # fmt: skip
        return device.function(te, node, gap)

    def rates(_, y):
        values = inner(y[0] * 1e-9)
        return [-values[2] * 1e9, abs(te - sl) * abs(values[0])]

    done = solve_ivp(rates, (0, width), [state * 1e9, 0.0], method="LSODA", rtol=1e-9, atol=1e-13)
    return done.y[0, -1] * 1e-9, done.y[1, -1]


@pytest.mark.parametrize("case", PULSES, ids=str)
def test_a_pulse_ends_where_a_stiff_solver_ends(case):
    before, te, gate, sl, width = case
    cells = VectorisedCells(KIND, 1, seed=5, ideal=True)
    state = cells.start(before)
    after, energy = cells.pulse(state, Pulse(te, gate, sl, width), np.array([True]), 0)
    expected, joules = reference(cells, state[0], te, gate, sl, width)
    g = cells.conductance(after)[0]
    assert g == pytest.approx(cells.conductance(np.array([expected]))[0], rel=1e-2)
    assert energy[0] == pytest.approx(joules, rel=0.03, abs=1e-18)


def test_cells_that_are_not_selected_keep_their_state():
    cells = VectorisedCells(KIND, 3, seed=1)
    state = cells.start(8e-6)
    after, energy = cells.pulse(state, Pulse(1.2, 2.0, 0.0, 1e-6), np.array([True, False, True]), 0)
    assert after[1] == state[1]
    assert energy[1] == 0.0
    assert np.all(after[[0, 2]] < state[[0, 2]])


def test_threads_and_the_company_of_other_cells_change_nothing():
    pulse, size = Pulse(1.2, 2.0, 0.0, 1e-6), 1500
    one, two = (VectorisedCells(KIND, size, seed=1, threads=n) for n in (1, 2))
    everywhere = np.ones(size, dtype=bool)
    a, _ = one.pulse(one.start(8e-6), pulse, everywhere, 4)
    b, _ = two.pulse(two.start(8e-6), pulse, everywhere, 4)
    assert np.array_equal(a, b)
    alone, _ = one.pulse(one.start(8e-6), pulse, np.arange(size) == 7, 4)
    assert alone[7] == a[7]


def test_cycles_differ_and_a_cycle_can_be_repeated():
    cells, pulse = VectorisedCells(KIND, 1, seed=1), Pulse(1.2, 1.6, 0.0, 1e-6)
    here = np.array([True])
    ends = [cells.pulse(cells.start(8e-6), pulse, here, k)[0][0] for k in (0, 0, 1)]
    assert ends[0] == ends[1] != ends[2]


def test_a_device_without_one_state_is_refused():
    resistor = load_model("resistor").to_numba()
    with pytest.raises(InputError, match="two terminals and one state"):
        pulse_loop(resistor, resistor, 1.0)


@pytest.mark.wrong_input
def test_voltages_for_another_number_of_cells_are_refused():
    cells = VectorisedCells(KIND, 3, seed=1)
    with pytest.raises(InputError, match="3 cells"):
        cells.pulse(cells.start(8e-6), Pulse([1.0, 1.2], 1.0, 0.0, 1e-6), np.ones(3, bool), 0)
