"""Converters of inputs and outputs: what they round, where their ranges come from, gradients."""

import io

import numpy as np
import pytest
import torch

from cosim.errors import InputError
from cosim.nn import (
    IDEAL,
    Adc,
    AnalogLinear,
    Converters,
    Dac,
    DifferentialPairs,
    OffsetColumn,
    TileSettings,
    calibrate_converters,
    measure_input_ranges,
    set_arithmetic,
)
from cosim.nn.converters_columns import MOST_FOR_COVERAGE


FULL_SCALE = 8 * 150e-6 * 0.2  # ampere, of a column of the tile
CODINGS = ("dac", "bit_serial", "pulse_width")


def layer_of(tile, converters, fan_in=20, fan_out=7, **settings):
    torch.manual_seed(0)
    chosen = TileSettings(**{"input_range": 1.0, "converters": converters, **settings})
    return AnalogLinear(fan_in, fan_out, tile, chosen).eval()


def inputs(samples=9, features=20, seed=1):
    return torch.rand(samples, features, generator=torch.Generator().manual_seed(seed))


def test_inputs_are_rounded_to_codes(tile):
    layer = layer_of(tile, Converters(Dac(3)))
    expected = layer_of(tile, IDEAL)((inputs() * 7).round() / 7)
    torch.testing.assert_close(layer(inputs()), expected)


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("signed", [False, True])
def test_on_a_linear_tile_all_codings_give_the_same(coding, signed, tile, perfect):
    layer = layer_of(tile, Converters(Dac(4, coding)), signed=signed)
    x = 2 * inputs() - 1 if signed else inputs()
    expected = layer_of(tile, Converters(Dac(4)), signed=signed)(x)
    for model in (None, perfect):
        set_arithmetic(layer, model)
        torch.testing.assert_close(layer(x), expected, rtol=2e-3, atol=3e-4)


def test_on_a_real_tile_a_full_read_per_bit_is_not_a_read_of_parts(tile, surrogate):
    """The cells are not linear, so bits at the full voltage give other currents."""
    outputs = {}
    for coding in CODINGS:
        layer = layer_of(tile, Converters(Dac(4, coding)))
        set_arithmetic(layer, surrogate)
        outputs[coding] = layer(inputs()).detach()
    assert torch.allclose(outputs["bit_serial"], outputs["pulse_width"], rtol=1e-4, atol=1e-5)
    assert float((outputs["dac"] - outputs["bit_serial"]).abs().max()) > 0.01


def test_bit_serial_reads_are_converted_one_by_one_and_the_charge_of_a_pulse_once(tile):
    """With a converter of few bits, its errors come once per bit, weighted."""
    adc = Adc(4, "full_scale")
    serial = layer_of(tile, Converters(Dac(2, "bit_serial"), adc))
    step = 1 / 7 * FULL_SCALE / (145e-6 * 0.2)  # of one conversion, in full-scale weights
    scale = float(serial.largest_weight())
    assert float(remainder(serial(inputs()) - serial.bias, step * scale / 3)) < 1e-4
    pulse = layer_of(tile, Converters(Dac(2, "pulse_width"), adc))
    assert float(remainder(pulse(inputs()) - pulse.bias, step * scale)) < 1e-4
    assert float(remainder(serial(inputs()) - serial.bias, step * scale)) > 0.1


def remainder(values, step):
    """Largest distance from a multiple of a step, in steps."""
    steps = values.detach() / step
    return (steps - steps.round()).abs().max()


@pytest.mark.parametrize("subtraction", ["analog", "digital"])
@pytest.mark.parametrize("cells", [DifferentialPairs(), DifferentialPairs(2), OffsetColumn()])
def test_many_bits_change_nothing(subtraction, cells, tile, perfect):
    exact = layer_of(tile, IDEAL, mapping=cells, levels=4)(inputs())
    adc = Adc(16, "full_scale", subtraction=subtraction)
    layer = layer_of(tile, Converters(Dac(16), adc), mapping=cells, levels=4)
    for model in (None, perfect):
        set_arithmetic(layer, model)
        torch.testing.assert_close(layer(inputs()), exact, rtol=5e-3, atol=2e-3)


