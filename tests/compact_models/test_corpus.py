"""One small model per feature of the language, held against independent tools in every form.

The lines of algebra against the OpenVAF front end; the operating point between ngspice, numba and
torch; the derivatives against finite differences; states after a pulse train against a stiff ODE
solver at 1e-8.
"""

from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.integrate import solve_ivp

from compact_models import CompactModel, compile_source as compile_uncached
from compact_models.veriloga.equations import defaults
from compact_models.veriloga.expressions import evaluate, symbol


CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.va"))
WITHOUT_ORACLE = {
    "attributes_everywhere",  # the OpenVAF front end rejects attributes after an item,
    "random_spread",  # random numbers,
    "repeat_and_ceil",  # repeat and ceil,
    "lagged_algebra",  # it aborts on variables read before they are written,
    "loops_and_cases",  # or in loops,
    "bounded_iteration",
    "newton_loop",
    "index_leaves",
    "corrected_setting",  # and keeps no setting,
    "hidden_step_parameter",  # and keeps no flag for the first evaluation,
    "step_team",
    "step_counted",
    "step_pushed",
    "step_reset",  # nor anything else,
    "phase_accumulator",  # and has no idtmod
}
WITHOUT_RETRIEVED = {"algebraic_loop", "given_or_not", "grounded"}
STATEFUL = {
    "idt_memory", "kcl_memory", "hidden_forward_euler", "hidden_backward_euler",
    "hidden_step_parameter", "filament_cell", "step_team", "step_counted", "step_pushed",
    "step_reset", "phase_accumulator", "held_node",
}  # fmt: skip
DYNAMIC_NODES = {"own_discipline", "self_heating", "coil"}
MEASURED_FROM = {"held_node": {"w": "n"}}
"""States whose potential is that against another node."""
BIASES = 200


@cache
def compile_source(path: Path) -> CompactModel:
    """Each model is compiled once for all tests; it keeps its kernels."""
    return compile_uncached(path)


def points_of(model, count, seed=0, size=1.0):
    """Random values for all unknowns; states around their start."""
    random = np.random.default_rng(seed)
    x = random.uniform(-size, size, (count, len(model.system.unknowns)))
    for column, unknown in enumerate(model.system.unknowns):
        if unknown.op == "state":
            state = next(s for s in model.states if s.name == unknown.name)
            start = model.parameters[state.parameter].default or 0.5 * state.scale
            x[:, column] = start * (1.0 + 0.2 * x[:, column])
        elif unknown.op == "current":
            x[:, column] *= 1e-3
    return x


def parameters_of(model, kernel):
    values = {name: p.default for name, p in model.parameters.items()}
    return [values[name] for name in kernel.parameters]


def branches_of(nodes):
    """The front end's name of every branch: (node, node or None)."""
    pairs = {f"br_{a}{b}": (a, b) for a in nodes for b in nodes if a != b}
    return {**{f"br_{a}": (a, None) for a in nodes}, **pairs}


@pytest.fixture(params=CORPUS, ids=lambda path: path.stem)
def source(request):
    return request.param


def test_the_corpus_has_at_least_25_models():
    assert len(CORPUS) >= 25


def test_every_line_of_algebra_agrees_with_the_openvaf_front_end(source, openvaf):
    if source.stem in WITHOUT_ORACLE | WITHOUT_RETRIEVED:
        pytest.skip("the front end does not take this source, or it retrieves nothing")
    model = compile_source(source)
    system = model.system
    random = np.random.default_rng(3)
    nodes = [*system.ports, *system.nodes, *(s.name for s in model.states)]
    values = {symbol("parameter", n): v for n, v in defaults(system, {}).items()}
    initial = {s.symbol: evaluate([s.initial], values)[0] for s in system.states}
    points = []
    for _ in range(BIASES):
        point = dict(zip(nodes, random.uniform(-1.0, 1.0, len(nodes)).tolist(), strict=True))
        for state in system.states:
            reference = MEASURED_FROM.get(source.stem, {}).get(state.symbol.name)
            point[state.symbol.name] = initial[state.symbol] + point.get(reference, 0.0)
        point["I( p n )"] = point["I( m n )"] = random.uniform(-1e-3, 1e-3)
        points.append(point)
    parameters = {
        n: int(v) if system.parameters[n].integer else v for n, v in defaults(system, {}).items()
    }
    oracle = openvaf(source, points, branches_of(nodes), parameters)
    assert oracle, "the front end retrieved no variable"
    for name, wanted in oracle.items():
        ours = []
        for point in points:
            known = {symbol("node", n): point[n] for n in nodes}
            current = point["I( p n )"]
            known |= {u: current for u in system.unknowns if u.op == "current"}
            ours.append(evaluate([system.variables[name]], {**values, **initial, **known})[0])
        np.testing.assert_allclose(ours, wanted, rtol=1e-10, atol=1e-30, err_msg=name)


