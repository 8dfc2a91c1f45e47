"""Offset columns, slices and groups: weights come back, and tiles compute the layer."""

import pytest
import torch
from hypothesis import given, settings, strategies as st

from cosim.errors import InputError, SpecError
from cosim.nn import (
    AnalogConv2d,
    AnalogLinear,
    DifferentialPairs,
    OffsetColumn,
    ProgrammingError,
    TileMapping,
    TileSettings,
    Window,
    calibrate_gain,
    set_arithmetic,
)
from cosim.nn.mapping_cells import digit_weights
from cosim.nn.mapping_levels import EvenLevels


LOW, HIGH, VOLTS = 5e-6, 150e-6, 0.2
CELLS = [
    DifferentialPairs(),
    DifferentialPairs(slices=2),
    OffsetColumn(),
    OffsetColumn(slices=3),
    OffsetColumn(reference_columns=2),
    OffsetColumn(reference_columns=0),
]


def mapping(cells, fan_in=13, fan_out=7, rows=8, cols=9, levels=8, groups=1):
    even = None if levels is None else EvenLevels(LOW, HIGH, levels)
    return TileMapping(fan_in, fan_out, rows, cols, LOW, HIGH, VOLTS, cells, even, groups)


def weights_of(m, seed=0):
    generator = torch.Generator().manual_seed(seed)
    shape = m.out_features, m.in_features // m.groups
    return 2 * torch.rand(shape, generator=generator).double() - 1


def steps_of(cells, levels):
    """Distance of neighbouring weights."""
    steps = levels**cells.slices - 1
    return 2 / steps if isinstance(cells, OffsetColumn) else 1 / steps


@pytest.mark.parametrize("cells", CELLS)
@pytest.mark.parametrize("levels", [2, 8])
def test_weights_come_back_within_half_a_step(cells, levels):
    m = mapping(cells, levels=levels)
    weight = weights_of(m)
    error = (m.weights(m.conductances(weight)) - weight).abs().max()
    assert steps_of(cells, levels) / 4 < float(error) <= steps_of(cells, levels) / 2 * (1 + 1e-9)


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(CELLS),
    st.integers(1, 20),
    st.integers(1, 12),
    st.integers(1, 9),
    st.integers(4, 9),
)
def test_tiles_with_exact_currents_compute_the_layer(cells, fan_in, fan_out, rows, cols):
    m = mapping(cells, fan_in, fan_out, rows, cols)
    G = m.conductances(weights_of(m))
    assert G.shape == (m.tiles, rows, cols)
    x = torch.rand(5, fan_in, generator=torch.Generator().manual_seed(1)).double()
    V = m.voltages(x)
    currents = V @ G
    read = [*range(m.outputs_read * m.cells.columns), *range(cols - m.cells.shared_columns, cols)]
    torch.testing.assert_close(m.currents(m.read_columns(G), x), currents[..., read])
    expected = x @ m.weights(G).T
    for subtraction in ("analog", "digital"):
        y = m.joined(m.signals(currents, subtraction), subtraction, V.sum(-1))
        torch.testing.assert_close(y, expected, rtol=1e-9, atol=1e-10)


def test_an_offset_weight_is_one_cell_around_the_middle_with_references_last():
    m = mapping(OffsetColumn(reference_columns=2), fan_in=2, fan_out=3, cols=9)
    weight = torch.tensor([[1.0, -1.0], [1 / 7, -1 / 7], [3 / 7, 5 / 7]]).double()
    G = m.conductances(weight)[0]
    middle, half = (LOW + HIGH) / 2, (HIGH - LOW) / 2
    torch.testing.assert_close(G[:2, :3], middle + half * weight.T)
    torch.testing.assert_close(G[:, -2:], torch.full((8, 2), middle).double())
    torch.testing.assert_close(G[:, 3:-2], torch.full((8, 4), LOW).double())
    assert m.outputs_per_tile == 7


