"""When what happens in a MAC tile: inputs applied, integrated, sampled, and codes read.

An amplifier follows its input, so the inputs of a read are applied just before its conversion
samples and stay for one period:

    inputs   ─X── read k ─────────────────X── read k+1 ──
    sampled      ▲ k                          ▲ k+1

An integrator needs a reset and a window in which currents flow, before the sampling:

    reset    ___|‾|______________________|‾|____________
    inputs   ______|‾pulses of k‾|__________|‾ k+1 ‾|___
    sampled                          ▲ k                  ▲ k+1

The first read is no answer: the logic of the converters has not settled then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from compact_models.errors import SpecError
from netlists.circuits.integrator import Integrator
from netlists.readout_spec import ReadoutSpec
from netlists.si_numbers import readable
from netlists.waveforms import clock, piecewise_linear, staircase


UNREAD = 1  # reads at the start whose logic has not settled
EDGE = 0.2e-9  # of inputs and of the reset [s]
RESET_SHARE = 0.1  # of the window of an integrator, for its reset

Times = Float[np.ndarray, " reads"]


@dataclass(frozen=True)
class TileTiming:
    """The timing of a tile with some reads.

    Attributes:
        readout: of the tile.
        reads: that are answers.
    """

    readout: ReadoutSpec
    reads: int

    @property
    def period(self) -> float:
        """Time of one read [s]."""
        return self.readout.period

    @property
    def duration(self) -> float:
        """Time of all reads [s]."""
        return (UNREAD + self.reads) * self.period

    def _conversions(self) -> range:
        return range(UNREAD, UNREAD + self.reads)

    def settled(self) -> Times:
        """When each read is taken: its converter's sampling ends, or the read itself [s]."""
        adc = self.readout.adc
        if adc is None:
            return np.array([(read + 1) * self.period - EDGE for read in self._conversions()])
        return np.array([adc.sampled_time(read) for read in self._conversions()])

    def codes(self) -> Times:
        """When each code is ready [s].

        Raises:
            SpecError: the tile has no converter.
        """
        adc = self.readout.adc
        if adc is None:
            raise SpecError("the tile has no [readout.adc]; add one to have codes")
        return np.array([adc.read_time(read) for read in self._conversions()])

    def applied(self) -> Times:
        """When the inputs of each read are applied [s]."""
        return self._first_applied() + np.arange(self.reads) * self.period

    def _first_applied(self) -> float:
        adc = self.readout.adc
        if self._window() is not None:
            return self._reset_start(0) + self._reset_time()
        return UNREAD * self.period + (0.0 if adc is None else adc.input_time(0))

    # -- integrators

    def _window(self) -> float | None:
        """Time that currents are integrated for [s]; None without an integrator.

        Raises:
            SpecError: the converter leaves less.
        """
        sensing, adc = self.readout.sensing, self.readout.adc
        if not isinstance(sensing, Integrator):
            return None
        free = self.period if adc is None else adc.input_time(1) - adc.sampled_time(0)
        needed = sensing.window * (1.0 + RESET_SHARE) + 4.0 * EDGE
        if needed > free:
            raise SpecError(
                f"readout.sensing.window: {readable(sensing.window, 's')} and the reset take "
                f"{readable(needed, 's')}; a read leaves {readable(free, 's')}; shorten the window "
                "or lengthen `readout.adc.slot` or `readout.read_time`"
            )
        return sensing.window

    def _reset_time(self) -> float:
        return RESET_SHARE * (self._window() or 0.0) + 2.0 * EDGE

    def _reset_start(self, read: int) -> float:
        """When the reset before the window of a read begins [s]."""
        adc = self.readout.adc
        if adc is None:
            return (UNREAD + read) * self.period
        return adc.sampled_time(UNREAD + read - 1) + EDGE

    def reset(self, supply: float) -> str | None:
        """Waveform of the integrators' reset between 0 V and the supply; None without them."""
        if self._window() is None:
            return None
        width = self._reset_time() - 2.0 * EDGE
        return clock(0.0, supply, self._reset_start(0), EDGE, width, self.period)

    # -- inputs

    def waveform(
        self, volts: Float[np.ndarray, " reads"], shares: Float[np.ndarray, " reads"]
    ) -> str:
        """The waveform of one row's source.

        Args:
            volts: of each read [V].
            shares: of the window of an integrator that the voltage is applied for.

        Raises:
            SpecError: pulses that no integrator adds up.
        """
        window = self._window()
        if window is not None:
            return self._pulses(volts, shares * window)
        if (shares < 1.0).any():
            raise SpecError(
                "inputs.coding: pulses need a read-out that integrates; name "
                '`kind = "integrator"` in [readout.sensing], or use another coding'
            )
        steps = np.concatenate([np.repeat(volts[:1], UNREAD), volts])
        return staircase(steps, self.period, EDGE, self._first_applied() - UNREAD * self.period)

    def _pulses(
        self, volts: Float[np.ndarray, " reads"], widths: Float[np.ndarray, " reads"]
    ) -> str:
        """Pulses of given widths [s], measured at half their height."""
        points = [(0.0, 0.0)]
        for start, volt, width in zip(self.applied(), volts, widths, strict=True):
            if volt and width > EDGE:
                stop = start + width
                points += [(start, 0.0), (start + EDGE, volt), (stop, volt), (stop + EDGE, 0.0)]
        return piecewise_linear(points) if len(points) > 1 else "0.0"
