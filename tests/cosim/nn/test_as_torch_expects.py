"""Networks on tiles are saved, copied, moved, compiled and trained in parallel as any other."""

import copy
import io
import tempfile
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from cosim.nn import (
    Adc,
    Converters,
    Dac,
    OffsetColumn,
    ProgrammingError,
    TileSettings,
    analog_layers,
    calibrate_gain,
    convert,
    measure_input_ranges,
    set_arithmetic,
    to_digital,
)


SETTINGS = {
    "plain": TileSettings(signed=True),
    "converters": TileSettings(signed=True, converters=Converters(Dac(6), Adc(6))),
    "learned": TileSettings(
        signed=True, input_range="learned", converters=Converters(Dac(6), Adc(6, "learned"))
    ),
    "offset": TileSettings(4, signed=True, mapping=OffsetColumn(slices=2), shuffle_rows=1),
}


class Model(nn.Module):
    """A bit of everything."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3, padding=1, groups=1)
        self.norm = nn.BatchNorm2d(4)
        self.lstm = nn.LSTM(24, 6, batch_first=True)
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        y = self.norm(self.conv(x)).relu()
        y, _ = self.lstm(y.transpose(1, 2).flatten(2))
        y = y + self.attention(y, y, y)[0]
        return self.head(y[:, -1])


def images(count=4):
    return torch.rand(count, 1, 5, 6, generator=torch.Generator().manual_seed(3))


def network_of(tile, kind="plain", seed=0):
    torch.manual_seed(seed)
    return convert(Model(), tile, images(), SETTINGS[kind]).eval()


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_state_dict_carries_everything_over(kind, tile, surrogate):
    trained, fresh = network_of(tile, kind), network_of(tile, kind, seed=1)
    for network in (trained, fresh):
        set_arithmetic(network, surrogate)
    calibrate_gain(trained, images(), surrogate)
    saved = io.BytesIO()
    torch.save(trained.state_dict(), saved)
    saved.seek(0)
    fresh.load_state_dict(torch.load(saved, weights_only=True))
    assert torch.equal(fresh(images()), trained(images()))


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_whole_network_is_saved_and_copied(kind, tile, surrogate):
    network = network_of(tile, kind)
    set_arithmetic(network, surrogate, ProgrammingError(1e-6, 5e-6, 150e-6), seed=5)
    saved = io.BytesIO()
    torch.save(network, saved)
    saved.seek(0)
    for twin in (torch.load(saved, weights_only=False), copy.deepcopy(network)):
        assert torch.equal(twin(images()), network(images()))
        # Errors of training go on from the same place.
        ours, theirs = copy.deepcopy(network).train(), copy.deepcopy(twin).train()
        assert torch.equal(theirs(images()), ours(images()))


def test_a_module_that_is_used_twice_is_one_module_afterwards(tile):
    shared = nn.Linear(4, 4)
    model = nn.Sequential(shared, nn.Tanh(), shared)
    analog = convert(model, tile, torch.rand(3, 4))
    assert analog[0] is analog[2]
    assert len(analog_layers(analog)) == 1
    digital = to_digital(analog)
    assert digital[0] is digital[2]


def test_double_precision_and_devices_are_followed(tile, surrogate):
    network = network_of(tile).double()
    set_arithmetic(network, surrogate)
    assert network(images().double()).dtype == torch.float64
    with torch.device("meta"):
        layer = analog_layers(network)[0]
        moved = copy.deepcopy(layer).to("meta")
    assert {p.device.type for p in moved.parameters()} == {"meta"}
    assert {b.device.type for b in moved.buffers()} == {"meta"}


@pytest.mark.parametrize("kind", ["plain", "converters"])
@pytest.mark.parametrize("physical", [False, True])
def test_autocast_keeps_currents_in_single_precision(physical, kind, tile, surrogate):
    """Half precision has three digits: enough for activations, not for differences of currents."""
    network = network_of(tile, kind).train()
    network.norm.eval()
    set_arithmetic(network, surrogate if physical else None)
    exact = network(images()).detach()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = network(images())
        loss = y.float().square().sum()
    loss.backward()
    assert float((y.float() - exact).detach().abs().max()) < 0.1
    for layer in analog_layers(network):
        assert layer.weight.grad.dtype == torch.float32
        assert torch.isfinite(layer.weight.grad).all()


# The compiler warns of what it does itself.
# Checks of annotations cannot be traced.
@pytest.mark.wrong_input
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["plain", "converters"])
def test_a_compiled_network_computes_the_same(kind, tile, surrogate):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(24, 3))
    network = convert(model, tile, images(), SETTINGS[kind]).eval()
    for arithmetic in (None, surrogate):
        set_arithmetic(network, arithmetic)
        compiled = torch.compile(network, backend="aot_eager")
        x, twin = images().requires_grad_(), images().requires_grad_()
        expected, found = network(x), compiled(twin)
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
        expected.sum().backward()
        found.sum().backward()
        torch.testing.assert_close(twin.grad, x.grad, rtol=1e-3, atol=1e-5)


def test_it_trains_in_parallel(tile, surrogate):
    network = network_of(tile, "learned").train()
    set_arithmetic(network, surrogate)
    alone = copy.deepcopy(network)
    with tempfile.TemporaryDirectory() as folder:
        torch.distributed.init_process_group(
            "gloo", init_method=f"file://{Path(folder) / 'meeting'}", rank=0, world_size=1
        )
        try:
            parallel = DistributedDataParallel(network)
            steps = []
            for model in (parallel, alone):
                optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
                for _ in range(3):
                    optimizer.zero_grad()
                    nn.functional.cross_entropy(model(images()), torch.arange(4) % 3).backward()
                    optimizer.step()
                steps.append(analog_layers(model)[0].weight.detach())
        finally:
            torch.distributed.destroy_process_group()
    torch.testing.assert_close(*steps)


def test_a_network_on_tiles_trains_on(tile, surrogate):
    network = network_of(tile, "learned")
    set_arithmetic(network, surrogate)
    measure_input_ranges(network, images())
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    losses = []
    for _ in range(25):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(images()), torch.arange(4) % 3)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
