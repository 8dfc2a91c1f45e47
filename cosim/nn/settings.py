"""What a person chooses about a layer on tiles; everything has a usual value.

TileSettings()                                              32 levels, pairs, no converters
TileSettings(levels=4, mapping=OffsetColumn(slices=2))      4-bit weights in two cells
TileSettings(converters=Converters(Dac(8), Adc(6)))         8-bit inputs, 6-bit converters
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cosim.errors import InputError
from cosim.nn.converters import Converters
from cosim.nn.mapping_cells import WeightCells


@dataclass(frozen=True)
class TileSettings:
    """How a layer uses its tiles.

    Attributes:
        levels: number of conductance levels of a cell, evenly spaced over the range, or the levels
            themselves [S].
        weight_clip: largest weight in standard deviations of the weights; None takes the largest
            weight that there is.
        input_range: activation that is driven with the full read voltage; None tracks the
            activations during training; "learned" starts so and is trained then.
        signed: whether activations may be negative, at the price of a second read.
        mapping: how a weight becomes cells; None for what the tile's read-out says, which is
            differential pairs if it says nothing.
        converters: of inputs and outputs; None for those of the tile's specification.
        shuffle_rows: seed of a permutation of the inputs over the rows; None for their own order.

    Raises:
        InputError: there are fewer than two levels.
    """

    levels: int | tuple[float, ...] = 32
    weight_clip: float | None = 2.5
    input_range: float | Literal["learned"] | None = None
    signed: bool = False
    mapping: WeightCells | None = None
    converters: Converters | None = None
    shuffle_rows: int | None = None

    def __post_init__(self) -> None:
        count = self.levels if isinstance(self.levels, int) else len(set(self.levels))
        if count < 2:
            raise InputError(
                f"`levels` is {self.levels}; a cell needs at least 2; give more levels"
            )
