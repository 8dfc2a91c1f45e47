"""Rounding with a straight-through gradient: forward the rounded value, backward the identity.

The clean weights keep the small changes of every step, the forward pass sees what the hardware can
hold (Bengio, Leonard, Courville, arXiv:1308.3432, 2013).
"""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


# As many values at most are looked at for a quantile; more are thinned out.
MOST_FOR_QUANTILE = 262_144


class _StraightThrough(torch.autograd.Function):
    """Exact in both directions; adding a detached difference would round the forward value."""

    @staticmethod
    def forward(ctx: Any, clean: Tensor, changed: Tensor) -> Tensor:  # noqa: ANN401 - torch's
        return changed.clone()

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        return grad, None


def straight_through(
    clean: Float[Tensor, "*shape"], changed: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """The values of `changed` with the gradient of `clean`."""
    return _StraightThrough.apply(clean, changed.detach())


def to_levels(
    values: Float[Tensor, "*shape"], low: float, high: float, levels: int
) -> Float[Tensor, "*shape"]:
    """The nearest of `levels` evenly spaced values from `low` to `high`, straight-through."""
    spacing = (high - low) / (levels - 1)
    index = ((values - low) / spacing).round().clamp(0, levels - 1)
    return straight_through(values, low + spacing * index)


def clamped(values: Float[Tensor, "*shape"], low: float, high: float) -> Float[Tensor, "*shape"]:
    """`values` within [low, high], straight-through: a clipped weight can still come back."""
    return straight_through(values, torch.clamp(values, low, high))


def rounded(values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The nearest whole numbers, straight-through."""
    return straight_through(values, values.round())


def code_grid(values: Float[Tensor, "*shape"], largest: int) -> Float[Tensor, "*shape"]:
    """The nearest multiples of 1/largest, straight-through."""
    return straight_through(values, (values * largest).round() / largest)


def upper_quantile(values: Float[Tensor, ...], part: float) -> Float[Tensor, ""]:
    """The number that a part of the positive values does not exceed; 0 if none is positive.

    Only as many of the largest values are sorted as are needed.
    """
    flat = values.flatten()
    thinned = flat[:: -(-flat.numel() // MOST_FOR_QUANTILE)] if flat.numel() else flat
    if not thinned.numel():
        return values.new_zeros(())
    most = int((1 - part) * (thinned.numel() - 1)) + 2
    largest = thinned.topk(min(most, thinned.numel())).values
    # Counted from the top among the positive values, interpolated as torch.quantile does.
    place = (1 - part) * ((thinned > 0).sum() - 1).clamp_min(0)
    below = place.floor().long().clamp_max(len(largest) - 1)
    above = (below + 1).clamp_max(len(largest) - 1)
    return torch.lerp(largest[below], largest[above], (place - below).to(largest)).clamp_min(0)
