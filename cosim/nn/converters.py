"""Converters of a tile: how inputs are coded, and what becomes of the currents.

    x ──Dac: 2**bits - 1 steps──► voltages ──tile──► currents ──Adc: bits over a range──► digital

Input codings are those of a tile's `[inputs]`: `dac` reads once, at voltages of equal steps;
`bit_serial` reads once per bit at the full read voltage, converts every read and adds the codes
with the weights of the bits; `pulse_width` reads at the full voltage for a time proportional to the
code and converts the charge once.

Output converters are linear. They see either differences of columns, subtracted as currents
(`subtraction="analog"`: signed, mid-tread, zero is a code), or the columns themselves, which are
subtracted as codes (`"digital"`: what all cells have in common takes part of the range). The range
is where accuracy is won or lost:

    "calibrated"    the part `coverage` of what typical inputs give (1.0: minimum to maximum);
                    follows the activations in training, rests afterwards
    "learned"       starts there, then a parameter with a straight-through gradient
                    (S. Esser et al., "Learned step size quantization", ICLR 2020, arXiv:1902.08153)
    "full_scale"    the largest current that the tile can carry
    (low, high)     currents [A]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cosim.errors import InputError


if TYPE_CHECKING:
    from netlists.readout_spec import ReadoutSpec
    from netlists.specs import TileSpec

Coding = Literal["dac", "bit_serial", "pulse_width"]
MOST_BITS = 16


@dataclass(frozen=True)
class Dac:
    """How activations become voltages.

    Attributes:
        bits: of an input code; activations of both signs have as many for either sign.
        coding: how a code drives the tile.

    Raises:
        InputError: the number of bits is out of range.
    """

    bits: int
    coding: Coding = "dac"

    def __post_init__(self) -> None:
        _check_bits("Dac", self.bits, 1)

    @property
    def largest(self) -> int:
        """The largest code."""
        return int(2**self.bits - 1)

    @property
    def reads(self) -> int:
        """Reads of the tile that a code takes."""
        return 1 if self.coding == "dac" else self.bits


@dataclass(frozen=True)
class Adc:
    """How currents become numbers.

    Attributes:
        bits: of a code.
        range: how its range is found, or the range [A].
        coverage: part of the signals of typical inputs that a calibrated range holds.
        per: what has a range of its own.
        subtraction: whether columns are subtracted before conversion or after it.

    Raises:
        InputError: bits, range or coverage make no converter.
    """

    bits: int
    range: Literal["calibrated", "learned", "full_scale"] | tuple[float, float] = "calibrated"
    coverage: float = 1.0
    per: Literal["layer", "tile", "column"] = "tile"
    subtraction: Literal["analog", "digital"] = "analog"

    def __post_init__(self) -> None:
        _check_bits("Adc", self.bits, 2)
        if not 0.5 < self.coverage <= 1.0:
            raise InputError(
                f"`coverage` of an Adc is {self.coverage:g}; it is a part above 0.5 and up to 1;"
                " give 1.0 for minimum to maximum, or for instance 0.999"
            )
        if isinstance(self.range, tuple) and self.range[0] >= self.range[1]:
            raise InputError(
                f"the range of an Adc is {self.range}; it must rise; give (low, high) in ampere"
            )


@dataclass(frozen=True)
class Converters:
    """The converters of a tile; None where it is read without rounding.

    Attributes:
        dac: of the inputs.
        adc: of the outputs.
    """

    dac: Dac | None = None
    adc: Adc | None = None

    @staticmethod
    def of(spec: TileSpec) -> Converters:
        """The converters that a tile's specification has, with the ranges of its circuits."""
        dac = None if spec.inputs is None else Dac(spec.inputs.bits, spec.inputs.coding)
        readout = spec.readout
        if readout is None or readout.adc is None:
            return Converters(dac)
        limits = _current_range(readout, spec.cell.conductance_max * spec.drivers.read_voltage)
        return Converters(dac, Adc(readout.adc.bits, limits, subtraction="digital"))


IDEAL = Converters()


def _current_range(readout: ReadoutSpec, probe: float) -> tuple[float, float]:
    """Currents [A] that the first and the last code stand for, behind sensing taken as linear.

    A code of the circuit stands for all inputs of one step, so for the middle of it.
    """
    adc = readout.adc
    if adc is None:
        raise InputError("the tile has no [readout.adc]; add one to have a range")
    rest, moved = readout.volts(np.array([0.0, probe]))
    half = (adc.high - adc.low) / 2**adc.bits / 2
    volts = np.array([adc.low + half, adc.high - half])
    low, high = sorted((volts - rest) * probe / (moved - rest))
    return float(low), float(high)


def _check_bits(name: str, bits: int, fewest: int) -> None:
    if not fewest <= bits <= MOST_BITS:
        raise InputError(
            f"`bits` of {name} is {bits}; allowed are {fewest} to {MOST_BITS}; correct the number"
        )
