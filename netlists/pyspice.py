"""A netlist as a PySpice `Circuit`: the same elements, models and subcircuits, as objects.

    circuit = to_pyspice(netlist)
    circuit["Rol_3_2"].resistance

Values that are plain numbers become numbers; expressions stay text. What PySpice has no object for
(`.param`, `.lib`) is carried as raw SPICE. Temperature and tolerances belong to PySpice's own
simulator: `circuit.simulator(temperature=…, …)`.
"""

from __future__ import annotations

import warnings
from typing import Any

from compact_models.errors import InputError
from netlists.reader import Element, Model, Scope, read_elements
from netlists.spice import Netlist
from netlists.spice_numbers import spice_number


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # PySpice 1.5 has escape sequences that Python warns of
    from PySpice.Spice.Netlist import Circuit, Netlist as PySpiceNetlist, SubCircuit


# Letter -> PySpice's name of the element, and of the argument that takes its value.
VALUED = {
    "r": ("R", "resistance"), "c": ("C", "capacitance"), "l": ("L", "inductance"),
    "v": ("V", "dc_value"), "i": ("I", "dc_value"),
    "e": ("VCVS", "voltage_gain"), "g": ("VCCS", "transconductance"),
}  # fmt: skip
MODELLED = {"d": "D", "m": "MOSFET", "q": "BJT", "j": "JFET", "s": "VCS"}
CONTROLLED = {"f": ("CCCS", "current_gain"), "h": ("CCVS", "transresistance")}


def to_pyspice(netlist: Netlist) -> Circuit:
    """The PySpice circuit of a netlist, element by element.

    Raises:
        InputError: an element that PySpice has no class for.
    """
    scope = read_elements((*netlist.definitions, *netlist.elements))
    circuit = Circuit(netlist.title)
    _fill(circuit, scope)
    return circuit


def _fill(circuit: PySpiceNetlist, scope: Scope) -> None:
    """Add everything that a scope defines."""
    circuit.raw_spice = "\n".join(text for _, text in scope.statements)
    for name, model in scope.models.items():
        _add_model(circuit, name, model)
    for child in scope.subcircuits.values():
        subcircuit = SubCircuit(child.name, *child.ports, **child.parameters)
        _fill(subcircuit, child)
        circuit.subcircuit(subcircuit)
    for element in scope.elements:
        _add_element(circuit, element)


def _add_model(circuit: PySpiceNetlist, name: str, model: Model) -> None:
    circuit.model(name, model.kind, **model.parameters)


def _value(word: str) -> float | str | None:
    """A number where the word is a plain one, text where it is a value, else None."""
    try:
        return float(word)
    except ValueError:
        return word if spice_number(word) is not None or word.startswith("{") else None


def _add_element(circuit: PySpiceNetlist, element: Element) -> None:
    name, letter, words = element.name[1:], element.letter, element.words
    if letter == "x":
        parameters = dict(word.split("=", 1) for word in words)
        circuit.X(name, element.model, *element.nets, **parameters)
    elif letter == "b":
        _add_behavioural(circuit, element)
    elif letter in MODELLED:
        add = getattr(circuit, MODELLED[letter])
        add(name, *element.nets, model=element.model, **_raw(words))
    elif letter in CONTROLLED:
        kind, gain = CONTROLLED[letter]
        values: dict[str, Any] = {"source": words[0], gain: words[1]}
        getattr(circuit, kind)(name, *element.nets, **values, **_raw(words[2:]))
    elif letter in VALUED and len(element.nets) == (4 if letter in "eg" else 2):
        kind, value = VALUED[letter]
        first = _value(words[0]) if words else None
        rest = words if first is None else words[1:]
        getattr(circuit, kind)(name, *element.nets, **{value: first}, **_raw(rest))
    else:
        raise InputError(
            f"`{element.text[:60]}` has no PySpice class; simulate the netlist's own text instead"
        )


def _add_behavioural(circuit: PySpiceNetlist, element: Element) -> None:
    """A behavioural source, whose expression is a voltage or a current."""
    kind, _, expression = " ".join(element.words).partition("=")
    key = {"i": "current_expression", "v": "voltage_expression"}[kind.strip()]
    circuit.B(element.name[1:], *element.nets, **{key: expression.strip()})


def _raw(words: tuple[str, ...]) -> dict[str, str]:
    """Further words of an element, as they stand."""
    return {"raw_spice": " ".join(words)} if words else {}
