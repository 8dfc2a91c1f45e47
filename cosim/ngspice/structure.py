"""The structure of a circuit: which unknowns share an equation, read from a deck.

Subcircuits are flattened with the names that ngspice gives: node `m` of instance `x1` is `x1.m`. A
deck with an element whose equations are not known here has no structure; that costs speed only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field


WIRE = "wire"
GROUND = frozenset({"0", "gnd"})

# Element letter to number of nodes on its line.
_NODES = {
    "r": 2,
    "c": 2,
    "l": 2,
    "v": 2,
    "i": 2,
    "b": 2,
    "d": 2,
    "q": 3,
    "j": 3,
    "m": 4,
    "e": 4,
    "g": 4,
}
_SUBCIRCUIT = "x"
_REFERENCE = re.compile(r"\bv\(\s*([^\s,()]+)\s*(?:,\s*([^\s,()]+)\s*)?\)")
_CONTINUATION = re.compile(r"\n\+[ \t]*")


@dataclass(frozen=True)
class Element:
    """One element.

    Attributes:
        kind: first letter of its name, lower case.
        nodes: its nodes, then the nodes whose voltages its equation contains.
        value: "V" for a behavioural voltage source; for a resistor its resistance as written, and
            `WIRE` or nothing once `elements_of` has told wires from devices.
    """

    kind: str
    nodes: tuple[str, ...]
    value: str = ""

    @property
    def fixes_a_voltage(self) -> bool:
        """Whether it is a voltage source with one end at ground."""
        source = self.kind == "v" or (self.kind == "b" and self.value == "V")
        return source and self.nodes[1] in GROUND


@dataclass
class _Definition:
    """A subcircuit while a deck is read."""

    ports: tuple[str, ...]
    elements: list[Element] = field(default_factory=list)
    instances: list[tuple[str, tuple[str, ...], str]] = field(default_factory=list)


def elements_of(deck: str) -> tuple[Element, ...] | None:
    """The elements of a deck without hierarchy, or None where one is not understood."""
    top = _Definition(())
    definitions: dict[str, _Definition] = {}
    current = top
    for line in _CONTINUATION.sub(" ", deck).lower().split("\n")[1:]:
        words = line.split()
        if not words or line[0] == "*":
            continue
        if words[0] == ".subckt":
            current = definitions[words[1]] = _Definition(_ports(words))
        elif words[0] == ".ends":
            current = top
        elif line[0] != "." and not _add(current, words, line):
            return None
    try:
        return _wires_told(tuple(_flattened(top, "", {}, definitions)))
    except KeyError:  # an unknown subcircuit: ngspice says it better
        return None


def _wires_told(elements: tuple[Element, ...]) -> tuple[Element, ...]:
    """Mark the resistors of smaller values as wires and forget all values.

    What is left is the structure: the same for every state of a tile.
    """
    resistances = [ohm for e in elements if e.kind == "r" and 0 < (ohm := _ohm(e.value)) < math.inf]
    limit = math.sqrt(min(resistances) * max(resistances)) * (1 + 1e-9) if resistances else 0.0
    return tuple(
        Element(e.kind, e.nodes, WIRE if _ohm(e.value) <= limit else "") if e.kind == "r" else e
        for e in elements
    )


def _ohm(value: str) -> float:
    """A resistance as it is written; an expression counts as infinite."""
    try:
        return float(value)
    except ValueError:
        return math.inf


def _ports(words: list[str]) -> tuple[str, ...]:
    """The ports of a `.subckt` line, without its parameters."""
    plain = (word for word in words[2:] if word != "params:")
    return tuple(word for word in plain if "=" not in word)


def _add(definition: _Definition, words: list[str], line: str) -> bool:
    """Add an element line; False where its letter is unknown."""
    kind = words[0][0]
    if kind == _SUBCIRCUIT:
        positional = [word for word in words[1:] if "=" not in word and word != "params:"]
        definition.instances.append((words[0], tuple(positional[:-1]), positional[-1]))
        return True
    count = _NODES.get(kind)
    if count is None or len(words) <= count:
        return False
    nodes = words[1 : count + 1]
    value = words[count + 1] if kind == "r" and len(words) > count + 1 else ""
    if kind == "b":
        value = "V" if words[count + 1].startswith("v=") else "I"
        references = (name for pair in _REFERENCE.findall(line) for name in pair if name)
        nodes += [name for name in dict.fromkeys(references) if name not in nodes]
    definition.elements.append(Element(kind, tuple(nodes), value))
    return True


def _flattened(
    definition: _Definition,
    prefix: str,
    actual: Mapping[str, str],
    definitions: Mapping[str, _Definition],
) -> Iterator[Element]:
    """The elements of one subcircuit instance under their global node names."""

    def name(node: str) -> str:
        if node in GROUND:
            return "0"
        return actual.get(node, prefix + node)

    for element in definition.elements:
        yield Element(element.kind, tuple(map(name, element.nodes)), element.value)
    for instance, nodes, kind in definition.instances:
        inner = definitions[kind]
        connected = dict(zip(inner.ports, map(name, nodes), strict=False))
        yield from _flattened(inner, f"{prefix}{instance}.", connected, definitions)
