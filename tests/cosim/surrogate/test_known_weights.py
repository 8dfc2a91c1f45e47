"""A tile whose weights stay is fitted closer than any model of all tiles can be."""

import pytest
import torch

from cosim.errors import ShapeError
from cosim.surrogate import LineModeFields, LineModeGalerkin, corrected


@pytest.fixture(scope="module")
def tile(cells, domain, wires, drawn):
    """Operators of one 16 x 12 tile: the fast one, and as reference the accurate one."""
    (G,), (V,) = drawn(16, 12, 1, 500)
    G, V = torch.from_numpy(G), torch.from_numpy(V)
    fast = LineModeGalerkin.from_cell(16, 12, wires, cells.sinh_1t1r, domain).prepare(G)
    reference = LineModeFields.from_cell(16, 12, wires, cells.sinh_1t1r, domain).prepare(G)
    return fast, V, reference(V)


def error(operator, V, currents):
    return float((operator(V) - currents).square().mean().sqrt())


@pytest.mark.parametrize(("samples", "factor"), [(30, 0.8), (300, 0.4)])
def test_samples_of_the_tile_lower_its_error_on_fresh_inputs(tile, samples, factor):
    """30 samples are fewer than the 99 features; the closed form keeps the rest in place."""
    fast, V, currents = tile
    closer = corrected(fast, V[:samples], currents[:samples])
    assert error(closer, V[300:], currents[300:]) < factor * error(fast, V[300:], currents[300:])


def test_a_corrected_operator_costs_what_it_did_before(tile):
    fast, V, currents = tile
    closer = corrected(fast, V[:50], currents[:50])
    assert closer.weights.shape == fast.weights.shape
    assert closer.powers == fast.powers


def test_samples_that_the_operator_made_itself_change_nothing(tile):
    fast, V, _ = tile
    same = corrected(fast, V[:50], fast(V[:50]))
    torch.testing.assert_close(same.weights, fast.weights, rtol=1e-9, atol=1e-15)


def test_rows_that_are_never_driven_are_left_as_they_are(tile):
    fast, V, currents = tile
    silent = V[:50].clone()
    silent[:, 3] = 0
    closer = corrected(fast, silent, currents[:50])
    assert torch.equal(closer.weights[3], fast.weights[3])
    assert torch.isfinite(closer.weights).all()


@pytest.mark.wrong_input
def test_samples_of_another_size_are_refused(tile):
    fast, V, currents = tile
    with pytest.raises(ShapeError, match=r"\(20, 12\).*one tile at a time"):
        corrected(fast, V[:30], currents[:20])
