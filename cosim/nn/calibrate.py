"""Digital scale of a layer: one gain that makes up for what the tile keeps of the voltage.

The access transistor and the wires take part of every cell's voltage, and a cell whose current
grows faster than its voltage carries less than its nominal conductance says when it is driven
weakly. Most of that is one common factor; the gain of a layer is the least-squares factor from tile
outputs to exact ones.
"""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.nn.layer import AnalogLayer
from cosim.nn.network import analog_layers
from cosim.surrogate.base import Surrogate


@torch.no_grad()
def calibrate_gain(
    network: nn.Module, x: Float[Tensor, "samples ..."], surrogate: Surrogate
) -> None:
    """Set the gain of every analog layer from typical inputs of the network.

    Args:
        network: changed in place; its arithmetic is left as it is.
        x: inputs of the network.
        surrogate: model of the tile.
    """
    layers = analog_layers(network)
    inputs: dict[AnalogLayer, Tensor] = {}
    handles = [layer.register_forward_pre_hook(_collector(inputs)) for layer in layers]
    was_training = network.training
    network.eval()
    try:
        network(x)
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()
    model = copy.deepcopy(surrogate).to(device=x.device, dtype=x.dtype)
    for layer in layers:
        if layer in inputs:
            layer.gain.copy_(_gain(layer, inputs[layer], model))


def _collector(inputs: dict[AnalogLayer, Tensor]) -> Callable[[nn.Module, tuple], None]:
    def collect(module: nn.Module, args: tuple) -> None:
        if isinstance(module, AnalogLayer):
            inputs[module] = args[0]

    return collect


def _gain(layer: AnalogLayer, x: Tensor, model: Surrogate) -> Tensor:
    unit = layer.unit_inputs(layer.rows_of(x))
    G = layer.target_conductances()
    exact = layer.ideal_outputs(unit, G)
    tile = layer.tile_outputs(unit, G, lambda G, V: model(V, G))
    power = (tile * tile).sum()
    return (exact * tile).sum() / power if float(power) > 0 else torch.ones_like(power)
