"""What a converter makes of a voltage, and when it looks at it.

    code = clip(floor((v - low + offset + gain (v - middle)) / lsb))

with the steps that the specification states and an offset and a gain fitted to codes from SPICE. A
step has no slope to train through; backwards the code counts as the straight line through its
steps, cut off at the converter's ends ("straight-through").

A converter looks at its input a time after the inputs have changed: a SAR when its sampling switch
opens, a flash when its comparators decide, a ramp when it passes the input, which depends on the
input itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from netlists.circuits.adc import Adc
from netlists.circuits.flash_adc import DECIDE, FlashAdc
from netlists.circuits.ramp_adc import RampAdc
from netlists.circuits.sar_adc import SAMPLED, SarAdc
from netlists.readout_spec import ReadoutSpec
from netlists.tile_timing import EDGE, TileTiming


Quantiser = Callable[[np.ndarray], np.ndarray]


class ConverterLaw:
    """From volts to codes of the tile's lines.

    Attributes:
        adc: the converter.
        rising: whether more current is a higher voltage.
        offset: added to the input, fitted [V].
        gain: relative, about the middle of the full scale, fitted.
    """

    def __init__(self, adc: Adc, rising: bool, offset: float = 0.0, gain: float = 0.0) -> None:
        self.adc, self.rising, self.offset, self.gain = adc, rising, offset, gain

    def codes(
        self, volts: Float[Tensor, "*shape"], quantiser: Quantiser | None = None
    ) -> Float[Tensor, "*shape"]:
        """Codes of voltages, counted so that more current is a larger code.

        Args:
            volts: at the converter's input [V].
            quantiser: of a converter with mismatch, instead of equal steps.
        """
        adc, seen = self.adc, self.shifted(volts)
        line = (seen - adc.low) / adc.lsb
        clipped = torch.clamp(line, 0.0, float(adc.levels - 1))
        if quantiser is None:
            steps = torch.clamp(torch.floor(line.detach()), 0, adc.levels - 1)
        else:
            steps = torch.from_numpy(quantiser(seen.detach().double().cpu().numpy())).to(line)
        raw = clipped + (steps - clipped).detach()
        return raw if self.rising else adc.levels - 1 - raw

    def shifted(self, volts: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """Voltages as equal steps see them [V]."""
        middle = 0.5 * (self.adc.low + self.adc.high)
        return volts + self.offset + self.gain * (volts - middle)

    def decision_time(self, volts: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"] | float:
        """How long after a change of the inputs a converter looks at its own [s].

        Args:
            volts: its input, nearly; for a ramp [V].
        """
        adc = self.adc
        applied = adc.input_time(0) + 0.5 * EDGE
        if isinstance(adc, SarAdc):
            return SAMPLED * adc.slot - applied
        if isinstance(adc, FlashAdc):
            return DECIDE * adc.slot - applied
        if isinstance(adc, RampAdc):
            place = torch.clamp((self.shifted(volts.detach()) - adc.low) / adc.lsb, 0, adc.levels)
            return adc.slot * (place + 0.5) - applied
        return adc.sampled_time(0) - applied

    def fitted(self, offset: float, gain: float) -> Self:
        """The same converter with other fitted numbers."""
        return type(self)(self.adc, self.rising, offset, gain)

    def settings(self) -> dict[str, Any]:
        """The fitted numbers, as JSON takes them; the converter itself is in the tile's spec."""
        return {"offset": self.offset, "gain": self.gain}


def converter_of(
    readout: ReadoutSpec, settings: Mapping[str, Any] | None = None
) -> ConverterLaw | None:
    """The converter of a read-out; None without one."""
    if readout.adc is None:
        return None
    numbers = settings or {"offset": 0.0, "gain": 0.0}
    law = ConverterLaw(readout.adc, readout.draws)
    return law.fitted(float(numbers["offset"]), float(numbers["gain"]))


def sampled_after(readout: ReadoutSpec) -> float:
    """How long after a change of the inputs the amplifiers' outputs count as taken [s]."""
    timing = TileTiming(readout, 1)
    return float(timing.settled()[0] - timing.applied()[0]) - 0.5 * EDGE
