"""Read SPICE text back: the elements of a deck, its subcircuits and models, each with its line.

A deck is read as ngspice reads it: the first line is the title, `+` continues a line, `*` and `$`
begin comments, case means nothing. Only the structure is read, as far as a check of the circuit or
a rewrite of single values needs it: nets, model names, parameters as words. Values stay text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from compact_models.errors import InputError


# Nets that follow an element's name, by its first letter.
NETS = {"r": 2, "c": 2, "l": 2, "v": 2, "i": 2, "b": 2, "d": 2, "f": 2, "h": 2,
        "e": 4, "g": 4, "m": 4, "s": 4, "t": 4, "q": 3, "j": 3, "z": 3, "w": 2, "k": 0}  # fmt: skip
# Letters whose nets are followed by the name of a model.
NAMES_MODEL = frozenset("dmqjzsw")
_PARAMETER = re.compile(r"(\w+)\s*=\s*")
_EXPRESSION = re.compile(r"^(?:vol|cur|value|v|i)\s*=", re.IGNORECASE)
_KEYWORDS = frozenset({"params:"})


@dataclass(frozen=True)
class Element:
    """One element of a deck.

    Attributes:
        name: as written, lower case.
        nets: the nets it touches, in order.
        model: name of its model or subcircuit; empty without one.
        words: what follows nets and model, as words.
        line: number of its first line in the deck, from 1.
    """

    name: str
    nets: tuple[str, ...]
    model: str
    words: tuple[str, ...]
    line: int

    @property
    def letter(self) -> str:
        """The first letter of its name, which tells its kind."""
        return self.name[0]

    @property
    def text(self) -> str:
        """The element as one line."""
        return " ".join(word for word in (self.name, *self.nets, self.model, *self.words) if word)


@dataclass(frozen=True)
class Model:
    """A `.model` statement: its type, such as `nmos`, and its parameters as words."""

    kind: str
    parameters: dict[str, str]
    line: int


@dataclass
class Scope:
    """What a deck, or one subcircuit of it, defines.

    Attributes:
        name: of the subcircuit; empty for the deck itself.
        ports: nets of an instance.
        line: where it starts.
        parameters: parameters of a subcircuit with their default words.
        elements: in order.
        subcircuits: defined inside, by name.
        models: defined inside, by name.
        statements: other dot statements (line, text), such as `.param` and `.options`.
    """

    name: str = ""
    ports: tuple[str, ...] = ()
    line: int = 1
    parameters: dict[str, str] = field(default_factory=dict)
    elements: list[Element] = field(default_factory=list)
    subcircuits: dict[str, Scope] = field(default_factory=dict)
    models: dict[str, Model] = field(default_factory=dict)
    statements: list[tuple[int, str]] = field(default_factory=list)

    @property
    def reads_files(self) -> bool:
        """Whether models or subcircuits may come from files that this reader does not open."""
        return any(re.match(r"\.(inc|include|lib)\b", text) for _, text in self.statements)


def read_deck(text: str) -> Scope:
    """The structure of a whole deck; its first line is the title.

    Raises:
        InputError: a line that is no element or statement, or a subcircuit without its end.
    """
    lines = logical_lines(text)
    next(lines, None)
    return _read_scope(lines)


def read_elements(lines: tuple[str, ...]) -> Scope:
    """As `read_deck`, for definitions and elements without a title."""
    return read_deck("\n".join(["* title", *lines]))


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines with their continuations joined and comments removed, lower case, with numbers."""
    start, joined = 0, ""
    for number, raw in enumerate(text.splitlines(), start=1):
        line = _without_comment(raw).strip() if number > 1 else raw.strip()
        if number > 1 and line.startswith("+"):
            joined += " " + line[1:].strip()
            continue
        if joined:
            yield start, joined.lower()
        start, joined = number, line
        if number == 1 and not line:
            joined = "*"
    if joined:
        yield start, joined.lower()


def _without_comment(line: str) -> str:
    """A line up to its comment: `*` first, `;` anywhere, `$` after a space."""
    if line.lstrip().startswith("*"):
        return ""
    line = line.split(";", 1)[0]
    return re.split(r"(?:^|\s)\$", line, maxsplit=1)[0]


