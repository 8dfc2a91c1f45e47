"""Certificates say what is known, survive JSON, and their bounds cover what they promise."""

import json

import numpy as np
import pytest

from cosim.errors import DatasetError
from cosim.surrogate import (
    Certificate,
    IdealProduct,
    Provenance,
    TileSamples,
    certify,
    conformal_bound,
)
from cosim.surrogate.certificate import matrices_needed, matrix_bound, output_bound


PROVENANCE = Provenance("0123456789abcdef", "ngspice", {"ngspice": "44.2"}, {"plan": 3})


@pytest.fixture
def certificate(domain) -> Certificate:
    rng = np.random.default_rng(1)
    G, V = rng.uniform(5e-6, 1e-4, (4, 5, 3)), rng.uniform(0, 0.2, (40, 5))
    matrix = np.repeat(np.arange(4), 10)
    exact = np.einsum("sr,src->sc", V, G[matrix])
    samples = TileSamples(G, V, exact + rng.normal(0, 1e-8, exact.shape), matrix)
    held_in, held_out = samples.split(0.5, seed=0)
    return certify(IdealProduct(5, 3, domain), held_in, held_out, PROVENANCE)


def test_it_counts_what_was_seen_and_what_was_not(certificate):
    counts = certificate.counts
    assert (counts.fit_samples, counts.fit_matrices) == (20, 2)
    assert (counts.held_out_samples, counts.held_out_matrices) == (20, 2)


def test_its_bounds_are_quantiles_of_the_error(certificate):
    # Gaussian errors of 10 nA: the largest of 60, for two matrices have no 95 % quantile.
    assert 1.9e-8 < certificate.bound(0.95) < 4e-8
    assert certificate.bound(0.95) <= certificate.bound(0.99)


def test_it_survives_json(certificate):
    assert Certificate.from_dict(json.loads(certificate.to_json())) == certificate


def test_its_table_says_the_figures_with_units(certificate):
    table = certificate.table()
    for part in ("ngspice 44.2", "0 to 0.2 V", "5 to 150 µS", "2 unseen matrices", "NRMSE", "95 %"):
        assert part in table


@pytest.mark.parametrize("missing", ["accuracy", "bounds", "domain", "counts", "provenance"])
def test_a_certificate_without_a_part_is_refused(certificate, missing):
    data = certificate.to_dict()
    del data[missing]
    with pytest.raises(DatasetError, match=rf"{missing}.*fit the surrogate again"):
        Certificate.from_dict(data)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.99])
def test_a_conformal_bound_covers_fresh_errors_as_often_as_it_says(level):
    rng = np.random.default_rng(2)
    covered = []
    for _ in range(400):
        errors = np.abs(rng.standard_t(3, size=300))
        covered.append(
            np.mean(np.abs(rng.standard_t(3, size=300)) <= conformal_bound(errors, level))
        )
    # 400 means of 300: the standard error of their mean is below 0.0012.
    assert np.mean(covered) == pytest.approx(level, abs=0.005)


def test_too_few_errors_give_the_largest_one():
    assert conformal_bound(np.array([3.0, 1.0, 2.0]), 0.99) == 3.0


def test_the_bound_is_the_rank_that_the_theory_asks_for():
    assert conformal_bound(np.arange(1.0, 100.0), 0.95) == 95.0


def test_errors_of_one_matrix_count_as_one():
    """Thirty matrices whose ten errors are equal say as much as thirty errors."""
    rng = np.random.default_rng(3)
    matrix = np.repeat(np.arange(30), 10)
    alone, grouped = [], []
    for _ in range(2000):
        errors = rng.random(30)[matrix][:, None]
        # Uniform errors: a bound is the share of fresh ones that it covers.
        alone.append(conformal_bound(errors.ravel(), 0.95))
        grouped.append(output_bound(errors, matrix, 0.95))
    assert np.mean(alone) == pytest.approx(29 / 31, abs=0.004)
    assert np.mean(grouped) == pytest.approx(30 / 31, abs=0.004)


def test_matrices_weigh_the_same_whatever_their_number_of_samples():
    errors = np.concatenate([np.full(19, 1.0), np.full(181, 2.0)])
    groups = np.concatenate([np.arange(19), np.full(181, 19)])
    assert conformal_bound(errors, 0.9, groups) == 1.0
    assert conformal_bound(errors, 0.95, groups) == 2.0


def test_the_bound_of_matrices_covers_as_many_of_them_as_it_says():
    rng = np.random.default_rng(4)
    matrix = np.repeat(np.arange(60), 20)

    def errors():
        """Of matrices that differ in size by a factor of three, either way."""
        scale = 3.0 ** rng.standard_normal(60)
        return np.abs(rng.standard_normal((1200, 4))) * scale[matrix][:, None]

    covered, outputs = [], []
    for _ in range(100):
        bound, fresh = matrix_bound(errors(), matrix, 0.95), errors()
        inside = (fresh <= bound).reshape(60, -1).mean(1)
        covered.append(np.mean(inside >= 0.95))
        outputs.append(np.mean(inside))
    assert 0.945 < np.mean(covered) < 0.98
    assert np.mean(outputs) > np.mean(covered)


@pytest.mark.parametrize(("level", "matrices"), [(0.95, 19), (0.99, 99), (0.5, 1)])
def test_a_level_takes_its_number_of_matrices(level, matrices):
    assert matrices_needed(level) == matrices
    assert conformal_bound(np.arange(float(matrices)), level) == matrices - 1


def test_too_few_matrices_are_said_with_what_they_promise(certificate):
    assert certificate.promised(0.95) == pytest.approx(2 / 3)
    assert certificate.promised(0.5) == 0.5
    assert "too few matrices to promise more than 66.7 %; take 19" in certificate.table()


def test_certificates_from_before_there_were_bounds_of_matrices_are_read(certificate):
    data = certificate.to_dict()
    del data["matrix_bounds"]
    old = Certificate.from_dict(data)
    assert old.matrix_bounds == {}
    assert "within a matrix" not in old.table()