@pytest.mark.parametrize("per", ["layer", "tile", "column"])
@pytest.mark.parametrize("subtraction", ["analog", "digital"])
def test_signals_take_as_many_values_as_there_are_codes(per, subtraction, tile):
    layer = layer_of(tile, Converters(adc=Adc(3, per=per, subtraction=subtraction)))
    calibrate_converters(layer, inputs(200))
    seen = {}
    layer.adc.register_forward_hook(lambda module, args, output: seen.update(signals=output))
    layer(inputs(200))
    shape = layer.adc.high.shape
    assert shape[0] == (1 if per == "layer" else layer.mapping.tiles)
    signals = seen["signals"]
    column = signals[0, :, 0].unique()
    assert 3 <= len(column) <= (7 if subtraction == "analog" else 8)
    if per == "column":
        assert shape[-1] == signals.shape[-1]


def test_a_calibrated_range_just_holds_the_signals(tile):
    layer = layer_of(tile, Converters(adc=Adc(12, subtraction="digital")))
    calibrate_converters(layer, inputs(200))
    seen = layer.mapping.currents(layer.target_conductances(), inputs(200))[..., :6]
    torch.testing.assert_close(layer.adc.high.flatten() * FULL_SCALE, seen.amax((1, 2)))
    torch.testing.assert_close(layer.adc.low.flatten() * FULL_SCALE, seen.amin((1, 2)))


@pytest.mark.parametrize("subtraction", ["analog", "digital"])
def test_columns_that_a_layer_does_not_fill_have_no_part_in_the_range(subtraction, tile):
    adc = Adc(12, subtraction=subtraction)
    layer = layer_of(tile, Converters(adc=adc), fan_in=8, fan_out=2, mapping=OffsetColumn())
    with torch.no_grad():
        layer.weight.mul_(0.1).clamp_max_(0.05)
        layer.weight[0, 0] = 0.05  # far from the lowest conductance, at which the rest is
    calibrate_converters(layer, inputs(200, 8))
    currents = layer.mapping.voltages(inputs(200, 8)) @ layer.target_conductances().detach()
    signals = currents - currents[..., -1:] if subtraction == "analog" else currents
    filled = signals[..., [0, 1, -1] if subtraction == "digital" else [0, 1]]
    if subtraction == "digital":
        torch.testing.assert_close(layer.adc.low.flatten()[0] * FULL_SCALE, filled.amin())
        assert float(filled.amin()) > 1.2 * float(signals.amin())
    else:
        filled, signals = filled.abs(), signals.abs()
        assert float(signals.amax()) > 1.2 * float(filled.amax())
    torch.testing.assert_close(layer.adc.high.flatten()[0] * FULL_SCALE, filled.amax())


@pytest.mark.parametrize("subtraction", ["analog", "digital"])
@pytest.mark.parametrize("cells", [DifferentialPairs(), OffsetColumn(), OffsetColumn(1, 0)])
def test_columns_that_a_layer_does_not_fill_are_not_multiplied(cells, subtraction, tile):
    converters = Converters(adc=Adc(12, subtraction=subtraction))
    layer = layer_of(tile, converters, fan_in=20, fan_out=2, mapping=cells)
    m, G = layer.mapping, layer.target_conductances().detach()
    narrow = m.currents(m.read_columns(G), inputs())
    assert narrow.shape[-1] == 2 * cells.columns + cells.shared_columns < tile.cols
    wide = m.voltages(inputs()) @ G
    assert wide.shape[-1] == tile.cols
    signals = m.signals(narrow, subtraction)
    torch.testing.assert_close(signals, m.signals(wide, subtraction))
    assert signals.shape[-1] == m.used_signals(subtraction).shape[-1]


def test_coverage_is_that_of_all_columns_however_many_there_are(tile):
    """Picked in even steps, signals would all come from the first column."""
    layer = layer_of(tile, Converters(adc=Adc(8, coverage=0.9)), fan_in=8, fan_out=3)
    with torch.no_grad():
        layer.weight[0] *= 0.05
    samples = 3 * MOST_FOR_COVERAGE
    calibrate_converters(layer, inputs(samples, 8))
    currents = layer.mapping.currents(layer.target_conductances(), inputs(samples, 8))
    signals = layer.mapping.signals(currents.detach(), "analog").abs()
    expected = torch.quantile(signals.double(), 0.9)
    torch.testing.assert_close(
        layer.adc.high.flatten()[0].double() * FULL_SCALE, expected, rtol=0.05, atol=0
    )


