"""Weak RESET pulse by pulse: mean law, telegraph and 1/f noise, and advancing by any number."""

import numpy as np
import pytest

from compact_models import load_card
from compact_models.errors import ShapeError
from compact_models.weak_reset import (
    WeakResetPopulation,
    flicker_taps,
    telegraph_probability,
)


CARD = load_card("rram_weak_reset__hfox_majumdar2021")
SIZE = 20_000


def cells(size=SIZE, seed=3, **switches):
    return WeakResetPopulation(CARD, size, seed, **switches)


def after(population, *steps):
    state = population.start()
    for pulses in steps:
        state = population.advance(state, np.full(population.size, pulses))
    return state


QUIET = {"telegraph": False, "flicker": False}


def test_without_any_imperfection_all_cells_follow_the_mean_law():
    population = cells(4, device_to_device=False, **QUIET)
    for pulses, w in ((0, 0.005293), (100, 0.005293 + 0.049), (1516, 0.005293 + 0.25284 + 0.02)):
        assert population.logarithm(after(population, pulses)) == pytest.approx(w)


def test_any_number_of_pulses_at_once_is_the_same_as_one_after_the_other():
    population = cells(50, **QUIET)
    once, often = after(population, 700), after(population, *[70] * 10)
    assert population.resistance(once) == pytest.approx(population.resistance(often))


def test_cells_may_get_different_numbers_of_pulses():
    population = cells(3, **QUIET)
    state = population.advance(population.start(), np.array([0, 10, 2000]))
    assert list(state.pulses) == [0, 10, 2000]
    fresh = population.resistance(population.start())
    grown = population.resistance(state)
    assert grown[0] == fresh[0]
    assert np.all(grown[1:] > fresh[1:])


def test_the_flicker_filter_is_the_fractional_integrator():
    assert flicker_taps(5) == pytest.approx([1, 0.5, 0.375, 0.3125, 0.2734375])


def test_telegraph_noise_over_many_pulses_is_the_chain_step_by_step():
    matrix = np.array([[1 - 0.0008, 0.0008], [0.002, 1 - 0.002]])
    for pulses in (0, 1, 7, 4000):
        power = np.linalg.matrix_power(matrix, pulses)
        found = telegraph_probability(
            np.array([False, True]), np.array([pulses, pulses]), 0.0008, 0.002
        )
        assert found == pytest.approx(power[:, 1])


def test_telegraph_noise_raises_a_share_of_the_cells():
    population = cells(flicker=False, device_to_device=False)
    state = after(population, 1000)
    lifted = population.logarithm(state) - cells(device_to_device=False, **QUIET).logarithm(state)
    assert np.all(lifted >= 0.0)
    assert (lifted > 0.0).mean() == pytest.approx(0.286, abs=0.015)
    assert lifted[lifted > 0.0].mean() == pytest.approx(0.0625, rel=0.05)


def test_flicker_noise_has_its_mean_and_spread():
    population = cells(telegraph=False, device_to_device=False)
    w = population.logarithm(after(population, 100))
    rest = w - cells(device_to_device=False, **QUIET).logarithm(after(population, 100))
    assert rest.mean() == pytest.approx(0.054, rel=0.02)
    assert rest.std() == pytest.approx(0.010, rel=0.05)


def test_flicker_noise_remembers_over_few_pulses_and_forgets_over_many():
    population = cells(telegraph=False, device_to_device=False)
    start = population.start()
    few = population.advance(start, np.full(SIZE, 1))
    many = population.advance(start, np.full(SIZE, 40))
    first = population.logarithm(start)
    assert np.corrcoef(first, population.logarithm(few))[0, 1] > 0.6
    assert abs(np.corrcoef(first, population.logarithm(many))[0, 1]) < 0.05


def test_no_pulse_keeps_the_flicker_history_and_draws_the_telegraph_anew():
    population = cells(device_to_device=False)
    start = population.start()
    same = population.advance(start, np.zeros(SIZE, dtype=int))
    assert np.array_equal(start.history, same.history)
    assert np.array_equal(start.upper, same.upper)
    assert not np.array_equal(population.logarithm(start), population.logarithm(same))


def test_devices_differ_far_more_than_moments():
    state = after(cells(), 1000)
    devices = cells(**QUIET).logarithm(state).std()
    moments = cells(device_to_device=False).logarithm(state).std()
    assert devices > 5 * moments


@pytest.mark.parametrize("pulses", [np.array([1, 2]), np.array([1, -1, 0])])
@pytest.mark.wrong_input
def test_pulses_that_cannot_be_given_are_refused(pulses):
    population = cells(3)
    with pytest.raises(ShapeError, match="cannot be undone"):
        population.advance(population.start(), pulses)
