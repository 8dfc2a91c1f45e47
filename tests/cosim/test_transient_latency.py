"""How the latency is found in waveforms."""

from __future__ import annotations

import numpy as np
import pytest

from cosim.engine.transient import _last_crossing


def test_a_latency_lies_between_the_steps_of_the_simulator():
    time = np.linspace(0.0, 10e-9, 11)
    excess = np.exp(-time / 3e-9) - np.exp(-5.3 / 3)
    assert _last_crossing(time, excess, 10e-9) == pytest.approx(5.3e-9, abs=0.05e-9)
    assert _last_crossing(time, excess - 2.0, 10e-9) == -np.inf
    assert _last_crossing(time, excess + 2.0, 10e-9) == 10e-9
