"""The DC form of the conductance-ratio multiplier: its law, its curvature, its refusals."""

from dataclasses import replace

import numpy as np
import pytest

from compact_models.errors import InputError
from netlists.circuits.ratio_cells import PhaseChangeCells
from netlists.circuits.ratio_dc import RatioDc, RatioDcState
from netlists.technology import Technology


def state_of(mac, **changes):
    rng = np.random.default_rng(0)
    targets = (
        rng.uniform(2e-6, 20e-6, (mac.inputs, mac.columns)),
        np.full((mac.inputs, mac.columns), 2e-6),
        np.full((mac.columns, mac.references), mac.reference_level),
    )
    cells = (PhaseChangeCells.uniform(mac.card, target, 0.1) for target in targets)
    return RatioDcState(*cells, **changes)


def test_small_inputs_follow_the_law_and_large_ones_are_bent():
    x = np.full((1, 8), 1.0)
    errors = []
    for volt in (0.002, 0.02, 0.1):
        mac = RatioDc(input_voltage=volt, gain=1e9, references=8)
        state = state_of(mac)
        errors.append(abs(state.twin(mac, x) / state.law(mac, x) - 1.0).item())
    assert errors[0] < 1e-4
    assert errors[0] < errors[1] < errors[2]


def test_six_decades_leave_the_result():
    mac = RatioDc()
    state = state_of(mac)
    x = np.random.default_rng(1).uniform(0.0, 1.0, (5, 8))
    aged = replace(state, elapsed=1e6).twin(mac, x)
    assert aged == pytest.approx(state.twin(mac, x), rel=1e-4)


@pytest.mark.wrong_input
def test_cells_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="give those"):
        RatioDc(inputs=9).circuit(Technology.load("generic_250nm"), state_of(RatioDc()))
