"""Rounding forward, identity backward."""

import torch

from cosim.nn.quantize import clamped, to_levels


def test_values_go_to_the_nearest_of_evenly_spaced_levels():
    values = torch.tensor([0.0, 0.09, 0.11, 0.26, 0.99, 2.0, -1.0])
    expected = torch.tensor([0.0, 0.0, 0.2, 0.2, 1.0, 1.0, 0.0])
    torch.testing.assert_close(to_levels(values, 0.0, 1.0, 6), expected)


def test_there_are_as_many_levels_as_asked_for():
    values = to_levels(torch.linspace(0, 1, 5000), 0.0, 1.0, 16)
    assert len(values.unique()) == 16


def test_levels_are_fixed_points():
    once = to_levels(torch.rand(100) * 1.5e-4, 5e-6, 1.5e-4, 8)
    assert torch.equal(to_levels(once, 5e-6, 1.5e-4, 8), once)


def test_the_gradient_goes_straight_through():
    values = torch.tensor([0.3, 0.7, 5.0], requires_grad=True)
    (
        to_levels(clamped(values, 0.0, 1.0), 0.0, 1.0, 4) * torch.tensor([1.0, 2.0, 3.0])
    ).sum().backward()
    torch.testing.assert_close(values.grad, torch.tensor([1.0, 2.0, 3.0]))
