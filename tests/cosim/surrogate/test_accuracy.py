"""The figures of error, on numbers that can be followed by hand."""

import numpy as np
import pytest

from cosim.surrogate import IdealProduct, TileSamples, accuracy, accuracy_of


REFERENCE = np.array([[0.0, 4.0], [1.0, 2.0], [10.0, 30.0]])
MATRIX = np.array([0, 0, 1])
ERROR = np.array([[0.4, 0.0], [0.0, -0.4], [2.0, 0.0]])


def test_each_matrix_has_its_own_range():
    found = accuracy(REFERENCE + ERROR, REFERENCE, MATRIX)
    # Ranges are 4 and 20, so every error is a tenth of its range.
    assert found.nrmse == pytest.approx(np.sqrt(3 * 0.1**2 / 6))
    assert found.max_error == pytest.approx(0.1)
    assert found.max_error_ampere == pytest.approx(2.0)
    assert found.output_range == pytest.approx(12.0)


def test_relative_l2_is_by_the_size_of_the_reference():
    found = accuracy(REFERENCE + ERROR, REFERENCE, MATRIX)
    assert found.relative_l2 == pytest.approx(np.sqrt(4.32 / 1021))


def test_bias_is_the_mean_error_of_a_column():
    found = accuracy(REFERENCE + ERROR, REFERENCE, MATRIX)
    assert found.column_bias == pytest.approx((0.8, -0.4 / 3))
    assert found.worst_column_bias == pytest.approx(0.8 / 12)


def test_a_surrogate_that_is_right_has_no_error(domain):
    rng = np.random.default_rng(0)
    G, V = rng.uniform(5e-6, 1e-4, (1, 5, 3)), rng.uniform(0, 0.2, (4, 5))
    samples = TileSamples(G, V, V @ G[0], np.zeros(4, dtype=int))
    assert accuracy_of(IdealProduct(5, 3, domain), samples).max_error < 1e-12
