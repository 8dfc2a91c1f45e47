"""The fused kernels against the torch form that defines them."""

import pytest
import torch

from cosim.errors import CosimError
from cosim.surrogate import (
    AlphaBeta,
    LineModeFields,
    LineModeGalerkin,
    WireResistances,
    ahead,
    corrected,
    fused,
)


WIRES = WireResistances(input_line=2.0, output_line=1.5, source=10.0, sense=3.0)


def surrogate_of(cells, domain, rows, cols, modes, wires=WIRES, **settings):
    closed = LineModeGalerkin.from_cell(rows, cols, wires, cells.sinh_1t1r, domain, modes)
    surrogate = LineModeGalerkin(rows, cols, wires, closed.cell, domain, modes, **settings)
    surrogate.patience = 0
    return surrogate


def drawn_tensors(rows, cols, tiles, samples=5, shared=False):
    generator = torch.Generator().manual_seed(rows + cols)
    G = torch.rand(*tiles, rows, cols, generator=generator, dtype=torch.float64)
    V = torch.rand(*(() if shared else tiles), samples, rows, generator=generator).double()
    weights = torch.randn(*tiles, samples, cols, generator=generator).double()
    return 5e-6 + 145e-6 * G, 0.2 * V, weights


def defined(surrogate, V, G):
    """The torch form, whatever `forward` takes."""
    s = V @ surrogate.mean_weights[:, None]
    blocks = [V, V**2, V**3, s * V, s * V**2, s**2 * V, s, s**2, s**3]
    return torch.cat(blocks, -1) @ surrogate.table(G)


def values_and_gradients(function, V, G, weights):
    V, G = V.clone().requires_grad_(), G.clone().requires_grad_()
    currents = function(V, G)
    (currents * weights).sum().backward()
    return currents.detach(), V.grad, G.grad


def largest_differences(surrogate, V, G, weights):
    found = values_and_gradients(lambda v, g: surrogate.prepare(g)(v), V, G, weights)
    expected = values_and_gradients(lambda v, g: defined(surrogate, v, g), V, G, weights)
    pairs = zip(found, expected, strict=True)
    return [float((f - e).abs().max() / e.abs().max()) for f, e in pairs]


@pytest.mark.parametrize(
    ("rows", "cols", "modes", "tiles"),
    [
        (24, 24, 1, ()),
        (20, 13, 2, (3,)),
        (9, 17, 3, (2, 2)),
        (1, 1, 1, ()),
        (2, 5, 1, (4,)),
        (32, 32, 1, (5,)),
    ],
)
def test_currents_and_gradients_are_those_of_the_definition(
    cells, domain, rows, cols, modes, tiles
):
    surrogate = surrogate_of(cells, domain, rows, cols, modes)
    G, V, weights = drawn_tensors(rows, cols, tiles)
    assert fused.applies(G)
    assert fused.covers(surrogate.cell)
    assert max(largest_differences(surrogate, V, G, weights)) < 1e-10


@pytest.mark.parametrize("modes", [1, 2])
def test_single_precision_is_as_near_as_its_digits_allow(cells, domain, modes):
    surrogate = surrogate_of(cells, domain, 32, 24, modes).float()
    G, V, weights = (x.float() for x in drawn_tensors(32, 24, (2,)))
    assert max(largest_differences(surrogate, V, G, weights)) < 3e-6


