"""Random expressions, random modules, and mutated sources.

Expressions are compared with the OpenVAF front end, many in one source, because starting it costs
more than evaluating; mutated sources must be accepted or refused with a diagnostic, quickly.
"""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from compact_models import compile_text
from compact_models.veriloga.derivative import derivatives
from compact_models.veriloga.diagnostics import SourceError
from compact_models.veriloga.expressions import apply, const, evaluate, substitute, symbol
from compact_models.veriloga.simplify import hoisted


HEAD = (
    '`include "disciplines.vams"\nmodule random_module(p, n);\n    inout p, n;\n'
    "    electrical p, n;\n    parameter real a = 1.3;\n    parameter integer k = 5;\n    real t;\n"
)
LEAVES = ["V(p, n)", "a", "k", "2", "0.75", "t"]
UNARY = ["sin({})", "atan({})", "tanh({})", "exp(-abs({}))", "sqrt(1.0 + {} * {})", "-({})",
         "ln(1.5 + abs({}))", "floor({})"]  # fmt: skip
BINARY = ["({} + {})", "({} - {})", "({} * {})", "({} / (2.0 + abs({})))", "min({}, {})",
          "max({}, {})", "({} > {} ? 1.5 : 0.25)",
          "pow(1.1 + abs({}), {} > 0 ? 2 : 3)"]  # fmt: skip

V, A = symbol("node", "p"), symbol("parameter", "a")


def text_of(generator, depth):
    """A random Verilog-A expression that is finite everywhere."""
    if depth == 0 or generator.random() < 0.15:
        return generator.choice(LEAVES)
    if generator.random() < 0.4:
        part = text_of(generator, depth - 1)
        return generator.choice(UNARY).replace("{}", part)
    form = generator.choice(BINARY)
    return form.format(text_of(generator, depth - 1), text_of(generator, depth - 1))


def module_of(seed, count):
    """A module with `count` retrieved variables, under conditions and in sequence."""
    generator = random.Random(seed)
    declarations, lines = [], ["        t = 0.5 * V(p, n);\n"]
    for i in range(count):
        declarations.append(f"    (* retrieve *) real y{i};\n")
        text = text_of(generator, 4)
        if generator.random() < 0.4:
            test = text_of(generator, 2)
            other = text_of(generator, 3)
            lines.append(f"        if ({test} > 0.3) y{i} = {text}; else y{i} = {other};\n")
        else:
            lines.append(f"        y{i} = {text};\n")
        if generator.random() < 0.3:
            lines.append(f"        t = tanh(y{i}) + 0.1 * t;\n")
    body = "".join(lines) + "        I(p, n) <+ 1e-3 * tanh(t);\n"
    return HEAD + "".join(declarations) + f"    analog begin\n{body}    end\nendmodule\n"


@pytest.mark.parametrize("seed", range(4))
def test_random_modules_agree_with_the_openvaf_front_end(seed, openvaf, tmp_path):
    text = module_of(seed, 30)
    path = tmp_path / "random_module.va"
    path.write_text(text)
    system = compile_text(text).system
    points = [{"p": float(v), "n": 0.0} for v in np.linspace(-1.37, 1.41, 60)]
    oracle = openvaf(path, points, {"br_pn": ("p", "n")}, {"a": 1.3, "k": 5})
    assert len(oracle) == 30
    for name, wanted in oracle.items():
        known = {A: 1.3, symbol("parameter", "k"): 5.0, symbol("node", "n"): 0.0}
        ours = [evaluate([system.variables[name]], known | {V: point["p"]})[0] for point in points]
        np.testing.assert_allclose(ours, wanted, rtol=1e-10, atol=1e-12, err_msg=name)


SMOOTH = ["sin", "cos", "tanh", "atan", "exp", "asinh", "neg"]
graphs = st.recursive(
    st.sampled_from([V, A, const(0.5), const(2.0)]),
    lambda inner: st.one_of(
        st.builds(apply, st.sampled_from(SMOOTH), inner),
        st.builds(apply, st.sampled_from(["add", "sub", "mul"]), inner, inner),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs, st.floats(-0.9, 0.9), st.floats(0.1, 0.9))
def test_symbolic_derivatives_agree_with_finite_differences(node, v, a):
    slope = derivatives([node], V)[0]
    high, low = (evaluate([node], {V: v + s, A: a})[0] for s in (1e-5, -1e-5))
    exact = evaluate([slope], {V: v, A: a})[0]
    if not np.isfinite([high, low, exact]).all() or abs(exact) > 1e6:
        return
    assert exact == pytest.approx((high - low) / 2e-5, rel=1e-4, abs=1e-4)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs, st.floats(-0.9, 0.9), st.floats(0.1, 0.9))
def test_gathering_static_parts_does_not_change_a_value(node, v, a):
    before, after = (evaluate([n], {V: v, A: a})[0] for n in (node, hoisted([node])[0]))
    if np.isfinite(before):
        assert after == pytest.approx(before, rel=1e-9, abs=1e-12)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(graphs, st.floats(0.1, 0.9))
def test_putting_a_number_in_is_the_same_as_evaluating_with_it(node, a):
    folded = substitute([node], {A: const(a)})[0]
    direct, late = evaluate([node], {V: 0.3, A: a})[0], evaluate([folded], {V: 0.3})[0]
    if np.isfinite(direct):
        assert late == pytest.approx(direct, rel=1e-9, abs=1e-12)


SOURCES = sorted((Path(__file__).parent / "corpus").glob("*.va"))
PIECES = ["(", ")", ";", "begin", "end", "if", "else", "1e", "V(p)", "<+", "=", "`", "`define X",
          '"', "/*", "//", "idt(", "$", "@", "[0:1]", "real", "parameter", ",", "?", ":",
          "\x00"]  # fmt: skip


def mutated(text, generator):
    """The text with a few characters deleted, doubled, swapped or put in."""
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(text))
        to = min(len(text), at + generator.randint(1, 12))
        change = generator.randrange(4)
        if change == 0:
            text = text[:at] + text[to:]
        elif change == 1:
            text = text[:to] + text[at:to] + text[to:]
        elif change == 2:
            text = text[:at] + generator.choice(PIECES) + text[at:]
        else:
            other = generator.randrange(len(text))
            text = text[:at] + text[other : other + to - at] + text[to:]
    return text


def outcome_of(text):
    """What the compiler says about a source; empty when it takes it."""
    try:
        compile_text(text).equations_text()
    except SourceError as fault:
        return str(fault)
    return ""


@pytest.mark.parametrize("seed", range(6))
def test_mutated_sources_are_compiled_or_refused_but_never_crash_or_hang(seed):
    generator = random.Random(seed)
    refused = 0
    for _ in range(60):
        text = mutated(generator.choice(SOURCES).read_text(), generator)
        message = outcome_of(text)
        refused += bool(message)
        assert not message or ("-->" in message and "= why:" in message)
    assert refused > 5
