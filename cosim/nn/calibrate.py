"""What a network's layers are set to from typical inputs: input ranges, converters, gains.

*Input range*: the activation that is driven with the full read voltage.

*Converters*: the currents that the codes span. Ranges are found for the arithmetic that the network
is set to, so choose that first.

*Gain*: the access transistor and the wires take part of every cell's voltage, and a cell whose
current grows faster than its voltage carries less than its nominal conductance says when it is
driven weakly. Most of that is one common factor; the gain of a layer is the least-squares factor
from tile outputs to exact ones.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.nn.converters_columns import ColumnConverters, Mode
from cosim.nn.layer import AnalogLayer
from cosim.nn.network import analog_layers
from cosim.nn.solved import SolvedTile
from cosim.surrogate.base import Surrogate


@torch.no_grad()
def measure_input_ranges(network: nn.Module, inputs: Tensor | tuple[Any, ...]) -> None:
    """Set the input range of every analog layer from typical inputs of the network, in place.

    Output converters let everything through meanwhile.
    """

    def measure(layer: AnalogLayer, x: Tensor) -> None:
        if isinstance(layer.settings.input_range, float | int):
            return
        before = layer.input_range.clone() if layer in seen else layer.input_range
        layer.range_is_set.fill_(False)
        layer.track_range(x, 1.0)
        # A layer that is used several times has one range for all of it.
        layer.input_range.copy_(torch.maximum(before, layer.input_range))
        seen.add(layer)

    seen: set[AnalogLayer] = set()
    with _output_converters(network, "bypass"):
        _run(network, inputs, measure)


@torch.no_grad()
def calibrate_converters(network: nn.Module, inputs: Tensor | tuple[Any, ...]) -> None:
    """Set the ranges of output converters that are found from signals, in place."""
    found = [m for m in network.modules() if isinstance(m, ColumnConverters) and m.is_found]
    if not found:
        return
    for converter in found:
        converter.is_set.fill_(False)
    with _output_converters(network, "observe"):
        _run(network, inputs, lambda layer, x: None)


@torch.no_grad()
def calibrate_gain(
    network: nn.Module, x: Float[Tensor, "samples ..."], surrogate: Surrogate | SolvedTile
) -> None:
    """Set the gain of every analog layer from typical inputs of the network.

    Args:
        network: changed in place; its arithmetic is left as it is.
        x: inputs of the network.
        surrogate: model of the tile.
    """
    inputs: dict[AnalogLayer, Tensor] = {}
    _run(network, x, inputs.__setitem__)
    model = copy.deepcopy(surrogate).to(device=x.device, dtype=x.dtype)
    with _output_converters(network, "bypass"):
        for layer in analog_layers(network):
            if layer in inputs:
                layer.gain.copy_(_gain(layer, inputs[layer], model))


def _run(
    network: nn.Module,
    inputs: Tensor | tuple[Any, ...],
    see: Callable[[AnalogLayer, Tensor], object],
) -> None:
    """Pass inputs through a network at rest, showing each analog layer's input before it."""

    def hook(module: nn.Module, args: tuple[Tensor, ...]) -> None:
        if isinstance(module, AnalogLayer):
            see(module, args[0].to(module.weight.dtype))

    handles = [layer.register_forward_pre_hook(hook) for layer in analog_layers(network)]
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        network(*(inputs if isinstance(inputs, tuple) else (inputs,)))
    finally:
        for module, training in modes:
            module.training = training
        for handle in handles:
            handle.remove()


@contextmanager
def _output_converters(network: nn.Module, mode: Mode) -> Iterator[Sequence[ColumnConverters]]:
    """Let all output converters treat signals in another way."""
    converters = [m for m in network.modules() if isinstance(m, ColumnConverters)]
    try:
        for converter in converters:
            converter.mode = mode
        yield converters
    finally:
        for converter in converters:
            converter.mode = "convert"


def _gain(layer: AnalogLayer, x: Tensor, model: Surrogate | SolvedTile) -> Tensor:
    unit = layer.rows_of(layer.unit_inputs(x))
    G = layer.target_conductances()
    exact = layer.ideal_outputs(unit, G)
    tile = layer.tile_outputs(unit, G, lambda G, V: model(V, G))
    power = (tile * tile).sum()
    return (exact * tile).sum() / power if float(power) > 0 else torch.ones_like(power)
