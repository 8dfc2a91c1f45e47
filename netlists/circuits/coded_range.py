"""Codes over a range of voltages: what converters in either direction have in common."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from netlists.fields import Finite, Spec


class CodedRange(Spec):
    """Codes of some bits for equal steps between two voltages.

    Attributes:
        bits: of a code.
        low: where code 0 is, or begins [V].
        high: where the code after the last would be [V].
    """

    bits: int
    low: Finite
    high: Finite

    @model_validator(mode="after")
    def _low_is_below_high(self) -> Self:
        if self.high <= self.low:
            raise ValueError(f"the full scale from {self.low} V to {self.high} V is empty")
        return self

    @property
    def levels(self) -> int:
        """Number of codes."""
        return int(2**self.bits)

    @property
    def lsb(self) -> float:
        """Distance of two neighbouring codes [V]."""
        return (self.high - self.low) / self.levels

    @property
    def bit_ports(self) -> tuple[str, ...]:
        """The ports that carry the code, least significant bit first."""
        return tuple(f"b{bit}" for bit in range(self.bits))
