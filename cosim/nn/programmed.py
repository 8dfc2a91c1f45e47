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


if TYPE_CHECKING:
    from cosim.nn.layer import AnalogLayer

# From conductances [chips, tiles, rows, cols] [S] and inputs [chips, tiles, samples, rows] [V]
# to currents [chips, tiles, samples, cols] [A].
CurrentFunction = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class ProgrammedTiles:
    """What a layer reads while it stands for real chips instead of its weights.

    Attributes:
        conductance: programmed conductances [S].
        currents: the engine; None multiplies exactly with the programmed weights.
    """

    conductance: Float[Tensor, "chips tiles rows cols"]
    currents: CurrentFunction | None

    def outputs(
        self, layer: AnalogLayer, unit: Float[Tensor, "vectors in_features"]
    ) -> Float[Tensor, "vectors out_features"]:
        """Products of chip-major unit inputs, each with the cells of its chip."""
        G = self.conductance
        each = unit.to(G).unflatten(0, (len(G), -1))
        if self.currents is None:
            y = layer.ideal_outputs(each, G)
        else:
            y = layer.tile_outputs(each, G, self.currents) * layer.gain
        return y.flatten(0, 1).to(unit)
