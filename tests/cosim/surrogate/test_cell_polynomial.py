"""The polynomial of a cell against the cell."""

import numpy as np
import pytest
import torch

from cosim.surrogate import CellPolynomial, CellRange, Domain
from cosim.surrogate.cell_polynomial import QUINTIC


SPAN = CellRange(d_low=-0.02, d_high=0.2, c_low=0.0, c_high=0.02, g_low=5e-6, g_high=150e-6)


def points(span, count=2000, seed=9):
    rng = np.random.default_rng(seed)
    d = rng.uniform(span.d_low, span.d_high, count)
    c = rng.uniform(span.c_low, span.c_high, count)
    g = rng.uniform(span.g_low, span.g_high, count)
    return d, c, g


def relative_error(polynomial, current, span):
    d, c, g = points(span)
    expected = current(c + d, c, g)
    found = polynomial.current(*(torch.from_numpy(x) for x in (d, c, g))).numpy()
    return np.sqrt(np.mean((found - expected) ** 2)) / np.abs(expected).max()


def test_a_linear_cell_is_found_exactly(cells):
    polynomial = CellPolynomial.fit(cells.linear, SPAN)
    assert relative_error(polynomial, cells.linear, SPAN) < 1e-9


@pytest.mark.parametrize("name", ["sinh_1r", "sinh_1t1r"])
def test_a_nonlinear_cell_is_met_within_a_ten_thousandth(cells, name):
    current = getattr(cells, name)
    assert relative_error(CellPolynomial.fit(current, SPAN), current, SPAN) < 1.5e-4


def test_fifth_order_terms_are_closer(cells):
    cubic = CellPolynomial.fit(cells.sinh_1r, SPAN)
    quintic = CellPolynomial.fit(cells.sinh_1r, SPAN, QUINTIC)
    assert relative_error(quintic, cells.sinh_1r, SPAN) < 0.2 * relative_error(
        cubic, cells.sinh_1r, SPAN
    )


def test_signed_inputs_are_fitted_on_both_sides(cells):
    domain = Domain(-0.2, 0.2, 5e-6, 150e-6)
    span = CellRange.of_tile(domain, column_resistance=560.0)
    assert span.d_low == -span.d_high
    assert span.c_low == -span.c_high
    polynomial = CellPolynomial.fit(cells.sinh_1r, span)
    assert relative_error(polynomial, cells.sinh_1r, span) < 5e-4


def test_the_transistor_shows_as_a_saturation_conductance(cells):
    with_transistor = CellPolynomial.fit(cells.sinh_1t1r, SPAN)
    without = CellPolynomial.fit(cells.sinh_1r, SPAN)
    assert 2e-4 < with_transistor.g_half < 5e-3
    assert without.g_half == pytest.approx(1e3 * SPAN.g_high)


def test_the_same_seed_gives_the_same_polynomial(cells):
    first, second = (CellPolynomial.fit(cells.sinh_1r, SPAN, seed=3) for _ in range(2))
    assert torch.equal(first.coefficient, second.coefficient)


def test_conductance_gradients_pass_gradcheck(cells):
    polynomial = CellPolynomial.fit(cells.sinh_1t1r, SPAN)
    g = torch.tensor([0.1, 0.7, 1.4], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda g: polynomial.coefficients(g * 1e-4) * 1e4, g)