def _read_scope(lines: Iterator[tuple[int, str]]) -> Scope:
    deck = Scope()
    stack = [deck]
    in_control = False
    for number, line in lines:
        if line.startswith((".control", ".endc")):
            in_control = line.startswith(".control")
        elif in_control:
            continue
        elif line == ".end":
            break
        elif line.startswith(".subckt"):
            stack.append(_opened(number, line))
        elif line.startswith(".ends"):
            if len(stack) == 1:
                raise InputError(f"line {number}: `.ends` without `.subckt`; remove it")
            closed = stack.pop()
            stack[-1].subcircuits[closed.name] = closed
        else:
            _read_statement(stack[-1], number, line)
    if len(stack) > 1:
        raise InputError(
            f"line {stack[-1].line}: `.subckt {stack[-1].name}` never ends; add `.ends`"
        )
    return deck


def _opened(number: int, line: str) -> Scope:
    """A scope for a `.subckt` line."""
    plain, parameters = split_parameters(line)
    if len(plain) < 2:
        raise InputError(f"line {number}: `{line}` names no subcircuit; write `.subckt name ports`")
    return Scope(plain[1], tuple(plain[2:]), number, parameters)


def _read_statement(scope: Scope, number: int, line: str) -> None:
    if not line.startswith("."):
        scope.elements.append(read_element(line, number))
    elif line.startswith(".model"):
        plain, parameters = split_parameters(_without_outer_parentheses(line))
        if len(plain) < 3:
            raise InputError(f"line {number}: `{line}` is no model; write `.model name type (...)`")
        scope.models[plain[1]] = Model(plain[2], parameters, number)
    else:
        scope.statements.append((number, line))


def _without_outer_parentheses(line: str) -> str:
    """`.model nch nmos (level=1 vto=0.4)` without the parentheses that only group."""
    head, opened, rest = line.partition("(")
    if not opened or "=" in head or not rest.rstrip().endswith(")"):
        return line
    return f"{head} {rest.rstrip()[:-1]}"


def split_parameters(line: str) -> tuple[list[str], dict[str, str]]:
    """The plain words of a line, and its `name = value` words; values may hold braces, quotes."""
    spaced = _PARAMETER.sub(r" \1=", line)
    plain, parameters = [], {}
    for word in _words(spaced):
        name, equals, value = word.partition("=")
        if equals and re.fullmatch(r"\w+", name):
            parameters[name] = value
        elif word not in _KEYWORDS:
            plain.append(word)
    return plain, parameters


def _words(line: str) -> list[str]:
    """Words of a line, where braces, parentheses and quotes hold spaces together."""
    words, word, depth, quoted = [], "", 0, False
    for character in line:
        if character == "'":
            quoted = not quoted
        depth += (character in "{(") - (character in "})")
        if character.isspace() and depth <= 0 and not quoted:
            if word:
                words.append(word)
            word = ""
        else:
            word += character
    return [*words, word] if word else words


def read_element(line: str, number: int = 0) -> Element:
    """One element from its line.

    Raises:
        InputError: no element that SPICE knows, or too few nets.
    """
    name, *words = _words(_PARAMETER.sub(r" \1=", line)) or [""]
    letter = name[:1]
    if letter == "x":
        return _read_instance(name, words, number)
    if letter == "a":
        ports = re.sub(r"%\w+|[\[\]()~]", " ", " ".join(words[:-1]))
        plain = tuple(net for net in ports.split() if net != "null")
        return Element(name, plain, words[-1] if words else "", (), number)
    count = NETS.get(letter)
    if count is None:
        raise InputError(
            f"line {number}: `{line[:60]}` is no element; its first letter must be one of "
            f"{' '.join(sorted([*NETS, 'a', 'x']))}"
        )
    if letter in "eg" and any(_EXPRESSION.match(word) for word in words):
        count = 2
    if len(words) < count or any("=" in word for word in words[:count]):
        raise InputError(f"line {number}: `{line[:60]}` has too few nets; `{letter}` needs {count}")
    rest = words[count:]
    names_model = letter in NAMES_MODEL
    if letter == "w":
        rest = rest[1:]
    model = rest[0] if names_model and rest else ""
    return Element(name, tuple(words[:count]), model, tuple(rest[names_model:]), number)


def _read_instance(name: str, words: list[str], number: int) -> Element:
    plain = [word for word in words if "=" not in word and word not in _KEYWORDS]
    if len(plain) < 2:
        raise InputError(f"line {number}: `{name}` places nothing; write `{name} nets subcircuit`")
    parameters = tuple(word for word in words if "=" in word)
    return Element(name, tuple(plain[:-1]), plain[-1], parameters, number)
