"""PySpice circuits: the same elements as the netlist they come from."""

from __future__ import annotations

import numpy as np
import pytest

from compact_models.errors import InputError
from cosim.bench import NOMINAL
from cosim.bench.strongarm import StrongArmBench
from cosim.ngspice import DcSweep, Simulation, Workers
from netlists import names
from netlists.pyspice import to_pyspice
from netlists.reader import Scope, read_deck, read_elements
from netlists.spice import READ_OPTIONS, Netlist
from netlists.testbench import read_testbench


def plain(text: str) -> str:
    """An element whose plain numbers are written in one way."""
    words = []
    for word in text.split():
        try:
            words.append(repr(float(word)))
        except ValueError:
            words.append(word)
    return " ".join(words)


def texts(scope: Scope) -> dict[str, list[str]]:
    """Every element, model and nested element as text, by subcircuit."""
    models = [
        f"{name} {model.kind} {sorted(model.parameters.items())}"
        for name, model in scope.models.items()
    ]
    found = {scope.name: sorted(models) + [plain(element.text) for element in scope.elements]}
    for child in scope.subcircuits.values():
        found |= texts(child)
        found[f"{child.name} ports"] = [*child.ports, *child.parameters.items()]
    return found


def test_a_tile_is_equal_element_by_element(rram_tile):
    netlist = read_testbench(
        rram_tile(5, 4), np.full((5, 4), 4e-5), np.array([[0.1] * 5, [0.2] * 5])
    ).netlist
    ours = read_elements((*netlist.definitions, *netlist.elements))
    circuit = to_pyspice(netlist)
    assert texts(read_deck(str(circuit))) == texts(ours)
    assert circuit["Rol_3_2"].resistance == pytest.approx(1.0)


def test_transistors_sources_and_models_are_equal_too():
    deck = StrongArmBench().runs(NOMINAL)["decisions"].deck
    statements = (".options", ".temp", ".save")
    lines = [line for line in deck.splitlines()[1:-1] if not line.startswith(statements)]
    netlist = Netlist("latch", tuple(lines))
    ours = read_elements(netlist.elements)
    assert texts(read_deck(str(to_pyspice(netlist)))) == texts(ours)


def test_ngspice_gives_the_same_currents_from_the_pyspice_text(rram_tile):
    spec = rram_tile(4, 3)
    inputs = np.random.default_rng(0).uniform(0.0, 0.2, (3, 4))
    bench = read_testbench(spec, np.linspace(2e-5, 9e-5, 12).reshape(4, 3), inputs)
    text = f"{to_pyspice(bench.netlist)}\n.options {READ_OPTIONS}\n.end\n"
    sweep = DcSweep(names.INDEX_SOURCE, 0, 2, 1)
    decks = [bench.deck(), text]
    with Workers(1) as workers:
        ours, theirs = workers.run_many(
            [Simulation(deck, sweep, bench.netlist.outputs) for deck in decks]
        )
    outputs = bench.netlist.outputs
    np.testing.assert_allclose(theirs.matrix(outputs), ours.matrix(outputs), rtol=1e-9)


def test_an_element_without_a_pyspice_class_is_refused():
    with pytest.raises(InputError, match="has no PySpice class"):
        to_pyspice(Netlist("t", ("t1 a 0 b 0 z0=50 td=1n",)))
