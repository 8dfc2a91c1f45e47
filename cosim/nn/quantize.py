"""Rounding with a straight-through gradient: forward the rounded value, backward the identity.

The clean weights keep the small changes of every step, the forward pass sees what the hardware can
hold (Bengio, Leonard, Courville, arXiv:1308.3432, 2013).
"""

from __future__ import annotations

import math
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


class _OnGrid(torch.autograd.Function):
    """The nearest multiple of a step from a lowest value on, within two limits."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        values: Tensor,
        low: float,
        step: float,
        limits: tuple[float, float],
    ) -> Tensor:
        code = (values - low).div_(step) if low else values / step
        code = code.round_().clamp_(*limits).mul_(step)
        return code.add_(low) if low else code

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        return grad, None, None, None


class _Clamped(torch.autograd.Function):
    """Values within limits."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, low: float, high: float) -> Tensor:  # noqa: ANN401
        return torch.clamp(values, low, high)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        return grad, None, None


class _PairsOnGrid(torch.autograd.Function):
    """Weights as pairs of cells on even levels, in few passes over the numbers."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        weight: Tensor,
        low: float,
        step: float,
        steps: int,
    ) -> Tensor:
        ctx.save_for_backward(weight < 0)
        ctx.range = step * steps
        code = (weight * steps).round_().clamp_(-steps, steps).mul_(step)
        cells = weight.new_empty(*weight.shape, 2)
        torch.add(code.clamp_min(0), low, out=cells[..., 0])
        torch.add(code.neg_().clamp_min_(0), low, out=cells[..., 1])
        return cells

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        (negative,) = ctx.saved_tensors
        into = torch.where(negative, -grad[..., 1], grad[..., 0])
        return into.mul_(ctx.range), None, None, None


def straight_through(
    clean: Float[Tensor, "*shape"], changed: Float[Tensor, "*shape"]
) -> Float[Tensor, "*shape"]:
    """The values of `changed` with the gradient of `clean`."""
    return _StraightThrough.apply(clean, changed.detach())


def to_levels(
    values: Float[Tensor, "*shape"], low: float, high: float, levels: int
) -> Float[Tensor, "*shape"]:
    """The nearest of `levels` evenly spaced values from `low` to `high`, straight-through."""
    return _OnGrid.apply(values, low, (high - low) / (levels - 1), (0.0, levels - 1.0))


def to_pairs(
    weight: Float[Tensor, "*weights"], low: float, high: float, levels: int
) -> Float[Tensor, "*weights 2"]:
    """Pairs of even levels for weights from -1 to 1, straight-through.

    The first of a pair holds the positive part, the second the negative part.
    """
    return _PairsOnGrid.apply(weight, low, (high - low) / (levels - 1), levels - 1)


def clamped(values: Float[Tensor, "*shape"], low: float, high: float) -> Float[Tensor, "*shape"]:
    """`values` within [low, high], straight-through: a clipped weight can still come back."""
    return _Clamped.apply(values, low, high)


def rounded(values: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """The nearest whole numbers, straight-through."""
    return _OnGrid.apply(values, 0.0, 1.0, (-math.inf, math.inf))


def code_grid(
    values: Float[Tensor, "*shape"], largest: int, low: float = -1.0
) -> Float[Tensor, "*shape"]:
    """The nearest multiples of 1/largest from `low` to 1, straight-through."""
    return _OnGrid.apply(values, 0.0, 1 / largest, (low * largest, float(largest)))


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
    if thinned.device.type == "cpu":  # a few numbers are quicker without tensors
        top = largest.tolist()
        place_at = (1 - part) * max(int(torch.count_nonzero(thinned > 0)) - 1, 0)
        first = min(int(place_at), len(top) - 1)
        second = min(first + 1, len(top) - 1)
        between = top[first] + (top[second] - top[first]) * (place_at - first)
        return values.new_tensor(max(between, 0.0))
    place = (1 - part) * ((thinned > 0).sum() - 1).clamp_min(0)
    below = place.floor().long().clamp_max(len(largest) - 1)
    above = (below + 1).clamp_max(len(largest) - 1)
    part_above = (place - below).to(largest)
    return torch.lerp(largest.take(below), largest.take(above), part_above).clamp_min(0)
