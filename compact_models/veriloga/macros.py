"""Macros: their arguments and their bodies, as text."""

from __future__ import annotations

import re
from dataclasses import dataclass

from compact_models.veriloga.diagnostics import Place, refuse


INTERESTING = re.compile(
    r"""//[^\n]* | /\*.*?(?:\*/|\Z) | "(?:[^"\\\n]|\\[\s\S])*" | `[A-Za-z_]\w* | `""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Macro:
    """A `define: its arguments (None when it takes none) and its body."""

    name: str
    arguments: tuple[str, ...] | None
    body: str


def strip_comments(text: str) -> str:
    """The text with each comment replaced by a blank."""
    return INTERESTING.sub(lambda m: " " if m.group().startswith(("//", "/*")) else m.group(), text)


def actual_arguments(text: str, position: int, macro: Macro, place: Place) -> tuple[list[str], int]:
    """The arguments in parentheses after a macro's name, split at the outer commas."""
    wanted = macro.arguments or ()
    match = re.compile(r"\s*\(").match(text, position)
    depth, start = 1, match.end() if match else position
    values: list[str] = []
    index = start
    while match and index < len(text) and depth:
        character = text[index]
        if character == '"':
            string = re.compile(r'"(?:[^"\\\n]|\\[\s\S])*"').match(text, index)
            index = string.end() - 1 if string else index
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        if (character == "," and depth == 1) or depth == 0:
            values.append(strip_comments(text[start:index]).strip())
            start = index + 1
        index += 1
    if not wanted and values == [""]:
        values = []
    if match is None or depth or len(values) != len(wanted):
        given = "none" if match is None else "an unclosed list" if depth else str(len(values))
        refuse(
            "macro-arguments",
            f"`{macro.name} takes {len(wanted)} argument(s), given {given}",
            place,
            why="every argument of a macro has to be there",
            instead=f"write `{macro.name}({', '.join(wanted)})",
        )
    return values, index


def replaced(body: str, values: dict[str, str]) -> str:
    """Put the actual arguments into a macro's body, leaving strings alone."""
    pattern = re.compile(r'"(?:[^"\\\n]|\\[\s\S])*"|`?[A-Za-z_]\w*')
    return pattern.sub(lambda match: values.get(match.group(), match.group()), body)
