"""The analog layer: exact or physical as it is set, and always a good torch module."""

import copy
import io

import pytest
import torch

from cosim.errors import InputError
from cosim.nn import AnalogLinear, ProgrammingError, TileSettings, set_arithmetic


def layer_of(tile, fan_in=20, fan_out=7, seed=0, **settings):
    torch.manual_seed(seed)
    chosen = TileSettings(**{"input_range": 1.0, **settings})
    return AnalogLinear(fan_in, fan_out, tile, chosen).eval()


def inputs(samples=9, features=20, seed=1):
    return torch.rand(samples, features, generator=torch.Generator().manual_seed(seed))


def test_with_many_levels_it_is_a_linear_layer_with_clipped_weights(tile):
    layer = layer_of(tile, levels=2**20)
    top = layer.largest_weight()
    expected = torch.nn.functional.linear(inputs(), layer.weight.clamp(-top, top), layer.bias)
    torch.testing.assert_close(layer(inputs()), expected, rtol=1e-4, atol=1e-5)


def test_its_conductances_are_levels_of_the_cell(tile):
    layer = layer_of(tile, levels=8, weight_clip=1.5)
    spacing = 145e-6 / 7
    index = (layer.target_conductances().detach() - 5e-6) / spacing
    torch.testing.assert_close(index, index.round(), atol=1e-4, rtol=0)
    assert len(index.round().unique()) == 8


def test_a_perfect_tile_gives_what_exact_arithmetic_gives(tile, perfect):
    layer = layer_of(tile)
    exact = layer(inputs())
    set_arithmetic(layer, perfect)
    torch.testing.assert_close(layer(inputs()), exact, rtol=1e-3, atol=2e-5)


def test_a_real_tile_gives_less_than_exact_arithmetic(tile, surrogate):
    layer = layer_of(tile)
    exact = layer(inputs()) - layer.bias
    set_arithmetic(layer, surrogate)
    ratio = ((layer(inputs()) - layer.bias) / exact).detach().median()
    assert 0.7 < float(ratio) < 0.99


def test_gradients_reach_weights_bias_and_inputs_through_the_surrogate(tile, surrogate):
    layer = layer_of(tile, levels=2**16)
    set_arithmetic(layer, surrogate)
    x = inputs().requires_grad_()
    layer(x).square().sum().backward()
    for gradient in (x.grad, layer.weight.grad, layer.bias.grad):
        assert torch.isfinite(gradient).all()
        assert float(gradient.abs().max()) > 0


def test_the_weight_gradient_is_that_of_the_whole_physical_layer(tile, surrogate):
    """Against finite differences, in float64, with levels so fine that rounding does not show."""
    layer = layer_of(tile, levels=2**40, weight_clip=3.0).double()
    set_arithmetic(layer, surrogate)
    top = layer.largest_weight().clone()
    layer.largest_weight = lambda: top
    x = inputs().double()
    layer(x).square().sum().backward()
    direction = torch.rand(layer.weight.shape, generator=torch.Generator().manual_seed(2)).double()
    step = 1e-4 * direction * layer.weight.detach()
    clean = layer.weight.detach().clone()
    ends = []
    with torch.no_grad():
        for sign in (1, -1):
            layer.weight.copy_(clean + sign * step)
            ends.append(float(layer(x).square().sum()))
    found = float((layer.weight.grad * step).sum())
    assert found == pytest.approx((ends[0] - ends[1]) / 2, rel=3e-3)


def test_the_programming_error_is_drawn_anew_for_every_batch_and_only_in_training(tile):
    layer = layer_of(tile)
    set_arithmetic(layer, None, ProgrammingError(1e-5, 5e-6, 150e-6), seed=4)
    assert torch.equal(layer(inputs()), layer(inputs()))
    layer.train()
    first, second = layer(inputs()), layer(inputs())
    assert not torch.equal(first, second)
    set_arithmetic(layer, None, ProgrammingError(1e-5, 5e-6, 150e-6), seed=4)
    assert torch.equal(layer(inputs()), first)


