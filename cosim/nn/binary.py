"""Binary networks: weights and activations are signs, everything between them is digital.

The weight of a layer is what its sense amplifiers say of two cells each: -1, 1, or 0 on an exact
tie. Between the layers are batch normalisation and a sign, whose gradient is that of a hard
hyperbolic tangent (I. Hubara et al., arXiv:1602.02830, 2016).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.nn.quantize import straight_through


class _Sign(torch.autograd.Function):
    """The sign, with the gradient of a hard hyperbolic tangent."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:  # noqa: ANN401 - torch's
        ctx.save_for_backward(x)
        return x.sign()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:  # noqa: ANN401
        (x,) = ctx.saved_tensors
        return grad * (x.abs() <= 1.0)


class SignActivation(nn.Module):
    """The sign of every activation."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """-1, 0 or 1."""
        return _Sign.apply(x)


class BinaryLinear(nn.Linear):
    """A linear layer without bias that multiplies with the signs of its weights.

    The gradient goes straight through to the weights, whether these are latent ones of an ordinary
    optimiser or the signs that `WeakReset` leaves.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        """Make the layer."""
        super().__init__(in_features, out_features, bias=False)

    def forward(self, x: Float[Tensor, "*batch in_features"]) -> Float[Tensor, "*batch out"]:
        """Products of the inputs with signs."""
        signs = straight_through(self.weight, self.weight.detach().sign())
        return nn.functional.linear(x, signs)


def binary_perceptron(sizes: Sequence[int], seed: int) -> nn.Sequential:
    """Binary linear layers, batch normalisation after each, signs between them.

    Args:
        sizes: inputs, hidden layers, outputs; the inputs are real.
        seed: of the initial weights.
    """
    modules: list[nn.Module] = [nn.Flatten()]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for index, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            modules += [SignActivation()] if index else []
            modules += [BinaryLinear(fan_in, fan_out), nn.BatchNorm1d(fan_out)]
    return nn.Sequential(*modules)
