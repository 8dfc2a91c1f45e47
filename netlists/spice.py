"""SPICE text: the only module that knows how an element or a deck is written.

A netlist is text from the start: one string per element, made by the small functions below. That
is an order of magnitude faster than building an object per element, and what is simulated is what
a designer reads. Every name is formatted by `netlists.names`, every number by `si_numbers.literal`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from compact_models.errors import InputError
from netlists.si_numbers import literal


ZERO_CELSIUS = 273.15
_FILE_STATEMENT = re.compile(r"^[ \t]*\.(?:include|inc|lib)\b", re.IGNORECASE | re.MULTILINE)

# Reference tolerances: a read moves currents from nanoampere to milliampere, so the defaults
# (reltol 1e-3, abstol 1 pA, vntol 1 uV) would leave errors of the order of the surrogate's own.
READ_OPTIONS = "reltol=1e-6 abstol=1e-14 vntol=1e-9 gmin=1e-15"


def resistor(name: str, plus: str, minus: str, ohm: float) -> str:
    """A resistor."""
    return f"{name} {plus} {minus} {literal(ohm)}"


def voltage_source(name: str, plus: str, minus: str, volt: float) -> str:
    """A constant voltage source; its current is positive from plus to minus inside the source."""
    return f"{name} {plus} {minus} {literal(volt)}"


def voltage_expression(name: str, plus: str, minus: str, expression: str) -> str:
    """A behavioural voltage source."""
    return f"{name} {plus} {minus} V={expression}"


def instance(name: str, nodes: Iterable[str], subcircuit: str, parameters: str = "") -> str:
    """An instance of a subcircuit; `parameters` is `name=value ...`."""
    return f"{name} {' '.join(nodes)} {subcircuit} {parameters}".rstrip()


def single_line(text: str, what: str) -> str:
    """Refuse text that would start a new line, and with it a command of its own, in a deck.

    Raises:
        InputError: the text holds a line break or another control character.
    """
    if any(not character.isprintable() for character in text):
        raise InputError(
            f"{what} holds a control character ({text!r}); give one line of plain text"
        )
    return text


@dataclass(frozen=True)
class Netlist:
    """A circuit as SPICE text.

    Attributes:
        title: the first line of a deck.
        elements: one line per element, in order.
        definitions: subcircuit definitions that the elements use, each a block of lines.
        temperature: of the whole circuit [K].
        inputs: names of the sources that drive the circuit.
        outputs: vectors to save, such as `i(vsense_0)`.
    """

    title: str
    elements: tuple[str, ...]
    definitions: tuple[str, ...] = ()
    temperature: float = 300.15
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = field(default=())

    @property
    def reads_files(self) -> bool:
        """Whether the deck makes ngspice read files, such as a foundry's library."""
        return any(_FILE_STATEMENT.search(text) for text in self.definitions)

    def with_elements(self, *elements: str) -> Netlist:
        """The same circuit with further elements at its end."""
        return Netlist(
            self.title,
            self.elements + elements,
            self.definitions,
            self.temperature,
            self.inputs,
            self.outputs,
        )

    def text(self, *commands: str, options: str = READ_OPTIONS) -> str:
        """The whole deck.

        Args:
            commands: lines such as `.op` that follow the elements.
            options: contents of the `.options` line.
        """
        lines = [
            f"* {single_line(self.title, 'the title of a netlist')}",
            *self.definitions,
            *self.elements,
            f".options {options}",
            f".temp {literal(round(self.temperature - ZERO_CELSIUS, 9))}",
        ]
        if self.outputs:
            lines += wrapped(".save", self.outputs)
        return "\n".join([*lines, *commands, ".end", ""])


def wrapped(keyword: str, words: Iterable[str], width: int = 100) -> list[str]:
    """A statement with many words, broken into continuation lines."""
    lines, line = [], keyword
    for word in words:
        if len(line) + 1 + len(word) > width:
            lines.append(line)
            line = "+"
        line = f"{line} {word}"
    return [*lines, line]