def test_derivatives_agree_with_finite_differences(source):
    model = compile_source(source)
    kernel = model.to_numba()
    p = parameters_of(model, kernel)
    x = points_of(model, 40, seed=1)
    dfdx, dqdx = kernel.jacobians(kernel.evaluate(x, p))
    rows = len(kernel.residuals)
    for column in range(x.shape[1]):
        step = 1e-6 * max(1e-9, np.abs(x[:, column]).max())
        shifted = [x.copy(), x.copy()]
        shifted[0][:, column] += step
        shifted[1][:, column] -= step
        high, low = (kernel.evaluate(s, p) for s in shifted)
        for matrix, part in ((dfdx, slice(0, rows)), (dqdx, slice(rows, 2 * rows))):
            slope = (high[:, part] - low[:, part]) / (2 * step)
            scale = np.abs(slope).max(axis=0, keepdims=True) + 1e-30
            noise = np.abs(high[:, part]).max(axis=0, keepdims=True) * 1e-15 / step
            error = np.abs(matrix[:, :, column] - slope) / (scale + noise)
            # A kink between the two points of a difference is no error of a derivative.
            assert np.mean(error < 1e-5) > 0.95, (column, error.max())


def test_torch_gives_the_same_residuals_as_numba(source):
    model = compile_source(source)
    kernel, function = model.to_numba(), model.to_torch()
    p = parameters_of(model, kernel)
    x = points_of(model, 50, seed=2)
    entries = kernel.evaluate(x, p)
    columns = {n: torch.tensor(x[:, i]) for i, n in enumerate(function.unknowns)}
    known = {n: p_.default for n, p_ in model.parameters.items()}
    result = function(columns, {n: known[n] for n in function.parameters})
    for i, row in enumerate(kernel.residuals):
        for part, got in zip((0, len(kernel.residuals)), result[row], strict=True):
            ours = got.expand(len(x)).numpy()
            wanted = entries[:, part + i]
            scale = np.abs(wanted).max() + 1e-300
            np.testing.assert_allclose(ours, wanted, rtol=1e-9, atol=1e-12 * scale)


def test_torch_gradients_are_those_of_the_kernel(source):
    model = compile_source(source)
    kernel, function = model.to_numba(), model.to_torch()
    x = points_of(model, 20, seed=4)
    dfdx, _ = kernel.jacobians(kernel.evaluate(x, parameters_of(model, kernel)))
    columns = [torch.tensor(x[:, i], requires_grad=True) for i in range(x.shape[1])]
    known = {n: p.default for n, p in model.parameters.items()}
    named = dict(zip(function.unknowns, columns, strict=True))
    result = function(named, {n: known[n] for n in function.parameters})
    for i, row in enumerate(kernel.residuals):
        f = result[row][0]
        if not f.requires_grad:
            assert np.all(dfdx[:, i] == 0.0)
            continue
        slopes = torch.autograd.grad(f.sum(), columns, allow_unused=True, retain_graph=True)
        for j, slope in enumerate(slopes):
            got = np.zeros(len(x)) if slope is None else slope.numpy()
            scale = np.abs(dfdx[:, i, j]).max() + 1e-300
            np.testing.assert_allclose(got, dfdx[:, i, j], rtol=1e-8, atol=1e-10 * scale)


