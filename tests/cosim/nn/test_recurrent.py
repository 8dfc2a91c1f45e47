"""Recurrent layers and cells on tiles are torch's, up to levels, and come back exactly."""

import pytest
import torch
from torch import nn

from cosim.errors import InputError
from cosim.nn import (
    IDEAL,
    AnalogLSTMCell,
    ProgrammingError,
    TileSettings,
    analog_layers,
    convert,
    evaluate,
    program,
    set_arithmetic,
    to_digital,
)


FINE = TileSettings(levels=2**20, weight_clip=None, signed=True, converters=IDEAL)
LAYERS = {
    "rnn": lambda **more: nn.RNN(5, 6, **more),
    "relu": lambda **more: nn.RNN(5, 6, nonlinearity="relu", **more),
    "gru": lambda **more: nn.GRU(5, 6, **more),
    "lstm": lambda **more: nn.LSTM(5, 6, **more),
}
SHAPES = {
    "plain": {},
    "stacked": {"num_layers": 2, "bias": False},
    "both ways": {"bidirectional": True, "batch_first": True},
    "all": {"num_layers": 2, "bidirectional": True, "batch_first": True, "dropout": 0.5},
}


def sequences():
    return torch.randn(7, 4, 5, generator=torch.Generator().manual_seed(2))


def on_tiles(model, tile, x):
    """The converted model, driven so weakly that nothing is clipped."""
    analog = convert(model, tile, x, FINE)
    for layer in analog_layers(analog):
        layer.input_range.fill_(10.0)
    return analog


def flat(outputs):
    """All tensors of a nested result."""
    if isinstance(outputs, torch.Tensor):
        return [outputs]
    return [tensor for part in outputs for tensor in flat(part)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", LAYERS)
def test_a_converted_layer_gives_all_that_torch_s_does(kind, shape, tile):
    torch.manual_seed(1)
    model = LAYERS[kind](**SHAPES[shape]).eval()
    analog = on_tiles(model, tile, sequences())
    for mine, theirs in zip(flat(analog(sequences())), flat(model(sequences())), strict=True):
        assert mine.shape == theirs.shape
        torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4)
    again = to_digital(analog)
    assert type(again) is type(model)
    for mine, theirs in zip(flat(again(sequences())), flat(model(sequences())), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("kind", LAYERS)
def test_first_states_and_single_sequences_are_taken(kind, tile):
    torch.manual_seed(1)
    model = LAYERS[kind](num_layers=2).eval()
    analog = on_tiles(model, tile, sequences())
    h = torch.rand(2, 4, 6, generator=torch.Generator().manual_seed(3))
    states = (h, 0.5 * h) if kind == "lstm" else h
    for arguments in ((sequences(), states), (sequences()[:, 0],)):
        for mine, theirs in zip(flat(analog(*arguments)), flat(model(*arguments)), strict=True):
            assert mine.shape == theirs.shape
            torch.testing.assert_close(mine, theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", ["RNNCell", "GRUCell", "LSTMCell"])
def test_cells_step_as_torch_s_do(kind, tile):
    torch.manual_seed(1)
    model = getattr(nn, kind)(5, 6).eval()
    analog = on_tiles(model, tile, sequences()[0])
    state = None
    for x in sequences():
        mine, theirs = analog(x, state), model(x, state)
        for one, other in zip(flat(mine), flat(theirs), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)
        state = theirs
    again = to_digital(analog)
    assert type(again) is type(model)
    assert torch.equal(flat(again(sequences()[0]))[0], flat(model(sequences()[0]))[0])


def test_gradients_go_through_all_steps_and_the_surrogate(tile, surrogate):
    torch.manual_seed(1)
    analog = convert(nn.LSTM(5, 6), tile, sequences()).train()
    set_arithmetic(analog, surrogate, ProgrammingError(1e-6, 5e-6, 150e-6))
    x = sequences().requires_grad_()
    analog(x)[0][-1].square().sum().backward()
    assert float(x.grad[0].abs().max()) > 0
    for layer in analog_layers(analog):
        assert torch.isfinite(layer.weight.grad).all()
        assert float(layer.weight.grad.abs().max()) > 0


def test_one_draw_of_errors_serves_all_steps_of_a_sequence(tile):
    """A constant input drives a cell whose errors change with every step to no fixed point."""
    torch.manual_seed(1)
    analog = convert(nn.RNN(5, 6), tile, sequences()).train()
    set_arithmetic(analog, None, ProgrammingError(2e-5, 5e-6, 150e-6), seed=3)
    constant = sequences()[:1].expand(200, -1, -1)
    y = analog(constant)[0].detach()
    assert float((y[-1] - y[-2]).abs().max()) < 1e-5
    other = analog(constant)[0].detach()
    assert float((y[-1] - other[-1]).abs().max()) > 1e-2


class Last(nn.Module):
    """A classifier of sequences by the last output."""

    def __init__(self, **more):
        super().__init__()
        self.lstm = nn.LSTM(5, 6, **more)
        self.batch_first = self.lstm.batch_first

    def forward(self, x):
        y, _ = self.lstm(x if self.batch_first else x.transpose(0, 1))
        return y[:, -1] if self.batch_first else y[-1]


@pytest.mark.parametrize("batch_first", [False, True])
def test_sequences_of_chips_are_kept_apart(batch_first, tile, surrogate):
    torch.manual_seed(1)
    x = sequences().transpose(0, 1)
    network = convert(Last(batch_first=batch_first).eval(), tile, x)
    error = ProgrammingError(2e-5, 5e-6, 150e-6)
    chips = [program(network, seed, error) for seed in range(3)]
    labels = torch.zeros(4, dtype=torch.long)
    together = evaluate(network, x, labels, chips, surrogate).outputs[0, 0]
    for index, chip in enumerate(chips):
        alone = evaluate(network, x, labels, [chip], surrogate).outputs[0, 0, 0]
        torch.testing.assert_close(alone, together[index])
    assert not torch.allclose(together[0], together[1])


def test_a_cell_can_be_made_without_a_torch_layer(tile):
    cell = AnalogLSTMCell(5, 6, tile)
    h, c = cell(sequences()[0])
    assert h.shape == c.shape == (4, 6)
    assert cell.hh.settings.input_range == 1.0


@pytest.mark.wrong_input
def test_what_has_no_counterpart_is_refused_with_advice(tile):
    with pytest.raises(InputError, match=r"`proj_size` is 2.*`keep`"):
        convert(nn.LSTM(5, 6, proj_size=2), tile, sequences())
    analog = convert(nn.GRU(5, 6), tile, sequences())
    packed = nn.utils.rnn.pack_sequence([torch.rand(3, 5), torch.rand(2, 5)])
    with pytest.raises(InputError, match=r"PackedSequence.*pad the sequences"):
        analog(packed)
