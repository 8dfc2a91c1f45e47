"""What the subcircuit of a large model does differently, on small models taken for large ones."""

import numpy as np
import pytest

from compact_models import compile_text, load_card, load_model
from compact_models.veriloga import helper_nodes, helper_thinning, structural_choices
from compact_models.veriloga.expressions import ONE, apply, compare, select, symbol
from compact_models.veriloga.helper_nodes import with_helpers
from compact_models.veriloga.helper_thinning import thinned
from compact_models.veriloga.tree_size import HELPER_COST, LEAST_GAIN, TreeSize


JUNCTION = """`include "disciplines.vams"
module m(a, k);
    inout a, k;
    electrical a, k;
    parameter integer mode = 1;
    parameter real is = 1e-12;
    parameter real body = 0.0;
    real vt, sat, share;
    analog begin
        vt = $vt;
        sat = is * pow($temperature / 300.15, 3.0) * exp(0.5 / 0.0258 - 0.5 / vt);
        if (mode != 0) sat = 2.0 * sat;
        share = 1.0;
        if (mode == 2) share = ln(1.0 + pow(1.0 / (body * vt), 2) * V(a, k) * V(a, k));
        if (mode == 4) share = pow(1e40 / body, 2) * pow(1e-40 * body, 2) * pow(1.0 / body, 6);
        if (mode == 5) share = exp(ln(body) + V(a, k)) + pow(body, V(a, k));
        if (mode == 3) share = 1.0 + ln(1.0 + body) / body * V(a, k);
        I(a, k) <+ share * sat * (limexp(V(a, k) / vt) - 1.0) + 1e-9 * V(a, k);
    end
endmodule
"""
POINTS = [(0.3, 0.0), (-0.4, 0.1), (0.55, 0.02)]


@pytest.fixture
def everything_is_large(monkeypatch):
    monkeypatch.setattr(structural_choices, "LARGE_SYSTEM", 0)
    monkeypatch.setattr(helper_nodes, "GREEDY_LIMIT", 0)


def currents(model, celsius, **given):
    """Port currents of the kernel."""
    kernel = model.to_numba()
    known = {n: p.default for n, p in model.parameters.items()} | given
    known["temperature"] = celsius + 273.15
    return kernel.evaluate(np.array(POINTS), [known[n] for n in kernel.parameters])[:, :2]


def options(celsius):
    return f".options reltol=1e-9 abstol=1e-18 vntol=1e-12 gmin=1e-18 itl1=500 temp={celsius}"


def test_a_switch_in_a_temperature_dependent_parameter_is_read_by_ngspice(operating_points):
    model = compile_text(JUNCTION)
    text = model.to_ngspice()
    assert "(mode)!=0" in text
    spice = operating_points(text, "m", model.ports, POINTS, options=options(60))
    np.testing.assert_allclose(spice, currents(model, 60), rtol=1e-9)


def test_a_quotient_without_a_value_in_an_arm_that_is_not_chosen_does_no_harm(operating_points):
    model = compile_text(JUNCTION)
    text = model.to_ngspice(values={"temperature": 300.15})
    spice = operating_points(text, "m", model.ports, POINTS)
    np.testing.assert_allclose(spice, currents(model, 27), rtol=1e-9)
    for mode in (2, 3, 4, 5):
        chosen = operating_points(text, "m", model.ports, POINTS, f"mode={mode} body=0.7")
        np.testing.assert_allclose(chosen, currents(model, 27, mode=mode, body=0.7), rtol=1e-9)


@pytest.mark.parametrize("celsius", [27, 110])
def test_a_large_model_computes_its_temperature_at_run_time(
    celsius, everything_is_large, operating_points
):
    model = compile_text(JUNCTION)
    subcircuit = model.subcircuit()
    assert "is" in subcircuit.parameters
    assert "mode" not in subcircuit.parameters
    parameters = [line for line in subcircuit.text.splitlines() if line.startswith(".param")]
    assert not any("temper" in line for line in parameters)
    spice = operating_points(
        subcircuit.text, "m", model.ports, POINTS, "is=3e-12", options=options(celsius)
    )
    ours = currents(model, celsius, **{"is": 3e-12})
    np.testing.assert_allclose(spice, ours, rtol=1e-9)


def test_a_transistor_written_as_a_large_model_has_the_same_currents(
    everything_is_large, operating_points
):
    model, card = load_model("nmos_ekv"), load_card("nmos_ekv__generic_130nm")
    points = [(1.2, 1.2, 0.0, 0.0), (0.1, 0.6, 0.0, -0.3), (0.4, 0.3, 0.1, 0.0)]
    text = model.to_ngspice(values=card.values)
    spice = operating_points(text, model.name, model.ports, points)
    ours = model.to_numba(values=card.values).evaluate(np.array(points), [300.15])[:, :4]
    np.testing.assert_allclose(spice, ours, rtol=1e-6, atol=1e-16)


def test_a_helper_of_an_arm_that_is_chosen_once_keeps_its_condition():
    x, mode = symbol("node", "x"), symbol("parameter", "mode")
    chosen = compare("eq", mode, ONE)
    part = apply("exp", apply("exp", x))
    root = select(chosen, apply("mul", part, x), apply("sin", x))
    _, ((_, definition),) = with_helpers([root], [part])
    assert definition.op == "select"
    assert definition.args[0] is chosen
    everywhere = apply("add", root, part)
    _, ((_, definition),) = with_helpers([everywhere], [part])
    assert definition is part


def test_helpers_are_put_back_until_the_limit_is_kept_and_those_left_are_worth_it():
    x = symbol("node", "x")
    parts = [apply("sin", x)]
    for _ in range(12):
        parts.append(apply("exp", apply("mul", parts[-1], apply("cos", parts[-1]))))
    heat = symbol("temper", "")
    warm = apply("exp", apply("sin", heat))
    root = apply("mul", apply("mul", parts[-1], parts[-1]), warm)
    kept = thinned([root], [*parts, warm], most=3)
    assert warm in kept
    moving = [helper for helper in kept if helper is not warm]
    assert 0 < len(moving) <= 3

    def cost(helpers):
        trees = sum(TreeSize(source, set(helpers)).total() for source in [root, *helpers])
        return trees + HELPER_COST * len(helpers)

    for helper in moving:
        without = [h for h in kept if h is not helper]
        assert cost(without) > (1.0 + LEAST_GAIN) * cost(kept)


def test_more_helpers_than_can_be_tried_all_stay(monkeypatch):
    monkeypatch.setattr(helper_thinning, "MOST_TRIED", 3)
    x = symbol("node", "x")
    parts = [apply("sin", x)]
    for _ in range(4):
        parts.append(apply("exp", parts[-1]))
    root = apply("mul", parts[-1], x)
    assert thinned([root], parts[:4], most=0) == parts[:4]
    assert len(thinned([root], parts[:3], most=0)) < 3
