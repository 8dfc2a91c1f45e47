"""Cells hold levels, and pairs of a list hold every difference at the lowest current."""

import pytest
import torch

from cosim.errors import InputError
from cosim.nn import AnalogLinear, DifferentialPairs, OffsetColumn, TileMapping, TileSettings
from cosim.nn.mapping_levels import LevelList, levels_of, lowest_pairs


MILO = tuple(level * 1e-6 for level in (0.0, 50, 75, 100, 125, 150, 175, 200, 225))


def test_nine_levels_with_a_zero_make_nineteen_differences():
    """{0, 50 .. 225} has the differences 0, +-25 .. +-225."""
    pairs = lowest_pairs(MILO)
    differences = [round((plus - minus) * 1e6) for plus, minus in pairs]
    assert differences == list(range(-225, 226, 25))


def test_with_a_high_resistance_state_of_25_there_are_seventeen():
    levels = tuple(sorted({25e-6, *MILO[1:]}))
    assert len(lowest_pairs(levels)) == 17


def test_of_all_pairs_with_a_difference_the_one_with_the_lowest_sum_is_taken():
    pairs = {round((plus - minus) * 1e6): (plus, minus) for plus, minus in lowest_pairs(MILO)}
    assert pairs[25] == pytest.approx((75e-6, 50e-6))
    assert pairs[-50] == pytest.approx((0.0, 50e-6))
    assert pairs[0] == (0.0, 0.0)
    assert pairs[225] == pytest.approx((225e-6, 0.0))


def test_differences_that_are_nearly_the_same_are_one_level():
    levels = (1e-9, *MILO[1:])
    assert len(lowest_pairs(levels)) == 19


def test_a_wanted_difference_goes_to_the_nearest_pair_with_the_gradient_of_a_plain_pair():
    halves = torch.tensor([[60e-6, 0.0], [0.0, 160e-6]], dtype=torch.float64, requires_grad=True)
    pair = LevelList(MILO).pair(halves)
    expected = torch.tensor([[50e-6, 0.0], [0.0, 150e-6]], dtype=torch.float64)
    torch.testing.assert_close(pair.detach(), expected)
    pair.sum().backward()
    assert torch.equal(halves.grad, torch.ones_like(halves))


def test_levels_may_be_given_in_any_order(resistive_tile):
    tile = resistive_tile(rows=8, cols=6)
    layer = AnalogLinear(4, 2, tile, TileSettings(levels=(100e-6, 5e-6, 50e-6)))
    assert (layer.mapping.g_min, layer.mapping.g_max) == (5e-6, 100e-6)
    found = layer.target_conductances().detach().unique()
    torch.testing.assert_close(found, torch.tensor([5e-6, 50e-6, 100e-6])[: len(found)])


@pytest.mark.parametrize("cells", [DifferentialPairs(), OffsetColumn()])
def test_conductances_of_a_layer_are_on_the_list(cells, resistive_tile):
    tile = resistive_tile(rows=8, cols=6)
    levels = (5e-6, 25e-6, 65e-6, 150e-6)
    m = TileMapping.of(tile, 8, m_outputs := 2, cells, levels)
    weight = torch.rand(m_outputs, 8, generator=torch.Generator().manual_seed(0)).double() * 2 - 1
    used = m.conductances(weight)[0, :, : m_outputs * cells.columns]
    for value in used.unique():
        assert min(abs(float(value) - level) for level in levels) < 1e-12


def test_levels_outside_of_the_cell_s_range_are_refused():
    with pytest.raises(InputError, match=r"from 0 to 0\.00015 S.*allows 5e-06.*`conductance_min`"):
        levels_of((0.0, 150e-6), 5e-6, 150e-6)
