"""The conditions that a block is measured under: process, supply and temperature corners, draws."""

from __future__ import annotations

from dataclasses import replace

from cosim.bench.base import Condition


COLD, ROOM, HOT = 233.15, 300.15, 398.15  # -40, 27 and 125 degrees Celsius

NOMINAL = Condition()

# Each axis alone, then the slow and fast extremes, where speed and leakage are at their worst.
CORNERS = (
    NOMINAL,
    Condition("ff"),
    Condition("ss"),
    Condition("fs"),
    Condition("sf"),
    Condition(supply=0.9),
    Condition(supply=1.1),
    Condition(temperature=COLD),
    Condition(temperature=HOT),
    Condition("ss", 0.9, HOT),
    Condition("ss", 0.9, COLD),
    Condition("ff", 1.1, COLD),
    Condition("ff", 1.1, HOT),
)


def draws(count: int, seed: int = 0, at: Condition = NOMINAL) -> tuple[Condition, ...]:
    """`count` mismatch draws at one condition, numbered from a seed."""
    return tuple(replace(at, seed=seed + number) for number in range(count))
