"""Every electrical rule on a small circuit that breaks it, and none on circuits that are right."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from compact_models.errors import InputError
from netlists.circuits.strongarm import StrongArm
from netlists.rules import check_deck
from netlists.technology import Technology
from netlists.testbench import operating_point_deck


MODELS = ".model nch nmos level=1\n.model pch pmos level=1\n"
INVERTER = """* inverter
.model nch nmos level=1
.model pch pmos level=1
vdd vdd 0 1.2
vin a 0 0.3
mn y a 0 0 nch w=1u l=1u
mp y a vdd vdd pch w=2u l=1u
cl y 0 1f
.end
"""


def rules(text: str, open_nets: tuple[str, ...] = ()) -> list[tuple[str, str, int]]:
    """Rule, element and line of every finding."""
    return [(found.rule, found.element, found.line) for found in check_deck(text, open_nets)]


def test_a_right_circuit_breaks_no_rule():
    assert check_deck(INVERTER) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("mn y a 0 0 nch", "mn y a 0 vdd nch", ("wrong-bulk", "mn", 6)),
        ("mp y a vdd vdd pch", "mp y a vdd 0 pch", ("wrong-bulk", "mp", 7)),
        ("vin a 0 0.3", "vin a a 0.3", ("shorted-source", "vin", 5)),
        ("vin a 0 0.3", "vin vdd 0 0.3", ("driven-twice", "vin", 5)),
        ("cl y 0 1f", "cl y 0 1f\nrx y z 1k", ("dangling-net", "rx", 9)),
        ("cl y 0 1f", "c1 z 0 1f\nc2 z y 1f", ("no-dc-path", "c1", 8)),
        ("cl y 0 1f", "x1 y nand", ("unknown-subcircuit", "x1", 8)),
        ("mn y a 0 0 nch", "mn y a 0 0 nchh", ("unknown-model", "mn", 6)),
        ("cl y 0 1f", "mn y 0 1f", ("duplicate-name", "mn", 6)),
    ],
)
def test_each_fault_is_found_with_its_element_and_line(
    old: str, new: str, expected: tuple[str, str, int]
):
    if new.startswith("mn y 0 1f"):
        new = "mn y a 0 0 nch w=2u l=1u"
    assert expected in rules(INVERTER.replace(old, new))


def test_a_wrong_number_of_nets_and_an_unused_port_are_found():
    text = """* two
.subckt half a b c
r1 a b 1k
.ends
v1 n 0 1
x1 n 0 half
.end
"""
    assert rules(text) == [("unused-port", "half", 2), ("port-count", "x1", 6)]


def test_faults_inside_a_subcircuit_are_named_by_their_path():
    text = (
        "* t\n.subckt cell a\nc1 a m 1f\nc2 m 0 1f\nr1 a 0 1k\n.ends\nv1 n 0 1\nx7 n cell\n.end\n"
    )
    (found,) = check_deck(text)
    assert (found.rule, found.element, found.line) == ("no-dc-path", "x7.c1", 3)
    assert "x7.m" in str(found)


def test_a_current_source_does_not_tie_its_net_but_a_behavioural_conductance_does():
    deck = "* t\n{source}\nc1 n 0 1f\n.end\n"
    assert rules(deck.format(source="i1 0 n 1u")) == [("no-dc-path", "i1", 2)]
    assert rules(deck.format(source="b1 n 0 i=1e-6*v(n)")) == []
    assert rules(deck.format(source="b1 n 0 i=1e-6*time")) == [("no-dc-path", "b1", 2)]


def test_a_net_that_something_outside_uses_is_not_dangling():
    deck = "* t\nr1 in out 1k\nr2 out 0 1k\n.end\n"
    assert rules(deck) == [("dangling-net", "r1", 2)]
    assert rules(deck, ("in",)) == []


def test_parts_from_a_foundry_library_are_taken_to_be_right():
    deck = '* t\n.lib "pdk.lib" tt\nv1 d 0 1\nx1 d d 0 0 nfet w=1 l=0.15\n.end\n'
    assert check_deck(deck) == []


def test_text_that_is_no_deck_is_refused_with_its_line():
    with pytest.raises(InputError, match=r"line 2.*is no element"):
        check_deck("* t\n?? what is this\n.end\n")
    with pytest.raises(InputError, match=r"line 2: `\.subckt half` never ends"):
        check_deck("* t\n.subckt half a\nr1 a 0 1\n")


def test_generated_circuits_break_no_rule(rram_tile):
    spec = rram_tile(3, 4)
    G = np.full((3, 4), 0.5 * (spec.cell.conductance_min + spec.cell.conductance_max))
    assert check_deck(operating_point_deck(spec, G, np.full(3, 0.1))) == []
    latch = StrongArm().circuit(Technology.load("generic_65nm"))
    ports = {port: port for port in latch.ports}
    lines = [*Technology.load("generic_65nm").models(), *latch.definitions()]
    lines += [latch.instance("cmp", ports), *(f"v{port} {port} 0 0.6" for port in latch.ports[:3])]
    lines += ["vdd vdd 0 1.2", "c1 outp 0 1f", "c2 outn 0 1f"]
    assert check_deck("\n".join(["* latch", *lines])) == []


@settings(deadline=None, max_examples=30)
@given(cut=st.integers(0, 10_000))
def test_a_cut_wire_of_a_crossbar_is_always_found(rram_tile, cut: int):
    spec = rram_tile(3, 3)
    deck = operating_point_deck(spec, np.full((3, 3), 1e-4), np.full(3, 0.1)).splitlines()
    wires = [number for number, line in enumerate(deck) if line.startswith(("ril", "rol"))]
    number = wires[cut % len(wires)]
    name, before, _, value = deck[number].split()
    deck[number] = f"{name} {before} nowhere {value}"
    assert ("dangling-net", name, number + 1) in rules("\n".join(deck))


def test_the_ports_of_digital_parts_are_read_without_their_types():
    deck = "* t\nv1 a 0 1\nr1 b 0 1\nr2 b a 1\na1 [%vd(a b)] [~d] br\n.model br adc_bridge\n.end\n"
    assert check_deck(deck) == []
