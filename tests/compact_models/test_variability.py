"""Spreads, noise, drift and stuck devices: static per chip, new per read, the same for a seed."""

import numpy as np
import pytest

from compact_models import load_card
from compact_models.errors import CardError, InputError
from compact_models.variability import Population, ReadNoise, Stuck, stream


HFO2 = load_card("rram_gap__hfo2_milo2021")
PCM = load_card("pcm__ibm_nandakumar2019")
SIZE = 20_000


def population(card, seed=1, size=SIZE):
    return Population(card, size, seed)


def test_a_stream_is_named_by_seed_purpose_and_index():
    first = stream(1, "a", 2).random(4)
    assert np.array_equal(first, stream(1, "a", 2).random(4))
    for other in (stream(2, "a", 2), stream(1, "b", 2), stream(1, "a", 3)):
        assert not np.any(first == other.random(4))


def test_devices_spread_as_the_card_says_and_stay_in_its_range():
    drawn = population(HFO2).parameters()
    assert set(drawn) == {"Ea", "gap_max"}
    assert drawn["Ea"].std() / drawn["Ea"].mean() == pytest.approx(0.03, rel=0.03)
    assert drawn["Ea"].min() >= HFO2.entries["Ea"].low


def test_devices_are_the_same_however_many_cycles_were_asked_for():
    chip = population(HFO2)
    before = chip.parameters()["Ea"]
    cycles = [chip.cycle(k)["Ea"] for k in range(3)]
    assert np.array_equal(before, chip.parameters()["Ea"])
    assert cycles[0].std() == pytest.approx(0.002, rel=0.03)
    assert abs(np.corrcoef(cycles[0], cycles[1])[0, 1]) < 0.03
    assert not np.array_equal(before, population(HFO2, seed=2).parameters()["Ea"])


def test_stuck_devices_come_in_their_shares_and_sit_at_the_ends():
    chip = population(HFO2)
    stuck = chip.stuck(high=0.0904, low=0.0175)
    assert (stuck == Stuck.AT_HIGH_CONDUCTANCE).mean() == pytest.approx(0.0904, abs=0.006)
    assert (stuck == Stuck.AT_LOW_CONDUCTANCE).mean() == pytest.approx(0.0175, abs=0.003)
    g = chip.with_stuck(np.full(SIZE, 1e-4), high=0.0904, low=0.0175)
    assert set(g[stuck == Stuck.AT_HIGH_CONDUCTANCE]) == {HFO2.conductance.high}
    assert set(g[stuck == Stuck.AT_LOW_CONDUCTANCE]) == {HFO2.conductance.low}
    assert set(g[stuck == Stuck.FREE]) == {1e-4}


@pytest.mark.parametrize(("high", "low"), [(-0.1, 0.0), (0.7, 0.4)])
def test_impossible_shares_of_stuck_devices_are_refused(high, low):
    with pytest.raises(InputError, match="shares of stuck devices"):
        population(HFO2, size=4).stuck(high, low)


def test_programming_leaves_the_spread_of_the_law():
    target = np.full(SIZE, 125e-6)
    g = population(HFO2).programmed(target)
    assert g.std() == pytest.approx(3.64e-6, rel=0.03)
    again = population(HFO2).programmed(target, index=1)
    assert abs(np.corrcoef(g, again)[0, 1]) < 0.03


def test_relaxation_widens_what_programming_left():
    g = population(HFO2).programmed(np.full(SIZE, 125e-6), "programming_spread_igvva_10")
    relaxed = population(HFO2).relaxed(g)
    assert relaxed.std() ** 2 - g.std() ** 2 == pytest.approx(0.8e-6**2, rel=0.05)


def test_a_device_keeps_its_drift_exponent():
    chip, g = population(PCM), np.full(SIZE, 10e-6)
    hour, day = (np.log(chip.aged(g, t) / g) for t in (3600.0, 86400.0))
    nu = chip.exponents(g)
    assert hour / -np.log(3620.0 / 20.0) == pytest.approx(nu)
    assert day / -np.log(86420.0 / 20.0) == pytest.approx(nu)
    assert nu.mean() == pytest.approx(0.049, rel=0.01)
    assert nu.std() == pytest.approx(0.008, rel=0.03)


def test_drift_spreads_more_at_low_conductance():
    chip = population(PCM)
    low, high = (chip.aged(np.full(SIZE, g), 86400.0) / g for g in (2.5e-6, 20e-6))
    assert low.mean() < high.mean()
    assert low.std() > 2 * high.std()


def test_retention_by_laws_shifts_and_spreads_with_the_logarithm_of_time():
    chip = population(load_card("resistor__cmo_hfox_falcone2025"))
    shift = chip.aged(np.full(SIZE, 50e-6), 1e5) - 50e-6
    assert shift.mean() == pytest.approx(-0.0890e-6 * np.log(1e5), rel=0.02)
    assert shift.std() == pytest.approx((0.0420 * np.log(1e5) + 0.4118) * 1e-6, rel=0.03)


def test_spreads_known_at_some_times_are_interpolated_between_them():
    card = load_card("resistor__neurram_wan2022")
    chip, target = population(card), np.full(SIZE, 16e-6)
    spreads = [chip.aged(target, t).std() for t in (1.0, 300.0, 86400.0, 172800.0)]
    assert spreads[0] < spreads[1] < spreads[2]
    for t, law in ((0, "programming_spread"), (2, "spread_one_day"), (3, "spread_two_days")):
        assert spreads[t] == pytest.approx(float(card.law(law)(16e-6)), rel=0.03)


def test_a_card_without_drift_says_what_is_missing():
    with pytest.raises(CardError, match="retention_mean"):
        population(HFO2, size=2).aged(np.full(2, 1e-4), 10.0)


@pytest.mark.parametrize("time", [20.0, 86400.0])
def test_flicker_noise_grows_with_the_root_of_the_logarithm_of_time(time):
    g = np.full(SIZE, 10e-6)
    read = ReadNoise(population(PCM)).read(g, time, index=0)
    expected = 10e-6 * 0.0088 / 0.4**0.65 * np.sqrt(np.log((time + 250e-9) / 500e-9))
    assert read.std() == pytest.approx(expected, rel=0.03)


def test_read_noise_is_new_in_every_read_and_the_same_for_the_same_read():
    noise, g = ReadNoise(population(HFO2)), np.full(SIZE, 1e-4)
    one, two = noise.read(g, 1.0, 0), noise.read(g, 1.0, 1)
    assert np.array_equal(one, ReadNoise(population(HFO2)).read(g, 1.0, 0))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03


def test_flicker_and_telegraph_noise_switch_off_separately():
    g = np.full(SIZE, 1e-4)
    none, telegraph = (
        ReadNoise(population(HFO2), flicker=False, telegraph=t).read(g, 1.0, 0)
        for t in (False, True)
    )
    flicker = ReadNoise(population(HFO2), telegraph=False).read(g, 1.0, 0)
    assert np.array_equal(none, g)
    assert np.unique(np.round(telegraph, 12)).size == 2
    assert np.ptp(telegraph) == pytest.approx(0.02 * 1e-4)
    assert telegraph.mean() == pytest.approx(1e-4, rel=1e-3)
    assert np.unique(flicker).size > 1000
