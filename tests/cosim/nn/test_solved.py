"""The solver multiplies in the forward pass, and its gradient is that of the circuit."""

import copy
import io

import pytest
import torch

from cosim.engine import SolverEngine
from cosim.nn import (
    AnalogLinear,
    SolvedTile,
    TileSettings,
    calibrate_gain,
    evaluate,
    program,
    set_arithmetic,
)
from cosim.solver.solve import EXACT


@pytest.fixture(scope="module")
def small(rram_tile):
    return rram_tile(rows=4, cols=4)


def layer_of(small, **more):
    torch.manual_seed(0)
    settings = TileSettings(levels=2**30, weight_clip=None, input_range=1.0, **more)
    layer = AnalogLinear(6, 3, small, settings).eval().double()
    set_arithmetic(layer, SolvedTile(small, EXACT, threads=1))
    return layer


def inputs():
    return torch.rand(5, 6, generator=torch.Generator().manual_seed(1)).double()


def test_a_layer_s_outputs_are_those_of_the_solver_engine(small):
    layer = layer_of(small)
    calibrate_gain(layer, inputs(), SolvedTile(small, threads=1))
    assert 1.01 < float(layer.gain) < 1.5
    chips = [program(layer, 0, None)]
    labels = torch.zeros(5, dtype=torch.long)
    expected = evaluate(layer, inputs(), labels, chips, SolverEngine(small, threads=1)).outputs
    torch.testing.assert_close(layer(inputs()).detach(), expected[0, 0, 0], rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("signed", [False, True])
def test_its_gradients_are_those_of_finite_differences(signed, small):
    layer = layer_of(small, signed=signed)
    top = 1.1 * layer.largest_weight()  # no weight is clipped
    layer.largest_weight = lambda: top
    x = (0.9 * inputs() - (0.3 if signed else 0.0)).clamp(-0.95, 0.95)
    x = x.clamp_min(0.01) if not signed else x
    x.requires_grad_()
    layer(x).square().sum().backward()
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for tensor in (layer.weight, x):
            step = 1e-4 * torch.rand(tensor.shape, generator=generator).double() * tensor
            ends = []
            for sign in (1, -2):
                tensor += sign * step
                ends.append(float(layer(x).square().sum()))
            tensor += step
            found = float((tensor.grad * step).sum())
            assert found == pytest.approx((ends[0] - ends[1]) / 2, rel=1e-3)


def test_single_precision_and_copies_work_too(small):
    layer = layer_of(small).float()
    y = layer(inputs().float())
    assert y.dtype == torch.float32
    assert torch.equal(copy.deepcopy(layer)(inputs().float()), y)
    saved = io.BytesIO()
    torch.save(layer, saved)
    saved.seek(0)
    assert torch.equal(torch.load(saved, weights_only=False)(inputs().float()), y)
