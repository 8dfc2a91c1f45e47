"""Steps written by hand mean the differential equation they come closer to, the shorter they are.

Each source of the corpus is written out again below as one evaluation in Python, and is stepped
with short steps, jumps, limits, resets and all; the compiled kernel's rates are integrated by a
stiff solver.
"""

import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from compact_models import compile_source, compile_text
from compact_models.veriloga import step_forms
from compact_models.veriloga.expressions import ONE, ZERO, Expr, mul, symbol


CORPUS = Path(__file__).parent / "corpus"
PULSES = [(0.0, 0.0), (2e-9, 0.5), (12e-9, 0.5), (14e-9, -0.5), (34e-9, -0.5), (36e-9, 0.1),
          (46e-9, 0.1)]  # fmt: skip
STEPS = 46_000


def team(window):
    depth, noise = 3e-9, 1e-15

    def evaluate(v, h, x):
        dxdt = 0.4 * (v / 0.05 - 1) if v >= 0.05 else 0.0
        dxdt = -0.6 * (v / -0.05 - 1) if v <= -0.05 else dxdt
        if window == 0:
            new = x + h * dxdt
        elif window == 1:
            bump = float(x < noise) if v >= 0 else -float(x > depth - noise)
            new = x + h * dxdt * (1 - (2 * x / depth - 1) ** 4) + bump * noise
        else:
            new = x + h * dxdt * (1 - (x / depth - (-v >= 0)) ** 6)
        return (min(max(new, 0.0), depth),)

    return evaluate


def counted(v, h, depth):
    share = h / 20e-9
    return ((depth + share * 0.5 * (1 + math.tanh(4 * v))) / (1 + share),)


def reset(v, h, idle, x):
    if v < -0.2:
        idle = idle + h
        rate = -x * 1.5 * (idle / 30e-9) ** 0.5 / 30e-9
    else:
        idle = 0.0
        rate = 3e7 * (v / 0.2 - 1) if v > 0.2 else 0.0
    return idle, min(max(x + rate * h, 0.0), 1.0)


def pushed(v, h, w, hot):
    depth = 10e-9
    direction = float(w <= 0) if v > 0 else -float(w >= depth)
    new = w + 2.0 * v * (1 - (2 * w / depth - 1) ** 2) * h + direction * 1e-17
    new = min(max(new, 0.0), depth)
    hot = hot + (2e9 * v * v * new / depth - (hot - 300) * 1e8) * h
    return new, 500 + 10 * (1 - math.exp((500 - hot) / 20)) if hot > 500 else hot


MODELS = {
    "step_team": (team(1), {}),
    "step_team without a window": (team(0), {"window": 0}),
    "step_team with a one-sided window": (team(2), {"window": 2}),
    "step_counted": (counted, {}),
    "step_reset": (reset, {}),
    "step_pushed": (pushed, {}),
}


def stepped(evaluate, start):
    """The source itself, evaluated at short steps."""
    times = np.linspace(0.0, PULSES[-1][0], STEPS + 1)
    volts = np.interp(times, *zip(*PULSES, strict=True))
    memory = tuple(start)
    for v in volts[1:]:
        memory = evaluate(float(v), times[1], *memory)
    return np.array(memory)


def integrated(model, values, start, scales):
    """The compiled equations, by a stiff solver."""
    kernel = model.to_numba(values=values)
    known = {n: p.default for n, p in model.parameters.items()}
    p = [known[n] for n in kernel.parameters]
    times, volts = (list(column) for column in zip(*PULSES, strict=True))

    def rate(time, y):
        x = np.array([[np.interp(time, times, volts), 0.0, *(y * scales)]])
        return -kernel.evaluate(x, p)[0, 2 : 2 + len(y)] / scales

    y = start / scales
    for begin, end in pairwise(times):
        with np.errstate(divide="ignore"):
            y = solve_ivp(rate, (begin, end), y, method="Radau", rtol=1e-7, atol=1e-9).y[:, -1]
    return y * scales


@pytest.mark.parametrize("name", MODELS)
def test_short_steps_of_the_source_arrive_where_the_equation_does(name):
    evaluate, values = MODELS[name]
    model = compile_source(CORPUS / f"{name.split()[0]}.va")
    known = {n: p.default for n, p in model.parameters.items()}
    start = np.array([known[s.parameter] for s in model.states])
    scales = np.array([s.scale for s in model.states])
    wanted = stepped(evaluate, start)
    got = integrated(model, values, start, scales)
    assert np.abs((wanted - start) / scales).max() > 0.01, "the pulses must move a state"
    np.testing.assert_allclose(got / scales, wanted / scales, rtol=1e-3, atol=1e-3)


HEAD = (
    '`include "disciplines.vams"\nmodule m(p, n);\n    inout p, n;\n    electrical p, n;\n'
    "    parameter real {step} = 1n;\n    real x, r;\n    analog begin\n"
)


@pytest.mark.parametrize(
    "name", ["dt", "dT", "delta_t", "h", "Ts", "t_step", "timestep", "step_size", "sim_step"]
)
def test_the_parameter_of_the_step_drops_out_whatever_its_name(name):
    text = HEAD.format(step=name) + f"x = x + {name} * 1e9 * V(p, n); I(p, n) <+ x;"
    model = compile_text(text + "\n    end\nendmodule\n")
    assert [s.name for s in model.states] == ["x"]
    assert name not in model.system.used_parameters()
    assert f"`x` is a hidden state, stepped by the parameter {name}" in model.equations_text()


def test_a_parameter_that_is_no_step_makes_no_state():
    text = HEAD.format(step="gain") + "r = 0.5 * r * gain + V(p, n); I(p, n) <+ r;"
    assert compile_text(text + "\n    end\nendmodule\n").states == ()


def test_a_factor_may_stand_on_either_side_of_a_push():
    own = symbol("node", "state of this test")
    moving = Expr.make("select", None, (Expr.make("gt", None, (own, ONE)), ONE, ZERO))
    factor = symbol("parameter", "younger than the state")
    push = mul(moving, factor)
    assert push is mul(factor, moving)
    assert push.args == (factor, moving)
    numbers = [number for number, _ in step_forms._leaves(push, at_limit=False, own=own) or []]
    assert numbers == [factor, ZERO]