def pairs_by_definition(surrogate, V, G):
    """Differences of neighbouring columns of tiles side by side, from the torch form."""
    columns = defined(surrogate, V.unsqueeze(-3).expand(*G.shape[:-2], *V.shape[-2:]), G)
    used = columns[..., : columns.shape[-1] // 2 * 2]
    return (used[..., 0::2] - used[..., 1::2]).movedim(-3, -2).flatten(-2)


@pytest.mark.parametrize(
    ("rows", "cols", "modes", "blocks", "side"),
    [(24, 24, 1, (), 1), (10, 13, 2, (3,), 2), (9, 6, 3, (2, 2), 3), (2, 2, 1, (4,), 1)],
)
def test_pairs_are_differences_of_neighbouring_columns(
    cells, domain, rows, cols, modes, blocks, side
):
    surrogate = surrogate_of(cells, domain, rows, cols, modes)
    G, _, _ = drawn_tensors(rows, cols, (*blocks, side))
    _, V, _ = drawn_tensors(rows, cols, blocks)
    weights = torch.randn(*blocks, 5, side * (cols // 2), dtype=torch.float64)

    def pairs(v, g):
        return surrogate.prepare_pairs(g)(v)

    found = values_and_gradients(pairs, V, G, weights)
    expected = values_and_gradients(
        lambda v, g: pairs_by_definition(surrogate, v, g), V, G, weights
    )
    for one, other in zip(found, expected, strict=True):
        assert float((one - other).abs().max() / other.abs().max()) < 1e-10


def test_pairs_come_from_the_torch_form_as_well(cells, domain):
    surrogate = surrogate_of(cells, domain, 6, 5, 1)
    G, V, _ = drawn_tensors(6, 5, (2,))
    kernels = surrogate.prepare_pairs(G)(V[0])
    surrogate.patience = 10**6
    by_torch = surrogate.prepare_pairs(G)(V[0])
    assert not torch.equal(kernels, by_torch)
    torch.testing.assert_close(kernels, by_torch, rtol=1e-9, atol=1e-18)


def test_gradients_of_gradients_of_pairs_come_from_the_torch_form(cells, domain):
    surrogate = surrogate_of(cells, domain, 4, 4, 1)
    G, V, _ = drawn_tensors(4, 4, (2,))
    G.requires_grad_()

    def curvature(function):
        (slope,) = torch.autograd.grad(function().square().sum() * 1e9, G, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), G)[0]

    found = curvature(lambda: surrogate.prepare_pairs(G)(V[0]))
    expected = curvature(lambda: pairs_by_definition(surrogate, V[0], G))
    assert float((found - expected).abs().max() / expected.abs().max()) < 1e-7


@pytest.mark.parametrize("kind", [LineModeFields, AlphaBeta])
def test_models_with_another_operator_subtract_their_currents(cells, domain, kind):
    surrogate = kind.from_cell(6, 5, WIRES, cells.sinh_1t1r, domain)
    G, _, _ = drawn_tensors(6, 5, (3, 2))
    _, V, _ = drawn_tensors(6, 5, (3,))
    columns = surrogate(V.repeat_interleave(2, 0), G.flatten(0, 1)).unflatten(0, (3, 2))
    expected = torch.cat([columns[:, k, :, 0:4:2] - columns[:, k, :, 1:4:2] for k in (0, 1)], -1)
    torch.testing.assert_close(surrogate.prepare_pairs(G)(V), expected, rtol=1e-9, atol=1e-18)


def test_tiles_that_share_their_inputs_sum_the_gradients(cells, domain):
    surrogate = surrogate_of(cells, domain, 8, 6, 1)
    G, V, weights = drawn_tensors(8, 6, (3,), shared=True)
    assert max(largest_differences(surrogate, V, G, weights)) < 1e-10


def test_one_tile_serves_stacked_inputs(cells, domain):
    surrogate = surrogate_of(cells, domain, 8, 6, 1)
    G, V, _ = drawn_tensors(8, 6, (3,))
    weights = torch.ones(3, 5, 6, dtype=torch.float64)
    assert max(largest_differences(surrogate, V, G[0], weights)) < 1e-10


def test_lines_without_resistance_take_one_mode(cells, domain):
    wires = WireResistances(input_line=0.0, output_line=1.0, source=10.0, sense=0.0)
    surrogate = surrogate_of(cells, domain, 10, 8, 2, wires)
    assert max(largest_differences(surrogate, *reordered(drawn_tensors(10, 8, ())))) < 1e-10


def reordered(given):
    G, V, weights = given
    return V, G, weights


def test_a_fixed_shape_conductance_is_used(cells, domain):
    surrogate = surrogate_of(cells, domain, 10, 8, 1, shape_conductance=2e-5)
    given = reordered(drawn_tensors(10, 8, (2,)))
    assert max(largest_differences(surrogate, *given)) < 1e-10
    own = surrogate_of(cells, domain, 10, 8, 1)
    assert not torch.equal(surrogate(*given[:2]), own(*given[:2]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("modes", [1, 2])
def test_empty_cells_rows_and_columns_leave_everything_finite(cells, domain, dtype, modes):
    surrogate = surrogate_of(cells, domain, 12, 10, modes).to(dtype)
    G, V, weights = (x.to(dtype) for x in drawn_tensors(12, 10, ()))
    G[3], G[:, 6], G[5, 2] = 0, 0, 0
    allowed = 1e-9 if dtype == torch.float64 else 1e-3
    found = values_and_gradients(surrogate, V, G, weights)
    assert all(bool(torch.isfinite(x).all()) for x in found)
    assert max(largest_differences(surrogate, V, G, weights)) < allowed


def test_gradcheck_passes_in_inputs_and_conductances(cells, domain):
    wires = WireResistances(30.0, 20.0, source=100.0, sense=50.0)
    surrogate = surrogate_of(cells, domain, 4, 3, 2, wires, shape_conductance=8e-5)
    generator = torch.Generator().manual_seed(6)
    V = torch.rand(2, 2, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    G = 0.1 + torch.rand(2, 4, 3, dtype=torch.float64, generator=generator)

    def currents(v, g):
        return surrogate(v * 0.2, g * 1e-4) * 1e5

    assert torch.autograd.gradcheck(currents, (V, G.requires_grad_()), atol=1e-6, rtol=1e-4)


def test_gradients_of_gradients_in_the_inputs_come_from_the_torch_form(cells, domain):
    surrogate = surrogate_of(cells, domain, 4, 3, 1)
    G, V, _ = drawn_tensors(4, 3, ())
    V.requires_grad_()

    def curvature(function):
        (slope,) = torch.autograd.grad(function(V, G).square().sum(), V, create_graph=True)
        return torch.autograd.grad(slope.square().sum(), V)[0]

    expected = curvature(lambda v, g: defined(surrogate, v, g))
    torch.testing.assert_close(curvature(surrogate), expected, rtol=1e-9, atol=0)


def test_a_transform_of_torch_sees_the_torch_form(cells, domain):
    surrogate = surrogate_of(cells, domain, 4, 3, 1)
    G, V, _ = drawn_tensors(4, 3, (2,))
    operator = surrogate.prepare(G[0])
    mapped = torch.func.vmap(operator)(V)
    torch.testing.assert_close(mapped, operator(V), rtol=1e-9, atol=0)


def test_one_operator_gives_gradients_for_several_batches(cells, domain):
    surrogate = surrogate_of(cells, domain, 6, 5, 1)
    G, V, weights = drawn_tensors(6, 5, ())
    G.requires_grad_()
    operator = surrogate.prepare(G)
    (operator(V[:2]) * weights[:2]).sum().backward(retain_graph=True)
    (operator(V[2:]) * weights[2:]).sum().backward()
    expected = values_and_gradients(surrogate, V, G.detach(), weights)[2]
    torch.testing.assert_close(G.grad, expected, rtol=1e-10, atol=0)


def test_a_corrected_operator_stays_on_the_fused_path(cells, domain):
    surrogate = surrogate_of(cells, domain, 6, 5, 1)
    G, V, _ = drawn_tensors(6, 5, (), samples=40)
    operator = surrogate.prepare(G)
    closer = corrected(operator, V, 1.01 * operator(V))
    torch.testing.assert_close(closer(V), operator.features(V) @ closer.table, rtol=1e-10, atol=0)


def test_first_tables_come_from_the_torch_form_until_they_cost_more_than_compiling(cells, domain):
    surrogate = surrogate_of(cells, domain, 6, 5, 1)
    G, _, _ = drawn_tensors(6, 5, ())
    kernels = surrogate.prepare(G).table
    surrogate.patience = 2
    tables = [surrogate.prepare(G).table for _ in range(4)]
    by_torch = surrogate.table(G)
    assert not torch.equal(kernels, by_torch)
    assert [torch.equal(table, by_torch) for table in tables] == [True, True, False, False]
    assert torch.equal(tables[-1], kernels)
    torch.testing.assert_close(kernels, by_torch, rtol=1e-9, atol=1e-18)


def test_large_tables_count_as_many_small_ones():
    assert fused.cost(torch.empty(32, 32)) == 1
    assert fused.cost(torch.empty(4, 128, 128)) == 5


def test_each_precision_has_a_patience_of_its_own(cells, domain):
    surrogate = surrogate_of(cells, domain, 6, 5, 1)
    surrogate.patience = 1
    G, _, _ = drawn_tensors(6, 5, ())
    surrogate.prepare(G)
    surrogate.float()
    G = G.float()
    assert torch.equal(surrogate.prepare(G).table, surrogate.table(G))


@pytest.mark.parametrize("dtype", fused.DTYPES)
def test_what_is_compiled_ahead_covers_forward_and_backward_of_a_precision(dtype):
    ahead.use(dtype)
    assert kernels_of(dtype) >= {"reduce_tiles", "weigh_tiles", "unreduce_tiles", "unfeature"}


def kernels_of(dtype):
    """Names of the kernels that have machine code for arrays of `dtype`, in this process."""
    entries = [getattr(fused, name) for name in dir(fused)]
    compiled = [entry for entry in entries if hasattr(entry, "nopython_signatures")]
    wanted = str(dtype).removeprefix("torch.")
    return {
        entry.__name__
        for entry in compiled
        if any(wanted in str(signature) for signature in entry.nopython_signatures)
    }


def test_negative_conductances_are_refused_with_advice(cells, domain):
    surrogate = LineModeGalerkin.from_cell(8, 8, WIRES, cells.linear, domain, 1)
    surrogate.patience = 0
    G = torch.full((8, 8), -1e-2, dtype=torch.float64)
    with pytest.raises(CosimError, match=r"not positive definite.*float64.*negative"):
        surrogate.prepare(G)
