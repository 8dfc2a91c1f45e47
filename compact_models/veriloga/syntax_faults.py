"""What a text that does not follow the grammar is told."""

from __future__ import annotations

import re
from typing import NoReturn

from lark.exceptions import UnexpectedCharacters, UnexpectedEOF, UnexpectedInput, UnexpectedToken

from compact_models.veriloga.diagnostics import refuse
from compact_models.veriloga.source import Source


LIST_OF_VALUES = re.compile(r"'\{[^{};]*\{?$")
"""The beginning of `'{0.0, 1.0}` or `'{8{0.0}}`."""


def explain(source: Source, fault: UnexpectedInput) -> NoReturn:
    """Refuse a text at the first character that does not fit."""
    if isinstance(fault, UnexpectedCharacters):
        position, width = fault.pos_in_stream or 0, 1
        message = f"a character that does not belong here: {source.text[position]!r}"
        expected: set[str] = set()
    elif isinstance(fault, UnexpectedToken) and fault.token.type != "$END":
        position, width = fault.token.start_pos or 0, len(fault.token)
        message, expected = f"unexpected `{fault.token}`", set(fault.expected)
    else:
        position, width = len(source.text.rstrip()) - 1, 1
        message = "the file ends in the middle of a construct"
        expected = (
            set(fault.expected) if isinstance(fault, UnexpectedToken | UnexpectedEOF) else set()
        )
    _refuse_known(source, position, width)
    if fragment := _missing_semicolon(source, position, expected):
        position, width, message = fragment
    refuse(
        "syntax",
        message,
        source.place(position, width),
        why="the text up to here is fine, this does not follow the grammar",
        instead=_hint(expected),
    )


def _refuse_known(source: Source, position: int, width: int) -> None:
    """Constructs that the grammar leaves out, by the text at and before the fault."""
    before = source.text[:position].rstrip()
    at = source.text[position : position + width]
    if at == "generate" or before.endswith("generate"):
        start = position if at == "generate" else len(before) - len("generate")
        refuse(
            "generate",
            "`generate` cannot be compiled",
            source.place(start, len("generate")),
            why="it makes branches to the elements of a vector of nodes, and nodes are single here",
            instead="write the branches out, one for each node",
        )
    if at == "{" and (values := LIST_OF_VALUES.search(before + at)):
        refuse(
            "array",
            "a list of values is assigned to an array",
            source.place(values.start(), 2),
            why="a subcircuit and a straight-line kernel have no indexed storage",
            instead="write the elements out: `x_0`, `x_1`, ...",
        )


def _missing_semicolon(
    source: Source, position: int, expected: set[str]
) -> tuple[int, int, str] | None:
    """If a semicolon would do and a new line was begun, point at the end of the line before."""
    before = source.text[:position].rstrip()
    if "SEMICOLON" not in expected or "\n" not in source.text[len(before) : position] or not before:
        return None
    return len(before) - 1, 1, "a `;` is missing after this"


_WORDS = {
    "SEMICOLON": "`;`", "COMMA": "`,`", "RPAR": "`)`", "LPAR": "`(`", "RSQB": "`]`", "COLON": "`:`",
    "EQUAL": "`=`", "IDENT": "a name", "NUMBER": "a number", "END": "`end`",
    "ENDMODULE": "`endmodule`", "ENDFUNCTION": "`endfunction`", "MODULE": "`module`",
    "SUM": "`+` or `-`", "PRODUCT": "`*` or `/`", "STRING": "a string", "LBRACE": "`{`",
    "GT": "`>`", "FROM": "`from`", "ANALOG": "`analog`", "BEGIN": "`begin`", "$END": "the end",
}  # fmt: skip


def _hint(expected: set[str]) -> str:
    words = [text for name, text in _WORDS.items() if name in expected]
    return f"one of {', '.join(words[:8])} could stand here" if words else "remove or correct it"
