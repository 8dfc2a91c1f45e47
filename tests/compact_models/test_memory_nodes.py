"""Internal nodes that keep their potential at rest are states; those with a DC solution are not."""

from pathlib import Path

import numpy as np
import pytest

from compact_models import compile_source, compile_text


HEAD = (
    '`include "disciplines.vams"\nmodule m(p, n);\n    inout p, n;\n    electrical p, n, w;\n'
    "    analog begin\n        I(p, n) <+ 1e-6 * V(p, n) * (1.0 + V(w, n));\n"
)
HELD = Path(__file__).parent / "corpus" / "held_node.va"


def compiled(body):
    return compile_text(HEAD + body + "\n    end\nendmodule\n")


def test_a_node_between_smooth_walls_starts_in_the_middle_of_what_it_keeps():
    model = compile_source(HELD)
    (state,) = model.states
    start = model.parameters[state.parameter].default
    assert start == pytest.approx(0.8, abs=0.03)
    assert any("keeps its potential at rest" in note.message for note in model.notes)


def test_a_dc_analysis_finds_the_kept_potential_and_not_a_trace_of_a_rate(operating_points):
    model = compile_source(HELD)
    points = [(0.007, 0.27), (0.31, 0.42), (-0.4, 0.1)]
    kernel = model.to_numba(frozen=True)
    known = {name: p.default for name, p in model.parameters.items()}
    for start in (known["w_init"], 0.35, 1.3):
        spice = operating_points(
            model.to_ngspice(), model.name, model.ports, points, f"w_init={start!r}"
        )
        values = known | {"w_init": start}
        ours = kernel.evaluate(np.array(points), [values[n] for n in kernel.parameters])[:, :2]
        np.testing.assert_allclose(spice, ours, rtol=1e-9)


def test_a_state_measured_from_a_port_does_not_see_that_port():
    model = compiled("I(w, n) <+ -1e-3 * V(p, n); I(w, n) <+ ddt(1e-12 * V(w, n));")
    kernel = model.to_numba()
    together = kernel.evaluate(np.array([[0.3, 0.0, 0.5], [0.8, 0.5, 0.5]]), [0.0])
    np.testing.assert_allclose(together[0], together[1], rtol=1e-14)


@pytest.mark.parametrize(
    "body",
    [
        "I(w) <+ 1e-9 * V(w) - 1e-6 * V(p, n); I(w) <+ ddt(1e-12 * V(w));",
        "I(w, n) <+ 1e-6 * tanh(V(p, n) + V(w, n)); I(w, n) <+ ddt(1e-9 * V(w, n));",
        "I(w, n) <+ -1e-3 * V(p, n); I(w, n) <+ ddt(1e-12 * V(w, n) * V(w, n));",
        "I(w, n) <+ -1e-3 * V(p, n); I(w, p) <+ ddt(1e-12 * V(w, p));",
        "I(w, n) <+ -1e-3 * V(p, n);",
    ],
    ids=["leaks", "settles", "quadratic", "between two ports", "no charge"],
)
def test_a_node_that_something_else_decides_stays_a_node(body):
    assert compiled(body).states == ()
