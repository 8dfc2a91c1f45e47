"""Algorithms on the HfO2 array: what was published of them, and what they promise."""

import numpy as np
import pytest

from compact_models import load_card
from compact_models.errors import CardError, InputError
from compact_models.published import compare
from cosim.programming import (
    CellKind,
    Igvva,
    Ispva,
    IterativeProgramVerify,
    Pulse,
    ReadVerifyWrite,
    Reset,
    SingleShot,
    VectorisedCells,
    cost,
    from_laws,
    rewriting_seconds,
)
from cosim.programming.cost import FASTEST_WRITE, SLOWEST_WRITE
from cosim.programming.published import ARRAY_CARDS, LEVELS, QUANTITIES, array_outcome


KIND = CellKind.from_names(*ARRAY_CARDS)


@pytest.mark.parametrize("name", ARRAY_CARDS)
def test_the_array_gives_the_published_pulses_and_spreads(name):
    rows = compare(load_card(name), QUANTITIES)
    assert len(rows) > 2
    assert [row.row.figure for row in rows if not row.holds] == []


def test_spread_after_verification_is_finest_for_small_gate_steps():
    for level in LEVELS:
        fine, coarse = (
            array_outcome(a).spread(level, verified=True) for a in ("igvva-10", "igvva-100")
        )
        assert fine < 0.25 * coarse
    fine, step, coarse = (
        sum(array_outcome(a).spread(level) for level in LEVELS)
        for a in ("igvva-10", "ispva", "igvva-100")
    )
    assert fine < step < coarse


def test_relaxation_makes_the_end_wider_than_the_verification():
    for algorithm in ("igvva-10", "ispva", "igvva-100"):
        outcome = array_outcome(algorithm)
        verified = sum(outcome.spread(level, verified=True) for level in LEVELS)
        assert sum(outcome.spread(level) for level in LEVELS) > 1.02 * verified


def test_ramps_never_stop_below_the_target_and_nearly_all_cells_arrive():
    for algorithm in ("igvva-10", "ispva", "igvva-100"):
        outcome = array_outcome(algorithm)
        assert outcome.converged.mean() > 0.99
        assert np.all((outcome.verified >= outcome.targets)[outcome.converged])


def ramp(te, gates):
    """Median conductance of fresh cells along a ramp [S]."""
    cells = VectorisedCells(KIND, 200, seed=1)
    state, everywhere, seen = cells.start(8e-6), np.ones(200, dtype=bool), []
    for index, (v, g) in enumerate(zip(te, gates, strict=True)):
        state, _ = cells.pulse(state, Pulse(v, g, 0.0, 1e-6), everywhere, index)
        seen.append(float(np.median(cells.conductance(state))))
    return np.array(seen)


def test_a_ramp_of_the_top_electrode_is_abrupt_near_0_9_volt():
    te = np.arange(5, 16) / 10
    g = ramp(te, np.full(te.size, 1.6))
    before, after = g[te == 0.8][0], g[te == 1.0][0]
    assert before < 9e-6
    assert after > 5 * before


def test_a_ramp_of_the_gate_is_gradual():
    gates = np.arange(50, 221) / 100
    g = ramp(np.full(gates.size, 1.2), gates)
    rising = g > 30e-6
    assert np.diff(g)[rising[1:]].max() < 3e-6
    assert g[-1] > 150e-6


def test_the_card_alone_gives_the_distribution_of_the_simulated_array():
    targets = np.repeat(LEVELS, 500)
    for algorithm in ("igvva-10", "ispva", "igvva-100"):
        simulated = array_outcome(algorithm)
        drawn = from_laws(KIND.device, algorithm, targets, seed=2)
        assert drawn.pulses.mean() == pytest.approx(simulated.pulses.mean(), rel=0.03)
        for level in LEVELS:
            ours = simulated.final[np.isclose(targets, level) & simulated.converged]
            law = drawn.final[np.isclose(targets, level)]
            assert law.mean() == pytest.approx(ours.mean(), abs=1e-6)
            assert law.std() == pytest.approx(ours.std(), rel=0.22)


def test_the_card_alone_misses_that_a_ramp_cannot_stop_below_its_target():
    drawn = from_laws(KIND.device, "igvva-100", np.repeat(LEVELS, 500), seed=2)
    assert (drawn.verified < drawn.targets).mean() > 0.02
    assert not np.any(array_outcome("igvva-100").verified[:500] < LEVELS[0] * (1 - 1e-12))