def test_less_coverage_clips_the_largest_signals(tile):
    whole, most = (
        layer_of(tile, Converters(adc=Adc(8, coverage=part, per="layer"))) for part in (1.0, 0.9)
    )
    for layer in (whole, most):
        calibrate_converters(layer, inputs(200))
    assert float(most.adc.high) < 0.8 * float(whole.adc.high)
    assert float(most(inputs()).detach().abs().max()) < float(whole(inputs()).detach().abs().max())


def test_the_better_range_gives_the_smaller_error(tile):
    exact = layer_of(tile, IDEAL)(inputs(200))
    error = {}
    for kind in ("calibrated", "full_scale"):
        layer = layer_of(tile, Converters(adc=Adc(5, kind)))
        calibrate_converters(layer, inputs(200))
        error[kind] = float((layer(inputs(200)) - exact).detach().std())
    assert error["calibrated"] < 0.5 * error["full_scale"]


def test_a_given_range_is_in_ampere(tile):
    layer = layer_of(tile, Converters(adc=Adc(8, (0.0, 20e-6), subtraction="digital")))
    seen = {}
    layer.adc.register_forward_hook(lambda module, args, output: seen.update(signals=output))
    layer(10 * inputs())
    assert float(seen["signals"].detach().max()) == pytest.approx(20e-6, rel=1e-5)


@pytest.mark.parametrize("subtraction", ["analog", "digital"])
@pytest.mark.parametrize("coverage", [1.0, 0.99])
def test_a_tile_without_any_signal_has_a_range_all_the_same(subtraction, coverage, tile):
    layer = layer_of(tile, Converters(adc=Adc(4, coverage=coverage, subtraction=subtraction)))
    x = inputs()
    x[:, :8] = 0  # the whole first row block
    calibrate_converters(layer, x)
    assert torch.isfinite(layer(x)).all()
    later = layer(inputs()).detach()
    reference = layer_of(tile, IDEAL)(inputs()).detach()
    assert float(torch.corrcoef(torch.stack([later.flatten(), reference.flatten()]))[0, 1]) > 0.9
    calibrate_converters(layer, torch.zeros(3, 20))
    assert torch.isfinite(layer(inputs())).all()


def test_gradients_pass_rounding_and_end_at_the_range(tile):
    layer = layer_of(tile, Converters(Dac(6), Adc(6)))
    calibrate_converters(layer, inputs(50))
    plain = layer_of(tile, IDEAL)
    x, twin = inputs().requires_grad_(), inputs().requires_grad_()
    layer(x).sum().backward()
    plain(twin).sum().backward()
    torch.testing.assert_close(x.grad, twin.grad, rtol=1e-3, atol=1e-4)
    layer.adc.high.fill_(1e-4)
    x.grad = None
    layer(x).sum().backward()
    assert float(x.grad.abs().max()) < 0.2 * float(twin.grad.abs().max())


