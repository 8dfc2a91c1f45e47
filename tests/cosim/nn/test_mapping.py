"""Weights sit where the convention says, and come back exactly."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings, strategies as st

from cosim.errors import SpecError
from cosim.nn import TileMapping


def mapping(in_features, out_features, rows=8, cols=6):
    return TileMapping(in_features, out_features, rows, cols, 5e-6, 150e-6, 0.2)


def weights_of(m, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(m.out_features, m.in_features, generator=generator).double() - 1


def test_conductance_row_col_belongs_to_weight_col_row():
    """weight[j, i] > 0 is in column 2j of row i, weight[j, i] < 0 in column 2j + 1."""
    m = mapping(3, 2)
    weight = torch.zeros(2, 3)
    weight[1, 0], weight[0, 2] = 1.0, -0.5
    G = m.conductances(weight)[0]
    assert float(G[0, 2]) == pytest.approx(150e-6)
    assert float(G[2, 1]) == pytest.approx(5e-6 + 0.5 * 145e-6)
    others = torch.ones_like(G, dtype=torch.bool)
    others[0, 2] = others[2, 1] = False
    torch.testing.assert_close(G[others], torch.full_like(G[others], 5e-6))


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(1, 20), st.integers(1, 9), st.integers(2, 9))
def test_every_layer_on_every_tile_comes_back_exactly(fan_in, fan_out, rows, cols):
    m = mapping(fan_in, fan_out, rows, cols)
    weight = weights_of(m)
    torch.testing.assert_close(m.weights(m.conductances(weight)), weight, rtol=1e-12, atol=1e-12)


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 40), st.integers(1, 20), st.integers(1, 9), st.integers(2, 9))
def test_tiles_with_ideal_products_compute_the_layer(fan_in, fan_out, rows, cols):
    m = mapping(fan_in, fan_out, rows, cols)
    weight = weights_of(m)
    x = torch.rand(5, fan_in, generator=torch.Generator().manual_seed(1)).double()
    G, V = m.conductances(weight), m.voltages(x)
    assert G.shape == (m.tiles, rows, cols)
    assert V.shape == (m.tiles, 5, rows)
    torch.testing.assert_close(m.outputs(V @ G), x @ weight.T, rtol=1e-9, atol=1e-10)


def test_large_layers_are_cut_into_row_and_column_blocks():
    m = mapping(64, 48, rows=32, cols=32)
    assert (m.row_blocks, m.col_blocks, m.tiles, m.pairs) == (2, 3, 6, 16)


def test_unused_rows_get_no_voltage_and_unused_cells_the_lowest_conductance():
    m = mapping(5, 4, rows=4, cols=7)  # 2 row blocks of 4, 2 column blocks of 3 pairs
    G, V = m.conductances(torch.ones(4, 5)), m.voltages(torch.ones(1, 5))
    low = torch.tensor(5e-6)
    assert torch.equal(V[2:, 0, 1:], torch.zeros(2, 3))
    torch.testing.assert_close(G[2:, 1:], low.expand_as(G[2:, 1:]))
    torch.testing.assert_close(G[..., 6], low.expand_as(G[..., 6]))
    torch.testing.assert_close(G[1, :, 2:], low.expand_as(G[1, :, 2:]))


def test_what_the_columns_of_a_pair_share_is_removed():
    m = mapping(6, 3)
    weight, x = weights_of(m), torch.rand(4, 6).double()
    currents = m.voltages(x) @ m.conductances(weight)
    torch.testing.assert_close(m.outputs(currents + 3e-6), m.outputs(currents))


def test_chips_are_leading_axes():
    m = mapping(12, 5)
    weight = torch.stack([weights_of(m, 0), weights_of(m, 1)])
    G = torch.stack([m.conductances(w) for w in weight])
    torch.testing.assert_close(m.weights(G), weight)
    x = torch.rand(2, 7, 12).double()
    currents = m.voltages(x) @ G
    torch.testing.assert_close(m.outputs(currents), x @ weight.transpose(-1, -2))


def test_a_tile_without_room_for_a_pair_is_refused(resistive_tile):
    with pytest.raises(SpecError, match=r"`cols` is 1.*at least 2.*more columns"):
        TileMapping.of(resistive_tile(rows=4, cols=1), 3, 2)


@pytest.mark.parametrize("groups", [1, 3])
def test_places_say_where_every_cell_of_every_weight_is(groups):
    m = dataclasses.replace(mapping(9, 6), groups=groups)
    weight = torch.rand(6, 9 // groups, generator=torch.Generator().manual_seed(4)) - 0.5
    G, places = m.conductances(weight), m.places()
    cells = m.cells.cells(weight, m.g_min, m.g_max, m.levels)
    assert torch.equal(G[places >= 0], cells.flatten()[places[places >= 0]])
    assert sorted(places[places >= 0].tolist()) == list(range(cells.numel()))
