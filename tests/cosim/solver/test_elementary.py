"""The vectorising functions agree with the C library to a few units in the last place."""

import math

import numpy as np
import pytest
from numba import njit

from cosim.solver import elementary


RANDOM = np.random.default_rng(0)
WIDE = RANDOM.uniform(-600, 600, 20_000)
AROUND_ONE = RANDOM.normal(size=20_000)
ALL_SIZES = AROUND_ONE * np.exp(RANDOM.uniform(-30, 2, 20_000))
POSITIVE = np.exp(RANDOM.uniform(-300, 300, 20_000))

CASES = {
    "exp": (np.exp, 2, (WIDE, AROUND_ONE)),
    "log": (np.log, 3, (POSITIVE, 0.5 + np.abs(AROUND_ONE))),
    "log1p": (np.log1p, 4, (POSITIVE, -0.9 * RANDOM.random(20_000))),
    "sinh": (np.sinh, 4, (WIDE, ALL_SIZES)),
    "cosh": (np.cosh, 4, (WIDE, ALL_SIZES)),
    "expm1": (np.expm1, 6, (ALL_SIZES,)),
    "tanh": (np.tanh, 8, (ALL_SIZES,)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_function_keeps_the_accuracy_that_it_states(name):
    function = getattr(elementary, name)
    expected, units, arguments = CASES[name]

    @njit
    def over(x, y):
        for k in range(len(x)):
            y[k] = function(x[k])

    for x in arguments:
        computed = np.empty_like(x)
        over(x, computed)
        wanted = expected(x.astype(np.longdouble)).astype(np.float64)
        assert np.max(np.abs(computed - wanted) / np.spacing(np.abs(wanted))) <= units


def test_what_is_not_a_number_stays_so_and_large_arguments_stay_finite():
    assert math.isnan(elementary.exp(math.nan))
    assert math.isnan(elementary.log(-1.0))
    assert elementary.log(0.0) == -math.inf
    assert elementary.exp(1e6) > 1e307
    assert elementary.exp(-1e6) < 1e-307
