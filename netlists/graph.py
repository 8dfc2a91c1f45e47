"""The graph of a netlist: nets are nodes, elements are edges between the nets they touch.

`conducting_graph` keeps the edges along which a direct current can flow: a net that they do not tie
to ground has no operating point.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import networkx as nx

from netlists.flatten import GROUND, FlatElement, Unresolved, flatten
from netlists.reader import read_elements
from netlists.spice import Netlist


# Pairs of terminals between which a direct current flows, by letter.
CONDUCTING = {
    "r": ((0, 1),), "l": ((0, 1),), "v": ((0, 1),), "d": ((0, 1),), "h": ((0, 1),),
    "e": ((0, 1),), "s": ((0, 1),), "w": ((0, 1),), "t": ((0, 2), (1, 3)),
    "m": ((0, 2),), "q": ((0, 1), (1, 2)), "j": ((0, 2), (1, 2)), "z": ((0, 2), (1, 2)),
}  # fmt: skip
_READS = re.compile(r"v\(([^)]*)\)")


def netlist_graph(netlist: Netlist) -> nx.MultiGraph:
    """Nets as nodes; each element of the flat netlist as edges from its first net to the others."""
    return element_graph(flatten(read_elements((*netlist.definitions, *netlist.elements))))


def element_graph(elements: Iterable[FlatElement | Unresolved]) -> nx.MultiGraph:
    """Nets as nodes; each element as edges between its first net and the others."""
    graph = nx.MultiGraph()
    graph.add_node(GROUND)
    for element in elements:
        graph.add_nodes_from(element.nets)
        for net in element.nets[1:]:
            graph.add_edge(element.nets[0], net, element=element.path)
    return graph


def conducting_graph(elements: Iterable[FlatElement | Unresolved]) -> nx.Graph:
    """Nets as nodes, joined where a direct current can flow; nets of unknown parts join ground."""
    graph = nx.Graph()
    graph.add_node(GROUND)
    for element in elements:
        graph.add_nodes_from(element.nets)
        graph.add_edges_from(_conducting_pairs(element))
    return graph


def _conducting_pairs(element: FlatElement | Unresolved) -> list[tuple[str, str]]:
    """The pairs of nets that an element joins for a direct current."""
    nets = element.nets
    if isinstance(element, Unresolved) or element.letter == "a":
        return [(net, GROUND) for net in nets]
    if element.letter == "b":
        return [(nets[0], nets[1])] if _is_conductance(element) else []
    if element.letter == "g":
        joined = len(nets) == 4 and set(nets[:2]) == set(nets[2:])
        return [(nets[0], nets[1])] if joined or _is_conductance(element) else []
    return [(nets[a], nets[b]) for a, b in CONDUCTING.get(element.letter, ())]


def _is_conductance(element: FlatElement) -> bool:
    """Whether a source's expression is a voltage, or a current that its own nets change."""
    own = set(element.element.nets) - {GROUND}
    for word in element.element.words:
        kind, _, expression = word.partition("=")
        if kind in {"v", "vol", "value"}:
            return True
        read = {net.strip() for found in _READS.findall(expression) for net in found.split(",")}
        if kind in {"i", "cur"} and own & read:
            return True
    return False


def unreachable_nets(netlist: Netlist) -> set[str]:
    """Nets without any connection to ground; such a circuit has no operating point."""
    graph = netlist_graph(netlist)
    return set(graph.nodes) - nx.node_connected_component(graph, GROUND)
