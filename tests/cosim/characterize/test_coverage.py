"""A bound passes validation unless the fresh samples are evidence against it."""

import numpy as np
import pytest

from cosim.characterize.fitting import needed_coverage
from cosim.surrogate import conformal_bound


def test_the_needed_share_approaches_the_level_with_more_samples():
    few, many = needed_coverage(0.95, 30, 30), needed_coverage(0.95, 10_000, 10_000)
    assert few < many < 0.95
    assert many == pytest.approx(0.95, abs=0.01)


def test_a_bound_set_and_counted_on_the_same_distribution_nearly_always_passes():
    generator = np.random.default_rng(1)
    passed = []
    for _ in range(300):
        bound = conformal_bound(np.abs(generator.normal(size=60)), 0.95)
        share = np.mean(np.abs(generator.normal(size=40)) <= bound)
        passed.append(share >= needed_coverage(0.95, 40, 60))
    assert np.mean(passed) > 0.97


def test_a_bound_that_is_too_small_by_half_fails():
    generator = np.random.default_rng(2)
    failed = []
    for _ in range(100):
        bound = 0.5 * conformal_bound(np.abs(generator.normal(size=300)), 0.95)
        share = np.mean(np.abs(generator.normal(size=200)) <= bound)
        failed.append(share < needed_coverage(0.95, 200, 300))
    assert np.mean(failed) > 0.97
