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
from cosim.nn.programmed import CurrentFunction, ProgrammedTiles


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
        inner = _exact if tiles.currents is None else tiles.currents
        return replace(
            tiles,
            currents=_Ratios(inner, gain, bend, offset, full),
            calibrated=tiles.currents is not None,
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
    """Currents as the ratio cell gives them on.

    Attributes:
        inner: what the tiles conduct.
        gain: of every column, `[chips, tiles, 1, cols]`.
        bend: relative to full scale.
        offset: relative to full scale.
        full: current of full scale: all rows, full input, reference conductance [A].
    """

    inner: CurrentFunction
    gain: Float[Tensor, "chips tiles 1 cols"]
    bend: Float[Tensor, "chips tiles 1 cols"]
    offset: Float[Tensor, "chips tiles 1 cols"]
    full: float

    def __call__(self, G: Tensor, V: Tensor) -> Tensor:
        u = self.inner(G, V) / self.full
        return self.full * (self.gain * u + self.bend * 4.0 * u * (1.0 - u) + self.offset)


def _exact(
    G: Float[Tensor, "*tiles rows cols"], V: Float[Tensor, "*tiles samples rows"]
) -> Float[Tensor, "*tiles samples cols"]:
    """Currents without any resistance but that of linear cells [A]."""
    return V @ G
