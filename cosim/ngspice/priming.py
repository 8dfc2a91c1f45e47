"""A pivot order for Sparse 1.3, written into the deck.

Sparse 1.3, the only solver before ngspice 42, orders a matrix by Markowitz products with exchanges
of linked rows, and breaks ties by position. On the mesh of a crossbar this takes minutes at
128 x 128, and its ties cost two to three times the fill. Both vanish when the rows already stand in
a good order, since then every choice is the next row. The order of rows is the order in which
elements first touch them; behavioural sources come first of all types, the last in the deck first
of all. So one source per node, of 1e-30 A/V and written last, in reverse, sets any order wanted:

1. nested dissection: halve the circuit along its longer side; the nodes at the cut come last;
2. minimum degree elimination, ties broken by 1: the pivots;
3. nodes that sources hold go first, with room for their branch equations, which Sparse exchanges
   with the rows at the end.

(Read from spfactor.c, spbuild.c and the device tables of ngspice 39.) The result of a simulation
does not depend on it; where the structure is unusual, only the gain is lost.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from cosim.ngspice.deck import Build, uses_klu
from cosim.ngspice.simulation import Simulation
from cosim.ngspice.structure import WIRE, Element, elements_of


if TYPE_CHECKING:  # only large decks need it, and every worker process would wait for it
    import networkx as nx

# Free nodes from which priming pays; measured on tiles of resistors and of 1T1R cells, 16 to 64.
SMALLEST_PRIMED = 1800
_CONDUCTANCE = "1e-30"
_LEAF = 8  # nodes that are not worth cutting again
_CACHED_STRUCTURES = 8

Coordinates = Mapping[str, tuple[float, ...]]


def priming_lines(simulation: Simulation, build: Build) -> tuple[str, ...]:
    """Lines to write at the end of a deck, or nothing where they would not pay."""
    if uses_klu(simulation, build):
        return ()
    if simulation.structure:
        return _lines_of(_Structure(simulation.structure, simulation.deck))
    return _lines_of_deck(simulation.deck)


@dataclass(frozen=True)
class _Structure:
    """A structure by its name, with the deck that it is read from the first time."""

    name: str
    deck: str = field(compare=False)


@lru_cache(maxsize=_CACHED_STRUCTURES)
def _lines_of(structure: _Structure) -> tuple[str, ...]:
    return _lines_of_deck(structure.deck)


def _lines_of_deck(deck: str) -> tuple[str, ...]:
    elements = elements_of(deck)
    return () if elements is None else _lines(elements)


@lru_cache(maxsize=_CACHED_STRUCTURES)
def _lines(elements: tuple[Element, ...]) -> tuple[str, ...]:
    """The sources that set the order, for one structure."""
    order = row_order(elements)
    return tuple(f"bprime_{k} {node} 0 I={_CONDUCTANCE}*v({node})" for k, node in enumerate(order))


def row_order(elements: Sequence[Element]) -> list[str]:
    """The nodes in the order in which they are written: the first row last.

    Empty where the circuit is too small to pay.
    """
    held = list(dict.fromkeys(e.nodes[0] for e in elements if e.fixes_a_voltage))
    graph = coupling_graph(elements, held)
    if len(graph) < SMALLEST_PRIMED:
        return []
    order = nested_dissection(graph, coordinates(elements, held))
    pivots = minimum_degree(graph, order)
    count = min(len(held), len(pivots))
    last = pivots[len(pivots) - count :]
    rows = [*held, *reversed(last), *pivots[: len(pivots) - count]]
    return rows[::-1]


def coupling_graph(elements: Iterable[Element], held: Iterable[str]) -> nx.Graph:
    """Nodes joined where one's voltage stands in the other's equation; held nodes are known."""
    import networkx as nx

    known = {"0", *held}
    graph = nx.Graph()
    for element in elements:
        free = [node for node in element.nodes if node not in known]
        graph.add_nodes_from(free)
        graph.add_edges_from((a, b) for k, a in enumerate(free) for b in free[k + 1 :])
    return graph


def coordinates(elements: Sequence[Element], held: Sequence[str]) -> Coordinates:
    """Where every free node lies: its distances along wires from two groups of held nodes.

    Wires have length one and everything else none, so that in a crossbar the distance from the
    drivers is the column, and the distance from the sensors the row, for every node of a cell.
    """
    import networkx as nx

    ends = set(held)
    known = {"0", *held}
    lines = nx.Graph()
    starts: dict[str, set[str]] = {}
    for element in elements:
        first, *others = element.nodes
        for other in others:
            if first not in known and other not in known:
                lines.add_edge(first, other, length=float(element.value == WIRE))
            elif element.kind == "r" and (first in ends) != (other in ends):
                end, free = (first, other) if first in ends else (other, first)
                starts.setdefault(_stem(end), set()).add(free)
    sides = sorted(starts.values(), key=len)[-2:]
    distances = [
        nx.multi_source_dijkstra_path_length(lines, side & set(lines), weight="length")
        for side in sides
        if side & set(lines)
    ]
    return {node: tuple(found.get(node, 0.0) for found in distances) for node in lines}


def _stem(node: str) -> str:
    """What nodes that play the same part have in common: their name without its numbers."""
    return "".join(character for character in node if not character.isdigit())


def nested_dissection(graph: nx.Graph, where: Coordinates) -> list[str]:
    """Nodes in an order in which the two halves of the circuit come before the cut between them."""
    ordered: list[str] = []
    stack: list[tuple[bool, list[str]]] = [(False, sorted(graph))]
    while stack:
        finished, nodes = stack.pop()
        cut = None if finished or len(nodes) <= _LEAF else _cut(graph, nodes, where)
        if cut is None:
            ordered.extend(nodes)
            continue
        near, far, separator = cut
        stack += [(True, separator), (False, far), (False, near)]
    return ordered


def _cut(
    graph: nx.Graph, nodes: list[str], where: Coordinates
) -> tuple[list[str], list[str], list[str]] | None:
    """Two halves along the longer side, and the nodes of the first that touch the second."""
    points = [where.get(node, ()) for node in nodes]
    sides = [[point[axis] for point in points] for axis in range(min(map(len, points)))]
    values = max(sides, key=lambda side: max(side) - min(side), default=[])
    if not values:
        return None
    middle = (max(values) + min(values)) / 2
    far = {node for node, value in zip(nodes, values, strict=True) if value > middle}
    if not far or len(far) == len(nodes):
        return None
    near = [node for node in nodes if node not in far]
    separator = [node for node in near if not far.isdisjoint(graph.adj[node])]
    touching = set(separator)
    return [node for node in near if node not in touching], sorted(far), separator


def minimum_degree(graph: nx.Graph, order: Sequence[str]) -> list[str]:
    """Exact minimum degree elimination; among equals the first in `order`."""
    neighbours = {node: set(graph.adj[node]) for node in graph}
    rank = {node: position for position, node in enumerate(order)}
    heap = [(len(near), rank[node], node) for node, near in neighbours.items()]
    heapq.heapify(heap)
    pivots = []
    while heap:
        degree, _, node = heapq.heappop(heap)
        if node not in neighbours or len(neighbours[node]) != degree:
            continue
        near = neighbours.pop(node)
        pivots.append(node)
        for other in near:
            merged = neighbours[other]
            merged |= near
            merged -= {node, other}
            heapq.heappush(heap, (len(merged), rank[other], other))
    return pivots
