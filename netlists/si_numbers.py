"""Format numbers: exactly for a netlist, readably for people.

SPICE suffixes are a trap (`M` is milli, `MEG` is mega, and unknown letters are ignored), so a
netlist gets plain floating-point literals that round-trip; suffixes are for people only.
"""

from __future__ import annotations

import math

import numpy as np

from compact_models.errors import InputError


PREFIXES = {-18: "a", -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G"}


def literal(value: float) -> str:
    """The shortest text that reads back as exactly `value` in SPICE, without a suffix.

    Raises:
        InputError: `value` is not a finite number.
    """
    number = float(value)
    if not math.isfinite(number):
        raise InputError(f"a netlist value is {number}; give a finite number")
    return repr(number)


def drawn_size(value: float) -> str:
    """A size as a designer would write it: nine digits, without what arithmetic leaves behind."""
    return f"{value:.9g}"


def literals(values: np.ndarray) -> list[list[str]]:
    """`literal` for every entry of a matrix.

    Raises:
        InputError: an entry is not a finite number.
    """
    if not np.isfinite(values).all():
        literal(float(values[~np.isfinite(values)][0]))
    return [[repr(value) for value in row] for row in values.tolist()]


def readable(value: float, unit: str = "", digits: int = 3) -> str:
    """A number with an SI prefix: `readable(4.7e-6, "S")` is `4.7 µS`."""
    number = float(value)
    if number == 0.0 or not math.isfinite(number):
        return f"{number:g} {unit}".strip()
    exponent = 3 * math.floor(math.log10(abs(number)) / 3)
    exponent = min(max(exponent, min(PREFIXES)), max(PREFIXES))
    scaled = float(f"{number / 10.0**exponent:.{digits}g}")
    if abs(scaled) >= 1000 and exponent < max(PREFIXES):
        exponent += 3
        scaled /= 1000
    return f"{scaled:g} {PREFIXES[exponent]}{unit}".strip()
