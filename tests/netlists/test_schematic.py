"""Schematics: what is drawn is what is written, and mismatch is drawn once per element."""

from __future__ import annotations

import numpy as np
import pytest

from compact_models.errors import InputError
from netlists.schematic import Schematic, Subcircuit, gather_definitions
from netlists.technology import Technology


TECHNOLOGY = Technology.load("generic_65nm")


def inverter(width: float = 1e-6) -> Subcircuit:
    """An inverter."""
    draw = Schematic("inverter", ("a", "y", "vdd"), TECHNOLOGY, "an inverter")
    draw.nmos("n", d="y", g="a", s="0", w=width)
    draw.pmos("p", d="y", g="a", s="vdd", w=2 * width)
    draw.capacitor("l", "y", "0", 1e-15, matching=0.05)
    return draw.subcircuit()


def buffer() -> Subcircuit:
    """Two inverters."""
    draw = Schematic("buffer", ("a", "y", "vdd"), TECHNOLOGY)
    draw.place("1", inverter(), a="a", y="m", vdd="vdd")
    draw.place("2", inverter(), y="y", a="m", vdd="vdd")
    return draw.subcircuit()


def test_ports_are_connected_by_name_in_the_order_of_the_definition():
    assert inverter().instance("7", {"vdd": "v", "y": "out", "a": "in"}) == "x7 in out v inverter"
    with pytest.raises(InputError, match="the ports of inverter are a, y, vdd"):
        inverter().instance("7", {"y": "out", "a": "in"})


def test_a_definition_is_written_once_and_before_its_users():
    definitions = gather_definitions([buffer(), inverter()])
    assert [text.split(".subckt ")[1].split()[0] for text in definitions] == ["inverter", "buffer"]
    with pytest.raises(InputError, match="two different subcircuits are called inverter"):
        gather_definitions([buffer(), inverter(width=3e-6)])


def test_mismatch_differs_between_instances_and_repeats_with_the_seed():
    drawn = buffer().with_mismatch(5)
    texts = drawn.definitions()
    shifts = [word for text in texts for word in text.split() if word.startswith("delvto=")]
    assert len(shifts) == len(set(shifts)) == 4
    assert drawn == buffer().with_mismatch(5)
    assert drawn != buffer().with_mismatch(6)
    assert not any("delvto" in text or "scale" in text for text in buffer().definitions())


def test_drawn_values_have_the_stated_deviation():
    spread = TECHNOLOGY.mismatch("nmos", 1e-6, TECHNOLOGY.length)[0]
    shifts = [
        float(inverter().with_mismatch(seed).parts[0].text.split("delvto=")[1].split()[0])
        for seed in range(400)
    ]
    assert np.std(shifts) == pytest.approx(spread, rel=0.15)
    assert abs(np.mean(shifts)) < 4 * spread / np.sqrt(400)
