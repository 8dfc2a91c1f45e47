"""From files to one text: comments, `include, `define with arguments, `ifdef; and the way back.

The preprocessor copies stretches of source text to its output. Each stretch remembers the file and
offset it came from, so that a position in the output leads back to a line and a column of what the
user wrote; text that comes out of a macro leads to the place where the macro was used.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from pathlib import Path

from compact_models.veriloga.diagnostics import Note, Place, refuse
from compact_models.veriloga.headers import BUILT_IN_HEADERS, STANDARD_CONSTANTS
from compact_models.veriloga.macros import (
    INTERESTING,
    Macro,
    actual_arguments,
    replaced,
    strip_comments,
)


MAX_DEPTH = 64
MAX_OUTPUT = 20_000_000

PREDEFINED = {
    "__VAMS_COMPACT_MODELING__": "",
    "__VAMS_ENABLE__": "",
    "__VAMS__": "",
    "__OPENVAF__": "",
}
"""Macros that compilers define: two of the standard, and those of the OpenVAF front end."""

_NAME = re.compile(r"[A-Za-z_]\w*")
_DEFINE = re.compile(r"[ \t]+([A-Za-z_]\w*)(\([^()\n]*\))?")
_IGNORED_DIRECTIVES = {
    "timescale", "default_discipline", "default_transition", "resetall", "celldefine",
    "endcelldefine", "begin_keywords", "end_keywords", "line", "default_nettype",
}  # fmt: skip


@dataclass(frozen=True)
class File:
    """One source text and the offsets at which its lines start."""

    name: str
    text: str
    folder: Path
    starts: tuple[int, ...]

    @classmethod
    def of(cls, name: str, text: str, folder: Path) -> File:
        """Index the lines of `text`."""
        starts = (0, *(m.end() for m in re.finditer("\n", text)))
        return cls(name, text, folder, starts)

    def place(self, offset: int, width: int = 1, within: str = "") -> Place:
        """Line and column of a character."""
        offset = min(offset, len(self.text))
        line = bisect_right(self.starts, offset)
        start = self.starts[line - 1]
        end = self.text.find("\n", start)
        text = self.text[start:] if end < 0 else self.text[start:end]
        return Place(self.name, line, offset - start + 1, text.rstrip("\r"), width, within)


@dataclass(frozen=True)
class Stretch:
    """Output from `start` on comes from `file` at `offset`; inside a macro, all of it."""

    start: int
    file: File
    offset: int
    within: str


@dataclass
class Source:
    """The preprocessed text with its way back to the files."""

    text: str
    stretches: list[Stretch]
    repairs: list[Note] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = [stretch.start for stretch in self.stretches]

    def place(self, position: int, width: int = 1) -> Place:
        """Where the character at `position` of the output was written."""
        stretch = self.stretches[max(0, bisect_right(self.keys, position) - 1)]
        if stretch.within:
            return stretch.file.place(stretch.offset, len(stretch.within) + 1, stretch.within)
        return stretch.file.place(stretch.offset + position - stretch.start, width)


@dataclass
class _Condition:
    """One level of `ifdef: whether its text counts, and whether an arm was already taken."""

    active: bool
    taken: bool
    enclosing: bool
    place: Place
    guard: str = ""
    """Name of an include guard: the first thing in the file, and not defined before it."""


class Preprocessor:
    """Runs the directives of one compilation; macros and conditions are its only state."""

    def __init__(self, include_folders: tuple[Path, ...] = ()) -> None:
        self.macros = {name: Macro(name, None, body) for name, body in PREDEFINED.items()}
        self.include_folders = include_folders
        self.pieces: list[str] = []
        self.length = 0
        self.stretches: list[Stretch] = []
        self.repairs: list[Note] = []
        self.conditions: list[_Condition] = []

    def run(self, file: File) -> Source:
        """Preprocess a file with everything it includes."""
        self._read(file, depth=0)
        if self.conditions and not self._is_open_guard(file):
            refuse(
                "unfinished-conditional",
                "`ifdef without `endif",
                self.conditions[-1].place,
                why="the rest of the file would be skipped or kept at random",
                instead="close it with `endif",
            )
        stretches = self.stretches or [Stretch(0, file, 0, "")]
        return Source("".join(self.pieces), stretches, self.repairs)

    def _is_open_guard(self, file: File) -> bool:
        """Whether only an include guard around the whole file is open at its end: no harm."""
        last = self.conditions[-1]
        whole = len(self.conditions) == 1 and last.active and last.place.file == file.name
        if not whole or last.guard not in self.macros:
            return False
        message = f"the guard `{last.guard}` is not closed: it ends with the file"
        self.repairs.append(Note(message, last.place))
        return True

    def _emit(self, text: str, file: File, offset: int, within: str = "") -> None:
        if not text or (self.conditions and not self.conditions[-1].active):
            return
        self.stretches.append(Stretch(self.length, file, offset, within))
        self.pieces.append(text)
        self.length += len(text)
        if self.length > MAX_OUTPUT:
            refuse(
                "macro-too-large",
                "the source grows beyond 20 million characters",
                file.place(offset),
                why="macros that expand one another can grow without bound",
                instead="write the repeated part as an analog function",
            )

    def _read(self, file: File, depth: int) -> None:
        position = 0
        text = file.text
        while match := INTERESTING.search(text, position):
            self._emit(text[position : match.start()], file, position)
            token = match.group()
            if token.startswith(("//", "/*")):
                self._emit(" ", file, match.start())
                self._check_comment(token, file, match.start())
                position = match.end()
            elif token.startswith('"'):
                self._emit(token, file, match.start())
                position = match.end()
            else:
                position = self._directive(file, match, depth)
        self._emit(text[position:] + "\n", file, position)

    @staticmethod
    def _check_comment(token: str, file: File, offset: int) -> None:
        if token.startswith("/*") and not (token.endswith("*/") and len(token) >= 4):
            refuse(
                "unfinished-comment",
                "a /* comment is never closed",
                file.place(offset, 2),
                why="everything after it would be ignored",
                instead="close it with */",
            )

    def _directive(self, file: File, match: re.Match[str], depth: int) -> int:
        """Handle the directive or macro at `match`; return where to go on."""
        name = match.group()[1:]
        place = file.place(match.start(), len(match.group()))
        conditional = getattr(self, f"_on_{name}", None) if name in _CONDITIONALS else None
        if conditional is not None:
            return conditional(file, match.end(), place)
        end = _line_end(file.text, match.end())
        active = not self.conditions or self.conditions[-1].active
        if name == "define":
            return self._define(file, match.end(), place, active)
        if name in _IGNORED_DIRECTIVES:
            return end
        if not active:
            return match.end()
        if name == "include":
            return self._include(file, match.end(), place, depth)
        if name == "undef":
            found = _NAME.search(file.text, match.end(), end)
            self.macros.pop(found.group() if found else "", None)
            return end
        return self._use(file, match, place)

    def _define(self, file: File, position: int, place: Place, active: bool) -> int:
        end = _logical_line_end(file.text, position)
        match = _DEFINE.match(file.text, position, end)
        if match is None:
            if not active:
                return end
            refuse(
                "bad-define",
                "`define without a name",
                place,
                why="a macro is used by its name",
                instead="write `define NAME value",
            )
        arguments = None
        if match.group(2) is not None:
            inside = match.group(2)[1:-1]
            arguments = tuple(part.strip() for part in inside.split(",")) if inside.strip() else ()
        body = re.sub(r"\\?\r?\n", " ", strip_comments(file.text[match.end() : end]))
        if active:
            self.macros[match.group(1)] = Macro(match.group(1), arguments, body.strip())
        return end

    def _include(self, file: File, position: int, place: Place, depth: int) -> int:
        match = re.compile(r'[ \t]*(?:"([^"\n]+)"|<([^>\n]+)>)').match(file.text, position)
        if match is None:
            refuse(
                "bad-include",
                "`include without a file name",
                place,
                why="the file to read is given in quotes",
                instead='write `include "constants.vams"',
            )
        if depth >= MAX_DEPTH:
            refuse(
                "include-too-deep",
                "files include one another without end",
                place,
                why=f"more than {MAX_DEPTH} files are nested here",
                instead="guard the included file with `ifndef NAME / `define NAME / `endif",
            )
        self._read(self._find(match.group(1) or match.group(2), file, place), depth + 1)
        return match.end()

    def _find(self, name: str, file: File, place: Place) -> File:
        base = name.replace("\\", "/").rsplit("/", 1)[-1]
        stem = base.lower().rsplit(".", 1)[0]
        candidates = [folder / name for folder in (file.folder, *self.include_folders)]
        found = next((read_file(path) for path in candidates if path.is_file()), None)
        if found is None and stem in BUILT_IN_HEADERS:
            found = File.of(base, BUILT_IN_HEADERS[stem], file.folder)
        if found is None:
            found = self._misnamed(candidates, place)
        if found is None:
            refuse(
                "include-not-found",
                f'cannot find the included file "{name}"',
                place,
                why=f"looked in {', '.join(str(c.parent) for c in candidates)}; "
                "constants.vams and disciplines.vams are built in",
                instead="put the file beside the source, or name its folder as an include folder",
            )
        return found

    def _misnamed(self, candidates: list[Path], place: Place) -> File | None:
        """The one file that has the name but for the ending, `.va` for `.vams` or the reverse."""
        ending = {".va": ".vams", ".vams": ".va"}.get(candidates[0].suffix, "")
        others = [path.with_suffix(ending) for path in candidates if ending]
        found = [path for path in others if path.is_file()]
        if len(found) != 1:
            return None
        self.repairs.append(
            Note(f"there is no {candidates[0].name}: {found[0].name} is read", place)
        )
        return read_file(found[0])

    def _use(self, file: File, match: re.Match[str], place: Place) -> int:
        """Expand the macro at `match` into the output."""
        name = match.group()[1:]
        position = match.end()
        expanded, position = self._expand_at(file.text, name, position, place, depth=0)
        self._emit(f" {expanded} ", file, match.start(), within=name or "`")
        return position

    def _expand_at(
        self, text: str, name: str, position: int, place: Place, depth: int
    ) -> tuple[str, int]:
        macro = self.macros.get(name) or self._standard(name, place)
        if macro is None:
            refuse(
                "unknown-macro",
                f"the macro `{name} is not defined",
                place,
                why="no `define for it was read before this place",
                instead=f"add `define {name} ..., or include the file that defines it",
            )
        if depth >= MAX_DEPTH:
            refuse(
                "macro-too-deep",
                f"the macro `{name} expands into itself",
                place,
                why="its expansion never ends",
                instead="break the circle of `define lines",
            )
        body = macro.body
        if macro.arguments is not None:
            values, position = actual_arguments(text, position, macro, place)
            body = replaced(body, dict(zip(macro.arguments, values, strict=True)))
        return self._expand(body, place, depth + 1), position

    def _standard(self, name: str, place: Place) -> Macro | None:
        """A constant of the standard, whose header was forgotten."""
        if name not in STANDARD_CONSTANTS:
            return None
        message = f"`{name} is the constant of constants.vams, which is not included"
        self.repairs.append(Note(message, place))
        self.macros[name] = Macro(name, None, STANDARD_CONSTANTS[name])
        return self.macros[name]

    def _expand(self, text: str, place: Place, depth: int) -> str:
        """Expand every macro inside a macro's own text."""
        pieces, position = [], 0
        while match := re.compile(r"`([A-Za-z_]\w*)").search(text, position):
            pieces.append(text[position : match.start()])
            expanded, position = self._expand_at(text, match.group(1), match.end(), place, depth)
            pieces.append(expanded)
            if sum(map(len, pieces)) > MAX_OUTPUT // 10:
                refuse(
                    "macro-too-large",
                    "a macro grows beyond two million characters",
                    place,
                    why="macros that expand one another can grow without bound",
                    instead="write the repeated part as an analog function",
                )
        return "".join([*pieces, text[position:]])

    def _on_ifdef(self, file: File, position: int, place: Place, *, negate: bool = False) -> int:
        name, end = self._condition_name(file, position, place)
        enclosing = not self.conditions or self.conditions[-1].active
        wanted = (name in self.macros) is not negate
        first = name not in self.macros and not "".join(self.pieces).strip()
        guard = name if first and not self.conditions else ""
        self.conditions.append(_Condition(enclosing and wanted, wanted, enclosing, place, guard))
        return end

    def _on_ifndef(self, file: File, position: int, place: Place) -> int:
        return self._on_ifdef(file, position, place, negate=True)

    def _on_elsif(self, file: File, position: int, place: Place) -> int:
        name, end = self._condition_name(file, position, place)
        level = self._level(place)
        level.active = level.enclosing and not level.taken and name in self.macros
        level.taken = level.taken or name in self.macros
        return end

    def _on_else(self, file: File, position: int, place: Place) -> int:
        level = self._level(place)
        level.active = level.enclosing and not level.taken
        level.taken = True
        return position

    def _on_endif(self, file: File, position: int, place: Place) -> int:
        self._level(place)
        self.conditions.pop()
        return position

    def _level(self, place: Place) -> _Condition:
        if not self.conditions:
            refuse(
                "stray-conditional",
                "`else, `elsif or `endif without `ifdef",
                place,
                why="it closes nothing",
                instead="remove it, or add the missing `ifdef NAME",
            )
        return self.conditions[-1]

    @staticmethod
    def _condition_name(file: File, position: int, place: Place) -> tuple[str, int]:
        match = re.compile(r"[ \t]*`?([A-Za-z_]\w*)").match(file.text, position)
        if match is None:
            refuse(
                "bad-conditional",
                "a conditional directive without a name",
                place,
                why="it asks whether a macro is defined",
                instead="write `ifdef NAME",
            )
        return match.group(1), match.end()


_CONDITIONALS = ("ifdef", "ifndef", "elsif", "else", "endif")


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _logical_line_end(text: str, position: int) -> int:
    """The end of a line, counting lines that end in a backslash as continued."""
    end = _line_end(text, position)
    while end < len(text) and text[position:end].rstrip("\r").endswith("\\"):
        end = _line_end(text, end + 1)
    return end


def read_file(path: Path) -> File:
    """Read a source file; anything that is not UTF-8 is kept as replacement characters."""
    return File.of(path.name, path.read_text(encoding="utf-8-sig", errors="replace"), path.parent)


def preprocess(file: File, include_folders: tuple[Path, ...] = ()) -> Source:
    """Run all directives of a file.

    Args:
        file: the text to read.
        include_folders: where included files are looked up after the file's own folder.

    Raises:
        SourceError: a directive is malformed, a macro or an included file is missing.
    """
    return Preprocessor(include_folders).run(file)
