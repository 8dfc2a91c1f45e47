"""The structure of a circuit is read from its deck, hierarchy removed."""

from cosim.ngspice.structure import WIRE, Element, elements_of


HIERARCHY = """title
.subckt inner p n params: g=1
b1 p q I={g}*sinh(v(p,q))
r1 q n 1
.ends inner
.subckt outer a
x1 a deep inner g=2
Vprobe deep 0 0
.ends
Xtop
+ IN outer
rload in 0 100k
vin in 0 1
bset set 0 V=pwl(v(in), 0, 1, 1,
+ 2)
.options klu
.end
"""


def test_subcircuits_are_flattened_under_the_names_that_ngspice_gives():
    elements = elements_of(HIERARCHY)
    assert Element("b", ("in", "xtop.x1.q"), "I") in elements
    assert Element("r", ("xtop.x1.q", "xtop.deep"), WIRE) in elements
    assert Element("v", ("xtop.deep", "0")) in elements


def test_an_expression_couples_the_nodes_it_names():
    elements = elements_of("t\nb1 a 0 I=v(b)*v(c,d)+v(a)\nr1 a 0 1\n.end\n")
    assert elements[0].nodes == ("a", "0", "b", "c", "d")


def test_sources_to_ground_fix_a_voltage_and_others_do_not():
    elements = elements_of("t\nv1 a 0 1\nv2 a b 0\nb1 c 0 V=v(a)\nb2 c 0 I=v(a)\n.end\n")
    assert [element.fixes_a_voltage for element in elements] == [True, False, True, False]


def test_wires_are_the_resistors_of_the_smaller_values():
    elements = elements_of("t\nr1 a b 1\nr2 b c 12\nr3 c 0 1e4\nr4 c 0 {x}\n.end\n")
    assert [element.value for element in elements] == [WIRE, WIRE, "", ""]


def test_the_structure_is_the_same_for_every_state():
    deck = "t\nr1 a b 1\nrcell b 0 {ohm}\nv1 a 0 1\n.end\n"
    assert elements_of(deck.format(ohm=1e4)) == elements_of(deck.format(ohm=2.5e5))


def test_a_deck_with_an_element_of_unknown_equations_has_no_structure():
    assert elements_of("t\na1 [x] [y] dac\n.end\n") is None
    assert elements_of("t\nx1 a b nowhere\n.end\n") is None
