"""Cell-current functions written out by hand, for tests that must not depend on compiled models."""

from __future__ import annotations

import numpy as np


SCALE = 0.25  # volt, of the device's hyperbolic sine
READ_VOLTAGE = 0.2

# A long-channel transistor at a fixed gate voltage: pinch-off, slope, specific current.
PINCH_OFF = 0.55
THERMAL = 0.02585
SPECIFIC_CURRENT = 2 * 1.3 * 1.5e-3 * THERMAL**2


def linear(vr, vc, G):
    return G * (vr - vc)


def sinh_1r(vr, vc, G):
    return _device(vr - vc, G)[0]


def sinh_1t1r(vr, vc, G):
    """Device in series with the transistor; the node between them by Newton's method."""
    m = vc + 0.1 * (vr - vc)
    for _ in range(50):
        upper, slope_upper = _device(vr - m, G)
        lower, slope_lower = _transistor(m, vc)
        step = (upper - lower) / (slope_upper + slope_lower)
        m = m + step
        if np.abs(step).max() < 1e-15:
            break
    return _device(vr - m, G)[0]


def _device(v, G):
    scale = G * READ_VOLTAGE / np.sinh(READ_VOLTAGE / SCALE)
    return scale * np.sinh(v / SCALE), scale / SCALE * np.cosh(v / SCALE)


def _transistor(vd, vs):
    u = (PINCH_OFF - vd) / (2 * THERMAL)
    drain = np.logaddexp(0, u)
    source = np.logaddexp(0, (PINCH_OFF - vs) / (2 * THERMAL))
    slope = drain / (1 + np.exp(-u)) / THERMAL
    return SPECIFIC_CURRENT * (source**2 - drain**2), SPECIFIC_CURRENT * slope
