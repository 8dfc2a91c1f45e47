"""Recurrent layers of torch on tiles: several cells over a sequence.

    AnalogLSTM.of(nn.LSTM(40, 64, num_layers=2, bidirectional=True), tile, settings)

They take and give what torch's layers do, except packed sequences. The products with the inputs of
all steps are one product; those with the hidden state follow step by step. Programming errors are
drawn once for a sequence: all of its steps read the same cells.
"""

from __future__ import annotations

from abc import ABC
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from cosim.errors import InputError
from cosim.nn.recurrent_cells import (
    AnalogCell,
    AnalogGRUCell,
    AnalogLSTMCell,
    AnalogRNNCell,
    States,
    copy_weights,
)
from cosim.nn.settings import TileSettings


if TYPE_CHECKING:
    from netlists.specs import TileSpec


class AnalogRecurrent(nn.Module, ABC):
    """A recurrent layer on tiles.

    Attributes:
        cells: one per layer and direction, as torch numbers them.
        batch_first: whether the batch is the first axis of inputs and outputs.
        dropout: of the outputs of all layers but the last, in training.
        directions: 2 if sequences are read in both directions.
    """

    cell: ClassVar[type[AnalogCell]]
    digital: ClassVar[type[Any]]

    def __init__(self, cells: list[AnalogCell], like: nn.RNNBase) -> None:
        """Make the layer of its cells and of what a torch layer says about axes and dropout."""
        super().__init__()
        self.cells = nn.ModuleList(cells)
        self.batch_first = like.batch_first
        self.dropout = like.dropout
        self.directions = 2 if like.bidirectional else 1

    @classmethod
    def of(cls, layer: nn.Module, tile: TileSpec, settings: TileSettings) -> Self:
        """The torch layer on tiles, with the same weights.

        Raises:
            InputError: the hidden state is projected.
        """
        if not isinstance(layer, nn.RNNBase):
            raise InputError(f"a {type(layer).__name__} was given; give a recurrent layer of torch")
        if layer.proj_size:
            raise InputError(
                f"`proj_size` is {layer.proj_size}; hidden states that are projected have no"
                " counterpart on tiles; give a layer without, or name it in `keep`"
            )
        cells = []
        for suffix, inputs in _suffixes(layer):
            cell = cls.cell(
                inputs,
                layer.hidden_size,
                tile,
                settings,
                bias=layer.bias,
                nonlinearity=getattr(layer, "nonlinearity", "tanh"),
            )
            like = next(layer.parameters())
            cell.to(device=like.device, dtype=like.dtype)
            copy_weights(layer, suffix, cell)
            cells.append(cell)
        return cls(cells, layer).train(layer.training)

    def to_torch(self) -> nn.RNNBase:
        """The torch layer with the clean weights."""
        first = cast("AnalogCell", self.cells[0])
        given: dict[str, Any] = {
            "num_layers": len(self.cells) // self.directions,
            "bias": first.ih.bias is not None,
            "batch_first": self.batch_first,
            "dropout": self.dropout,
            "bidirectional": self.directions == 2,
        }
        sizes = first.ih.mapping.in_features, first.hidden_size
        if self.cell is AnalogRNNCell:
            given["nonlinearity"] = first.nonlinearity
        plain: nn.RNNBase = self.digital(*sizes, **given)
        plain.to(device=first.ih.weight.device, dtype=first.ih.weight.dtype)
        for (suffix, _), cell in zip(_suffixes(plain), self.cells, strict=True):
            copy_weights(plain, suffix, cast("AnalogCell", cell), into_torch=True)
        return plain.train(self.training)

    def run(self, x: Float[Tensor, ...], states: States | None) -> tuple[Tensor, States]:
        """Outputs of the last layer, and the last states of all cells.

        Args:
            x: `[steps, batch, features]`, `[batch, steps, features]` or `[steps, features]`.
            states: first states, each `[cells, batch, hidden]` or `[cells, hidden]`.

        Raises:
            InputError: the input is a packed sequence.
        """
        if not isinstance(x, Tensor):
            raise InputError(
                f"a {type(x).__name__} was given; recurrent layers on tiles take tensors; pad the"
                " sequences"
            )
        single = x.dim() == 2
        # Vectors of one sequence stay together, whatever the order of the axes.
        sequence = x[None] if single else x if self.batch_first else x.transpose(0, 1)
        given = None if states is None else tuple(s[:, None] if single else s for s in states)
        ends = []
        for index in range(0, len(self.cells), self.directions):
            if index and self.dropout:
                sequence = functional.dropout(sequence, self.dropout, self.training)
            sequence, last = self._layer(index, sequence, given)
            ends += last
        final = tuple(torch.stack(parts) for parts in zip(*ends, strict=True))
        if single:
            return sequence[0], tuple(state[:, 0] for state in final)
        return sequence if self.batch_first else sequence.transpose(0, 1), final

    def _layer(
        self, index: int, x: Tensor, given: States | None
    ) -> tuple[Float[Tensor, "batch steps outputs"], list[States]]:
        """All directions of a layer: outputs side by side, and the last states of each."""
        outputs, ends = [], []
        for direction in range(self.directions):
            cell = cast("AnalogCell", self.cells[index + direction])
            start = None if given is None else tuple(s[index + direction] for s in given)
            output, end = _through(cell, x.flip(1) if direction else x, start)
            outputs.append(output.flip(1) if direction else output)
            ends.append(end)
        return torch.cat(outputs, -1), ends


class AnalogRNN(AnalogRecurrent):
    """`torch.nn.RNN` on tiles."""

    cell = AnalogRNNCell
    digital = nn.RNN

    def forward(self, x: Float[Tensor, ...], h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Outputs of all steps, and the last hidden states."""
        y, (end,) = self.run(x, None if h is None else (h,))
        return y, end


class AnalogGRU(AnalogRecurrent):
    """`torch.nn.GRU` on tiles."""

    cell = AnalogGRUCell
    digital = nn.GRU

    def forward(self, x: Float[Tensor, ...], h: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Outputs of all steps, and the last hidden states."""
        y, (end,) = self.run(x, None if h is None else (h,))
        return y, end


class AnalogLSTM(AnalogRecurrent):
    """`torch.nn.LSTM` on tiles."""

    cell = AnalogLSTMCell
    digital = nn.LSTM

    def forward(
        self, x: Float[Tensor, ...], states: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Outputs of all steps, and the last hidden states and cell states."""
        y, (h, c) = self.run(x, states)
        return y, (h, c)


def _through(cell: AnalogCell, x: Tensor, start: States | None) -> tuple[Tensor, States]:
    """One cell over all steps of sequences `[batch, steps, features]`."""
    with cell.held():
        gates = cell.ih(x)
        states = cell.start(gates[:, 0]) if start is None else start
        outputs = []
        for step in range(x.shape[1]):
            states = cell.step(gates[:, step], states)
            outputs.append(states[0])
    return torch.stack(outputs, 1), states


def _suffixes(layer: nn.RNNBase) -> list[tuple[str, int]]:
    """What the names of every cell's weights end with, and the size of its input."""
    directions = 2 if layer.bidirectional else 1
    return [
        (
            f"_l{number}{'_reverse' if direction else ''}",
            directions * layer.hidden_size if number else layer.input_size,
        )
        for number in range(layer.num_layers)
        for direction in range(directions)
    ]
