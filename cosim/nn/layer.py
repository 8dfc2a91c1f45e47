"""What all analog layers share: a weight matrix that is the conductances of tiles.

    x ──/input_range──► 0..1 ──read_voltage──► tiles ──pairs subtracted, row blocks added──►
      ──x largest weight x input_range (x gain)──► + bias ──► y

The weights are ordinary torch parameters. In the forward pass they are clipped, quantised to the
conductance levels and, in training, disturbed by the programming error; the gradient goes straight
through all three to the clean weights. What multiplies is the *arithmetic* of the layer: exact
(`surrogate` is None) or a surrogate of the tile, through which the gradient flows.

Tiles are driven with voltages from zero up. Activations of both signs are read in two phases, first
the positive ones, then the negative ones, and the outputs are subtracted (`signed`).

The bias is digital. `gain` makes up for the tile's own scale (access transistor and wires take part
of the voltage): one number per layer, calibrated, used only where currents come from a tile model.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.errors import InputError
from cosim.nn.mapping import TileMapping
from cosim.nn.programmed import CurrentFunction, ProgrammedTiles
from cosim.nn.quantize import clamped, straight_through, to_levels
from cosim.nn.variability import ProgrammingError
from cosim.surrogate.base import Surrogate


if TYPE_CHECKING:
    from netlists.specs import TileSpec

# How fast a tracked input range follows the batches, and which part of the activations it covers.
RANGE_MOMENTUM = 0.05
RANGE_QUANTILE = 0.995
# torch sorts at most this many values for a quantile; more activations are thinned out.
MOST_FOR_QUANTILE = 1_000_000


@dataclass(frozen=True)
class TileSettings:
    """How a layer uses its tiles.

    Attributes:
        levels: number of conductance levels of a cell, evenly spaced over the range.
        weight_clip: largest weight in standard deviations of the weights; None takes the largest
            weight that there is.
        input_range: activation that is driven with the full read voltage; None tracks the
            activations during training.
        signed: whether activations may be negative, at the price of a second read.

    Raises:
        InputError: there are fewer than two levels.
    """

    levels: int = 32
    weight_clip: float | None = 2.5
    input_range: float | None = None
    signed: bool = False

    def __post_init__(self) -> None:
        if self.levels < 2:
            raise InputError(
                f"`levels` is {self.levels}; a cell needs at least 2; give more levels"
            )


class AnalogLayer(nn.Module, ABC):
    """A layer whose products are made by tiles.

    Attributes:
        mapping: where the weights sit.
        settings: how the tiles are used.
        weight: the clean weights, in the shape that torch gives them.
        bias: digital bias, or None.
        surrogate: the tile's model in the forward pass; None for exact arithmetic.
        programming_error: redrawn for every batch in training; None for none.
        generator: of those draws.
        programmed: set while the layer is evaluated on chips (see `evaluate`).
    """

    weight: nn.Parameter
    bias: nn.Parameter | None
    input_range: Tensor
    gain: Tensor
    range_is_set: Tensor
    surrogate: Surrogate | None

    def __init__(
        self, shape: tuple[int, ...], tile: TileSpec, settings: TileSettings, bias: bool
    ) -> None:
        """Make a layer with a weight of this shape, outputs first."""
        super().__init__()
        self.settings = settings
        self.weight = nn.Parameter(torch.empty(*shape))
        self.bias = nn.Parameter(torch.zeros(shape[0])) if bias else None
        self.mapping = TileMapping.of(tile, self.weight[0].numel(), shape[0])
        self.surrogate = None
        self.programming_error: ProgrammingError | None = None
        self.generator = torch.Generator().manual_seed(0)
        self.programmed: ProgrammedTiles | None = None
        self.register_buffer("input_range", torch.tensor(settings.input_range or 1.0))
        self.register_buffer("range_is_set", torch.tensor(settings.input_range is not None))
        self.register_buffer("gain", torch.tensor(1.0))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    @abstractmethod
    def rows_of(self, x: Float[Tensor, ...]) -> Float[Tensor, "vectors in_features"]:
        """The input vectors that the tiles see for a layer input `x`, batch-major."""

    def largest_weight(self) -> Tensor:
        """The weight that is mapped to the full conductance difference."""
        weight = self.weight.detach()
        clip = self.settings.weight_clip
        largest = weight.abs().max() if clip is None else clip * weight.std(correction=0)
        return largest.clamp_min(torch.finfo(weight.dtype).tiny)

    def target_conductances(self) -> Float[Tensor, "tiles rows cols"]:
        """Conductances that the weights ask for [S]: clipped, mapped and quantised."""
        unit = clamped(self.weight.flatten(1) / self.largest_weight(), -1.0, 1.0)
        G = self.mapping.conductances(unit)
        return to_levels(G, self.mapping.g_min, self.mapping.g_max, self.settings.levels)

    def products(
        self, rows: Float[Tensor, "vectors in_features"]
    ) -> Float[Tensor, "vectors out_features"]:
        """Products of the weights with input vectors, and the bias.

        On chips (`programmed`), the vectors of the first chip come first, then those of the next.

        Raises:
            InputError: an activation is negative and the layer is not `signed`.
        """
        self._check_sign(rows)
        if self.training and not self._range_is_given:
            self.track_range(rows, RANGE_MOMENTUM)
        unit = self.unit_inputs(rows)
        chips = self.programmed
        y = self._on_model(unit) if chips is None else chips.outputs(self, unit)
        y = y * (self.largest_weight() * self.input_range)
        return y if self.bias is None else y + self.bias

    def unit_inputs(
        self, rows: Float[Tensor, "vectors in_features"]
    ) -> Float[Tensor, "vectors in_features"]:
        """Input vectors in units of the input range, clipped."""
        return clamped(rows / self.input_range, -1.0 if self.settings.signed else 0.0, 1.0)

    def ideal_outputs(
        self,
        unit: Float[Tensor, "*chips vectors in_features"],
        G: Float[Tensor, "*chips tiles rows cols"],
    ) -> Float[Tensor, "*chips vectors out_features"]:
        """Exact products of unit inputs with the weights that `G` stands for."""
        return unit @ self.mapping.weights(G).transpose(-1, -2)

    def tile_outputs(
        self,
        unit: Float[Tensor, "*chips vectors in_features"],
        G: Float[Tensor, "*chips tiles rows cols"],
        currents: CurrentFunction,
    ) -> Float[Tensor, "*chips vectors out_features"]:
        """Outputs from tile currents, without the gain."""
        if not self.settings.signed:
            return self.mapping.outputs(currents(G, self.mapping.voltages(unit)))
        phases = torch.cat([unit.clamp_min(0), (-unit).clamp_min(0)], -2)
        outputs = self.mapping.outputs(currents(G, self.mapping.voltages(phases)))
        positive, negative = outputs.chunk(2, -2)
        return positive - negative

    @torch.no_grad()
    def track_range(self, x: Float[Tensor, ...], momentum: float) -> None:
        """Move the input range towards what activations `x` need; the first ones set it."""
        active = x.detach().abs().flatten()
        active = active[active > 0]
        if not active.numel():
            return
        thinned = active[:: -(-active.numel() // MOST_FOR_QUANTILE)]
        high = torch.quantile(thinned.float(), RANGE_QUANTILE).to(self.input_range)
        self.input_range.lerp_(high, momentum if bool(self.range_is_set) else 1.0)
        self.range_is_set.fill_(True)

    def extra_repr(self) -> str:
        """Sizes and tiles, as torch prints them."""
        m = self.mapping
        return (
            f"in_features={m.in_features}, out_features={m.out_features},"
            f" tiles={m.row_blocks}x{m.col_blocks} of {m.rows}x{m.cols},"
            f" levels={self.settings.levels}"
        )

    @property
    def _range_is_given(self) -> bool:
        return self.settings.input_range is not None

    def _on_model(self, unit: Tensor) -> Tensor:
        G = self.target_conductances()
        if self.training and self.programming_error is not None:
            G = straight_through(G, self.programming_error.draw(G.detach(), self.generator))
        if self.surrogate is None:
            return self.ideal_outputs(unit, G)
        surrogate = self.surrogate
        return self.tile_outputs(unit, G, lambda G, V: surrogate(V, G)) * self.gain

    def _check_sign(self, rows: Tensor) -> None:
        if not self.settings.signed and bool((rows < 0).any()):
            raise InputError(
                f"an activation of {float(rows.detach().min()):.4g} was given to an analog layer;"
                " tiles are driven with voltages from zero up, so activations must not be"
                " negative; put a ReLU before the layer, or make it with `signed=True`"
            )
