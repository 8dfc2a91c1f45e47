"""A layer that stands for real chips: what their cells hold now, and what reads them.

While a network is evaluated, its layers multiply with the conductances of chips instead of with
their own weights. All chips go through together: the batch holds the vectors of the first chip,
then those of the next.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jaxtyping import Float
from torch import Tensor

from cosim.nn.patches import Inputs, of_chips, times


if TYPE_CHECKING:
    from cosim.nn.layer import AnalogLayer

# From conductances [chips, tiles, rows, cols] [S] and inputs [chips, tiles, samples, rows] [V]
# to currents [chips, tiles, samples, cols] [A].
CurrentFunction = Callable[[Tensor, Tensor], Tensor]
# From currents of columns [chips, tiles, samples, cols] [A], all of them or those that are read, to
# what goes on from there.
LineFunction = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class ProgrammedTiles:
    """What a layer reads while it stands for real chips instead of its weights.

    Attributes:
        conductance: programmed conductances [S].
        currents: the engine; None multiplies exactly with the programmed weights.
        noise: what one read makes of the conductances; None without read noise.
        factor: digital compensation of the outputs; None without.
        sram: weights that digital memory adds to those of the cells, in units of the largest one;
            None without.
        lines: what a circuit behind the columns makes of their currents; None without.
    """

    conductance: Float[Tensor, "chips tiles rows cols"]
    currents: CurrentFunction | None
    noise: Callable[[Tensor], Tensor] | None = None
    factor: Float[Tensor, "chips _"] | None = None
    sram: Float[Tensor, "chips out_features in_features"] | None = None
    lines: LineFunction | None = None

    def outputs(self, layer: AnalogLayer, driven: Inputs) -> Float[Tensor, "vectors out_features"]:
        """Products of chip-major unit inputs, each with the cells of its chip."""
        G = self.conductance if self.noise is None else self.noise(self.conductance)
        each = of_chips(driven, len(G), G)
        linear = self.currents is None and self.lines is None and layer.is_linear
        y = self._by_weights(layer, each, G) if linear else self._by_tiles(layer, each, G)
        return y.flatten(0, 1).to(layer.weight)

    def _by_tiles(self, layer: AnalogLayer, each: Inputs, G: Tensor) -> Tensor:
        """Products of tiles, and what is digital added to them."""
        if self.currents is None:
            y = layer.ideal_outputs(each, G, self.lines)
        else:  # the gain makes up for the scale of a tile's model
            behind = _chained(self.currents, self.lines)
            y = layer.tile_outputs(each, G, behind) * layer.gain
        if self.factor is not None:
            y = y * self.factor.unsqueeze(-2)
        if self.sram is not None:
            y = y + times(each, self.sram.transpose(-1, -2).to(y))
        return y

    def _by_weights(self, layer: AnalogLayer, each: Inputs, G: Tensor) -> Tensor:
        """The same where nothing but weights is between inputs and outputs: one product."""
        weights = layer.weights_of(G)
        if self.factor is not None:
            weights = weights * self.factor.unsqueeze(-1)
        if self.sram is not None:
            weights = weights + self.sram.to(weights)
        return times(each, weights.transpose(-1, -2))


def _chained(currents: CurrentFunction, lines: LineFunction | None) -> CurrentFunction:
    return currents if lines is None else lambda G, V: lines(currents(G, V))
