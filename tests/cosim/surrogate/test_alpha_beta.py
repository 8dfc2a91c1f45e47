"""The alpha-beta model: exact where its assumptions hold, between its neighbours elsewhere."""

import numpy as np
import pytest
import torch

from cosim.surrogate import (
    AlphaBeta,
    Domain,
    FitSettings,
    LineModeGalerkin,
    Provenance,
    SeriesResistance,
    WireResistances,
    accuracy_of,
    fit,
    load,
    save,
)


DOMAIN = Domain(0.0, 0.2, 5e-6, 150e-6)


def published(G, resistance):
    """Effective conductances by the published sums, for one segment resistance and no driver."""
    m, n = G.shape
    alpha, beta = np.empty((m, n)), np.empty((m, n))
    for i in range(m):
        for j in range(n):
            top = sum((i - k) * G[k, j] for k in range(i))
            alpha[i, j] = (1 + resistance * top) / (
                1 + resistance * sum((m - k) * G[k, j] for k in range(m))
            )
            top = sum((p - j) * G[i, p] for p in range(j, n))
            beta[i, j] = (1 + resistance * top) / (
                1 + resistance * sum((p + 1) * G[i, p] for p in range(n))
            )
    return alpha * G * beta


def test_one_cell_loses_a_share_on_either_side(cells):
    wires = WireResistances(input_line=100.0, output_line=50.0, source=1000.0, sense=30.0)
    model = AlphaBeta.from_cell(1, 1, wires, cells.linear, DOMAIN)
    current = model.mvm(np.array([[0.2]]), np.array([[1e-4]]))
    expected = 0.2 * 1e-4 / ((1 + 80 * 1e-4) * (1 + 1100 * 1e-4))
    assert current[0, 0] == pytest.approx(expected, rel=1e-6)


def test_without_drivers_it_is_the_published_model(cells, drawn):
    wires = WireResistances(input_line=2.0, output_line=2.0, source=0.0, sense=0.0)
    model = AlphaBeta.from_cell(7, 5, wires, cells.linear, DOMAIN)
    G = drawn(7, 5, 1, 1)[0][0]
    np.testing.assert_allclose(model.mvm(np.eye(7), G), published(G, 2.0), rtol=1e-5)


def test_on_a_tile_it_lies_between_series_resistance_and_line_modes(cells, samples, wires):
    measured = samples(cells.linear, wires, 32, 32, 1, 4)
    series, alpha_beta, modes = (
        accuracy_of(kind.from_cell(32, 32, wires, cells.linear, DOMAIN), measured).nrmse
        for kind in (SeriesResistance, AlphaBeta, LineModeGalerkin)
    )
    assert series > 2 * alpha_beta > 20 * modes


def test_its_gradients_are_those_of_finite_differences(cells, wires, drawn):
    model = AlphaBeta.from_cell(4, 3, wires, cells.sinh_1t1r, DOMAIN)
    G, V = drawn(4, 3, 1, 2)

    def output(v, g):
        return 1e6 * model(v, 1e-6 * g)

    inputs = torch.from_numpy(V[0]).requires_grad_(True)
    conductances = torch.from_numpy(1e6 * G[0]).requires_grad_(True)
    assert torch.autograd.gradcheck(output, (inputs, conductances), eps=1e-5, atol=1e-7)


def test_refining_on_samples_lowers_its_error_and_it_can_be_stored(cells, wires, samples, tmp_path):
    """The specification says 3 ohm per segment and 30 ohm sources; the samples had 1 and 10."""
    measured = samples(cells.linear, wires, 8, 6, 10, 6)
    stated = WireResistances(input_line=3.0, output_line=3.0, source=30.0, sense=0.0)
    start = AlphaBeta.from_cell(8, 6, stated, cells.linear, DOMAIN)
    provenance = Provenance("0123456789abcdef", "reference", {}, {})
    fitted = fit(start, measured, provenance, FitSettings(iterations=4))
    assert fitted.certificate.kind == "alpha_beta"
    assert fitted.refined_nrmse < 0.1 * fitted.closed_form_nrmse

    save(tmp_path / "stored", fitted.surrogate, {}, "0123456789abcdef", fitted.certificate)
    stored = load(tmp_path / "stored").surrogate
    assert isinstance(stored, AlphaBeta)
    expected = fitted.held_out.predict(fitted.surrogate)
    np.testing.assert_array_equal(fitted.held_out.predict(stored), expected)
