"""Electrical rules: what is wrong with a circuit can be seen before a simulator runs it.

| rule | what it finds |
|---|---|
| `unknown-subcircuit` | an instance of what is not defined |
| `port-count` | an instance with more or fewer nets than ports |
| `unknown-model` | a device whose model is not defined |
| `duplicate-name` | two elements of one name |
| `dangling-net` | a net that only one terminal touches |
| `unused-port` | a port that nothing inside its subcircuit touches |
| `no-dc-path` | nets that no direct current can reach from ground |
| `shorted-source` | a voltage source with both ends on one net |
| `driven-twice` | voltage sources in a loop, such as two on the same net |
| `wrong-bulk` | an n-channel bulk above ground, or a p-channel bulk below the supply it switches |

Each finding names the element and its line in the deck. Parts from files that are not read (a
foundry's library) are taken to be right inside.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import networkx as nx
from networkx.utils import UnionFind

from netlists.flatten import GROUND, FlatElement, Unresolved, flatten
from netlists.graph import conducting_graph
from netlists.reader import Element, Scope, read_deck
from netlists.spice_numbers import spice_number


NETS_SHOWN = 6


@dataclass(frozen=True)
class Finding:
    """One broken rule.

    Attributes:
        rule: its name in the table above.
        element: path of the element, or the net.
        line: in the deck, from 1.
        message: what is wrong and what to do.
    """

    rule: str
    element: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.element}: {self.message} [{self.rule}]"


def check_deck(text: str, open_nets: Sequence[str] = ()) -> list[Finding]:
    """Check a whole deck.

    Args:
        text: the deck, with its title line.
        open_nets: nets that something outside will drive or read, such as a tile's inputs.

    Returns:
        Findings in the order of lines; none when the circuit breaks no rule.

    Raises:
        InputError: the text is no deck.
    """
    deck = read_deck(text)
    parts = list(flatten(deck))
    elements = [part for part in parts if isinstance(part, FlatElement)]
    found = [
        *_unresolved(deck, parts),
        *_unknown_models(deck, elements),
        *_duplicates(deck),
        *_unused_ports(deck),
        *_dangling(parts, frozenset(open_nets)),
        *_without_dc_path(parts, frozenset(open_nets)),
        *_source_loops(elements),
        *_wrong_bulks(elements),
    ]
    return sorted(found, key=lambda finding: (finding.line, finding.rule, finding.element))


def _unresolved(deck: Scope, parts: Sequence[FlatElement | Unresolved]) -> Iterator[Finding]:
    for part in parts:
        if not isinstance(part, Unresolved):
            continue
        name = part.element.model
        if part.ports is not None:
            counts = f"{len(part.nets)} nets, {name} has {len(part.ports)} ports"
            ports = f"({' '.join(part.ports)}); connect each once"
            yield Finding("port-count", part.path, part.line, f"{counts} {ports}")
        elif not deck.reads_files:
            message = f"the subcircuit {name} is not defined; add its `.subckt`, or mend the name"
            yield Finding("unknown-subcircuit", part.path, part.line, message)


def _unknown_models(deck: Scope, elements: Sequence[FlatElement]) -> Iterator[Finding]:
    if deck.reads_files:
        return
    for element in elements:
        model = element.element.model
        if model and not element.kind:
            message = f"the model {model} is not defined; add its `.model`, or mend the name"
            yield Finding("unknown-model", element.path, element.line, message)


def _scopes(scope: Scope) -> Iterator[Scope]:
    yield scope
    for child in scope.subcircuits.values():
        yield from _scopes(child)


def _duplicates(deck: Scope) -> Iterator[Finding]:
    for scope in _scopes(deck):
        counts = Counter(element.name for element in scope.elements)
        if max(counts.values(), default=0) < 2:
            continue
        for element in scope.elements:
            if counts[element.name] > 1:
                message = f"{counts[element.name]} elements have this name; rename all but one"
                yield Finding("duplicate-name", element.name, element.line, message)
                counts[element.name] = 0


def _unused_ports(deck: Scope) -> Iterator[Finding]:
    for scope in _scopes(deck):
        touched = {net for element in scope.elements for net in element.nets}
        read = " ".join(word for element in scope.elements for word in element.words)
        for port in scope.ports:
            if port not in touched and f"({port}" not in read and f",{port}" not in read:
                message = f"port {port} reaches nothing inside; connect it or remove it"
                yield Finding("unused-port", scope.name, scope.line, message)


def _dangling(
    parts: Sequence[FlatElement | Unresolved], open_nets: frozenset[str]
) -> Iterator[Finding]:
    touching: dict[str, list[FlatElement | Unresolved]] = defaultdict(list)
    for part in parts:
        for net in part.nets:
            touching[net].append(part)
    for net, touched in touching.items():
        alone = len(touched) == 1 and net != GROUND and net not in open_nets
        if alone and not _is_source_or_reader(touched[0]):
            message = f"net {net} is touched by this element only; connect its other end"
            yield Finding("dangling-net", touched[0].path, touched[0].line, message)


def _is_source_or_reader(part: FlatElement | Unresolved) -> bool:
    """Whether one terminal alone is all right: a source for expressions, an output to be read."""
    return part.element.letter in "vbefgha" or isinstance(part, Unresolved)


def _without_dc_path(
    parts: Sequence[FlatElement | Unresolved], open_nets: frozenset[str]
) -> Iterator[Finding]:
    graph = conducting_graph(parts)
    graph.add_edges_from((net, GROUND) for net in open_nets if net in graph)
    tied = nx.node_connected_component(graph, GROUND)
    first: dict[str, FlatElement | Unresolved] = {}
    for part in parts:
        for net in part.nets:
            first.setdefault(net, part)
    for nets in nx.connected_components(graph):
        if nets <= tied:
            continue
        part = min((first[net] for net in nets), key=lambda one: (one.line, one.path))
        some = ", ".join(sorted(nets)[:NETS_SHOWN]) + (", …" if len(nets) > NETS_SHOWN else "")
        message = f"no direct current reaches {some} from ground; add a path, or a bias"
        yield Finding("no-dc-path", part.path, part.line, message)


def _is_voltage_source(element: FlatElement) -> bool:
    if element.letter == "b":
        return any(word.startswith("v=") for word in element.element.words)
    return element.letter in "veh"


def _source_loops(elements: Sequence[FlatElement]) -> Iterator[Finding]:
    joined = UnionFind([GROUND])
    for element in elements:
        if not _is_voltage_source(element):
            continue
        plus, minus = element.nets[:2]
        if plus == minus:
            message = f"both ends are on net {plus}; move one"
            yield Finding("shorted-source", element.path, element.line, message)
        elif joined[plus] == joined[minus]:
            message = f"net {plus} is already held by other voltage sources; remove one of them"
            yield Finding("driven-twice", element.path, element.line, message)
        joined.union(plus, minus)


def _constant_potentials(elements: Sequence[FlatElement]) -> dict[str, float]:
    """Nets that constant voltage sources hold against ground [V]."""
    graph = nx.DiGraph()
    for element in elements:
        volt = _constant_voltage(element.element) if element.letter == "v" else None
        if volt is not None:
            plus, minus = element.nets
            graph.add_edge(minus, plus, volt=volt)
            graph.add_edge(plus, minus, volt=-volt)
    potentials = {GROUND: 0.0}
    if GROUND in graph:
        for before, here in nx.bfs_edges(graph, GROUND):
            potentials[here] = potentials[before] + graph.edges[before, here]["volt"]
    return potentials


def _constant_voltage(source: Element) -> float | None:
    """The value of a constant voltage source; None for one that moves."""
    words = [word.removeprefix("dc=") for word in source.words if word != "dc"]
    return spice_number(words[0]) if len(words) == 1 else None


def _wrong_bulks(elements: Sequence[FlatElement]) -> Iterator[Finding]:
    potentials = _constant_potentials(elements)
    for element in elements:
        if element.letter != "m" or element.nets[3] in (element.nets[0], element.nets[2]):
            continue
        bulk = element.nets[3]
        held = [potentials[net] for net in element.nets[:3] if net in potentials]
        if bulk not in potentials:
            continue
        volt = potentials[bulk]
        if element.kind == "nmos" and volt > 0.0:
            message = f"the n-channel bulk is on {bulk}, {volt:g} V; tie it to ground"
            yield Finding("wrong-bulk", element.path, element.line, message)
        if element.kind == "pmos" and (volt <= 0.0 or volt < max(held, default=0.0)):
            message = f"the p-channel bulk is on {bulk}, {volt:g} V; tie it to the supply"
            yield Finding("wrong-bulk", element.path, element.line, message)
