"""Networks of analog layers, and what is set on all layers at once."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn

from cosim.nn.layer import AnalogLayer
from cosim.nn.linear import AnalogLinear
from cosim.nn.settings import TileSettings
from cosim.nn.solved import SolvedTile
from cosim.nn.variability import Disturbance, generator_of
from cosim.surrogate.base import Surrogate


if TYPE_CHECKING:
    from netlists.specs import TileSpec


def perceptron(
    sizes: Sequence[int], tile: TileSpec, *, levels: int = 32, weight_clip: float = 2.5, seed: int
) -> nn.Sequential:
    """A multilayer perceptron with ReLU between analog layers, for inputs from 0 to 1.

    Args:
        sizes: inputs, hidden layers, outputs.
        tile: specification of the tiles.
        levels: conductance levels of a cell.
        weight_clip: largest weight in standard deviations of a layer's weights.
        seed: of the initial weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        modules: list[nn.Module] = []
        for index, (fan_in, fan_out) in enumerate(pairwise(sizes)):
            if index:
                modules.append(nn.ReLU())
            settings = TileSettings(levels, weight_clip, input_range=None if index else 1.0)
            modules.append(AnalogLinear(fan_in, fan_out, tile, settings))
    return nn.Sequential(*modules)


def analog_layers(network: nn.Module) -> list[AnalogLayer]:
    """The analog layers of a network, in the order of their registration."""
    return [module for module in network.modules() if isinstance(module, AnalogLayer)]


def set_arithmetic(
    network: nn.Module,
    surrogate: Surrogate | SolvedTile | None,
    programming_error: Disturbance | None = None,
    seed: int = 0,
) -> None:
    """Choose what multiplies in the forward pass of all analog layers.

    Args:
        network: the network, changed in place as `network.train()` changes it.
        surrogate: the tile's model, or the tile as the solver has it, copied and shared by the
            layers; None for exact products.
        programming_error: any disturbance, redrawn for every batch in training; None for none.
        seed: of those draws.
    """
    layers = analog_layers(network)
    if surrogate is not None and layers:
        like = layers[0].weight
        surrogate = copy.deepcopy(surrogate).to(device=like.device, dtype=like.dtype)
    for index, layer in enumerate(layers):
        layer.surrogate = surrogate
        layer.programming_error = programming_error
        layer.generator = generator_of(seed, index)
