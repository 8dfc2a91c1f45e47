"""Convolutions on tiles are torch's convolutions, patch by patch."""

import pytest
import torch
from torch import nn

from cosim.errors import InputError
from cosim.nn import (
    Adc,
    AnalogConv1d,
    AnalogConv2d,
    AnalogConv3d,
    Converters,
    Dac,
    OffsetColumn,
    ProgrammingError,
    TileSettings,
    Window,
    convert,
    evaluate,
    program,
    set_arithmetic,
    to_digital,
)
from cosim.nn.patches import Patches, of_chips


FINE = TileSettings(levels=2**20, weight_clip=None, input_range=1.0)
ANALOG = {1: AnalogConv1d, 2: AnalogConv2d, 3: AnalogConv3d}
PLAIN = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}

WINDOWS = [
    Window((3,)),
    Window((4,), stride=2, padding=3, dilation=2),
    Window((4,), padding="same", dilation=3),
    Window((2,), groups=4),
    Window((3, 3)),
    Window((3, 2), stride=(2, 1), padding=(1, 0)),
    Window((2, 3), padding=(2, 1), dilation=(2, 1)),
    Window((2, 3), padding="same", groups=2),
    Window((3, 3), padding=1, padding_mode="circular"),
    Window((3, 3), padding=1, padding_mode="reflect", groups=4),
    Window((3, 3), padding="valid"),
    Window((2, 2, 2)),
    Window((3, 2, 1), stride=(1, 2, 1), padding=(1, 0, 1), dilation=(2, 1, 1)),
    Window((2, 3, 2), padding="same", padding_mode="replicate", groups=2),
]


def name_of(window):
    return str(window).removeprefix("Window").replace(" ", "")


def images(window, count=3, channels=4):
    generator = torch.Generator().manual_seed(2)
    return torch.rand(count, channels, *(9, 7, 6)[: window.axes], generator=generator)


def pair_of(tile, window, settings=FINE):
    """A layer on tiles, and torch's with the same weights."""
    torch.manual_seed(0)
    layer = ANALOG[window.axes](4, 8, window, tile, settings).eval()
    return layer, layer.to_torch()


pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")


