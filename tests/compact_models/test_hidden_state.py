"""Variables read before they are written: what is recognised, and what is not guessed."""

import pytest

from compact_models import compile_text
from compact_models.veriloga.diagnostics import SourceError


HEAD = (
    '`include "disciplines.vams"\nmodule m(p, n);\n    inout p, n;\n    electrical p, n;\n'
    "    parameter real hi = 0.5;\n    real g, x, h, before;\n    analog begin\n"
)


def compiled(body):
    return compile_text(HEAD + body + "\n    end\nendmodule\n")


def test_a_variable_set_in_every_case_is_no_memory():
    model = compiled(
        "if (V(p, n) >= hi) g = 1e-3; if (V(p, n) < hi) g = 2e-3; I(p, n) <+ g * V(p, n);"
    )
    assert model.states == ()
    assert any("every case" in note.message for note in model.notes)


def test_a_variable_with_one_uncovered_voltage_is_memory():
    with pytest.raises(SourceError, match="memory-without-time"):
        compiled("if (V(p, n) > hi) g = 1e-3; if (V(p, n) < hi) g = 2e-3; I(p, n) <+ g;")


@pytest.mark.parametrize(
    "step",
    [
        "x = x + h * (V(p, n) - x) * 1e9;",
        "x = (x + h * 1e9 * V(p, n)) / (1.0 + h * 1e9);",
        "x = x + 0.5 * h * ((V(p, n) - x) * 1e9 + (V(p, n) - x) * 1e9);",
    ],
)
def test_every_form_of_a_step_gives_the_same_rate(step):
    model = compiled(
        f"@(initial_step) x = 0.25; h = $abstime - before; {step}"
        " I(p, n) <+ 1e-3 * x; before = $abstime;"
    )
    (state,) = model.states
    kernel = model.to_numba()
    values = {name: p.default for name, p in model.parameters.items()}
    assert values[state.parameter] == 0.25
    entries = kernel.evaluate([[0.7, 0.0, 0.25]], [values[n] for n in kernel.parameters])
    # The row is f + dq/dt, and q is the state: the rate is -f.
    assert -entries[0, 2] == pytest.approx((0.7 - 0.25) * 1e9, rel=1e-12)


def test_what_was_recognised_is_printed_with_its_place():
    text = compiled(
        "h = $abstime - before; x = x + h * V(p, n); I(p, n) <+ x; before = $abstime;"
    ).equations_text()
    assert "`x` is a hidden state, stepped by $abstime" in text
    assert "model.va:8:" in text
