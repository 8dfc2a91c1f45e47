"""An existing torch model onto tiles, and back.

`convert` replaces every layer that multiplies with weights by its analog counterpart with the same
weights: linear layers, convolutions of one to three axes, recurrent layers and cells, attention.
Everything else (activations, pooling, normalisation, embeddings) stays digital, and so do classes
derived from torch's layers, which may compute something else. Trained models know nothing of input
ranges, so these are measured on typical inputs; ranges of converters that are found from signals
are calibrated on them as well.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from cosim.errors import InputError
from cosim.nn.attention import AnalogMultiheadAttention
from cosim.nn.calibrate import calibrate_converters, measure_input_ranges
from cosim.nn.conv import AnalogConv1d, AnalogConv2d, AnalogConv3d
from cosim.nn.layer import AnalogLayer
from cosim.nn.linear import AnalogLinear
from cosim.nn.recurrent import AnalogGRU, AnalogLSTM, AnalogRNN
from cosim.nn.recurrent_cells import AnalogGRUCell, AnalogLSTMCell, AnalogRNNCell
from cosim.nn.settings import TileSettings


if TYPE_CHECKING:
    from netlists.specs import TileSpec

# A trained model's weights are all wanted, and its activations may have both signs.
CONVERTED = TileSettings(weight_clip=None, signed=True)

Convertible = (
    type[AnalogLinear | AnalogConv1d | AnalogConv2d | AnalogConv3d]
    | type[AnalogRNN | AnalogLSTM | AnalogGRU]
    | type[AnalogRNNCell | AnalogLSTMCell | AnalogGRUCell]
    | type[AnalogMultiheadAttention]
)
COUNTERPARTS: dict[type[nn.Module], Convertible] = {
    nn.Linear: AnalogLinear,
    nn.Conv1d: AnalogConv1d,
    nn.Conv2d: AnalogConv2d,
    nn.Conv3d: AnalogConv3d,
    nn.RNN: AnalogRNN,
    nn.LSTM: AnalogLSTM,
    nn.GRU: AnalogGRU,
    nn.RNNCell: AnalogRNNCell,
    nn.LSTMCell: AnalogLSTMCell,
    nn.GRUCell: AnalogGRUCell,
    nn.MultiheadAttention: AnalogMultiheadAttention,
}
ANALOG = tuple(COUNTERPARTS.values())


def convert(
    model: nn.Module,
    tile: TileSpec,
    inputs: Tensor | tuple[Any, ...],
    settings: TileSettings = CONVERTED,
    keep: Collection[str] = (),
) -> nn.Module:
    """A copy of a torch model whose layers with weights are on tiles.

    Args:
        model: any torch model; it is not changed.
        tile: specification of the tiles.
        inputs: typical inputs of the model, a tuple if it takes several; from them the ranges of
            inputs and converters are taken.
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

    def change(layer: nn.Module) -> nn.Module | None:
        counterpart = COUNTERPARTS.get(type(layer))
        return None if counterpart is None else counterpart.of(layer, tile, settings)

    analog = _replaced(model, change, frozenset(keep))
    if not any(isinstance(module, AnalogLayer) for module in analog.modules()):
        raise InputError(
            "the model has no layer that can go onto tiles;"
            f" {', '.join(sorted(kind.__name__ for kind in COUNTERPARTS))} can; give a model with"
            " such a layer that is not in `keep`"
        )
    measure_input_ranges(analog, inputs)
    calibrate_converters(analog, inputs)
    return analog


def to_digital(model: nn.Module) -> nn.Module:
    """A copy of a network with ordinary torch layers, holding the clean weights."""
    return _replaced(model, lambda m: m.to_torch() if isinstance(m, ANALOG) else None, frozenset())


def _replaced(
    model: nn.Module,
    change: Callable[[nn.Module], nn.Module | None],
    keep: frozenset[str],
) -> nn.Module:
    """A copy of a model with every part changed that `change` has an answer for.

    A part that is there several times is changed once. Parts that are replaced are not copied, so
    a large model is not in memory a third time.
    """
    kept = {id(model.get_submodule(name)) for name in keep if name}
    changed: dict[int, nn.Module] = {}

    def look(module: nn.Module) -> None:
        answer = None if id(module) in kept else change(module)
        if answer is not None:
            changed[id(module)] = answer
            return
        for child in module.children():
            if id(child) not in changed:
                look(child)

    look(model)
    if id(model) in changed:
        return changed[id(model)]
    # `deepcopy` takes what its memory holds for the copy of a part.
    return copy.deepcopy(model, dict(changed))
