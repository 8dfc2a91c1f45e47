"""Attention with its projections on tiles is torch's attention."""

import pytest
import torch
from torch import nn

from cosim.errors import InputError
from cosim.nn import (
    IDEAL,
    AnalogLinear,
    AnalogMultiheadAttention,
    TileSettings,
    analog_layers,
    convert,
    set_arithmetic,
    to_digital,
)


FINE = TileSettings(levels=2**20, weight_clip=None, signed=True, converters=IDEAL)


def tokens(batch=3, length=5, size=8, seed=2):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, length, size, generator=generator)


def on_tiles(model, tile, inputs):
    """The converted model, driven so weakly that nothing is clipped."""
    analog = convert(model, tile, inputs, FINE)
    for layer in analog_layers(analog):
        layer.input_range.fill_(10.0)
    return analog


class Between(nn.Module):
    """Attention of one sequence on another, with whatever else it takes."""

    def __init__(self, **more):
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, **more)

    def forward(self, query, key, value, **more):
        return self.attention(query, key, value, **more)


@pytest.mark.parametrize("more", [{"batch_first": True}, {"bias": False}, {"kdim": 6, "vdim": 4}])
def test_a_converted_layer_gives_results_and_weights(more, tile):
    torch.manual_seed(1)
    model = Between(**more).eval()
    keys = tokens(3, 5, more.get("kdim", 8), seed=3)
    values = tokens(3, 5, more.get("vdim", 8), seed=4)
    analog = on_tiles(model, tile, (tokens(), keys, values))
    for mine, theirs in zip(
        analog(tokens(), keys, values), model(tokens(), keys, values), strict=True
    ):
        assert mine.shape == theirs.shape
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4)
    again = to_digital(analog)
    for mine, theirs in zip(
        again(tokens(), keys, values), model(tokens(), keys, values), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-6, atol=1e-7)


def test_masks_mean_what_they_mean_for_torch(tile):
    torch.manual_seed(1)
    model = Between(batch_first=True).eval()
    x = tokens()
    analog = on_tiles(model, tile, (x, x, x))
    causal = torch.ones(5, 5, dtype=torch.bool).triu(1)
    padding = torch.zeros(3, 5, dtype=torch.bool)
    padding[1, 3:] = True
    per_head = torch.randn(6, 5, 5, generator=torch.Generator().manual_seed(5))
    for more in (
        {"attn_mask": causal},
        {"attn_mask": causal, "key_padding_mask": padding},
        {"attn_mask": per_head, "average_attn_weights": False},
        {"need_weights": False, "key_padding_mask": padding},
    ):
        for mine, theirs in zip(analog(x, x, x, **more), model(x, x, x, **more), strict=True):
            if theirs is None:
                assert mine is None
            else:
                torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4)


def test_a_single_sequence_needs_no_batch(tile):
    torch.manual_seed(1)
    model = Between().eval()
    x = tokens()[0]
    analog = on_tiles(model, tile, (x, x, x))
    for mine, theirs in zip(analog(x, x, x), model(x, x, x), strict=True):
        assert mine.shape == theirs.shape
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4)


def test_torch_s_encoder_runs_on_tiles_and_back(tile, surrogate):
    torch.manual_seed(1)
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
    model = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    analog = on_tiles(model, tile, tokens())
    assert len(analog_layers(analog)) == 2 * (4 + 2)
    expected = model(tokens()).detach()
    torch.testing.assert_close(analog(tokens()).detach(), expected, rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(to_digital(analog)(tokens()), expected, rtol=1e-5, atol=1e-6)
    set_arithmetic(analog, surrogate)
    analog(tokens()).square().sum().backward()
    for part in analog_layers(analog):
        assert torch.isfinite(part.weight.grad).all()


def test_projections_are_analog_layers_of_signed_inputs(tile):
    attention = AnalogMultiheadAttention(8, 2, tile, TileSettings(signed=False))
    for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
        part = getattr(attention, name)
        assert isinstance(part, AnalogLinear)
        assert part.settings.signed
    assert attention(tokens(), tokens(), tokens())[0].shape == (3, 5, 8)


def test_dropout_acts_in_training_only(tile):
    torch.manual_seed(1)
    x = tokens()
    analog = convert(Between(dropout=0.5, batch_first=True), tile, (x, x, x))
    assert not torch.equal(analog(x, x, x)[0], analog(x, x, x)[0])
    analog.eval()
    assert torch.equal(analog(x, x, x)[0], analog(x, x, x)[0])


def test_what_has_no_counterpart_is_refused_with_advice(tile):
    x = tokens()
    with pytest.raises(InputError, match=r"`add_bias_kv`.*`keep`"):
        convert(Between(add_bias_kv=True), tile, (x, x, x))
    with pytest.raises(InputError, match=r"3 heads.*divides the size"):
        AnalogMultiheadAttention(8, 3, tile)
