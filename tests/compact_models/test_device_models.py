"""The models of the package: what their equations must give, by hand or from another model."""

import numpy as np
import pytest

from compact_models import load_model


BOLTZMANN, CHARGE = 1.380649e-23, 1.602176634e-19


def current(name, voltages, frozen=True, **values):
    """Currents into the ports, for one set of port voltages (states behind them)."""
    model = load_model(name)
    kernel = model.to_numba(frozen=frozen)
    defaults = {n: p.default for n, p in model.parameters.items()}
    arguments = [{**defaults, **values}[n] for n in kernel.parameters]
    return kernel.evaluate([voltages], arguments)[0, : len(kernel.residuals)]


def test_a_resistor_is_ohmic_with_a_temperature_coefficient():
    assert current("resistor", [0.3, 0.1], G=2e-5)[0] == pytest.approx(4e-6)
    warm = current("resistor", [0.3, 0.1], G=2e-5, alpha=1e-3, temperature=400.15)[0]
    assert warm == pytest.approx(4e-6 / 1.1)


def test_a_sinh_resistor_is_ohmic_below_its_scale_and_exponential_above():
    low, high = (current("resistor_sinh", [v, 0.0], G=1e-5, V0=0.2)[0] for v in (1e-3, 2.0))
    assert low == pytest.approx(1e-8, rel=1e-4)
    assert high == pytest.approx(1e-5 * 0.2 * np.sinh(10.0))


def test_a_selector_is_symmetric_selective_and_limited_by_its_resistance():
    i = {v: current("selector_exp", [v, 0.0])[0] for v in (-0.6, 0.3, 0.6, 2.0, 1e-9)}
    assert i[-0.6] == pytest.approx(-i[0.6])
    assert i[0.6] / i[0.3] == pytest.approx(np.exp(6.0), rel=0.01)
    assert 2.0 / i[2.0] == pytest.approx(1e3, rel=0.01)
    assert i[1e-9] / 1e-9 == pytest.approx(2e-12 / 0.05 + 1e-12, rel=1e-6)


@pytest.mark.parametrize("bias", [(0.5, 1.2, 0.0, 0.0), (0.05, 0.9, 0.2, 0.0), (0.0, 1.0, 0.6, 0)])
def test_a_pmos_is_the_mirror_image_of_the_nmos(bias):
    n = current("nmos_ekv", list(bias), KP=1e-4)
    p = current("pmos_ekv", [-v for v in bias], KP=1e-4)
    assert p[0] == pytest.approx(-n[0], rel=1e-12)
    assert n[0] + n[2] == pytest.approx(0.0, abs=1e-18)


def test_mobility_falls_with_the_charge_of_the_channel():
    weak, strong = (
        [current("nmos_ekv", [0.6, vg, 0, 0], THETA=theta)[0] for theta in (0.0, 0.5)]
        for vg in (0.5, 2.0)
    )
    assert weak[1] / weak[0] > 0.9
    assert strong[1] / strong[0] == pytest.approx(1 / (1 + 0.5 * 0.95), rel=0.15)


def test_a_wire_conducts_along_and_has_half_of_its_capacitance_at_either_end():
    model = load_model("wire")
    values = {"r": 1e6, "c": 2e-10, "length": 5e-6}
    kernel = model.to_numba(values=values)
    entries = kernel.evaluate([[0.2, 0.1, 0.0]], [300.15] * len(kernel.parameters))[0]
    assert entries[:3] == pytest.approx([0.02, -0.02, 0.0])
    assert entries[3:6] == pytest.approx([0.5e-15 * 0.2, 0.5e-15 * 0.1, -0.5e-15 * 0.3])


def pcm(voltage, **values):
    return current("pcm", [voltage, 0.0], **values)[0] / voltage


def test_phase_change_memory_conducts_as_a_sinh_of_trap_spacing_over_thickness():
    scale = 2 * 30e-9 / 6e-9 * BOLTZMANN * 300.15 / CHARGE
    ratio = pcm(0.3, x_init=1.0) / pcm(0.01, x_init=1.0)
    assert ratio == pytest.approx(np.sinh(0.3 / scale) / (0.3 / scale), rel=1e-3)


def test_phase_change_memory_drifts_as_a_power_of_the_time_since_programming():
    ratio = pcm(0.1, age=2e5, nu=0.06) / pcm(0.1, age=20.0, nu=0.06)
    assert ratio == pytest.approx(1e4**-0.06, rel=1e-9)


def test_phase_change_memory_is_thermally_activated():
    cold, warm = (pcm(1e-3, temperature=t) for t in (300.0, 340.0))
    slope = np.log(warm / cold) * BOLTZMANN / CHARGE / (1 / 300.0 - 1 / 340.0)
    assert slope == pytest.approx(0.2, rel=1e-3)


def test_phase_change_memory_switches_on_at_a_threshold_that_grows_with_the_amorphous_share():
    assert current("pcm", [0.9, 0.0], x_init=1.0)[0] < 5e-6
    assert current("pcm", [1.2, 0.0], x_init=1.0)[0] > 5e-4
    assert current("pcm", [0.9, 0.0], x_init=0.5)[0] > 3e-4
    assert current("pcm", [-1.2, 0.0], x_init=1.0)[0] == pytest.approx(
        -current("pcm", [1.2, 0.0], x_init=1.0)[0]
    )


def pcm_rate(voltage, x):
    return -current("pcm", [voltage, 0.0, x], frozen=False)[2]


def test_a_read_leaves_the_phase_alone_and_a_strong_pulse_melts():
    assert pcm_rate(0.2, 0.5) == 0.0
    assert pcm_rate(2.0, 0.2) > 0.0
    assert pcm_rate(0.77, 0.5) < 0.0


def test_weak_reset_counts_pulses_and_reads_count_nothing():
    rate = {
        v: -current("rram_weak_reset", [v, 0.0, 10.0], frozen=False)[2] for v in (-1.0, -0.2, 0.5)
    }
    assert rate[-1.0] == pytest.approx(1e6)
    assert rate[-0.2] == rate[0.5] == 0.0


def test_weak_reset_follows_two_straight_lines_in_the_logarithm():
    values = {"m1": 5e-4, "m2": 2e-5, "t_star": 500.0, "c1": 0.01, "R0": 7000.0}
    for pulses, w in ((0, 0.01), (300, 0.16), (500, 0.26), (1500, 0.28)):
        g = current("rram_weak_reset", [0.2, 0.0], pulses=float(pulses), **values)[0] / 0.2
        assert np.log(1 / g / 7000.0) == pytest.approx(w, rel=1e-9)


def gap_rate(voltage, gap, **values):
    return -current("rram_gap", [voltage, 0.0, gap], frozen=False, **values)[2]


def test_a_filament_grows_in_set_dissolves_in_reset_and_heat_helps():
    assert gap_rate(1.5, 1.0e-9) < 0.0 < gap_rate(-1.2, 1.0e-9)
    assert abs(gap_rate(-1.2, 0.5e-9, Rth=1e6)) > 10 * abs(gap_rate(-1.2, 0.5e-9, Rth=0.0))


def test_a_filament_moves_at_most_with_half_of_the_attempt_velocity():
    assert abs(gap_rate(6.0, 1.0e-9)) == pytest.approx(5.0, rel=0.01)
