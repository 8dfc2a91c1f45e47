"""Read numbers as SPICE writes them: `2.5k`, `10meg`, `0.2u`, `1e-9`."""

from __future__ import annotations

import re


SUFFIXES = {
    "t": 1e12, "g": 1e9, "meg": 1e6, "k": 1e3, "mil": 25.4e-6, "m": 1e-3,
    "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18,
}  # fmt: skip
_NUMBER = re.compile(
    r"([+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)(t|g|meg|k|mil|m|u|n|p|f|a)?[a-z]*", re.IGNORECASE
)


def spice_number(word: str) -> float | None:
    """The value of a word; None when it is no number. Letters after the suffix are units."""
    found = _NUMBER.fullmatch(word)
    if found is None:
        return None
    return float(found[1]) * SUFFIXES.get((found[2] or "").lower(), 1.0)
