"""The block of a tile as a Verilog-A module, with the ports of the SPICE subcircuit.

The contributions stand in the order of the rows; powers of an input and of the mean are assigned
once each, so that a compiler has no common factors to find.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cosim.errors import InputError
from cosim.surrogate.cell_polynomial import Term
from cosim.surrogate.export.block import TileBlock
from netlists.spice import single_line, wrapped


IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
WIDTH = 100


def module_text(block: TileBlock, name: str, about: Sequence[str] = ()) -> str:
    """A module with the ports `r0 ... c0 ...`; `about` becomes comment lines.

    Raises:
        InputError: the name is no Verilog-A identifier.
    """
    if not IDENTIFIER.fullmatch(name):
        raise InputError(
            f"`{name}` cannot name a Verilog-A module; allowed are letters, digits and _, not"
            " starting with a digit; give another name"
        )
    ports = [*(f"r{i}" for i in range(block.rows)), *(f"c{j}" for j in range(block.cols))]
    listed = ", ".join(ports)
    lines = [f"// {single_line(line, 'a comment')}" for line in about]
    lines += ['`include "disciplines.vams"', ""]
    lines += _folded(f"module {name}({listed});")
    lines += _folded(f"    inout {listed};") + _folded(f"    electrical {listed};")
    lines += _folded(f"    real {', '.join(_variables(block))};") if _variables(block) else []
    lines += ["", "    analog begin", *_assignments(block), *_inputs(block), *_outputs(block)]
    return "\n".join([*lines, "    end", "endmodule", ""])


def _variables(block: TileBlock) -> list[str]:
    """Names of the assigned powers."""
    means = [_mean_name(b) for b in range(1, _highest_mean(block) + 1)]
    powers = [_power_name(i, a) for i in range(block.rows) for a in range(2, _highest(block) + 1)]
    return [*means, *powers]


def _assignments(block: TileBlock) -> Iterator[str]:
    for power in range(1, _highest_mean(block) + 1):
        if power == 1:
            terms = [f"{_number(w)} * V(r{i})" for i, w in enumerate(block.mean) if w]
            yield from _sum("        s =", terms or ["0.0"])
        else:
            yield f"        {_mean_name(power)} = {_mean_name(power - 1)} * s;"
    for i in range(block.rows):
        for a in range(2, _highest(block) + 1):
            yield f"        {_power_name(i, a)} = {_power_name(i, a - 1)} * V(r{i});"


def _inputs(block: TileBlock) -> Iterator[str]:
    for i in range(block.rows):
        terms = [
            _term(weights[i], i, term)
            for term, weights in block.input_weights.items()
            if weights[i]
        ]
        if terms:
            yield from _sum(f"        I(r{i}) <+", terms)


def _outputs(block: TileBlock) -> Iterator[str]:
    """A current out of the module is a negative one into its port."""
    for j in range(block.cols):
        terms = [f"{_number(block.output_conductance[j])} * V(c{j})"]
        terms += [
            _term(-weights[i, j], i, term)
            for term, weights in block.out_weights.items()
            for i in range(block.rows)
            if weights[i, j]
        ]
        terms += [
            f"{_number(-weights[j])} * {_mean_name(b)}"
            for b, weights in block.offsets.items()
            if weights[j]
        ]
        yield from _sum(f"        I(c{j}) <+", terms)


def _term(weight: float, row: int, term: Term) -> str:
    a, b = term
    factors = [_number(weight)]
    factors += [_power_name(row, a)] if a else []
    factors += [_mean_name(b)] if b else []
    return " * ".join(factors)


def _number(value: float) -> str:
    """A real literal; a negative one in brackets, because it may follow an operator."""
    text = repr(float(value))
    return f"({text})" if value < 0 else text


def _power_name(row: int, power: int) -> str:
    return f"V(r{row})" if power == 1 else f"x{row}_{power}"


def _mean_name(power: int) -> str:
    return "s" if power == 1 else f"s_{power}"


def _highest(block: TileBlock) -> int:
    return max(a for a, _ in [*block.out_weights, *block.input_weights])


def _highest_mean(block: TileBlock) -> int:
    if not block.mean.any():
        return 0
    return max(b for b in [0, *block.offsets, *(b for _, b in _terms(block))])


def _terms(block: TileBlock) -> list[Term]:
    return [*block.out_weights, *block.input_weights]


def _sum(head: str, terms: Sequence[str]) -> list[str]:
    """A statement that adds terms, broken into lines."""
    words = [terms[0], *(f"+ {term}" for term in terms[1:-1])]
    words += [f"+ {terms[-1]}"] if len(terms) > 1 else []
    return _broken(head, [*words[:-1], f"{words[-1]};"])


def _folded(line: str) -> list[str]:
    indent = line[: len(line) - len(line.lstrip())]
    first, *rest = line.split()
    return _broken(f"{indent}{first}", rest)


def _broken(head: str, words: Sequence[str]) -> list[str]:
    lines = wrapped(head, words, WIDTH)
    indent = head[: len(head) - len(head.lstrip())]
    return [lines[0], *(f"{indent}    {line[2:]}" for line in lines[1:])]
