"""The block of a tile as a SPICE subcircuit.

    r0 ... rN-1   inputs: the nodes that the drivers force        ┌──────┐
    c0 ... cM-1   outputs: their current flows out,            r ─┤ tile ├─ c ──► sensor at 0 V
                  into whatever holds them near 0 V               └──────┘

Every product of powers that the polynomials need is the voltage of a node of its own, made once
per row; all else are linear sources. So the simulator differentiates a few products per row, and
not one sum over the tile per column.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from cosim.surrogate.cell_polynomial import Term
from cosim.surrogate.export.block import TileBlock
from netlists.si_numbers import literal
from netlists.spice import single_line, wrapped


# An output without any conductance still needs a path to ground.
SMALLEST_CONDUCTANCE = 1e-15


def subcircuit_text(block: TileBlock, name: str, about: Sequence[str] = ()) -> str:
    """A subcircuit with the ports `r0 ... c0 ...`; `about` becomes comment lines.

    Raises:
        InputError: a line of `about` holds control characters.
    """
    ports = [*(f"r{i}" for i in range(block.rows)), *(f"c{j}" for j in range(block.cols))]
    lines = [f"* {single_line(line, 'a comment')}" for line in about]
    lines += wrapped(f".subckt {name}", ports)
    lines += [*_mean_lines(block), *_power_lines(block), *_output_lines(block)]
    return "\n".join([*lines, *_input_lines(block), ".ends", ""])


def _mean_lines(block: TileBlock) -> Iterator[str]:
    """The node `s`: a weighted mean of the inputs, in volt."""
    if not block.mean.any():
        return
    for i, weight in enumerate(block.mean):
        yield _source(f"gm{i}", "0", "s", f"r{i}", weight)
    yield "rm s 0 1"


def _power_lines(block: TileBlock) -> Iterator[str]:
    """A node for every product of powers that is no plain voltage."""
    for power in sorted({b for b in block.offsets if b > 1}):
        yield f"bs{power} s{power} 0 V={_product('s', power)}"
    for a, b in sorted(term for term in block.out_weights if term != (1, 0)):
        for i in range(block.rows):
            factors = [_product(f"r{i}", a), *([_product("s", b)] if b else [])]
            node = _node(i, (a, b))
            yield f"b{node} {node} 0 V={'*'.join(factors)}"


def _output_lines(block: TileBlock) -> Iterator[str]:
    """Sources that push the current out of every output."""
    for (a, b), weights in block.out_weights.items():
        for i, j in np.argwhere(weights):
            name = f"go{a}{b}_{i}_{j}"
            yield _source(name, "0", f"c{j}", _node(int(i), (a, b)), weights[i, j])
    for power, weights in block.offsets.items():
        node = "s" if power == 1 else f"s{power}"
        for j in np.flatnonzero(weights):
            yield _source(f"gs{power}_{j}", "0", f"c{j}", node, weights[j])
    for j, conductance in enumerate(block.output_conductance):
        yield _source(f"gl{j}", f"c{j}", "0", f"c{j}", max(conductance, SMALLEST_CONDUCTANCE))


def _input_lines(block: TileBlock) -> Iterator[str]:
    """What every input takes from its driver."""
    for i in range(block.rows):
        terms = [
            "*".join([f"({literal(weights[i])})", *_factors(f"v(r{i})", a), *_factors("v(s)", b)])
            for (a, b), weights in block.input_weights.items()
            if weights[i]
        ]
        if terms:
            yield f"bi{i} r{i} 0 I={'+'.join(terms)}"


def _source(name: str, plus: str, minus: str, control: str, gain: float) -> str:
    """A current `gain` times the voltage of `control` from `plus` to `minus` through the source."""
    return f"{name} {plus} {minus} {control} 0 {literal(gain)}"


def _node(row: int, term: Term) -> str:
    """The node whose voltage is the product of powers of an input and of s."""
    return f"r{row}" if term == (1, 0) else f"p{term[0]}{term[1]}_{row}"


def _product(node: str, power: int) -> str:
    return "*".join(_factors(f"v({node})", power))


def _factors(factor: str, power: int) -> list[str]:
    return [factor] * power