def test_a_single_shot_is_right_on_average_and_wide():
    targets = np.full(800, 125e-6)
    outcome = SingleShot().run(VectorisedCells(KIND, 800, seed=1), targets)
    assert outcome.verified.mean() == pytest.approx(125e-6, rel=0.03)
    assert outcome.verified.std() > 2.5 * array_outcome("igvva-100").spread(125e-6)
    assert set(outcome.pulses) == {1}


def test_read_verify_write_ends_inside_its_window_from_either_side():
    targets = np.repeat(LEVELS[[0, 3, 7]], 100)
    cells = VectorisedCells(KIND, 300, seed=1)
    outcome = ReadVerifyWrite(tolerance=0.02, rounds=150).run(cells, targets, cells.start(100e-6))
    error = np.abs(outcome.verified / targets - 1)[outcome.converged]
    assert outcome.converged.mean() > 0.9
    assert error.max() <= 0.02
    assert outcome.pulses.max() > 1


def test_reset_leaves_a_wide_distribution_below_its_limit():
    cells = VectorisedCells(KIND, 500, seed=1)
    outcome = Reset().run(cells, np.full(500, 25e-6), cells.start(150e-6))
    assert outcome.converged.all()
    assert outcome.verified.max() <= 25e-6
    assert np.log(outcome.verified).std() > 0.2


def test_what_is_done_already_costs_no_pulse():
    cells = VectorisedCells(KIND, 4, seed=1, ideal=True)
    outcome = ReadVerifyWrite().run(cells, np.full(4, 1e-4), cells.start(1e-4))
    assert outcome.pulses.sum() == 0
    assert outcome.converged.all()


def test_phase_change_cells_reach_their_windows():
    card = load_card("pcm__ibm_nandakumar2019")
    kind = CellKind(card, load_card("nmos_ekv__generic_130nm"))
    targets = np.repeat(np.array([2e-6, 8e-6, 20e-6]), 200)
    outcome = IterativeProgramVerify().run(VectorisedCells(kind, 600, seed=1), targets)
    assert outcome.converged.mean() > 0.98
    assert np.abs(outcome.verified / targets - 1)[outcome.converged].max() <= 0.05
    assert 1.1 < outcome.pulses.mean() < 12


def test_the_cost_counts_pulses_time_and_energy():
    targets = np.repeat(LEVELS[[2]], 16)
    outcome = Igvva(step=0.1).run(VectorisedCells(KIND, 16, seed=1), targets)
    serial, by_row = cost(outcome), cost(outcome, parallel=4)
    assert serial.pulses == outcome.pulses.sum()
    assert serial.seconds == pytest.approx(2e-6 * serial.pulses)
    assert by_row.seconds < serial.seconds
    # A SET pulse of 1.2 V and 1 us at some 10 to 60 uA.
    assert 5e-12 < serial.joules / serial.pulses < 1e-10


def test_verified_writes_span_the_published_range():
    fast, slow = (rewriting_seconds(10_000, 0.1, 5, w) for w in (FASTEST_WRITE, SLOWEST_WRITE))
    assert fast == pytest.approx(1000 * 5 * 6.5e-6)
    assert slow / fast == pytest.approx(4.5e-3 / 6.5e-6)


@pytest.mark.parametrize("target", [1e-9, 1.0, np.nan])
def test_a_target_that_the_device_cannot_have_is_refused(target):
    with pytest.raises(CardError, match="covers"):
        Igvva().run(VectorisedCells(KIND, 2, seed=1), np.array([1e-4, target]))
    with pytest.raises(InputError, match="covers"):
        from_laws(KIND.device, "ispva", np.array([1e-4, target]), seed=0)


def test_a_ramp_without_pulses_is_refused():
    with pytest.raises(InputError, match="no pulses"):
        Ispva(step=-0.1).run(VectorisedCells(KIND, 1, seed=1), np.array([1e-4]))


def test_a_level_beyond_the_transistor_is_refused():
    weak = load_card("nmos_ekv__hfo2_array_250nm")
    entry = weak.entries["KP"].model_copy(update={"value": 2e-6})
    kind = CellKind(KIND.device, weak.model_copy(update={"entries": {**weak.entries, "KP": entry}}))
    with pytest.raises(InputError, match="stronger transistor"):
        SingleShot().run(VectorisedCells(kind, 1, seed=1), np.array([250e-6]))
