"""Compiled placing of pairs against the torch form, digit by digit."""

import pytest
import torch

from cosim.nn import AnalogLinear, Converters, DifferentialPairs, TileMapping, TileSettings, mapping
from cosim.nn.converters import Adc
from cosim.nn.mapping_levels import EvenLevels


def mapping_of(fan_in, fan_out, rows, cols, levels):
    even = EvenLevels(5e-6, 150e-6, levels)
    return TileMapping(fan_in, fan_out, rows, cols, 5e-6, 150e-6, 0.2, DifferentialPairs(), even)


def placed(m, weight, grad):
    weight = weight.clone().requires_grad_()
    G = m.conductances(weight)
    G.backward(grad)
    return G.detach(), weight.grad


SIZES = [(70, 60, 32, 32, 32), (64, 64, 64, 128, 16), (33, 130, 40, 7, 3), (130, 40, 32, 100, 2)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("fan_in", "fan_out", "rows", "cols", "levels"), SIZES)
def test_conductances_and_gradients_are_those_of_torch(
    monkeypatch, fan_in, fan_out, rows, cols, levels, dtype
):
    m = mapping_of(fan_in, fan_out, rows, cols, levels)
    generator = torch.Generator().manual_seed(fan_in)
    weight = 3 * torch.rand(fan_out, fan_in, generator=generator, dtype=dtype) - 1.5
    weight[0, :3] = torch.tensor([0.0, -0.0, 1.0])
    grad = torch.randn(m.tiles, rows, cols, generator=generator, dtype=dtype)
    assert weight.numel() >= mapping.WORTH
    found = placed(m, weight, grad)
    monkeypatch.setattr(mapping, "WORTH", weight.numel() + 1)
    expected = placed(m, weight, grad)
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])


def test_a_weight_that_is_no_number_stays_one_that_is_none():
    m = mapping_of(70, 60, 32, 32, 32)
    weight = torch.zeros(60, 70)
    weight[3, 5] = torch.nan
    G = m.conductances(weight)
    assert int(G.isnan().sum()) == 2
    assert G[0, 5, 6].isnan()


@pytest.mark.parametrize("converted", [False, True])
@pytest.mark.parametrize("signed", [False, True])
def test_a_layer_on_pairs_is_the_layer_on_columns(tile, surrogate, monkeypatch, converted, signed):
    converters = Converters(adc=Adc(8)) if converted else None
    chosen = TileSettings(input_range=1.0, converters=converters, signed=signed)
    layer = AnalogLinear(2 * tile.rows + 3, tile.cols + 5, tile, chosen).double()
    layer.surrogate = surrogate.double()
    x = torch.rand(7, layer.mapping.in_features, dtype=torch.float64)
    x = 2 * x - 1 if signed else x
    with torch.no_grad():
        by_pairs = layer.eval()(x)
        monkeypatch.setattr(AnalogLinear, "_subtracts_pairs", False)
        by_columns = layer(x)
    assert layer.mapping.tiles > 4
    assert float((by_pairs - by_columns).abs().max()) < 1e-9 * float(by_columns.abs().max())
