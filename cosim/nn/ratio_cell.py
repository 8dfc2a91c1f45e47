"""Compensation by the conductance-ratio cell: inside of the circuit, before conversion.

The time for which a tile's cells conduct is set by reference cells of their own kind, so that a
column's result is a ratio of conductances. What the circuit makes of that ratio is not assumed: it
is looked up in the response that ngspice measured (`cosim.bench.ratio_response`), with gain, bend
and offset for draws of the periphery's errors. Every column of every tile of a chip is one of the
measured lines, for good; every tile has reference cells of its own, which are programmed and drift
as all other cells do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cosim.bench import RatioResponse, ratio_response
from cosim.nn.chip import Chip
from cosim.nn.compensation import AbstractCompensation, Reading, level_of, reference_cells
from cosim.nn.programmed import ProgrammedTiles


if TYPE_CHECKING:
    from cosim.nn.layer import AnalogLayer


@dataclass(frozen=True)
class RatioCell(AbstractCompensation):
    """Reference cells set the time scale of every tile.

    Attributes:
        count: reference cells of a tile; the more, the less their own spread counts.
        level: what they are programmed to [S]; the middle of the range when None.
        ideal_periphery: whether amplifiers, comparators and mirrors have no offsets and errors.
    """

    count: int = 16
    level: float | None = None
    ideal_periphery: bool = False

    def applied(
        self, tiles: ProgrammedTiles, layer: AnalogLayer, reading: Reading
    ) -> ProgrammedTiles:
        """The tiles with the cell between their currents and whatever comes next.

        Raises:
            InputError: the reference cells have faded further than the cell was measured.
        """
        G, level = tiles.conductance, level_of(layer, self.level)
        response = ratio_response(self.ideal_periphery)
        shape = (G.shape[1], G.shape[3])
        found = [self._response(chip, reading, level, shape, response) for chip in reading.chips]
        gain, bend, offset = (
            torch.stack(part).to(G)[:, :, None] for part in zip(*found, strict=True)
        )
        full = layer.mapping.read_voltage * G.shape[2] * level
        scaled = (-4.0 / full * bend, gain + 4.0 * bend, full * offset)
        of_read = tuple(map(layer.mapping.read_columns, scaled))
        return replace(
            tiles, lines=_Ratios({part[0].shape[-1]: part for part in (scaled, of_read)})
        )

    def _response(
        self,
        chip: Chip,
        reading: Reading,
        level: float,
        shape: tuple[int, int],
        response: RatioResponse,
    ) -> tuple[Tensor, ...]:
        """Gain, bend and offset of every column of a layer's tiles, `[tiles, cols]`."""
        cells = reference_cells(chip, reading.layer, (shape[0], self.count), level)
        fade = (cells.at(reading.time).mean(-1) / level).numpy()
        generator = chip.streams(reading.layer)("lines of the ratio cell")
        line = torch.randint(response.lines, shape, generator=generator).numpy()
        parts = response.at(line, np.broadcast_to(fade[:, None], shape))
        return tuple(torch.from_numpy(part) for part in parts)


@dataclass(frozen=True)
class _Ratios:
    """Currents as the ratio cell gives them on: gain u + 4 bend u (1 - u) + offset of full scale.

    Attributes:
        coefficients: of the square [1/A], the current itself and one [A], `[chips, tiles, 1, cols]`
            each, by the number of columns: all of them, or those that are read.
    """

    coefficients: dict[int, tuple[Tensor, ...]]

    def __call__(self, currents: Float[Tensor, "chips tiles samples lines"]) -> Tensor:
        square, linear, constant = self.coefficients[currents.shape[-1]]
        return torch.addcmul(linear, square, currents).mul_(currents).add_(constant)