@pytest.mark.parametrize("window", WINDOWS, ids=name_of)
def test_with_exact_arithmetic_it_is_torch_s_convolution(window, tile):
    layer, plain = pair_of(tile, window)
    assert type(plain) is PLAIN[window.axes]
    torch.testing.assert_close(layer(images(window)), plain(images(window)), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("window", WINDOWS, ids=name_of)
def test_a_perfect_tile_gives_the_same(window, tile, perfect):
    layer, plain = pair_of(tile, window)
    set_arithmetic(layer, perfect)
    torch.testing.assert_close(layer(images(window)), plain(images(window)), rtol=2e-3, atol=4e-4)


@pytest.mark.parametrize("window", WINDOWS, ids=name_of)
def test_torch_s_convolution_goes_onto_tiles_and_comes_back(window, tile):
    _, plain = pair_of(tile, window)
    x = images(window)
    analog = convert(plain, tile, x, TileSettings(levels=2**20, weight_clip=None, signed=True))
    assert type(analog) is ANALOG[window.axes]
    error = (analog(x) - plain(x)).detach().std() / plain(x).detach().std()
    assert float(error) < 0.02
    again = to_digital(analog)
    assert repr(again) == repr(plain)
    assert torch.equal(again(x), plain(x))


@pytest.mark.parametrize("window", [WINDOWS[5], WINDOWS[7], WINDOWS[11]], ids=name_of)
def test_gradients_reach_kernel_and_image_through_the_surrogate(window, tile, surrogate):
    layer, _ = pair_of(tile, window)
    set_arithmetic(layer, surrogate)
    x = images(window).requires_grad_()
    layer(x).square().sum().backward()
    assert torch.isfinite(layer.weight.grad).all()
    assert float(x.grad.abs().max()) > 0


def test_groups_work_in_an_offset_column(tile):
    window = Window((3, 3), groups=2)
    settings = TileSettings(2**20, None, 1.0, mapping=OffsetColumn())
    layer, plain = pair_of(tile, window, settings)
    torch.testing.assert_close(layer(images(window)), plain(images(window)), rtol=1e-3, atol=1e-4)


def test_a_single_image_needs_no_batch(tile):
    layer, _ = pair_of(tile, WINDOWS[4])
    x = images(WINDOWS[4])
    torch.testing.assert_close(layer(x[0]), layer(x)[0])


def test_chips_of_a_convolutional_network_are_kept_apart(tile, surrogate):
    layer, _ = pair_of(tile, WINDOWS[4])
    network = nn.Sequential(layer, nn.MaxPool2d(2), nn.Flatten()).eval()
    error = ProgrammingError(2e-5, 5e-6, 150e-6)
    chips = [program(network, seed, error) for seed in range(3)]
    labels = torch.zeros(3, dtype=torch.long)
    x = images(WINDOWS[4])
    together = evaluate(network, x, labels, chips, surrogate)
    for index, chip in enumerate(chips):
        alone = evaluate(network, x, labels, [chip], surrogate)
        torch.testing.assert_close(alone.outputs[0, 0, 0], together.outputs[0, 0, index])


@pytest.mark.parametrize("window", [Window((3, 3), groups=4), Window((3, 3))], ids=name_of)
def test_errors_of_training_are_those_of_chips(window, tile):
    """With groups, cells beside the diagonal of a tile are disturbed too."""
    layer, _ = pair_of(tile, window)
    clean = layer(images(window)).detach()
    error = ProgrammingError(2e-6, 5e-6, 150e-6)
    chips = [program(layer, seed, error) for seed in range(12)]
    spread_of_chips = []
    for chip in chips:
        rows = layer.rows_of(layer.unit_inputs(images(window)))
        y = layer.ideal_outputs(rows, chip.conductances[0].float())
        y = layer.shaped(y * layer.largest_weight() + layer.bias, images(window))
        spread_of_chips.append((y - clean).detach().std())
    set_arithmetic(layer.train(), None, error)
    spread = [(layer(images(window)) - clean).detach().std() for _ in range(12)]
    assert float(sum(spread)) == pytest.approx(float(sum(spread_of_chips)), rel=0.1)


ADC = Adc(14, range="full_scale")
BY_CONVOLUTION = [
    TileSettings(32, input_range=1.0),
    TileSettings(32, input_range=1.0, converters=Converters(Dac(6), ADC)),
    TileSettings(
        32,
        input_range=1.0,
        converters=Converters(adc=Adc(14, range="full_scale", subtraction="digital")),
        mapping=OffsetColumn(2),
    ),
]


@pytest.mark.parametrize("settings", BY_CONVOLUTION, ids=["plain", "pairs", "references"])
@pytest.mark.parametrize("window", [w for w in WINDOWS if w.groups == 1], ids=name_of)
def test_patches_need_not_be_cut_out_for_exact_products(window, settings, tile):
    layer, _ = pair_of(tile, window, settings)
    assert window.axes == 1 or layer.mapping.row_blocks > 1
    unit = layer.unit_inputs(images(window, count=6)).double()
    fresh = layer.target_conductances().detach().double()
    chips = fresh * (1 + 0.1 * torch.rand(2, *fresh.shape, generator=torch.Generator()))

    def bent(currents):
        return currents + 10.0 * currents.square()

    for lines in (None, bent):
        found, gradients = [], []
        for driven in (layer.driven(unit), layer.rows_of(unit)):
            G = chips.clone().requires_grad_()
            each = of_chips(driven, 2, G)
            y = layer.ideal_outputs(each, G, lines)
            found.append(y.detach())
            weights = torch.linspace(-1, 1, y.numel()).view(y.shape)
            gradients.append(torch.autograd.grad((y * weights).sum(), G)[0])
        assert isinstance(layer.driven(unit), Patches)
        # Where a sum is rounded in another order, a code may be the next one.
        step = 0.0 if layer.adc is None else 4 * layer.mapping.row_blocks / 2**13
        torch.testing.assert_close(*found, rtol=1e-9, atol=1e-9 + 2 * step)
        assert float((found[0] - found[1]).abs().median()) < 1e-9
        torch.testing.assert_close(*gradients)


@pytest.mark.parametrize(
    "settings",
    [
        TileSettings(signed=True),
        TileSettings(shuffle_rows=1),
        TileSettings(converters=Converters(Dac(4, "bit_serial"), ADC)),
        TileSettings(mapping=OffsetColumn(reference_columns=0)),
    ],
    ids=["signed", "shuffled", "bit-serial", "calculated reference"],
)
def test_patches_are_cut_out_where_more_than_one_product_is_made_of_them(settings, tile):
    layer, _ = pair_of(tile, WINDOWS[4], settings)
    assert isinstance(layer.driven(layer.unit_inputs(images(WINDOWS[4]))), torch.Tensor)


def test_windows_that_cannot_be_are_refused(tile):
    with pytest.raises(InputError, match=r"`stride` is \(1, 1\) for a kernel of size \(3,\)"):
        Window((3,), stride=(1, 1))
    with pytest.raises(InputError, match=r'`padding` is "some"'):
        Window((3,), padding="some")
    with pytest.raises(InputError, match=r'"same" with a stride of'):
        Window((3,), padding="same", stride=2)
    with pytest.raises(InputError, match=r"`padding_mode` is mirror"):
        Window((3,), padding_mode="mirror")
    with pytest.raises(InputError, match=r"AnalogConv2d has size \(3,\); it needs 2 axes"):
        AnalogConv2d(1, 1, Window((3,)), tile)
    with pytest.raises(InputError, match=r"3 channels into 4 with 2 groups"):
        AnalogConv2d(3, 4, Window((1, 1), groups=2), tile)
