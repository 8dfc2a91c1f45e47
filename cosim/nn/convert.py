"""An existing torch model onto tiles, and back.

`convert` replaces every `Linear` and every plain `Conv2d` by its analog counterpart with the same
weights; everything else (activations, pooling, normalisation, grouped convolutions) stays digital.
Trained models know nothing of input ranges, so these are measured on typical inputs.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from cosim.errors import InputError
from cosim.nn.conv import AnalogConv2d, Window
from cosim.nn.layer import AnalogLayer, TileSettings
from cosim.nn.linear import AnalogLinear


if TYPE_CHECKING:
    from netlists.specs import TileSpec

# A trained model's weights are all wanted, and its activations may have both signs.
CONVERTED = TileSettings(weight_clip=None, signed=True)


def convert(
    model: nn.Module,
    tile: TileSpec,
    inputs: Tensor,
    settings: TileSettings = CONVERTED,
    keep: Collection[str] = (),
) -> nn.Module:
    """A copy of a torch model whose linear layers and convolutions are on tiles.

    Args:
        model: any torch model; it is not changed.
        tile: specification of the tiles.
        inputs: typical inputs of the model, from which the input ranges are taken.
        settings: how the tiles are used.
        keep: names of modules that stay digital, as `named_modules` says them.

    Raises:
        InputError: a name to keep is not in the model, or there is nothing to convert.
    """
    names = {name for name, _ in model.named_modules()}
    unknown = sorted(set(keep) - names)
    if unknown:
        raise InputError(
            f"`keep` names {unknown}, which the model does not have; its modules are"
            f" {sorted(names - {''})}; correct the names"
        )
    analog = _replaced(
        copy.deepcopy(model), lambda layer: _to_analog(layer, tile, settings), frozenset(keep)
    )
    if not any(isinstance(module, AnalogLayer) for module in analog.modules()):
        raise InputError(
            "the model has no layer that can go onto tiles; `Linear` and `Conv2d` with one group"
            " can; give a model with such a layer that is not in `keep`"
        )
    measure_input_ranges(analog, inputs)
    return analog


def to_digital(model: nn.Module) -> nn.Module:
    """A copy of a network with ordinary torch layers, holding the clean weights."""
    return _replaced(copy.deepcopy(model), _to_torch, frozenset())


@torch.no_grad()
def measure_input_ranges(network: nn.Module, inputs: Tensor) -> None:
    """Set the input range of every analog layer from typical inputs of the network, in place."""
    layers = [m for m in network.modules() if isinstance(m, AnalogLayer)]

    def measure(layer: nn.Module, args: tuple[Tensor, ...]) -> None:
        if isinstance(layer, AnalogLayer):
            layer.range_is_set.fill_(False)
            layer.track_range(args[0], 1.0)

    handles = [layer.register_forward_pre_hook(measure) for layer in layers]
    was_training = network.training
    network.eval()
    try:
        network(inputs)
    finally:
        network.train(was_training)
        for handle in handles:
            handle.remove()


def _replaced(
    module: nn.Module,
    change: Callable[[nn.Module], nn.Module | None],
    keep: frozenset[str],
    prefix: str = "",
) -> nn.Module:
    """The module with every part changed that `change` has an answer for."""
    changed = None if prefix in keep and prefix else change(module)
    if changed is not None:
        return changed
    for name, child in module.named_children():
        path = f"{prefix}.{name}" if prefix else name
        setattr(module, name, _replaced(child, change, keep, path))
    return module


def _to_analog(layer: nn.Module, tile: TileSpec, settings: TileSettings) -> nn.Module | None:
    analog: AnalogLayer
    has_bias = getattr(layer, "bias", None) is not None
    if isinstance(layer, nn.Linear):
        analog = AnalogLinear(layer.in_features, layer.out_features, tile, settings, bias=has_bias)
    elif isinstance(layer, nn.Conv2d) and _is_plain(layer):
        window = Window(
            _pair(layer.kernel_size),
            _pair(layer.stride),
            _pair(layer.padding),
            _pair(layer.dilation),
        )
        analog = AnalogConv2d(
            layer.in_channels, layer.out_channels, window, tile, settings, bias=has_bias
        )
    else:
        return None
    return _with_weights_of(layer, analog)


def _to_torch(layer: nn.Module) -> nn.Module | None:
    plain: nn.Module
    if isinstance(layer, AnalogLinear):
        m = layer.mapping
        plain = nn.Linear(m.in_features, m.out_features, bias=layer.bias is not None)
    elif isinstance(layer, AnalogConv2d):
        w = layer.window
        plain = nn.Conv2d(
            layer.weight.shape[1],
            layer.weight.shape[0],
            w.kernel_size,
            w.stride,
            w.padding,
            w.dilation,
            bias=layer.bias is not None,
        )
    else:
        return None
    return _with_weights_of(layer, plain)


def _with_weights_of(source: nn.Module, target: nn.Module) -> nn.Module:
    parameters = dict(source.named_parameters())
    target.to(parameters["weight"])
    with torch.no_grad():
        for name, parameter in target.named_parameters():
            parameter.copy_(parameters[name])
    return target.train(source.training)


def _is_plain(layer: nn.Conv2d) -> bool:
    return (
        layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    )


def _pair(value: object) -> tuple[int, int]:
    if isinstance(value, tuple):
        return int(value[0]), int(value[1])
    return int(str(value)), int(str(value))
