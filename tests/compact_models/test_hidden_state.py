"""Variables read before they are written: what is recognised, and what is not guessed."""

import pytest

from compact_models import compile_text
from compact_models.veriloga.diagnostics import SourceError


HEAD = (
    '`include "disciplines.vams"\nmodule m(p, n);\n    inout p, n;\n    electrical p, n;\n'
    "    parameter real hi = 0.5; parameter integer mode = 1;\n"
    "    real g, x, h, before;\n    analog begin\n"
)


def compiled(body):
    return compile_text(HEAD + body + "\n    end\nendmodule\n")


def test_a_variable_set_in_every_case_is_no_memory():
    model = compiled(
        "if (V(p, n) >= hi) g = 1e-3; if (V(p, n) < hi) g = 2e-3; I(p, n) <+ g * V(p, n);"
    )
    assert model.states == ()
    assert any("every case" in note.message for note in model.notes)


CHOSEN = """if (mode != 0) begin
    if (mode == 1) begin g = V(p, n); if (g > hi) x = g; end
    else if (mode == 2) begin g = V(p, n) - 0.1; if (g > hi) x = g; end
    if (g < -hi) x = 0.0;
    else if (g >= -hi && g <= %s) x = 0.5 * (g + hi);
    I(p, n) <+ x;
    end"""


def test_a_variable_set_for_every_value_of_a_quantity_that_a_parameter_chooses_is_no_memory():
    model = compiled(CHOSEN % "hi")
    assert model.states == ()
    for mode, moved in ((0, None), (1, 0.0), (2, -0.1)):
        kernel = model.to_numba(values={"mode": mode, "hi": 0.5})
        for v in (-0.8, 0.2, 0.9):
            g = 0.0 if moved is None else v + moved
            wanted = g if g > 0.5 else 0.0 if g < -0.5 else 0.5 * (g + 0.5)
            entries = kernel.evaluate([[v, 0.0]], [0.0] * len(kernel.parameters))
            assert entries[0, 0] == pytest.approx(0.0 if mode == 0 else wanted, abs=1e-15)


def test_a_quantity_that_a_parameter_chooses_may_leave_a_case_out():
    with pytest.raises(SourceError, match="memory-without-time"):
        compiled(CHOSEN % "0.9 * hi")


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


def test_a_setting_corrected_by_parameters_is_a_number():
    model = compiled(
        "@(initial_step) g = 3.0; if (g > 2.0) g = 2.0; if (g < hi) g = hi; I(p, n) <+ g * V(p, n);"
    )
    assert model.states == ()
    assert any("corrected once" in note.message for note in model.notes)
    entries = model.to_numba().evaluate([[0.25, 0.0]], [0.5])
    assert entries[0][0] == pytest.approx(0.5, rel=1e-15)


@pytest.mark.parametrize("body", ["if (g < 9.0) g = g + 1.0;", "if (g > 0.0) g = 0.5 * g;"])
def test_a_setting_that_goes_on_changing_is_memory(body):
    with pytest.raises(SourceError, match="memory-without-time"):
        compiled(f"@(initial_step) g = 3.0; {body} I(p, n) <+ g * V(p, n);")


def test_a_random_number_kept_on_one_path_is_the_number_of_the_instance():
    model = compiled(
        "if (V(p, n) > hi) g = 1e-4 * $rdist_normal(1, 0, 1); if (V(p, n) < 0.0) g = 0.0;"
        " I(p, n) <+ 1e-3 * V(p, n) + g;"
    )
    assert model.states == ()
    assert any("number of the instance" in note.message for note in model.notes)
    kernel = model.to_numba(values={"hi": 0.5, "draw_1": 2.0})
    between = kernel.evaluate([[0.25, 0.0]], [300.15][: len(kernel.parameters)])
    assert between[0][0] == pytest.approx(2.5e-4 + 2e-4, rel=1e-12)


def test_a_number_kept_beside_a_random_one_is_memory():
    with pytest.raises(SourceError, match="memory-without-time"):
        compiled(
            "if (V(p, n) > hi) g = $rdist_normal(1, 0, 1); if (V(p, n) < 0.0) g = 2.0;"
            " I(p, n) <+ g;"
        )


def test_a_loop_that_a_signal_ends_gives_what_its_passes_give():
    model = compiled(
        "x = 1.0; h = 0.0; while (h < 4 && x < V(p, n)) begin x = 2.0 * x; h = h + 1; end"
        " I(p, n) <+ x;"
    )
    kernel = model.to_numba()
    voltages = [0.5, 1.5, 3.0, 7.0, 9.0, 40.0]
    entries = kernel.evaluate([[v, 0.0] for v in voltages], [0.5][: len(kernel.parameters)])
    assert [row[0] for row in entries] == [1.0, 2.0, 4.0, 8.0, 16.0, 16.0]


def test_a_loop_with_a_bound_of_many_passes_is_refused():
    with pytest.raises(SourceError, match="unbounded-loop"):
        compiled(
            "x = 1.0; h = 0.0; while (h < 100 && x < V(p, n)) begin x = 2.0 * x; h = h + 1; end"
            " I(p, n) <+ x;"
        )
