"""What the periphery of a tile does to its inputs and outputs, in numbers.

    codes ──inputs──► voltages of one or more reads ──tile──► currents ──readout──► codes

These are the behavioural twins of the circuit blocks, applied around any engine. The reads of one
input vector lie side by side: `[samples, reads, rows]`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from compact_models.errors import ShapeError
from netlists.arrays import check_inactive_rows, checked_inputs, finite_array
from netlists.readout_spec import InputSpec, ReadoutSpec
from netlists.specs import TileSpec


Lines = Float[np.ndarray, "conversions cols"] | Int[np.ndarray, "conversions cols"]
Outputs = Float[np.ndarray, "samples outputs"] | Int[np.ndarray, "samples outputs"]


@dataclass(frozen=True)
class SignalChain:
    """The periphery of one tile.

    Attributes:
        spec: the tile.
    """

    spec: TileSpec

    @property
    def outputs(self) -> int:
        """Number of outputs of the tile."""
        return output_count(self.spec)

    @property
    def unit(self) -> str:
        """Of an output: ampere, volt, or codes of the converter."""
        readout = self.spec.readout
        if readout is None:
            return "A"
        return "V" if readout.adc is None else "LSB"

    @property
    def reads(self) -> int:
        """Reads of the tile per input vector."""
        return len(self._weights())

    def _weights(self) -> Float[np.ndarray, " reads"]:
        """What each read counts in the sum of all reads."""
        inputs = self.spec.inputs
        if inputs is None or inputs.coding == "dac":
            return np.ones(1)
        if inputs.coding == "bit_serial":
            return 2.0 ** np.arange(inputs.bits)[::-1]
        return np.full(inputs.largest, 1.0 / inputs.largest)

    def voltages(self, inputs: ArrayLike) -> Float[np.ndarray, "samples reads rows"]:
        """Voltages of the input lines in every read, relative to the level of the lines [V].

        They are negative where the read-out takes currents that cells draw.

        Args:
            inputs: `[samples, rows]`, codes of the tile's inputs, or volts without a coding.

        Raises:
            ShapeError: wrong shape, not finite, or no code of the inputs.
        """
        readout = self.spec.readout
        sign = -1.0 if readout is not None and readout.draws else 1.0
        return sign * self._levels(inputs)

    def _levels(self, inputs: ArrayLike) -> Float[np.ndarray, "samples reads rows"]:
        """Magnitudes of the inputs in every read [V]."""
        coding = self.spec.inputs
        if coding is None:
            return checked_inputs(self.spec, inputs)[:, None, :]
        codes = self.checked_codes(inputs, coding)
        full = self.spec.drivers.read_voltage
        if coding.coding == "dac":
            return (codes * (full / coding.largest))[:, None, :]
        if coding.coding == "bit_serial":
            bits = np.arange(coding.bits)[::-1]
            return full * ((codes[:, None, :] >> bits[:, None]) & 1)
        steps = np.arange(coding.largest)
        return full * (codes[:, None, :] > steps[:, None])

    def pulses(
        self, inputs: ArrayLike
    ) -> tuple[Float[np.ndarray, "reads rows"], Float[np.ndarray, "reads rows"]]:
        """Inputs as they are applied over time, one conversion after the other.

        Returns:
            Voltages relative to the level [V], and the share of the time that they are applied for.

        Raises:
            ShapeError: wrong shape, not finite, or no code of the inputs.
        """
        coding = self.spec.inputs
        volts = self.voltages(inputs)
        if coding is None or coding.coding != "pulse_width":
            volts = volts.reshape(-1, self.spec.rows)
            return volts, np.ones(volts.shape)
        full = volts[:, 0]  # the first unit time carries every code above zero
        return full, self.checked_codes(inputs, coding) / coding.largest

    def checked_codes(
        self, inputs: ArrayLike, coding: InputSpec
    ) -> Int[np.ndarray, "samples rows"]:
        """Input codes, checked.

        Raises:
            ShapeError: wrong shape, not whole numbers, outside of the coding's range, or not 0 in
                an inactive row.
        """
        array = np.asarray(inputs)
        given = finite_array(
            array[None, :] if array.ndim == 1 else array,
            "the input array X [samples, rows]",
            (None, self.spec.rows),
        )
        wrong = (given != np.round(given)) | (given < 0) | (given > coding.largest)
        if wrong.any():
            raise ShapeError(
                f"the input array X holds {given[wrong][0]:g}; this tile's inputs are codes: whole "
                f"numbers from 0 to {coding.largest} ({coding.bits} bits, {coding.coding})"
            )
        check_inactive_rows(self.spec, given)
        return given.astype(np.int64)

    def read_out(self, currents: Float[np.ndarray, "samples reads cols"]) -> Outputs:
        """The tile's outputs for the currents of all reads [A]."""
        readout, inputs = self.spec.readout, self.spec.inputs
        weights = self._weights()
        if inputs is not None and inputs.coding == "bit_serial":
            converted = self._converted(currents, readout)
            summed = np.einsum("srj,r->sj", converted, weights.astype(converted.dtype))
            return self._combined(summed)
        summed = np.einsum("srj,r->sj", currents, weights)
        return self._combined(self._converted(summed, readout))

    def combine_conversions(self, lines: Lines) -> Outputs:
        """The tile's outputs from what each line gave in each conversion, one after the other."""
        inputs = self.spec.inputs
        serial = inputs is not None and inputs.coding == "bit_serial"
        weights = self._weights() if serial else np.ones(1)
        conversions = lines.reshape(-1, len(weights), self.spec.cols)
        return self._combined(np.einsum("srj,r->sj", conversions, weights.astype(lines.dtype)))

    @staticmethod
    def _converted(currents: np.ndarray, readout: ReadoutSpec | None) -> np.ndarray:
        """Codes of currents, or volts without a converter, or the currents without a read-out."""
        if readout is None:
            return currents
        volts = readout.volts(-currents if readout.draws else currents)
        return readout.signal(volts) if readout.adc is None else readout.codes(volts)

    def _combined(self, values: np.ndarray) -> np.ndarray:
        """The lines of each output, taken together; dummy columns are left out."""
        readout = self.spec.readout
        lines = np.delete(values, self.spec.dummy_columns, axis=1)
        if readout is None or readout.weights == "unsigned":
            return lines
        if readout.weights == "differential":
            return lines[:, 0::2] - lines[:, 1::2]
        return lines[:, :-1] - lines[:, -1:]


def output_count(spec: TileSpec) -> int:
    """Outputs of a tile: its output lines, or the differences of them."""
    lines = spec.cols - len(spec.dummy_columns)
    if spec.readout is None or spec.readout.weights == "unsigned":
        return lines
    return lines // 2 if spec.readout.weights == "differential" else lines - 1
