"""The specification of a tile's periphery: how inputs are coded, and what codes come out.

    [inputs]                          [readout]
    coding = "dac"                    technology = "generic_65nm"
    bits = 4                          weights = "differential"

                                      [readout.sensing]       [readout.adc]
                                      kind = "tia"            kind = "sar"
                                      resistance = 5e3        bits = 6

A tile without `[inputs]` takes volts, a tile without `[readout]` gives currents.
"""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from jaxtyping import Float, Int
from pydantic import Field

from compact_models.errors import SpecError
from netlists.circuits.current_mirror_readout import CurrentMirrorReadout
from netlists.circuits.flash_adc import FlashAdc
from netlists.circuits.integrator import Integrator
from netlists.circuits.ramp_adc import RampAdc
from netlists.circuits.sar_adc import SarAdc
from netlists.circuits.tia import Tia
from netlists.fields import Name, Positive, Spec
from netlists.technology import DEFAULT


Sensing = Annotated[Tia | CurrentMirrorReadout | Integrator, Field(discriminator="kind")]
Converter = Annotated[SarAdc | FlashAdc | RampAdc, Field(discriminator="kind")]
MOST_PULSE_BITS = 6  # a pulse of n bits is 2^n - 1 unit times, each a read of its own


class InputSpec(Spec):
    """How input codes become voltages of the input lines.

    Attributes:
        coding: `dac`, one read at voltages of equal steps up to the read voltage; `bit_serial`,
            one read per bit at the read voltage, most significant first, each read converted and
            the codes added with the bits' weights; `pulse_width`, the read voltage for a time
            proportional to the code, the charge of all times converted once.
        bits: of an input code.
    """

    coding: Literal["dac", "bit_serial", "pulse_width"]
    bits: Annotated[int, Field(ge=1, le=8)]

    @property
    def largest(self) -> int:
        """The largest code."""
        return int(2**self.bits - 1)


class ReadoutSpec(Spec):
    """From the currents of the output lines to codes.

    Attributes:
        technology: the transistors of the periphery: a shipped technology or a .toml file.
        supply: of the periphery [V]; the technology's own when not given.
        weights: which lines an output is made of, after conversion. `unsigned`: every line is an
            output. `differential`: output j is line 2j minus line 2j + 1. `offset`: the last line
            holds the reference conductance and is subtracted from all others.
        sensing: what holds a line and turns its current into a voltage.
        adc: what turns the voltage into a code; outputs are volts without it.
        read_time: of one read without a converter [s]; with one, its conversion sets the pace.
    """

    technology: Name = DEFAULT
    supply: Positive | None = None
    weights: Literal["unsigned", "differential", "offset"] = "unsigned"
    sensing: Sensing = Field(default_factory=Tia)
    adc: Converter | None = None
    read_time: Positive = 100e-9

    @property
    def period(self) -> float:
        """Time of one read [s]."""
        return self.read_time if self.adc is None else self.adc.period

    @property
    def level(self) -> float:
        """Voltage at which the output lines are held [V]."""
        return self.sensing.level

    @property
    def draws(self) -> bool:
        """Whether cells draw their current out of the line, so that inputs lie below the level."""
        return isinstance(self.sensing, CurrentMirrorReadout)

    def volts(self, currents: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Output voltages of the sensing for currents [A] of the tile's positive direction."""
        return self.sensing.output(currents)

    def codes(self, volts: Float[np.ndarray, "*shape"]) -> Int[np.ndarray, "*shape"]:
        """What the converter makes of voltages, counted so that more current is a larger code."""
        if self.adc is None:
            raise SpecError("the tile has no [readout.adc]; add one to have codes")
        return self.counted(self.adc.ideal_codes(volts))

    def counted(self, codes: Int[np.ndarray, "*shape"]) -> Int[np.ndarray, "*shape"]:
        """Codes of the converter, from the other end where more current lowers the voltage."""
        if self.adc is None or self.draws:
            return codes
        return self.adc.levels - 1 - codes

    def signal(self, volts: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """Voltages as outputs of a tile without converter: how far a current has moved them."""
        return volts if self.draws else self.level - volts
