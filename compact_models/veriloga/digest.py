"""A number for the content of an expression, the same in every process, and an order by it.

Python's own hash() of text differs from run to run, and an object's age or address depends on what
was compiled before. Neither may decide what the compiler writes.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING
from zlib import crc32


if TYPE_CHECKING:
    from compact_models.veriloga.expressions import Expr


BITS = (1 << 64) - 1
MULTIPLIER = 6364136223846793005
"""Of Knuth's linear congruential generator, MMIX."""


@lru_cache(maxsize=65_536)
def _seed(op: str, value: float | str | None) -> int:
    text = f"{op} {value!r}"
    return crc32(text.encode()) << 32 | crc32(text[::-1].encode())


def content_digest(op: str, value: float | str | None, operands: Iterable[Expr]) -> int:
    """The digest of a node from its operation, its value and its operands."""
    result = _seed(op, value)
    for operand in operands:
        below = operand.digest
        result = (result * MULTIPLIER + (below ^ (below >> 29))) & BITS
    return result


def order(node: Expr) -> tuple[int, str, int]:
    """Where an operand stands when two may be exchanged: short before long, then by name.

    It must not depend on what this process has compiled before, as the order of creation would.
    """
    return node.depth, node.value if isinstance(node.value, str) else "", node.digest


def ordered(a: Expr, b: Expr) -> tuple[Expr, Expr]:
    """The operands of a sum or a product: what is computed once per instance comes first."""
    if a.is_static is not b.is_static:
        return (a, b) if a.is_static else (b, a)
    return (a, b) if order(a) <= order(b) else (b, a)
