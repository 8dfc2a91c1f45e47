"""The periphery of one chip: what mismatch makes of its amplifiers and converters.

The spreads are those of the blocks' behavioural twins, which are held against mismatch draws in
SPICE block by block. An amplifier's offset v moves the line itself, so the cells of the line, of
the total conductance S, send another current through the amplifier's transfer R: the output moves
by v (1 + R S), or by v R S where the output is not tied to the line (a mirror).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from compact_models.variability import stream
from netlists.circuits.adc import Adc
from netlists.circuits.comparator import Comparator
from netlists.circuits.current_mirror_readout import CurrentMirrorReadout
from netlists.circuits.flash_adc import FlashAdc
from netlists.circuits.ramp_adc import RampAdc
from netlists.circuits.sar_adc import SarAdc
from netlists.readout_spec import ReadoutSpec
from netlists.technology import Technology


@dataclass(frozen=True)
class ChipPeriphery:
    """The amplifiers and converters of one chip.

    Attributes:
        readout: what they are.
        offsets: of the amplifiers, at their inputs [V].
        gains: relative errors of the amplifiers' transfer.
        elements: relative errors of each converter's capacitors or resistors.
        comparators: offsets of each converter's comparators [V].
    """

    readout: ReadoutSpec
    offsets: Float[np.ndarray, " cols"]
    gains: Float[np.ndarray, " cols"]
    elements: Float[np.ndarray, "cols elements"]
    comparators: Float[np.ndarray, "cols comparators"]

    @classmethod
    def draw(cls, readout: ReadoutSpec, cols: int, seed: int, current: float) -> Self:
        """The periphery of the chip with a seed.

        Args:
            readout: of the tile.
            cols: number of lines.
            seed: of the chip.
            current: typical of a line [A]; a mirror's error depends on it.
        """
        technology = Technology.load(readout.technology)
        offset, gain = sensing_spread(readout, technology, current)
        elements, comparators = 0, 0
        if readout.adc is not None:
            elements, comparators = _parts(readout.adc)

        def normal(purpose: str, *shape: int) -> Float[np.ndarray, "*shape"]:
            return stream(seed, f"periphery {purpose}").standard_normal((cols, *shape))

        return cls(
            readout,
            offset * normal("offset"),
            gain * normal("gain"),
            normal("elements", elements) * _element_spreads(readout.adc, elements),
            normal("comparators", comparators) * _comparator_spread(readout.adc, technology),
        )

    def volts(
        self,
        settled: Float[Tensor, "*reads cols"],
        rest: float,
        transfer: Float[Tensor, "*reads cols"],
        loading: Float[Tensor, " cols"],
    ) -> Float[Tensor, "*reads cols"]:
        """What this chip's amplifiers give where perfect ones give `settled` [V].

        Args:
            settled: outputs of perfect amplifiers [V].
            rest: their output without a current [V].
            transfer: how an output follows the current of its line [ohm].
            loading: conductance of the cells of every line [S].
        """
        offsets = torch.from_numpy(self.offsets).to(settled)
        gains = torch.from_numpy(self.gains).to(settled)
        tied = 0.0 if isinstance(self.readout.sensing, CurrentMirrorReadout) else 1.0
        moved = offsets * (tied + transfer.abs() * loading)
        return rest + (settled - rest) * (1.0 + gains) + moved

    def quantise(self, volts: Float[np.ndarray, "*reads cols"]) -> Float[np.ndarray, "*reads cols"]:
        """Codes of this chip's converters, by their twins, from the low end on."""
        adc = self.readout.adc
        if isinstance(adc, SarAdc):
            codes = adc.codes(volts, self.elements, self.comparators[:, 0])
        elif isinstance(adc, RampAdc):
            codes = adc.codes(volts, self.comparators[:, 0])
        elif isinstance(adc, FlashAdc):
            columns = [
                adc.codes(volts[..., col], self.elements[col], self.comparators[col])
                for col in range(volts.shape[-1])
            ]
            codes = np.stack(columns, -1)
        else:
            codes = np.zeros(volts.shape) if adc is None else adc.ideal_codes(volts)
        return codes.astype(np.float64)


def sensing_spread(
    readout: ReadoutSpec, technology: Technology, current: float
) -> tuple[float, float]:
    """Standard deviations of an amplifier's offset [V] and of its relative gain error."""
    sensing = readout.sensing
    offset = sensing.amplifier.random_offset(technology)
    if isinstance(sensing, CurrentMirrorReadout):
        return offset, sensing.ratio_deviation(technology, current)
    return offset, sensing.matching


def _parts(adc: Adc) -> tuple[int, int]:
    """How many matched elements and comparators a converter has."""
    if isinstance(adc, SarAdc):
        return adc.bits + 1, 1
    return (adc.levels, adc.levels - 1) if isinstance(adc, FlashAdc) else (0, 1)


def _element_spreads(adc: Adc | None, count: int) -> Float[np.ndarray, " elements"]:
    """Relative standard deviation of each element: the more units, the smaller."""
    if isinstance(adc, SarAdc):
        units = np.concatenate([[1.0], 2.0 ** np.arange(adc.bits)])
        return adc.unit_matching / np.sqrt(units)
    return np.full(count, adc.unit_matching if isinstance(adc, FlashAdc) else 0.0)


def _comparator_spread(adc: Adc | None, technology: Technology) -> float:
    """Standard deviation of a comparator's offset [V]."""
    if not isinstance(adc, SarAdc | FlashAdc | RampAdc):
        return 0.0
    comparator: Comparator = adc.comparator
    if comparator.kind == "ideal":
        return comparator.offset_deviation
    return comparator.latch.offset_deviation(technology)
