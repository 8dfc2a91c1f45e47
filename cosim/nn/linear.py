"""A linear layer whose weights are the conductances of tiles.

    x ──/input_range──► 0..1 ──read_voltage──► tiles ──pairs subtracted, row blocks added──►
      ──x largest weight x input_range (x gain)──► + bias ──► y

The weights are ordinary torch parameters. In the forward pass they are clipped, quantised to the
conductance levels and, in training, disturbed by the programming error; the gradient goes straight
through all three to the clean weights. What multiplies is the *arithmetic* of the layer: exact
(`surrogate` is None) or a surrogate of the tile, through which the gradient flows.

The bias is digital. `gain` makes up for the tile's own scale (access transistor and wires take part
of the voltage): one number per layer, calibrated, used only where currents come from a tile model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.errors import InputError
from cosim.nn.mapping import TileMapping
from cosim.nn.quantize import clamped, straight_through, to_levels
from cosim.nn.variability import ProgrammingError
from cosim.surrogate.base import Surrogate


if TYPE_CHECKING:
    from netlists.specs import TileSpec

# From conductances [chips, tiles, rows, cols] [S] and inputs [chips, tiles, samples, rows] [V]
# to currents [chips, tiles, samples, cols] [A].
CurrentFunction = Callable[[Tensor, Tensor], Tensor]

# How fast a tracked input range follows the batches, and which part of the activations it covers.
RANGE_MOMENTUM = 0.05
RANGE_QUANTILE = 0.995


@dataclass(frozen=True)
class ProgrammedTiles:
    """What a layer reads while it stands for real chips instead of its weights.

    Attributes:
        conductance: programmed conductances [S].
        currents: the engine; None multiplies exactly with the programmed weights.
    """

    conductance: Float[Tensor, "chips tiles rows cols"]
    currents: CurrentFunction | None


class AnalogLinear(nn.Module):
    """`torch.nn.Linear` on tiles.

    Attributes:
        mapping: where the weights sit.
        levels: number of conductance levels of a cell.
        weight_clip: largest weight in standard deviations of the weights.
        surrogate: the tile's model in the forward pass; None for exact arithmetic.
        programming_error: redrawn for every batch in training; None for none.
        programmed: set while the layer is evaluated on chips (see `evaluate`).
    """

    input_range: Tensor
    gain: Tensor
    range_is_set: Tensor
    surrogate: Surrogate | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        tile: TileSpec,
        *,
        levels: int = 32,
        weight_clip: float = 2.5,
        bias: bool = True,
        input_range: float | None = None,
    ) -> None:
        """Make the layer.

        Args:
            in_features: size of an input.
            out_features: size of an output.
            tile: specification of the tiles.
            levels: number of conductance levels of a cell, evenly spaced over the range.
            weight_clip: largest weight in standard deviations of the weights.
            bias: whether to add a digital bias.
            input_range: activation that is driven with the full read voltage; None tracks the
                activations during training.

        Raises:
            InputError: there are fewer than two levels.
        """
        super().__init__()
        if levels < 2:
            raise InputError(f"`levels` is {levels}; a cell needs at least 2; give more levels")
        self.mapping = TileMapping.of(tile, in_features, out_features)
        self.levels = levels
        self.weight_clip = weight_clip
        self.surrogate = None
        self.programming_error: ProgrammingError | None = None
        self.programmed: ProgrammedTiles | None = None
        self.generator = torch.Generator().manual_seed(0)
        self.tracks_range = input_range is None
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features)) if bias else None
        self.register_buffer("input_range", torch.tensor(input_range or 1.0))
        self.register_buffer("range_is_set", torch.tensor(input_range is not None))
        self.register_buffer("gain", torch.tensor(1.0))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(
        self, x: Float[Tensor, "*batch in_features"]
    ) -> Float[Tensor, "*batch out_features"]:
        """The layer's output for non-negative activations `x`.

        On chips (`programmed`), the first axis of `x` is the chip.

        Raises:
            InputError: an activation is negative; a tile has no negative inputs.
        """
        _refuse_negative(x)
        if self.training and self.tracks_range:
            self._track_range(x)
        unit = clamped(x / self.input_range, 0.0, 1.0)
        if self.programmed is not None:
            y = self._on_chips(unit, self.programmed)
        else:
            y = self._on_model(unit)
        y = y * (self.largest_weight() * self.input_range)
        return y if self.bias is None else y + self.bias

    def largest_weight(self) -> Tensor:
        """The weight that is mapped to the full conductance difference."""
        spread = self.weight.detach().std(correction=0)
        return (self.weight_clip * spread).clamp_min(torch.finfo(self.weight.dtype).tiny)

    def target_conductances(self) -> Float[Tensor, "tiles rows cols"]:
        """Conductances that the weights ask for [S]: clipped, mapped and quantised."""
        unit = clamped(self.weight / self.largest_weight(), -1.0, 1.0)
        G = self.mapping.conductances(unit)
        return to_levels(G, self.mapping.g_min, self.mapping.g_max, self.levels)

    def ideal_outputs(
        self, unit: Float[Tensor, "*batch in_features"], G: Float[Tensor, "tiles rows cols"]
    ) -> Float[Tensor, "*batch out_features"]:
        """Exact products of unit inputs with the weights that `G` stands for."""
        return unit @ self.mapping.weights(G).transpose(-1, -2)

    def tile_outputs(
        self,
        unit: Float[Tensor, "*chips samples in_features"],
        G: Float[Tensor, "*chips tiles rows cols"],
        currents: CurrentFunction,
    ) -> Float[Tensor, "*chips samples out_features"]:
        """Outputs from tile currents, without the gain."""
        return self.mapping.outputs(currents(G, self.mapping.voltages(unit)))

    def extra_repr(self) -> str:
        """Sizes and tiles, as torch prints them."""
        m = self.mapping
        return (
            f"in_features={m.in_features}, out_features={m.out_features},"
            f" tiles={m.row_blocks}x{m.col_blocks} of {m.rows}x{m.cols}, levels={self.levels}"
        )

    def _on_model(self, unit: Tensor) -> Tensor:
        G = self.target_conductances()
        if self.training and self.programming_error is not None:
            G = straight_through(G, self.programming_error.draw(G.detach(), self.generator))
        if self.surrogate is None:
            return self.ideal_outputs(unit, G)
        surrogate = self.surrogate
        flat = unit.reshape(-1, unit.shape[-1])
        y = self.tile_outputs(flat, G, lambda G, V: surrogate(V, G)) * self.gain
        return y.reshape(*unit.shape[:-1], -1)

    def _on_chips(self, unit: Tensor, chips: ProgrammedTiles) -> Tensor:
        flat = unit.reshape(unit.shape[0], -1, unit.shape[-1]).to(chips.conductance)
        if chips.currents is None:
            y = self.ideal_outputs(flat, chips.conductance)
        else:
            y = self.tile_outputs(flat, chips.conductance, chips.currents) * self.gain
        return y.reshape(*unit.shape[:-1], -1).to(unit)

    @torch.no_grad()
    def _track_range(self, x: Tensor) -> None:
        active = x.detach().flatten()
        active = active[active > 0]
        if not active.numel():
            return
        high = torch.quantile(active, RANGE_QUANTILE)
        if bool(self.range_is_set):
            self.input_range.lerp_(high, RANGE_MOMENTUM)
        else:
            self.input_range.copy_(high)
            self.range_is_set.fill_(True)


def _refuse_negative(x: Tensor) -> None:
    if bool((x < 0).any()):
        raise InputError(
            f"an activation of {float(x.min()):.4g} was given to an analog layer; tiles are driven"
            " with voltages from zero up, so activations must not be negative; put a ReLU or a"
            " shift before the layer"
        )
