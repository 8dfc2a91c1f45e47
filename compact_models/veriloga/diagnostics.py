"""What the compiler says when it refuses, and how it says it.

A diagnostic names one fault at one place of the source:

    error[undeclared-name]: `vth` is used but never declared
      --> cell.va:12:15
       |
    12 |     I(a, b) <+ g * (V(a, b) - vth);
       |                               ^^^
       = why: every name needs a declaration, so that a misspelling cannot become a zero
       = instead: declare it: `real vth;` or `parameter real vth = ...;`

Notes are the milder form: something was recognised, dropped or read in a particular way.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn

from compact_models.errors import VerilogAError


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a source file, ready to be shown.

    Attributes:
        file: name of the file as the user gave it.
        line: 1-based line.
        column: 1-based column.
        text: the source line.
        width: number of characters to underline, at least 1.
        within: the macro whose expansion the text comes from, empty outside of macros.
    """

    file: str
    line: int
    column: int
    text: str
    width: int = 1
    within: str = ""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Place(file="<compiler>", line=1, column=1, text="")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One fault: what is wrong, where, why it is refused, and what to write instead."""

    code: str
    message: str
    place: Place
    why: str = ""
    instead: str = ""

    def render(self) -> str:
        """The fault as text, with the source line and a caret."""
        number = str(self.place.line)
        margin = " " * len(number)
        indent = "".join(
            "\t" if c == "\t" else " " for c in self.place.text[: self.place.column - 1]
        )
        room = max(1, len(self.place.text) - self.place.column + 1)
        carets = "^" * min(max(1, self.place.width), room)
        lines = [
            f"error[{self.code}]: {self.message}",
            f"{margin} --> {self.place}",
            f"{margin}  |",
            f"{number}  | {self.place.text}",
            f"{margin}  | {indent}{carets}",
        ]
        if self.place.within:
            lines.append(f"{margin}  = in the expansion of `{self.place.within}")
        if self.why:
            lines.append(f"{margin}  = why: {self.why}")
        if self.instead:
            lines.append(f"{margin}  = instead: {self.instead}")
        return "\n".join(lines)


class SourceError(VerilogAError):
    """A Verilog-A source cannot be compiled; its text is that of all its diagnostics."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...]) -> None:
        self.diagnostics = diagnostics
        super().__init__("\n\n".join(item.render() for item in diagnostics))


def refuse(code: str, message: str, place: Place, *, why: str = "", instead: str = "") -> NoReturn:
    """Stop the compilation with one diagnostic."""
    raise SourceError((Diagnostic(code, message, place, why, instead),))


@dataclass(frozen=True, slots=True)
class Note:
    """Something that the user should know about an accepted source."""

    message: str
    place: Place = NOWHERE

    def render(self) -> str:
        """One line, with the place when there is one."""
        return self.message if self.place is NOWHERE else f"{self.place}: {self.message}"


@dataclass
class Notes:
    """The notes of one compilation, in order and without repetition."""

    items: list[Note] = field(default_factory=list)

    def add(self, message: str, place: Place = NOWHERE) -> None:
        """Keep a note once."""
        note = Note(message, place)
        if note not in self.items:
            self.items.append(note)
