"""Recurrent cells whose two products, with the input and with the hidden state, are on tiles.

    x ──ih──►(+)── gates, digital ──► h', c'
    h ──hh──►

Gates, activations and states are digital, in torch's order: input, forget, cell, output for the
LSTM; reset, update, new for the GRU. A hidden state lies between -1 and 1, so its product is signed
and its input range is one; a ReLU cell has a range that is found as for any other layer.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.errors import InputError
from cosim.nn.linear import AnalogLinear
from cosim.nn.settings import TileSettings


if TYPE_CHECKING:
    from netlists.specs import TileSpec

SIGNED = TileSettings(signed=True)
# Hidden state, and the LSTM's cell state.
States = tuple[Tensor, ...]


class AnalogCell(nn.Module, ABC):
    """One step of a recurrent layer.

    Attributes:
        ih: product with the input.
        hh: product with the hidden state.
        hidden_size: size of the hidden state.
        nonlinearity: "tanh" or "relu".
    """

    gates: ClassVar[int]
    states: ClassVar[int] = 1
    digital: ClassVar[type[Any]]

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        tile: TileSpec,
        settings: TileSettings = SIGNED,
        *,
        bias: bool = True,
        nonlinearity: str = "tanh",
    ) -> None:
        """Make the cell.

        Args:
            input_size: size of an input.
            hidden_size: size of the hidden state.
            tile: specification of the tiles.
            settings: how the tiles are used.
            bias: whether to add digital biases.
            nonlinearity: of a plain cell.
        """
        super().__init__()
        bounded = replace(settings, signed=True, input_range=1.0)
        hidden = bounded if nonlinearity == "tanh" else replace(settings, signed=False)
        outputs = self.gates * hidden_size
        self.hidden_size = hidden_size
        self.nonlinearity = nonlinearity
        self.ih = AnalogLinear(input_size, outputs, tile, settings, bias=bias)
        self.hh = AnalogLinear(hidden_size, outputs, tile, hidden, bias=bias)

    @abstractmethod
    def step(self, gates: Tensor, states: States) -> States:
        """The next states, from the product with the input and the last states."""

    def start(self, x: Float[Tensor, "*batch features"]) -> States:
        """States of zeros for a batch of inputs."""
        zeros = x.new_zeros(*x.shape[:-1], self.hidden_size)
        return (zeros,) * self.states

    @contextmanager
    def held(self) -> Iterator[None]:
        """One draw of programming errors for all steps inside."""
        with ExitStack() as both:
            both.enter_context(self.ih.held())
            both.enter_context(self.hh.held())
            yield

    @classmethod
    def of(cls, cell: nn.Module, tile: TileSpec, settings: TileSettings) -> Self:
        """The torch cell on tiles, with the same weights."""
        if not isinstance(cell, nn.RNNCellBase):
            raise InputError(f"a {type(cell).__name__} was given; give a recurrent cell of torch")
        analog = cls(
            cell.input_size,
            cell.hidden_size,
            tile,
            settings,
            bias=cell.bias,
            nonlinearity=getattr(cell, "nonlinearity", "tanh"),
        )
        like = cell.weight_ih
        analog.to(device=like.device, dtype=like.dtype)
        copy_weights(cell, "", analog)
        return analog.train(cell.training)

    def to_torch(self) -> nn.RNNCellBase:
        """The torch cell with the clean weights."""
        has_bias = self.ih.bias is not None
        sizes = self.ih.mapping.in_features, self.hidden_size
        extra = {"nonlinearity": self.nonlinearity} if self.digital is nn.RNNCell else {}
        plain: nn.RNNCellBase = self.digital(*sizes, bias=has_bias, **extra)
        plain.to(device=self.ih.weight.device, dtype=self.ih.weight.dtype)
        copy_weights(plain, "", self, into_torch=True)
        return plain.train(self.training)


class AnalogRNNCell(AnalogCell):
    """`torch.nn.RNNCell` on tiles."""

    gates = 1
    digital = nn.RNNCell

    def step(self, gates: Tensor, states: States) -> States:
        """The next hidden state."""
        total = gates + self.hh(states[0])
        return (total.relu() if self.nonlinearity == "relu" else total.tanh(),)

    def forward(
        self, x: Float[Tensor, "*batch features"], h: Float[Tensor, "*batch hidden"] | None = None
    ) -> Float[Tensor, "*batch hidden"]:
        """The next hidden state; one of zeros is taken for none."""
        return self.step(self.ih(x), self.start(x) if h is None else (h,))[0]


class AnalogGRUCell(AnalogCell):
    """`torch.nn.GRUCell` on tiles."""

    gates = 3
    digital = nn.GRUCell

    def step(self, gates: Tensor, states: States) -> States:
        """The next hidden state."""
        (h,) = states
        reset, update, new = gates.chunk(3, -1)
        h_reset, h_update, h_new = self.hh(h).chunk(3, -1)
        candidate = torch.tanh(new + torch.sigmoid(reset + h_reset) * h_new)
        kept = torch.sigmoid(update + h_update)
        return (candidate + kept * (h - candidate),)

    def forward(
        self, x: Float[Tensor, "*batch features"], h: Float[Tensor, "*batch hidden"] | None = None
    ) -> Float[Tensor, "*batch hidden"]:
        """The next hidden state; one of zeros is taken for none."""
        return self.step(self.ih(x), self.start(x) if h is None else (h,))[0]


class AnalogLSTMCell(AnalogCell):
    """`torch.nn.LSTMCell` on tiles."""

    gates = 4
    states = 2
    digital = nn.LSTMCell

    def step(self, gates: Tensor, states: States) -> States:
        """The next hidden state and cell state."""
        h, c = states
        entry, forget, cell, out = (gates + self.hh(h)).chunk(4, -1)
        c = torch.sigmoid(forget) * c + torch.sigmoid(entry) * torch.tanh(cell)
        return torch.sigmoid(out) * torch.tanh(c), c

    def forward(
        self, x: Float[Tensor, "*batch features"], states: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Float[Tensor, "*batch hidden"], Float[Tensor, "*batch hidden"]]:
        """The next hidden state and cell state; zeros are taken for none."""
        h, c = self.step(self.ih(x), states or self.start(x))
        return h, c


@torch.no_grad()
def copy_weights(
    layer: nn.Module, suffix: str, cell: AnalogCell, *, into_torch: bool = False
) -> None:
    """Copy the weights of a torch layer's cell, whose names end so, into a cell, or back."""
    for name, product in (("ih", cell.ih), ("hh", cell.hh)):
        pairs = [(getattr(layer, f"weight_{name}{suffix}"), product.weight)]
        if product.bias is not None:
            pairs.append((getattr(layer, f"bias_{name}{suffix}"), product.bias))
        for theirs, mine in pairs:
            target, source = (theirs, mine) if into_torch else (mine, theirs)
            target.copy_(source)
            target.requires_grad_(source.requires_grad)
