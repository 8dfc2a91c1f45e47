"""Loops that end because their iterate stands still, held against their own passes in Python."""

import math
from pathlib import Path

import numpy as np
import pytest

from compact_models import compile_source, compile_text
from compact_models.veriloga.diagnostics import SourceError


CORPUS = Path(__file__).parent / "corpus"
HEAD = (
    '`include "disciplines.vams"\nmodule m(p, n);\n    inout p, n;\n    electrical p, n;\n'
    "    real x, y, step;\n    integer k;\n    analog begin\n"
)


def compiled(body):
    return compile_text(HEAD + body + "\n    end\nendmodule\n")


def diode_current(v, i_s=1e-12, r=1e3):
    """The passes of newton_loop.va, one by one."""
    x = min(v, 0.6)
    for _ in range(100):
        e = math.exp(x / 0.0258)
        step = (x + r * i_s * (e - 1.0) - v) / (1.0 + r * i_s * e / 0.0258)
        x -= math.copysign(min(abs(step), 0.2), step)
        if abs(step) <= 1e-12:
            break
    return (v - x) / r


def coupled_current(v, g=1e-3, k=0.7):
    """The passes of index_leaves.va."""
    a, b = 0.0, v
    for _ in range(60):
        old = a, b
        residual = a + 0.3 * math.tanh(a) + k * b - v
        a -= residual / (1.0 + 0.3 * (1.0 - math.tanh(a) ** 2))
        b = 0.4 * math.sin(a) + 0.5 * v
        if abs(a - old[0]) <= 1e-13 and abs(b - old[1]) <= 1e-13:
            break
    return g * (a + 2.0 * b)


@pytest.mark.parametrize(
    ("name", "literal"), [("newton_loop", diode_current), ("index_leaves", coupled_current)]
)
def test_the_equation_gives_what_the_passes_give(name, literal, operating_points):
    model = compile_source(CORPUS / f"{name}.va")
    assert "an iteration" in model.equations_text()
    voltages = np.linspace(-1.0, 2.0, 31)
    spice = operating_points(
        model.to_ngspice(), name, model.ports, np.stack([voltages, 0 * voltages], 1)
    )
    wanted = [literal(v) for v in voltages]
    np.testing.assert_allclose(spice[:, 0], wanted, rtol=1e-8, atol=1e-14)


def test_what_was_recognised_is_said_with_the_passes_that_were_tried():
    model = compile_source(CORPUS / "newton_loop.va")
    (note,) = [n.message for n in model.notes if "stands still" in n.message]
    assert note.startswith("the loop ends when `x` stands still: solved as an equation (in numbers")
    assert "biases: at most" in note


@pytest.mark.parametrize(
    "loop",
    [
        # A search that ends where a signal is passed: its last value is not that of an equation.
        "x = 2.0; while (x > V(p, n) && k < 100) begin x = x - 0.125; k = k + 1; end",
        # It moves on for ever and is stopped by its count.
        "x = V(p, n); while (abs(x) < 1e9 && k < 100) begin x = x + 1.0; k = k + 1; end",
        # A bisection: wherever its ends meet, they stay.
        "x = -4.0; y = 4.0; while (y - x > 1e-12 && k < 100) begin step = 0.5 * (x + y);"
        " if (step * step * step > V(p, n)) y = step; else x = step; k = k + 1; end",
        # Each pass is another map.
        "x = V(p, n); while (abs(x) > 1e-9 && k < 100) begin x = x / (2.0 + k); k = k + 1; end",
    ],
)
def test_a_loop_that_does_not_end_by_standing_still_is_refused(loop):
    with pytest.raises(SourceError, match="unbounded-loop"):
        compiled("k = 0; " + loop + " I(p, n) <+ x;")


def test_a_loop_that_a_condition_leads_to_is_solved_only_there(operating_points):
    model = compiled(
        "x = 0.0; if (V(p, n) > 0.5) begin x = V(p, n); step = 1.0; k = 0;"
        " while (abs(step) > 1e-13 && k < 90) begin step = (x * x - V(p, n)) / (2.0 * x);"
        " x = x - step; k = k + 1; end end I(p, n) <+ 1e-3 * x;"
    )
    voltages = np.array([-0.5, 0.2, 0.6, 0.9, 1.7])
    spice = operating_points(
        model.to_ngspice(), "m", model.ports, np.stack([voltages, 0 * voltages], 1)
    )
    wanted = 1e-3 * np.where(voltages > 0.5, np.sqrt(np.abs(voltages)), 0.0)
    np.testing.assert_allclose(spice[:, 0], wanted, rtol=1e-8, atol=1e-14)


def test_a_flag_that_every_iteration_sets_is_a_number():
    model = compiled(
        "x = V(p, n); y = 0.0; for (k = 0; k < 50; k = k + 1) begin"
        " step = (x + 0.5 * tanh(x) - V(p, n)) / 1.3; x = x - step;"
        " if (abs(step) < 1e-14) begin y = 1.0; k = 50; end end"
        " I(p, n) <+ y * V(p, n);"
    )
    assert "I(p, n) = V(p) - V(n)" in model.equations_text()
