"""Flatten a deck: every element of every instance, with the nets it really touches."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from netlists.reader import Element, Scope


GROUND_NAMES = frozenset({"0", "gnd"})
GROUND = "0"


@dataclass(frozen=True)
class FlatElement:
    """One element of the flat circuit.

    Attributes:
        path: names of the instances around it and its own, joined by dots.
        nets: the nets of the flat circuit that it touches.
        element: the element as the deck has it.
        line: of the element in the deck.
        kind: type of its model, such as `nmos`; empty without a known model.
    """

    path: str
    nets: tuple[str, ...]
    element: Element
    line: int
    kind: str = ""

    @property
    def letter(self) -> str:
        """The letter that tells its kind."""
        return self.element.letter


@dataclass(frozen=True)
class Unresolved:
    """An instance that cannot be opened: an unknown subcircuit, or a wrong number of nets."""

    path: str
    nets: tuple[str, ...]
    element: Element
    line: int
    ports: tuple[str, ...] | None


def flatten(deck: Scope) -> Iterator[FlatElement | Unresolved]:
    """Every element of a deck, instances opened down to elements."""
    yield from _open(deck, (deck,), "", {})


def _open(
    scope: Scope, around: tuple[Scope, ...], path: str, nets: Mapping[str, str]
) -> Iterator[FlatElement | Unresolved]:
    for element in scope.elements:
        name = f"{path}{element.name}"
        flat = tuple(_global(net, path, nets) for net in element.nets)
        if element.letter != "x":
            yield FlatElement(name, flat, element, element.line, _kind(element.model, around))
            continue
        child = _find(element.model, around)
        if child is None or len(child.ports) != len(flat):
            ports = None if child is None else child.ports
            yield Unresolved(name, flat, element, element.line, ports)
            continue
        inner = dict(zip(child.ports, flat, strict=True))
        yield from _open(child, (*around, child), f"{name}.", inner)


def _global(net: str, path: str, nets: Mapping[str, str]) -> str:
    """The flat circuit's name of a net inside an instance."""
    if net in GROUND_NAMES:
        return GROUND
    return nets.get(net, f"{path}{net}")


def _find(name: str, around: tuple[Scope, ...]) -> Scope | None:
    """A subcircuit as an instance sees it: the innermost definition around it."""
    for scope in reversed(around):
        if name in scope.subcircuits:
            return scope.subcircuits[name]
    return None


def _kind(model: str, around: tuple[Scope, ...]) -> str:
    """The type of a model as an element sees it."""
    for scope in reversed(around):
        if model in scope.models:
            return scope.models[model].kind
    return ""
