"""Weights carried over between a torch layer and its analog counterpart."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn


Layer = TypeVar("Layer", bound=nn.Module)


def with_weights_of(source: nn.Module, target: Layer) -> Layer:
    """A layer with weights, biases, device, number format and mode of another one."""
    like = next(source.parameters())
    target.to(device=like.device, dtype=like.dtype)
    with torch.no_grad():
        for name in ("weight", "bias"):
            mine, theirs = getattr(target, name, None), getattr(source, name, None)
            if mine is not None and theirs is not None:
                mine.copy_(theirs)
                mine.requires_grad_(theirs.requires_grad)
    target.train(source.training)
    return target