def test_the_gradient_goes_to_the_clean_weights(tile):
    """With an error drawn, the gradient of exact arithmetic is still that of the clean layer."""
    layer = layer_of(tile, levels=2**16, weight_clip=4.0)
    layer.train()
    layer(inputs()).sum().backward()
    clean = layer.weight.grad.clone()
    layer.weight.grad = None
    set_arithmetic(layer, None, ProgrammingError(1e-5, 5e-6, 150e-6))
    layer(inputs()).sum().backward()
    torch.testing.assert_close(layer.weight.grad, clean, rtol=1e-4, atol=1e-5)


def test_leading_axes_are_kept(tile, surrogate):
    layer = layer_of(tile)
    for model in (None, surrogate):
        set_arithmetic(layer, model)
        x = inputs(12)
        torch.testing.assert_close(layer(x.reshape(3, 4, 20)).reshape(12, 7), layer(x))
        assert layer(x[0]).shape == (7,)


def test_inputs_are_driven_up_to_the_input_range_and_no_further(tile):
    layer = layer_of(tile, input_range=2.0)
    torch.testing.assert_close(layer(torch.full((1, 20), 5.0)), layer(torch.full((1, 20), 2.0)))


def test_the_input_range_follows_the_activations_in_training_and_rests_afterwards(tile):
    layer = AnalogLinear(20, 7, tile).train()
    layer(3 * inputs())
    first = float(layer.input_range)
    assert 2.5 < first <= 3.0
    for _ in range(200):
        layer(6 * inputs())
    assert float(layer.input_range) == pytest.approx(2 * first, rel=0.01)
    layer.eval()
    layer(30 * inputs())
    assert float(layer.input_range) == pytest.approx(2 * first, rel=0.01)


def test_negative_activations_are_refused_with_advice(tile):
    with pytest.raises(InputError, match=r"-0\.5.*must not be negative.*ReLU"):
        layer_of(tile)(torch.full((1, 20), -0.5))


def test_signed_activations_are_read_in_two_phases(tile, surrogate):
    layer = layer_of(tile, signed=True)
    x = 2 * inputs() - 1
    for model in (None, surrogate):
        set_arithmetic(layer, model)
        bias = layer(torch.zeros_like(x))
        expected = layer(x.clamp_min(0)) + bias - layer((-x).clamp_min(0))
        torch.testing.assert_close(layer(x), expected, rtol=1e-4, atol=1e-5)


def test_without_a_clip_the_largest_weight_is_the_full_scale(tile):
    layer = layer_of(tile, weight_clip=None, levels=2**20)
    assert layer.largest_weight() == layer.weight.abs().max()
    expected = torch.nn.functional.linear(inputs(), layer.weight, layer.bias)
    torch.testing.assert_close(layer(inputs()), expected, rtol=1e-4, atol=1e-5)


def test_one_level_is_refused(tile):
    with pytest.raises(InputError, match=r"`levels` is 1.*at least 2"):
        AnalogLinear(3, 2, tile, TileSettings(levels=1))


def test_its_state_dict_holds_weights_and_calibration_and_nothing_of_the_tile(tile, surrogate):
    layer = layer_of(tile)
    set_arithmetic(layer, surrogate)
    assert set(layer.state_dict()) == {"weight", "bias", "input_range", "range_is_set", "gain"}


def test_a_state_dict_carries_a_layer_over(tile, surrogate):
    trained, fresh = layer_of(tile, seed=1), layer_of(tile, seed=2)
    trained.gain.fill_(1.3)
    saved = io.BytesIO()
    torch.save(trained.state_dict(), saved)
    saved.seek(0)
    fresh.load_state_dict(torch.load(saved, weights_only=True))
    for layer in (trained, fresh):
        set_arithmetic(layer, surrogate)
    assert torch.equal(fresh(inputs()), trained(inputs()))


def test_a_deep_copy_computes_the_same_and_lives_its_own_life(tile, surrogate):
    layer = layer_of(tile)
    set_arithmetic(layer, surrogate, ProgrammingError(1e-5, 5e-6, 150e-6), seed=1)
    twin = copy.deepcopy(layer)
    assert torch.equal(twin(inputs()), layer(inputs()))
    with torch.no_grad():
        twin.weight.zero_()
    assert not torch.equal(twin(inputs()), layer(inputs()))


def test_it_says_how_many_tiles_it_takes(tile):
    assert "tiles=3x3 of 8x6" in repr(layer_of(tile))
