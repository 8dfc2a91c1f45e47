"""The small network: starts as the ideal product, learns what a tile does to it."""

import numpy as np
import pytest
import torch

from cosim.surrogate import IdealProduct, WireResistances, accuracy_of, load, save
from cosim.surrogate.small_network import SmallNetwork, fit_small_network
from cosim.surrogate.store import KINDS


@pytest.fixture(scope="module")
def taken(samples, cells):
    """Samples to fit to and others of a tile with much resistance and saturating cells."""
    wires = WireResistances(input_line=20.0, output_line=20.0, source=50.0, sense=20.0)
    made = [samples(cells.sinh_1t1r, wires, 4, 3, 12, 4, seed=seed) for seed in (1, 2)]
    return made[0], made[1]


@pytest.fixture(scope="module")
def fitted(taken, domain):
    return fit_small_network(taken[0], domain, seed=0)


def test_untrained_it_is_the_ideal_product(domain, drawn):
    G, V = drawn(4, 3, 1, 5)
    network = SmallNetwork.untrained(4, 3, domain, 8, seed=0)
    np.testing.assert_allclose(network.mvm(V[0], G[0]), V[0] @ G[0], rtol=1e-12)


def test_it_learns_a_tile_it_knows_nothing_of(fitted, taken, domain):
    error = accuracy_of(fitted, taken[1]).nrmse
    ideal = accuracy_of(IdealProduct(4, 3, domain), taken[1]).nrmse
    assert error < 0.02
    assert error < 0.1 * ideal


def test_no_input_gives_no_current(fitted, drawn):
    G, _ = drawn(4, 3, 1, 1)
    assert not fitted.mvm(np.zeros((2, 4)), G[0]).any()


def test_gradients_are_those_of_finite_differences(fitted, drawn):
    G, V = drawn(4, 3, 2, 3)
    G = torch.from_numpy(G * 1e4).requires_grad_(True)
    V = torch.from_numpy(V).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda V, G: 1e4 * fitted(V, 1e-4 * G), (V, G))


def test_a_stored_one_is_the_same_and_single_precision_is_close(fitted, taken, tmp_path):
    assert KINDS["small_network"] is SmallNetwork
    save(tmp_path, fitted, {}, "abc")
    loaded = load(tmp_path).surrogate
    expected = taken[1].predict(fitted)
    np.testing.assert_array_equal(taken[1].predict(loaded), expected)
    single = taken[1].predict(loaded.float())
    np.testing.assert_allclose(single, expected, rtol=0, atol=1e-5 * np.ptp(expected))
