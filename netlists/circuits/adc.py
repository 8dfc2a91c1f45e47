"""What every analog-to-digital converter of the library offers: ports, clocks, codes.

    vin ──────┐
    clocks ───┤ converter ├── b0 … b(bits-1)      0 V or 1 V each, b0 the least significant
    references┘      │
                    vdd

One converter per column: the clocks and the references are shared by all columns, `vin` and the
bits are a column's own. Code k stands for inputs from `low + k lsb` up to `low + (k + 1) lsb`, with
lsb = (high - low) / 2**bits, and inputs beyond the ends give the first and the last code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from netlists.circuits.coded_range import CodedRange
from netlists.fields import Finite, Positive
from netlists.schematic import Subcircuit
from netlists.technology import Technology


BIT_HIGH = 1.0  # of a bit's node [V]; 0 V is a zero


class Adc(CodedRange, ABC):
    """A converter from a voltage to a code.

    Attributes:
        bits: of a code.
        low: input at which code 0 begins [V].
        high: input at which the last code ends [V].
        slot: time of one clock of the converter [s].
    """

    low: Finite = 0.1
    high: Finite = 0.9
    slot: Positive = 10e-9

    @property
    @abstractmethod
    def period(self) -> float:
        """Time of one conversion [s]."""

    @property
    @abstractmethod
    def references(self) -> Mapping[str, float]:
        """Ports for constant voltages that all columns share, and their voltages [V]."""

    @abstractmethod
    def clocks(self, supply: float) -> Mapping[str, str]:
        """Ports for clocks that all columns share, and the waveforms of their sources."""

    @abstractmethod
    def input_time(self, conversion: int) -> float:
        """When the input may change to the value of a conversion, before it is sampled [s]."""

    def sampled_time(self, conversion: int) -> float:
        """When the input of a conversion is taken and may change again; at the latest [s]."""
        return self.read_time(conversion)

    @abstractmethod
    def read_time(self, conversion: int) -> float:
        """When the bits of a conversion are ready [s]."""

    @abstractmethod
    def circuit(self, technology: Technology) -> Subcircuit:
        """One column's converter: ports vin, clocks, references, bits, vdd."""

    @abstractmethod
    def codes_of(
        self, circuit: Subcircuit, volts: Float[np.ndarray, "*shape"]
    ) -> Int[np.ndarray, "*shape"]:
        """The behavioural twin with the mismatch that a circuit was drawn with.

        Offsets of transistors are not in it: they are no element's value.
        """

    def ideal_codes(self, volts: Float[np.ndarray, "*shape"]) -> Int[np.ndarray, "*shape"]:
        """What a perfect converter of these bits and this full scale gives."""
        return ideal_codes(volts, self.bits, self.low, self.high)

    def nets(self, **own: str) -> dict[str, str]:
        """Nets for an instance: shared ports go to nets of their own names, others as given."""
        shared = (*self.clocks(1.0), *self.references, *self.bit_ports, "vin", "vdd")
        return {port: port for port in shared} | own


def ideal_codes(
    volts: Float[np.ndarray, "*shape"], bits: int, low: float, high: float
) -> Int[np.ndarray, "*shape"]:
    """Quantise voltages: equal steps from `low` to `high`, clipped at both ends."""
    steps = np.floor((np.asarray(volts) - low) / (high - low) * 2**bits)
    return np.clip(steps, 0, 2**bits - 1).astype(np.int64)


def decode(bits: Float[np.ndarray, "*shape bits"]) -> NDArray[np.int64]:
    """Codes from the voltages of bit nodes, least significant bit first, `[*shape]`."""
    weights = 2 ** np.arange(bits.shape[-1])
    return ((bits > 0.5 * BIT_HIGH) @ weights).astype(np.int64)
