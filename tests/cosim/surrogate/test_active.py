"""Active sampling: samples go where surrogates disagree, and are worth more there."""

import numpy as np
import pytest

from cosim.errors import ShapeError
from cosim.surrogate import IdealProduct, TileSamples, WireResistances, accuracy_of
from cosim.surrogate.active import ActiveSettings, added, choose, disagreement, grow, next_samples
from cosim.surrogate.low_rank import fit_low_rank


ROWS, COLS = 4, 3


@pytest.fixture(scope="module")
def reference(cells, column_currents):
    wires = WireResistances(input_line=20.0, output_line=20.0, source=50.0, sense=20.0)

    def currents(candidates):
        return [column_currents(cells.sinh_1t1r, wires, X, G) for G, X in candidates]

    return currents


def candidates(count, hard, seed):
    """Matrices with one input vector each; all but `hard` of them weak cells and small inputs."""
    generator = np.random.default_rng(seed)
    pool = []
    for index in range(count):
        top = 1.0 if index < hard else 0.2
        G = 5e-6 + 145e-6 * top * generator.random((ROWS, COLS))
        pool.append((G, 0.2 * top * generator.random((2, ROWS))))
    return [pool[index] for index in generator.permutation(count)]


def samples_of(jobs, reference):
    empty = TileSamples(
        np.zeros((0, ROWS, COLS)), np.zeros((0, ROWS)), np.zeros((0, COLS)), np.zeros(0, dtype=int)
    )
    return added(empty, jobs, reference(jobs))


def test_surrogates_disagree_by_their_standard_deviation(domain):
    class Louder(IdealProduct):
        def forward(self, V, G):
            return 1.5 * super().forward(V, G)

    pair = [IdealProduct(ROWS, COLS, domain), Louder(ROWS, COLS, domain)]
    pool = candidates(5, 5, 0)
    expected = [0.25 * np.sqrt(np.mean((X @ G) ** 2)) for G, X in pool]
    np.testing.assert_allclose(disagreement(pair, pool), expected)
    with pytest.raises(ShapeError, match="cannot disagree"):
        disagreement(pair[:1], pool)


def test_the_highest_score_comes_first_and_its_copy_does_not_follow():
    pool = candidates(4, 4, 1)
    pool.append(pool[2])
    scores = np.array([1.0, 2.0, 5.0, 0.5, 4.9])
    assert choose(scores, pool, 2).tolist() == [2, 1]
    assert sorted(choose(scores, pool, 9).tolist()) == [0, 1, 2, 3, 4]


def test_the_hard_candidates_are_asked_for(reference, domain):
    start = samples_of(candidates(12, 1, 2), reference)
    pool = candidates(60, 12, 3)
    settings = ActiveSettings(per_round=8)
    chosen = next_samples(start, pool, lambda part: fit_low_rank(part, domain), settings)
    assert sum(pool[index][1].max() > 0.06 for index in chosen) >= 6


def test_at_the_same_number_of_samples_it_beats_random_sampling(reference, domain):
    judged = samples_of(candidates(30, 30, 99), reference)
    settings = ActiveSettings(rounds=2, per_round=6)
    better, errors = 0, []
    for seed in range(3):
        start = samples_of(candidates(12, 2, seed), reference)
        pool = candidates(80, 12, 50 + seed)
        active = grow(start, pool, reference, lambda part: fit_low_rank(part, domain), settings)
        some = np.random.default_rng(seed).choice(len(pool), 12, replace=False)
        jobs = [pool[index] for index in some]
        random = added(start, jobs, reference(jobs))
        assert len(active) == len(random)
        pair = [accuracy_of(fit_low_rank(s, domain), judged).nrmse for s in (active, random)]
        better += pair[0] < pair[1]
        errors.append(pair)
    mean = np.exp(np.log(errors).mean(0))
    assert better == 3, errors
    assert mean[0] < 0.5 * mean[1], errors


def test_a_pool_is_not_asked_twice_and_may_run_out(reference, domain):
    start = samples_of(candidates(8, 4, 2), reference)
    pool = candidates(3, 3, 5)
    settings = ActiveSettings(rounds=4, per_round=2)
    grown = grow(start, pool, reference, lambda part: fit_low_rank(part, domain), settings)
    assert grown.matrices == start.matrices + 3
    assert len(np.unique(grown.conductance, axis=0)) == grown.matrices


def test_too_few_matrices_for_a_committee_are_refused(reference, domain):
    start = samples_of(candidates(4, 4, 2), reference)
    with pytest.raises(ShapeError, match="a committee of 3 needs at least 6"):
        next_samples(start, candidates(3, 3, 5), lambda part: fit_low_rank(part, domain))
