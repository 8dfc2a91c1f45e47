"""The conductance-ratio multiplier: its cells, its sizes, its drawings, its twin, its refusals."""

from dataclasses import replace

import numpy as np
import pytest

from compact_models import Device, load_card, load_model
from compact_models.errors import InputError, SpecError
from netlists.circuits.ratio_behavioural import behavioural_mac
from netlists.circuits.ratio_cells import PhaseChangeCells
from netlists.circuits.ratio_drift import (
    equal_cells_deviation,
    kappa_squared,
    signed_error,
    unsigned_error,
)
from netlists.circuits.ratio_mac import RatioErrors, RatioMac, RatioPhases, RatioState, trim_for
from netlists.circuits.ratio_transistors import TRANSISTOR_MAC, RatioTransistors, transistor_mac
from netlists.circuits.ratio_twin import RatioTwin, ideal_outputs
from netlists.technology import Technology


CARD = "pcm__epcm_90nm_materials2021"
LEVELS = np.array([2e-6, 8e-6, 14e-6, 20e-6])
WEEK = np.log(604800.0)
# A tile whose periphery adds nothing, to look at the drift alone.
IDEAL = {"line_gain": 1e9, "line_bandwidth": 1e12, "integrator_gain": 1e9, "window_width": 1e-6}


def uniform(conductance, exponent=0.05):
    return PhaseChangeCells.uniform(CARD, conductance, exponent)


def state_of(mac, exponent=0.05, seed=0, **changes):
    rng = np.random.default_rng(seed)
    shape = (mac.inputs, mac.columns)
    adds, subtracts = LEVELS[rng.integers(0, 4, (2, *shape))]
    cells = (uniform(g, exponent) for g in (adds, subtracts, mac.reference_targets))
    return RatioState(*cells, **changes)


def drawn(shape, conductance, sigma, rng):
    return PhaseChangeCells(
        CARD, np.broadcast_to(conductance, shape).copy(), 0.05 + sigma * rng.standard_normal(shape)
    )


@pytest.mark.parametrize("temperature", [233.15, 300.15, 398.15])
def test_cells_conduct_as_the_compiled_model_does(temperature):
    cells = uniform(LEVELS)
    device = Device(load_model("pcm"), load_card(CARD), temperature)
    current, _ = device.current(np.full(4, 0.15), cells.states)
    assert cells.current(0.15, 1.0, temperature) == pytest.approx(current, rel=1e-6)


def test_a_deck_holds_the_exponent_and_the_age_of_every_cell():
    mac = RatioMac(columns=2)
    state = state_of(mac)
    state = replace(state, positive=drawn((8, 2), 8e-6, 0.01, np.random.default_rng(1)))
    text = behavioural_mac(mac, Technology.load("generic_250nm"), state, "cell").text()
    lines = [line for line in text.splitlines() if " pcm " in line]
    assert len(lines) == 8 * 2 * 2 + mac.reference_count
    assert all(line.endswith("age={elapsed}") for line in lines)
    for exponent in state.positive.exponent.ravel().tolist():
        assert any(f"nu={exponent!r}" in line for line in lines)


@pytest.mark.parametrize("temperature", [233.15, 300.15, 398.15])
@pytest.mark.parametrize("elapsed", [1.0, 1e3, 1e6, 1e9])
def test_stepped_mirrors_keep_the_conversion_below_twice_that_of_fresh_cells(temperature, elapsed):
    mac = RatioMac()
    state = state_of(mac, 0.1, elapsed=elapsed, temperature=temperature)
    time = replace(state, trim=trim_for(state, mac)).full_scale_time(mac)
    assert 0.999 * mac.full_scale_time <= time < 2.001 * mac.full_scale_time


def test_the_twin_of_a_perfect_periphery_is_the_law():
    mac = RatioMac(**IDEAL)
    state = state_of(mac)
    x = np.random.default_rng(2).uniform(0.0, 1.0, (5, 8))
    law = ideal_outputs(
        mac,
        x,
        *(cells.conductance for cells in (state.positive, state.negative, state.reference)),
    )
    assert RatioTwin(mac, state).outputs(x) == pytest.approx(law, rel=1e-4, abs=1e-6)


def test_six_decades_leave_the_compensated_result_and_take_the_fixed_one_by_the_power_law():
    mac = RatioMac()
    state = state_of(mac, 0.1)
    x = np.random.default_rng(3).uniform(0.05, 1.0, (5, 8))
    old = replace(state, elapsed=1e6)
    fresh, aged = (RatioTwin(mac, one).outputs(x) for one in (state, old))
    assert np.abs(aged - fresh).max() < 5e-4 * mac.output_swing
    fixed = [replace(one, fixed_ramp=True) for one in (state, old)]
    before, after = (RatioTwin(mac, one).outputs(x) for one in fixed)
    assert after.sum() / before.sum() == pytest.approx(1e6**-0.1, rel=0.01)


