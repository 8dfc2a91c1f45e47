"""The low-rank polynomial: learned from samples alone, differentiable, stored like any other."""

import dataclasses

import numpy as np
import pytest
import torch

from cosim.errors import ShapeError
from cosim.surrogate import (
    IdealProduct,
    TileSamples,
    WireResistances,
    accuracy_of,
    load,
    save,
)
from cosim.surrogate.low_rank import FEATURES, LowRank, fit_low_rank
from cosim.surrogate.store import KINDS


@pytest.fixture(scope="module")
def lossy():
    return WireResistances(input_line=20.0, output_line=20.0, source=50.0, sense=20.0)


@pytest.fixture(scope="module")
def taken(samples, cells, lossy):
    """Samples to fit to and others of a tile with much resistance and saturating cells."""
    made = [samples(cells.sinh_1t1r, lossy, 5, 4, 24, 6, seed=seed) for seed in (1, 2)]
    return made[0], made[1]


@pytest.fixture(scope="module")
def fitted(taken, domain):
    return fit_low_rank(taken[0], domain, seed=0)


def test_it_finds_a_polynomial_of_its_own_form_again(domain):
    generator = np.random.default_rng(0)
    factors = (
        torch.from_numpy(generator.normal(0, 0.1, (len(FEATURES), 1))),
        torch.from_numpy(generator.uniform(0.8, 1.2, (5, 1))),
        torch.from_numpy(generator.uniform(0.8, 1.2, (4, 1))),
    )
    factors[0][0] = 1.0
    truth = LowRank(domain, *factors)
    jobs = [
        (generator.uniform(5e-6, 150e-6, (5, 4)), generator.uniform(0, 0.2, (8, 5)))
        for _ in range(40)
    ]
    made = TileSamples(
        np.stack([G for G, _ in jobs]),
        np.concatenate([V for _, V in jobs]),
        np.concatenate(truth.mvm_many(jobs)),
        np.repeat(np.arange(40), 8),
    )
    held_in, held_out = made.split(0.8, 1)
    assert accuracy_of(fit_low_rank(held_in, domain), held_out).nrmse < 1e-6


def test_it_follows_a_tile_it_knows_nothing_of_on_unseen_matrices(fitted, taken, domain):
    error = accuracy_of(fitted, taken[1]).nrmse
    ideal = accuracy_of(IdealProduct(5, 4, domain), taken[1]).nrmse
    assert error < 2e-3
    assert error < 0.02 * ideal


def test_the_same_seed_gives_the_same_surrogate(fitted, taken, domain):
    again = fit_low_rank(taken[0], domain, seed=0)
    assert all(torch.equal(again.tensors()[name], x) for name, x in fitted.tensors().items())


def test_gradients_are_those_of_finite_differences(fitted, drawn):
    G, V = drawn(5, 4, 2, 3)
    G = torch.from_numpy(G * 1e4).requires_grad_(True)
    V = torch.from_numpy(V).requires_grad_(True)
    assert torch.autograd.gradcheck(lambda V, G: 1e4 * fitted(V, 1e-4 * G), (V, G))


def test_tiles_and_inputs_may_be_stacked_in_any_way(fitted, drawn):
    G, V = (torch.from_numpy(x) for x in drawn(5, 4, 3, 2))
    one_by_one = torch.stack([fitted(V[0], g) for g in G])
    torch.testing.assert_close(fitted(V[0], G), one_by_one, rtol=1e-12, atol=0)
    torch.testing.assert_close(fitted(V, G)[0], one_by_one[0], rtol=1e-12, atol=0)
    many = fitted(V[None], G[0])
    torch.testing.assert_close(many[0, 0], one_by_one[0], rtol=1e-12, atol=0)


def test_a_stored_one_is_the_same(fitted, taken, tmp_path):
    assert KINDS["low_rank"] is LowRank
    save(tmp_path, fitted, {}, "abc")
    loaded = load(tmp_path).surrogate
    held_out = taken[1]
    np.testing.assert_array_equal(held_out.predict(loaded), held_out.predict(fitted))


def test_one_matrix_is_too_few(taken, domain):
    one = taken[0].of_matrices(np.array([0]))
    with pytest.raises(ShapeError, match="at least 2"):
        fit_low_rank(dataclasses.replace(one), domain)