def test_the_most_significant_slice_comes_first():
    """With 4 levels a cell, 0.4 of 15 steps is 6 = 1 x 4 + 2."""
    m = mapping(DifferentialPairs(slices=2), fan_in=1, fan_out=1, levels=4)
    G = m.conductances(torch.tensor([[-0.4]]).double())[0, 0, :4]
    digits = (G - LOW) / (HIGH - LOW) * 3
    torch.testing.assert_close(digits, torch.tensor([0.0, 1.0, 0.0, 2.0]).double())


def test_digits_weigh_as_in_a_number():
    assert digit_weights(3, 4) == pytest.approx([16 / 21, 4 / 21, 1 / 21])


def test_the_gradient_of_a_sliced_layer_is_that_of_the_whole_weight():
    for cells in CELLS:
        m = mapping(cells, levels=4)
        weight = weights_of(m).requires_grad_()
        toward = torch.rand(7, 13, generator=torch.Generator().manual_seed(3)).double()
        (m.weights(m.conductances(weight)) * toward).sum().backward()
        torch.testing.assert_close(weight.grad, toward)


def test_an_error_of_every_cell_spoils_small_offset_weights_more():
    """Errors of s G at weight zero: s (r + 1) / (r - 1) against sqrt(2) s / (r - 1)."""
    ratio = HIGH / LOW
    spread = {}
    generator = torch.Generator().manual_seed(0)
    for cells in (DifferentialPairs(), OffsetColumn(reference_columns=0)):
        m = mapping(cells, fan_in=400, fan_out=40, levels=None)
        G = m.conductances(torch.zeros(40, 400).double())
        spoiled = G * (1 + 0.1 * torch.randn(G.shape, generator=generator).double())
        spread[type(cells)] = float(m.weights(spoiled).std())
    expected = 0.1 * (ratio + 1) / (ratio - 1)
    assert spread[OffsetColumn] == pytest.approx(expected, rel=0.03)
    assert spread[DifferentialPairs] == pytest.approx(0.1 * 2**0.5 / (ratio - 1), rel=0.03)


@pytest.mark.parametrize(("groups", "fan_in", "fan_out"), [(3, 12, 6), (5, 10, 5), (2, 40, 20)])
@pytest.mark.parametrize("cells", CELLS[:3])
def test_groups_do_not_see_one_another(groups, fan_in, fan_out, cells):
    m = mapping(cells, fan_in, fan_out, groups=groups)
    G = m.conductances(weights_of(m))
    assert G.shape[0] == m.tiles
    own = m.weights(G)
    x = torch.rand(5, fan_in, generator=torch.Generator().manual_seed(1)).double()
    parts = [
        part @ weight.T for part, weight in zip(x.chunk(groups, 1), own.chunk(groups), strict=True)
    ]
    expected = torch.cat(parts, 1)
    torch.testing.assert_close(m.products(G, x), expected)
    V = m.voltages(x)
    torch.testing.assert_close(m.outputs(V @ G, V.sum(-1)), expected)


def test_small_groups_share_tiles():
    m = mapping(DifferentialPairs(), fan_in=32, fan_out=32, rows=8, cols=16, groups=32)
    assert (m.groups_per_pack, m.packs, m.tiles) == (8, 4, 4)


def test_beside_the_diagonal_of_a_pack_errors_do_act():
    m = mapping(DifferentialPairs(), fan_in=2, fan_out=2, groups=2)
    G = m.conductances(torch.ones(2, 1).double()).clone()
    x = torch.tensor([[1.0, 0.0]]).double()
    G[0, 0, 2] += 1e-5  # output 1, input 0: not of one group
    y = m.products(G, x)
    torch.testing.assert_close(y, torch.tensor([[1.0, 1e-5 / (HIGH - LOW)]]).double())
    torch.testing.assert_close(m.outputs(m.voltages(x) @ G), y)