def test_a_learned_range_follows_its_gradient_to_a_smaller_error(tile):
    layer = layer_of(tile, Converters(adc=Adc(4, "learned", per="layer"))).train()
    target = layer_of(tile, IDEAL)(inputs(200)).detach()
    layer(inputs(200))
    first = float(layer.adc.high.detach())
    with torch.no_grad():
        layer.adc.high.mul_(3)
    optimizer = torch.optim.Adam([layer.adc.high], lr=0.02)
    losses = []
    for _ in range(60):
        optimizer.zero_grad()
        loss = (layer(inputs(200)) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.3 * losses[0]
    assert float(layer.adc.high.detach()) < 1.5 * first
    assert "adc.high" in dict(layer.named_parameters())


def test_a_calibrated_range_follows_training_and_rests_afterwards(tile):
    layer = layer_of(tile, Converters(adc=Adc(6))).train()
    layer(inputs())
    first = layer.adc.high.clone()
    for _ in range(200):
        layer(0.5 * inputs())
    torch.testing.assert_close(layer.adc.high, first / 2, rtol=0.02, atol=0)
    layer.eval()
    layer(inputs())
    torch.testing.assert_close(layer.adc.high, first / 2, rtol=0.02, atol=0)


def test_a_learned_input_range_is_a_parameter_with_the_gradient_of_clipping(tile):
    layer = layer_of(tile, IDEAL, input_range="learned").train()
    layer(2 * inputs())
    assert float(layer.input_range.detach()) == pytest.approx(2.0, rel=0.05)
    with torch.no_grad():
        layer.input_range.fill_(0.5)
    layer(2 * inputs()).sum().backward()
    unit = (2 * inputs() > 0.5).float()
    expected = (unit @ layer.weights_of(layer.target_conductances()).T).sum()
    expected = expected * layer.largest_weight()
    torch.testing.assert_close(layer.input_range.grad, expected.detach(), rtol=1e-3, atol=1e-3)


def test_ranges_are_measured_with_the_converters_out_of_the_way(tile):
    torch.manual_seed(0)
    chosen = TileSettings(converters=Converters(adc=Adc(2, "full_scale")))
    network = torch.nn.Sequential(
        AnalogLinear(20, 7, tile, chosen), torch.nn.ReLU(), AnalogLinear(7, 3, tile, chosen)
    )
    measure_input_ranges(network, inputs())
    hidden = layer_of(tile, IDEAL)
    hidden.load_state_dict({k: v for k, v in network[0].state_dict().items() if "adc" not in k})
    expected = torch.relu(hidden(inputs())).detach()
    expected = torch.quantile(expected[expected > 0], 0.995)
    torch.testing.assert_close(network[2].input_range, expected)


def test_ranges_travel_with_the_state_dict(tile):
    for kind in ("calibrated", "learned"):
        layer = layer_of(tile, Converters(Dac(4), Adc(4, kind)))
        calibrate_converters(layer, inputs())
        saved = io.BytesIO()
        torch.save(layer.state_dict(), saved)
        saved.seek(0)
        fresh = layer_of(tile, Converters(Dac(4), Adc(4, kind)))
        fresh.load_state_dict(torch.load(saved, weights_only=True))
        assert torch.equal(fresh(inputs()), layer(inputs()))


def test_a_tile_s_own_converters_are_the_usual_ones(rram_tile):
    tile = rram_tile(
        rows=8,
        cols=6,
        inputs={"coding": "bit_serial", "bits": 3},
        readout={
            "weights": "differential",
            "sensing": {"kind": "tia", "resistance": 5e3, "common_mode": 0.9},
            "adc": {"kind": "sar", "bits": 5, "low": 0.1, "high": 0.9},
        },
    )
    layer = AnalogLinear(20, 3, tile)
    assert layer.converters.dac == Dac(3, "bit_serial")
    adc = layer.converters.adc
    assert (adc.bits, adc.subtraction) == (5, "digital")
    # The codes of the circuit, at currents in the middle of its steps and in between.
    low, high = adc.range
    currents = np.linspace(low, high, 63)[None, :, None]
    codes = tile.readout.codes(tile.readout.volts(currents))
    given = layer.adc.eval()(torch.tensor(currents).expand(layer.mapping.tiles, 63, 6))
    found = (given[0, :, 0] - low) / (high - low) * 31
    middles = slice(None, None, 2)
    np.testing.assert_allclose(found[middles], codes[0, middles, 0], atol=1e-4)


def test_no_converters_can_be_asked_for(rram_tile):
    tile = rram_tile(rows=8, cols=6, inputs={"coding": "dac", "bits": 3})
    assert AnalogLinear(4, 2, tile).converters == Converters(Dac(3))
    assert AnalogLinear(4, 2, tile, TileSettings(converters=IDEAL)).converters == IDEAL


def test_converters_that_cannot_be_are_refused():
    with pytest.raises(InputError, match=r"`bits` of Dac is 0; allowed are 1 to 16"):
        Dac(0)
    with pytest.raises(InputError, match=r"`bits` of Adc is 1; allowed are 2 to 16"):
        Adc(1)
    with pytest.raises(InputError, match=r"`coverage`.*0\.3.*above 0\.5"):
        Adc(4, coverage=0.3)
    with pytest.raises(InputError, match=r"must rise"):
        Adc(4, (1e-6, 0.0))
