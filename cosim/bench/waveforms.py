"""Read waveforms: values at times, and when a waveform crosses a level."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from cosim.ngspice import Result


def values_at(
    result: Result, output: str, times: Float[np.ndarray, " times"]
) -> Float[np.ndarray, " times"]:
    """An output at given times [s], interpolated between the simulator's points."""
    checked = result.require()
    return np.interp(times, np.asarray(checked.axis), checked.vectors[output])


def crossings(
    result: Result, output: str, level: float, *, rising: bool | None = None
) -> Float[np.ndarray, " crossings"]:
    """Times [s] at which an output crosses a level; both directions unless `rising` is given."""
    checked = result.require()
    time = np.asarray(checked.axis)
    above = checked.vectors[output] > level
    change = np.diff(above.astype(int))
    wanted = change != 0 if rising is None else change == (1 if rising else -1)
    before = np.flatnonzero(wanted)
    wave = checked.vectors[output]
    share = (level - wave[before]) / (wave[before + 1] - wave[before])
    return time[before] + share * (time[before + 1] - time[before])


def settling_time(result: Result, output: str, start: float, stop: float, band: float) -> float:
    """How long after `start` [s] an output stays within `band` [V] of where it is at `stop`."""
    checked = result.require()
    time, wave = np.asarray(checked.axis), checked.vectors[output]
    final = np.interp(stop, time, wave)
    outside = time[(time >= start) & (time <= stop) & (np.abs(wave - final) > band)]
    return float(outside[-1] - start) if len(outside) else 0.0


def integral(result: Result, output: str, start: float, stop: float) -> float:
    """Integral of an output over time, from `start` to `stop` [s], by the trapezoidal rule."""
    checked = result.require()
    time = np.asarray(checked.axis)
    inside = time[(time > start) & (time < stop)]
    grid = np.concatenate([[start], inside, [stop]])
    return float(np.trapezoid(np.interp(grid, time, checked.vectors[output]), grid))
