"""How a value reads: an SI number with its prefix, a fraction in percent, a time in minutes."""

from __future__ import annotations

import math

from cosim.report.model import CellValue
from netlists.si_numbers import readable


def quantity(value: float, unit: str = "", digits: int = 3) -> str:
    """A number for people: `4.7 µS`, `93.4 %`, `2 min 14 s`."""
    if not math.isfinite(value):
        return "–"
    if unit == "%":
        return f"{significant(100 * value, digits)} %"
    if unit == "s" and value >= 100:
        return duration(value)
    if unit:
        return readable(value, unit, digits).replace("-", "−")
    return significant(value, digits)


def significant(value: float, digits: int) -> str:
    """A plain number with `digits` significant digits and a real minus.

    Large whole numbers keep all their digits; numbers that would need many zeros are written with
    a power of ten.
    """
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "–"
    if not 1e-4 <= abs(value) < 1e7:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    magnitude = math.floor(math.log10(float(f"{abs(value):.{digits - 1}e}")))
    text = f"{value:.{max(digits - 1 - magnitude, 0)}f}".replace("-", "−")
    return text.rstrip("0") if abs(value) < 0.5 else grouped(text)


def grouped(text: str) -> str:
    """A number of five and more digits before the point, in groups of three."""
    whole, point, rest = text.partition(".")
    if len(whole.lstrip("−")) > 4:
        negative, digits = whole[: -len(whole.lstrip("−"))], whole.lstrip("−")
        whole = negative + f"{int(digits):,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    return whole + point + rest


def duration(seconds: float) -> str:
    """A time in the two largest of hours, minutes and seconds that it needs."""
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def cell_text(value: CellValue, unit: str, digits: int) -> str:
    """The text of a table's cell; marks for `True` and `False` are drawn elsewhere."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not unit:
        return grouped(str(value).replace("-", "−"))
    return quantity(float(value), unit, digits)