def solve_frozen(model, voltages):
    """Port currents of the DC equations, by Newton's method on the kernel."""
    # Without states the DC equations are those of the full kernel with its charges left out.
    kernel = model.to_numba(frozen=bool(model.states))
    p = parameters_of(model, kernel)
    ports = len(model.ports)
    x = np.zeros((1, len(kernel.unknowns)))
    for fraction in np.linspace(0.1, 1.0, 10):
        x[0, :ports] = fraction * np.asarray(voltages)
        for _ in range(60):
            entries = kernel.evaluate(x, p)
            inner = slice(ports, len(kernel.residuals))
            if x.shape[1] == ports:
                break
            jacobian = kernel.jacobians(entries)[0][0][inner, inner]
            step = np.linalg.solve(jacobian, entries[0, inner])
            x[0, inner] -= step
            if np.abs(step).max() < 1e-15 * (1 + np.abs(x).max()):
                break
    return kernel.evaluate(x, p)[0, :ports]


def test_the_operating_point_in_ngspice_is_that_of_the_kernel(source, operating_points):
    model = compile_source(source)
    random = np.random.default_rng(5)
    points = random.uniform(-0.9, 0.9, (12, len(model.ports)))
    spice = operating_points(model.to_ngspice(), model.name, model.ports, points)
    frozen = operating_points(model.to_ngspice(frozen=True), model.name, model.ports, points)
    ours = np.array([solve_frozen(model, point) for point in points])
    scale = np.abs(ours).max() + 1e-12
    np.testing.assert_allclose(frozen, ours, rtol=1e-6, atol=1e-9 * scale)
    np.testing.assert_allclose(spice, ours, rtol=1e-6, atol=1e-9 * scale)


PULSES = [(0.0, 0.0), (10e-9, 0.0), (12e-9, 0.6), (40e-9, 0.6), (42e-9, -0.5), (60e-9, -0.5),
          (62e-9, 0.0), (80e-9, 0.0), (82e-9, 0.45), (100e-9, 0.45)]  # fmt: skip


@pytest.mark.parametrize("name", sorted(STATEFUL))
def test_states_after_a_pulse_train_agree_with_a_stiff_solver(name, transient):
    model = compile_source(Path(__file__).parent / "corpus" / f"{name}.va")
    kernel = model.to_numba()
    p = parameters_of(model, kernel)
    known = {n: v.default for n, v in model.parameters.items()}
    scales = np.array([s.scale for s in model.states])
    start = np.array([known[s.parameter] for s in model.states])
    times, levels = (list(column) for column in zip(*PULSES, strict=True))
    ports, rows = len(model.ports), len(kernel.residuals)

    def rate(time, y):
        x = np.zeros((1, rows))
        x[0, 0] = np.interp(time, times, levels)
        x[0, ports:] = y * scales
        entries = kernel.evaluate(x, p)
        dqdx = kernel.jacobians(entries)[1][0][ports:, ports:]
        return np.linalg.solve(dqdx, -entries[0, ports:rows]) / scales

    moments = [38e-9, 58e-9, 98e-9]
    y, reference = start / scales, []
    for begin, end in pairwise(times):
        inside = [m for m in moments if begin < m <= end]
        # Just before a jump of the rate the solver's steps may shrink to nothing, and recover.
        with np.errstate(divide="ignore"):
            solution = solve_ivp(
                rate, (begin, end), y, method="Radau", rtol=1e-8, atol=1e-10, t_eval=[*inside, end]
            )
        assert solution.success
        reference += list(solution.y.T[: len(inside)])
        y = solution.y[:, -1]
    nodes = model.subcircuit().nodes
    outputs = [f"v(x1.{nodes[s.name]})" for s in model.states]
    pulse = " ".join(f"{t!r} {v!r}" for t, v in PULSES)
    lines = [model.to_ngspice(), f"v1 in 0 pwl({pulse})", f"x1 in 0 {model.name}"]
    spice = transient(lines, outputs, moments, "0.05n", "100n")
    moved = np.abs(np.array(reference).T - (start / scales)[:, None]).max(axis=1)
    assert np.all(moved > 1e-3), "the pulses must move every state"
    for got, wanted in zip(spice, np.array(reference).T, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-3, atol=1e-3 * np.abs(wanted).max())
