"""Check the arrays that meet a tile: shapes, finite values, ranges, each with one clear message."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Real
from numpy.typing import ArrayLike

from compact_models.errors import CardError, ShapeError
from netlists.si_numbers import readable
from netlists.specs import TileSpec


MOST_CONDUCTANCE = 10.0  # of a cell [S]; what is given beyond is in another unit, or garbage


def finite_array(values: ArrayLike, what: str, shape: tuple[int | None, ...]) -> np.ndarray:
    """An array of floats of the given shape, where `None` leaves a length free.

    Raises:
        ShapeError: not numbers, the wrong shape, empty, or holding NaN or infinity.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise ShapeError(
            f"{what} holds values that are not numbers; give an array of numbers"
        ) from None
    fits = array.ndim == len(shape) and all(
        wanted is None or wanted == given for wanted, given in zip(shape, array.shape, strict=True)
    )
    if not fits or array.size == 0:
        wanted = ", ".join("any" if length is None else str(length) for length in shape)
        raise ShapeError(f"{what} has shape {array.shape}; the tile needs ({wanted}), not empty")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        first = tuple(int(index) for index in bad[0])
        raise ShapeError(
            f"{what} holds {array[first]} at {first} ({len(bad)} such values); "
            "give finite numbers only"
        )
    return array


def checked_inputs(spec: TileSpec, inputs: ArrayLike) -> Float[np.ndarray, "samples rows"]:
    """Input voltages [V] of a tile, checked; a single vector becomes one sample.

    Raises:
        ShapeError: wrong shape, not finite, beyond ±2 V, where a read would write the cells, or
            not 0 V in an inactive row.
    """
    array = np.asarray(inputs)
    if array.ndim == 1:
        array = array[None, :]
    voltages = finite_array(array, "the input array X [samples, rows]", (None, spec.rows))
    largest = float(np.abs(voltages).max())
    if largest > 2.0:
        raise ShapeError(
            f"the input array X reaches {readable(largest, 'V')}; a read allows at most ±2 V; "
            "give volts, not codes"
        )
    check_inactive_rows(spec, voltages)
    return voltages


def check_inactive_rows(spec: TileSpec, inputs: Real[np.ndarray, "samples rows"]) -> None:
    """Refuse inputs, volts or codes, that drive an inactive row.

    Raises:
        ShapeError: an inactive row has an input.
    """
    driven = [row for row in spec.inactive_rows if inputs[:, row].any()]
    if driven:
        raise ShapeError(
            f"the input array X drives row {driven[0]}, which is inactive; give 0 to "
            "inactive_rows, or make the row active"
        )


def middle_conductances(spec: TileSpec) -> Float[np.ndarray, "rows cols"]:
    """Every cell at the middle of the range that programming uses [S]."""
    middle = 0.5 * (spec.cell.conductance_min + spec.cell.conductance_max)
    return np.full((spec.rows, spec.cols), middle)


def full_scale(spec: TileSpec, largest: float) -> Float[np.ndarray, " rows"]:
    """One input vector with every active row at its largest input, in volt or codes."""
    inputs = np.full(spec.rows, float(largest))
    inputs[list(spec.inactive_rows)] = 0.0
    return inputs


def checked_conductances(spec: TileSpec, conductances: ArrayLike) -> Float[np.ndarray, "rows cols"]:
    """Conductances [S] of a tile's cells, checked for shape and sign.

    Raises:
        ShapeError: wrong shape or not finite.
        CardError: a value that is not positive, or that no cell can have.
    """
    what = "the conductance array G [rows, cols]"
    array = finite_array(conductances, what, (spec.rows, spec.cols))
    if array.min() <= 0.0:
        first = tuple(int(index) for index in np.argwhere(array <= 0.0)[0])
        raise CardError(
            f"{what} holds {readable(array[first], 'S')} at {first}; a conductance is positive; "
            f"program at least {readable(spec.cell.conductance_min, 'S')}"
        )
    if array.max() > MOST_CONDUCTANCE:
        first = tuple(int(index) for index in np.argwhere(array > MOST_CONDUCTANCE)[0])
        raise CardError(
            f"{what} holds {readable(array[first], 'S')} at {first}; no cell conducts more than "
            f"{readable(MOST_CONDUCTANCE, 'S')}; give siemens"
        )
    return array
