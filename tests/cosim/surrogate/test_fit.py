"""Fitting improves on the closed form where samples speak against it, and only there."""

import numpy as np
import pytest
import torch

from cosim.errors import ShapeError
from cosim.surrogate import (
    FitSettings,
    LineModeFields,
    LineModeGalerkin,
    Provenance,
    TileSamples,
    WireResistances,
    accuracy_of,
    fit,
)


PROVENANCE = Provenance("0123456789abcdef", "reference", {}, {})
QUICK = FitSettings(iterations=2)


@pytest.fixture(scope="module")
def measured(cells, samples, wires):
    return samples(cells.sinh_1t1r, wires, 8, 6, 10, 6)


@pytest.fixture(scope="module")
def fitted(cells, domain, wires, measured):
    start = LineModeGalerkin.from_cell(8, 6, wires, cells.sinh_1t1r, domain)
    return fit(start, measured, PROVENANCE, QUICK)


def test_refining_lowers_the_error_on_unseen_matrices(cells, fitted, samples, wires):
    fresh = samples(cells.sinh_1t1r, wires, 8, 6, 2, 5, seed=99)
    assert fitted.certificate.refined
    assert fitted.refined_nrmse < fitted.closed_form_nrmse
    assert accuracy_of(fitted.surrogate, fresh).nrmse < 1e-4


def test_held_out_matrices_are_not_among_the_held_in(fitted):
    seen = {G.tobytes() for G in fitted.held_in.conductance}
    assert not seen & {G.tobytes() for G in fitted.held_out.conductance}
    assert fitted.certificate.counts.held_out_matrices == 4


def test_the_certificate_is_that_of_the_held_out_samples(fitted):
    expected = accuracy_of(fitted.surrogate, fitted.held_out)
    assert fitted.certificate.accuracy == expected


def test_the_same_samples_give_the_same_fit(cells, domain, wires, measured, fitted):
    start = LineModeGalerkin.from_cell(8, 6, wires, cells.sinh_1t1r, domain)
    again = fit(start, measured, PROVENANCE, QUICK).surrogate
    assert torch.equal(again.cell.coefficient, fitted.surrogate.cell.coefficient)


def test_wires_that_differ_from_the_specification_are_found(cells, domain, measured):
    """The specification says 2 ohm per segment and 5 ohm sources; the samples had 1 and 10."""
    stated = WireResistances(2.0, 2.0, source=5.0, sense=0.0)
    start = LineModeGalerkin.from_cell(8, 6, stated, cells.sinh_1t1r, domain)
    result = fit(start, measured, PROVENANCE, FitSettings(iterations=4))
    assert accuracy_of(start, result.held_out).nrmse > 1e-3
    assert result.certificate.accuracy.nrmse < 3e-4
    assert result.surrogate.wires.output_line == pytest.approx(1.0, rel=0.2)


def test_samples_that_are_only_noise_do_not_replace_the_closed_form(cells, domain, wires):
    """With outputs that the closed form itself made, there is nothing to gain."""
    start = LineModeGalerkin.from_cell(8, 8, wires, cells.sinh_1t1r, domain)
    rng = np.random.default_rng(3)
    G, V = rng.uniform(5e-6, 150e-6, (5, 8, 8)), rng.uniform(0, 0.2, (10, 8))
    matrix = np.repeat(np.arange(5), 2)
    blank = TileSamples(G, V, np.zeros((10, 8)), matrix)
    exact = TileSamples(G, V, blank.predict(start), matrix)
    result = fit(start, exact, PROVENANCE, QUICK)
    assert not result.certificate.refined
    assert result.surrogate is start


def test_over_many_refits_the_bound_covers_fresh_samples_as_often_as_it_says(
    cells, domain, wires, drawn
):
    """Eight fits, each judged on samples of matrices that were drawn after it."""
    reference = LineModeFields.from_cell(8, 6, wires, cells.sinh_1t1r, domain)
    start = LineModeGalerkin.from_cell(8, 6, wires, cells.sinh_1t1r, domain)

    def measured(matrices, seed):
        G, V = drawn(8, 6, matrices, 6, seed=seed)
        V, matrix = V.reshape(-1, 8), np.repeat(np.arange(matrices), 6)
        blank = TileSamples(G, V, np.zeros((len(V), 6)), matrix)
        return TileSamples(G, V, blank.predict(reference), matrix)

    covered = []
    for seed in range(8):
        settings = FitSettings(held_out=0.9, iterations=1, seed=seed)
        result = fit(start, measured(110, seed), PROVENANCE, settings)
        fresh = measured(40, 1000 + seed)
        error = np.abs(fresh.predict(result.surrogate) - fresh.outputs)
        covered.append(np.mean(error <= result.certificate.bound(0.95)))
    # 99 held-out matrices: a hundredth more than promised, at most.
    assert 0.945 < np.mean(covered) < 0.97


def test_two_matrices_are_too_few(cells, domain, wires, drawn):
    start = LineModeGalerkin.from_cell(8, 8, wires, cells.linear, domain)
    G, V = drawn(8, 8, 2, 4)
    two = TileSamples(
        G,
        V.reshape(-1, 8),
        np.einsum("msr,mrc->msc", V, G).reshape(-1, 8),
        np.repeat(np.arange(2), 4),
    )
    with pytest.raises(ShapeError, match="at least 2"):
        fit(start, two, PROVENANCE, QUICK)