@pytest.mark.parametrize("cells", CELLS)
def test_a_layer_on_a_perfect_tile_is_the_exact_layer(cells, tile, perfect):
    torch.manual_seed(0)
    layer = AnalogLinear(20, 7, tile, TileSettings(levels=4, input_range=1.0, mapping=cells))
    x = torch.rand(9, 20, generator=torch.Generator().manual_seed(1))
    exact = layer.eval()(x)
    set_arithmetic(layer, perfect)
    torch.testing.assert_close(layer(x), exact, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("cells", [DifferentialPairs(slices=2), OffsetColumn()])
def test_gradients_go_through_the_surrogate_and_the_gain_is_found(cells, tile, surrogate):
    layer = AnalogLinear(20, 7, tile, TileSettings(levels=4, input_range=1.0, mapping=cells))
    x = torch.rand(9, 20, generator=torch.Generator().manual_seed(1)).requires_grad_()
    calibrate_gain(layer, x.detach(), surrogate)
    assert 1.0 < float(layer.gain) < 1.4
    set_arithmetic(layer.train(), surrogate, ProgrammingError(1e-6, LOW, HIGH))
    layer(x).square().sum().backward()
    for gradient in (layer.weight.grad, x.grad):
        assert torch.isfinite(gradient).all()
        assert float(gradient.abs().max()) > 0


def test_rows_can_be_shuffled_without_changing_the_layer(tile, perfect):
    plain = AnalogLinear(20, 7, tile, TileSettings(input_range=1.0))
    mixed = AnalogLinear(20, 7, tile, TileSettings(input_range=1.0, shuffle_rows=4))
    mixed.load_state_dict({**mixed.state_dict(), **plain.state_dict()})
    x = torch.rand(9, 20, generator=torch.Generator().manual_seed(1))
    for arithmetic in (None, perfect):
        for layer in (plain, mixed):
            set_arithmetic(layer, arithmetic)
        torch.testing.assert_close(mixed(x), plain(x), rtol=1e-4, atol=1e-4)
    G, shuffled = plain.target_conductances(), mixed.target_conductances()
    assert not torch.equal(G, shuffled)
    torch.testing.assert_close(mixed.weights_of(shuffled), plain.weights_of(G))


def test_a_given_order_says_which_input_is_at_which_row(tile):
    layer = AnalogLinear(4, 1, tile, TileSettings(levels=2**16, weight_clip=None))
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.1, 0.2, 0.4, 1.0]]))
    layer.order_rows([3, 2, 1, 0])
    column = (layer.target_conductances()[0, :4, 0] - LOW) / (HIGH - LOW)
    torch.testing.assert_close(column, torch.tensor([1.0, 0.4, 0.2, 0.1]), rtol=1e-3, atol=1e-4)
    fresh = AnalogLinear(4, 1, tile, TileSettings(levels=2**16, weight_clip=None))
    fresh.load_state_dict(layer.state_dict())
    assert torch.equal(fresh.target_conductances(), layer.target_conductances())


def test_what_is_no_order_is_refused(tile):
    with pytest.raises(InputError, match=r"every number below 4 once"):
        AnalogLinear(4, 1, tile).order_rows([0, 1, 1, 2])
    with pytest.raises(InputError, match=r"only layers without groups"):
        AnalogConv2d(2, 2, Window((1, 1), groups=2), tile).order_rows([0, 1])


@pytest.mark.wrong_input
def test_what_cannot_be_mapped_is_refused(resistive_tile):
    with pytest.raises(InputError, match=r"`slices` is 0.*at least 1"):
        DifferentialPairs(slices=0)
    with pytest.raises(InputError, match=r"`reference_columns` is -1"):
        OffsetColumn(reference_columns=-1)
    with pytest.raises(SpecError, match=r"`cols` is 3; a differential pair in 2 slices needs .* 4"):
        TileMapping.of(resistive_tile(rows=4, cols=3), 3, 2, DifferentialPairs(slices=2))
    listed = TileMapping.of(resistive_tile(rows=4, cols=4), 1, 1, OffsetColumn(2), (5e-6, 1e-4))
    with pytest.raises(InputError, match=r"cut into slices with a list of levels"):
        listed.conductances(torch.ones(1, 1))


def test_a_tile_s_read_out_says_what_is_subtracted(resistive_tile):
    tile = resistive_tile(rows=4, cols=5, readout={"weights": "offset"})
    assert isinstance(TileMapping.of(tile, 3, 2).cells, OffsetColumn)
    assert TileMapping.of(tile, 3, 2, DifferentialPairs()).pairs == 2