def test_chips_along_an_axis_are_computed_as_one_by_one():
    mac = RatioMac()
    rng = np.random.default_rng(4)
    cells = [drawn((3, *shape), 8e-6, 0.01, rng) for shape in ((8, 1), (8, 1), (4,))]
    x = rng.uniform(0.0, 1.0, (3, 5, 8))
    together = RatioTwin(mac, RatioState(*cells, elapsed=1e4)).outputs(x)
    for chip in range(3):
        own = (PhaseChangeCells(CARD, c.conductance[chip], c.exponent[chip]) for c in cells)
        alone = RatioTwin(mac, RatioState(*own, elapsed=1e4)).outputs(x[chip])
        assert together[chip] == pytest.approx(alone, rel=1e-12)


def test_errors_of_the_periphery_shift_the_result_by_what_they_are():
    mac = RatioMac(**IDEAL)
    state = state_of(mac)
    x = np.full((1, 8), 0.5)
    right = RatioTwin(mac, state).outputs(x)
    for errors, factor in (
        (RatioErrors(ramp_mirror=0.01), 1.0 / 1.01),
        (RatioErrors(mirrors=np.array([[0.02], [0.02]])), 1.02),
        (RatioErrors(comparators=0.01), 0.51 / 0.5),
    ):
        wrong = RatioTwin(mac, state, errors).outputs(x)
        assert wrong == pytest.approx(factor * right, rel=1e-6)


@pytest.mark.parametrize("references", [1, 4, 16])
@pytest.mark.parametrize("sigma", [0.005, 0.01])
def test_signed_sums_lose_accuracy_by_the_law_and_not_with_their_length(sigma, references):
    for inputs in (16, 64):
        mac = RatioMac(inputs=inputs, references=references, **IDEAL)
        rng = np.random.default_rng(5)
        chips = 3000
        weight = LEVELS[rng.integers(0, 4, (chips, inputs, 1))]
        adds = rng.random(weight.shape) < 0.5
        pairs = np.where(adds, weight, LEVELS[0]), np.where(adds, LEVELS[0], weight)
        cells = [drawn(weight.shape, one, sigma, rng) for one in pairs]
        state = RatioState(*cells, drawn((chips, references), 10e-6, sigma, rng), elapsed=604800.0)
        x = rng.uniform(0.0, 1.0, (chips, 1, inputs))
        ideal = ideal_outputs(mac, x, *pairs, np.array([10e-6]))
        error = RatioTwin(mac, state).outputs(x) - ideal
        found = np.sqrt((error**2).mean() / (ideal**2).mean())
        assert found == pytest.approx(
            signed_error(sigma, WEEK, kappa_squared(*pairs), references), rel=0.1
        )


@pytest.mark.parametrize(("count", "references"), [(1, 256), (4, 256), (64, 256), (256, 16)])
def test_sums_of_one_sign_gain_with_the_root_of_cells_and_of_references(count, references):
    sigma, chips = 0.005, 4000
    mac = RatioMac(inputs=count, references=references, **IDEAL)
    rng = np.random.default_rng(6)
    adds = drawn((chips, count, 1), 8e-6, sigma, rng)
    none = PhaseChangeCells(CARD, np.zeros((chips, count, 1)), np.zeros((chips, count, 1)))
    state = RatioState(adds, none, drawn((chips, references), 10e-6, sigma, rng), elapsed=604800.0)
    result = RatioTwin(mac, state).outputs(np.ones((1, count)))
    found = result.std() / result.mean()
    assert found == pytest.approx(unsigned_error(sigma, WEEK, 1.0, count, references), rel=0.05)
    if references == 256:
        alone = equal_cells_deviation(sigma, WEEK, count)
        assert np.hypot(alone, sigma * WEEK / 16.0) == pytest.approx(found, rel=0.05)


@pytest.mark.wrong_input
def test_what_does_not_fit_is_refused():
    mac = RatioMac()
    state = state_of(mac)
    technology = Technology.load("generic_250nm")
    with pytest.raises(InputError, match="the tile has"):
        behavioural_mac(RatioMac(inputs=9), technology, state)
    with pytest.raises(InputError, match="above 0"):
        replace(state, elapsed=0.0).check(mac)
    with pytest.raises(InputError, match="0 to 1"):
        RatioPhases(mac, np.full((1, 8), 1.2), 1e-7)
    with pytest.raises(InputError, match="one row per conversion"):
        RatioPhases(mac, np.full((1, 7), 0.2), 1e-7)
    with pytest.raises(InputError, match="one exponent per cell"):
        PhaseChangeCells(CARD, np.full(3, 1e-6), np.full(2, 0.05))
    with pytest.raises(SpecError, match="choose one of its cards"):
        PhaseChangeCells.uniform("rram_gap__stanford_jiang2016", np.full(3, 1e-6), 0.05)


def test_mirrors_of_transistors_have_whole_units():
    technology, sizes = Technology.load("generic_250nm"), RatioTransistors()
    state = state_of(TRANSISTOR_MAC)
    with pytest.raises(InputError, match="whole"):
        transistor_mac(TRANSISTOR_MAC, sizes, technology, replace(state, trim=16.0))
    with pytest.raises(InputError, match="fixed ramp"):
        transistor_mac(TRANSISTOR_MAC, sizes, technology, replace(state, fixed_ramp=True))
    mos = transistor_mac(TRANSISTOR_MAC, sizes, technology, replace(state, trim=2.0)).definitions()
    assert any("ratio_reference_4_64" in text for text in mos)
