"""The graph of a netlist: nets are nodes, elements are edges between the nets they touch.

Used to find what cannot work before a simulator is started, and to order a matrix by its structure.
The first letter of an element's name tells how many of its words are nets, as in SPICE.
"""

from __future__ import annotations

import networkx as nx

from compact_models.errors import InputError
from netlists.spice import Netlist


GROUND = "0"
NETS_BY_LETTER = {"r": 2, "c": 2, "l": 2, "v": 2, "i": 2, "b": 2, "d": 2, "e": 4, "g": 4, "m": 4}


def element_nets(line: str) -> tuple[str, tuple[str, ...]]:
    """The name of an element and the nets it touches.

    Raises:
        InputError: the line is not an element that this project writes.
    """
    words = line.split()
    name = words[0].lower()
    if name[0] == "x":
        plain = [word for word in words[1:] if "=" not in word and word.lower() != "params:"]
        return name, tuple(plain[:-1])
    count = NETS_BY_LETTER.get(name[0])
    if count is None or len(words) <= count:
        raise InputError(
            f"netlist line `{line}` is no element; start it with one of r c l v i b d e g m x"
        )
    return name, tuple(words[1 : 1 + count])


def netlist_graph(netlist: Netlist) -> nx.MultiGraph:
    """Nets as nodes; each element as edges between its first net and the others."""
    graph = nx.MultiGraph()
    graph.add_node(GROUND)
    for line in netlist.elements:
        name, nets = element_nets(line)
        for net in nets[1:]:
            graph.add_edge(nets[0], net, element=name)
    return graph


def unreachable_nets(netlist: Netlist) -> set[str]:
    """Nets without any connection to ground; such a circuit has no operating point."""
    graph = netlist_graph(netlist)
    return set(graph.nodes) - nx.node_connected_component(graph, GROUND)
