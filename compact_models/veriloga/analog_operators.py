"""Analog operators and system functions, each as what it becomes in the equations.

Every function takes the run that meets the call and the call itself, and returns its value; what a
call does besides (an integral, a draw, a noise source, a note) it leaves in the run's result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from compact_models.veriloga import tree
from compact_models.veriloga.diagnostics import refuse
from compact_models.veriloga.execution import Draw, Integral, Noise, Value
from compact_models.veriloga.expressions import (
    ONE,
    TIME,
    ZERO,
    Expr,
    add,
    apply,
    const,
    ddt,
    div,
    mul,
    select,
    sub,
    symbol,
    truth,
)
from compact_models.veriloga.resolution import RESTORING_STRENGTH


if TYPE_CHECKING:
    from compact_models.veriloga.execute import Executor


BOLTZMANN_OVER_CHARGE = 1.3806488e-23 / 1.602176565e-19
"""V/K in $vt: CODATA 2010, as in the OpenVAF front end; the macros P_K and P_Q are of 1998."""
SIMULATOR_PARAMETERS = {
    "gmin": 1e-12, "gdev": 0.0, "imax": 1.0, "scale": 1.0, "shrink": 0.0, "tnom": 27.0,
    "simulatorVersion": 39.0, "sourceScaleFactor": 1.0, "iteration": 1.0, "minr": 1e-3,
}  # fmt: skip


def _ddt(run: Executor, node: tree.Call) -> Value:
    return Value(ddt(run.value(node.arguments[0]).expr))


def _idt(run: Executor, node: tree.Call) -> Value:
    """idt(rate, start, reset): while the reset holds, the integral is drawn to its start."""
    state, (argument, *given) = _integral(run, node)
    initial = given[0] if given else None
    reset = truth(given[1]) if len(given) > 1 else ZERO
    start = ZERO if initial is None else initial
    back = mul(const(RESTORING_STRENGTH), sub(start, state))
    place = run.place(node.span)
    rate = select(reset, back, argument)
    run.result.integrals.append(Integral(state.name, rate, initial, place))
    return Value(select(reset, start, state))


def _idtmod(run: Executor, node: tree.Call) -> Value:
    """idtmod(rate, start, modulus, offset): an integral that is wrapped where it is used."""
    state, (argument, *given) = _integral(run, node)
    initial = given[0] if given else None
    run.result.integrals.append(Integral(state.name, argument, initial, run.place(node.span)))
    if len(given) < 2:
        return Value(state)
    modulus, offset = given[1], given[2] if len(given) > 2 else ZERO
    turns = apply("floor", div(sub(state, offset), modulus))
    return Value(sub(state, mul(modulus, turns)))


def _integral(run: Executor, node: tree.Call) -> tuple[Expr, list[Expr]]:
    """The state of an integral, named after the variable it is assigned to, and its arguments."""
    hint, run.hint = run.hint, ""
    arguments = [run.value(argument).expr for argument in node.arguments]
    return symbol("state", _unique(run, hint or "integral")), arguments


def _unique(run: Executor, name: str) -> str:
    taken = {integral.name for integral in run.result.integrals}
    count, candidate = 2, name
    while candidate in taken:
        candidate, count = f"{name}_{count}", count + 1
    return candidate


def _ddx(run: Executor, node: tree.Call) -> Value:
    value, variable = (run.value(argument).expr for argument in node.arguments)
    if variable.op == "sub":
        variable = variable.args[0]
    return Value(Expr.make("ddx", None, (value, variable)))


def _noise(run: Executor, node: tree.Call) -> Value:
    numbers = [a for a in node.arguments if not isinstance(a, tree.Text | tree.Braces)]
    names = [a.value for a in node.arguments if isinstance(a, tree.Text)]
    arguments = tuple(run.value(a).expr for a in numbers)
    run.result.noise.append(Noise(node.name, run.target, arguments, names[0] if names else ""))
    run.notes.add(
        f"{node.name} is kept as data and adds nothing to the equations", run.place(node.span)
    )
    return Value(ZERO)


def _analysis(run: Executor, node: tree.Call) -> Value:
    names = [a.value for a in node.arguments if isinstance(a, tree.Text)]
    result = ZERO
    for name in names:
        if name in {"tran", "static", "dc", "ic", "op"}:
            kind = "tran" if name == "tran" else "static"
            flag = symbol("analysis", "tran")
            result = apply("or", result, flag if kind == "tran" else apply("not", flag))
    return Value(truth(result), True)


def _temperature(run: Executor, node: tree.Call) -> Value:
    return Value(run.temperature)


def _thermal_voltage(run: Executor, node: tree.Call) -> Value:
    kelvin = run.value(node.arguments[0]).expr if node.arguments else run.temperature
    return Value(mul(const(BOLTZMANN_OVER_CHARGE), kelvin))


def _time(run: Executor, node: tree.Call) -> Value:
    return Value(TIME)


def _simparam(run: Executor, node: tree.Call) -> Value:
    first = node.arguments[0]
    name = first.value if isinstance(first, tree.Text) else ""
    if name in SIMULATOR_PARAMETERS:
        return Value(const(SIMULATOR_PARAMETERS[name]))
    if len(node.arguments) < 2:
        refuse(
            "unknown-simparam",
            f'the simulator parameter "{name}" is unknown and has no default here',
            run.place(node.span),
            why="known are " + ", ".join(sorted(SIMULATOR_PARAMETERS)),
            instead=f'give a default: `$simparam("{name}", 0)`',
        )
    return run.value(node.arguments[1])


def _one(run: Executor, node: tree.Call) -> Value:
    return Value(ONE, True)


def _param_given(run: Executor, node: tree.Call) -> Value:
    first = node.arguments[0]
    name = first.name if isinstance(first, tree.Name) else ""
    name = run.table.aliases.get(name, name)
    run.parameter(name)
    return Value(symbol("given", name), True)


def _limit(run: Executor, node: tree.Call) -> Value:
    run.notes.add(
        "$limit is read as its first argument: it only helps convergence", run.place(node.span)
    )
    return run.value(node.arguments[0])


def _to_integer_call(run: Executor, node: tree.Call) -> Value:
    return Value(apply("trunc", run.value(node.arguments[0]).expr), True)


def _to_real_call(run: Executor, node: tree.Call) -> Value:
    return Value(run.value(node.arguments[0]).expr, False)


def _random(run: Executor, node: tree.Call) -> Value:
    """One draw per instance, standardised so that its parameters stay expressions."""
    kind = node.name.removeprefix("$").removeprefix("r").removeprefix("dist_")
    if kind in {"andom", "arandom", "urandom"}:
        kind = "integer"
    texts = [a for a in node.arguments if not isinstance(a, tree.Text)]
    args = [run.value(a).expr for a in texts[1:]] if kind != "integer" else []
    name = f"draw_{len(run.result.draws) + 1}"
    draw = symbol("parameter", name)
    neutral = {"uniform": 0.5, "exponential": 1.0}.get(kind, 0.0)
    shape: tuple[Expr, ...] = ()
    if kind in {"normal", "t"}:
        expr = add(args[0], mul(args[1], draw)) if kind == "normal" else draw
    elif kind == "uniform":
        expr = add(args[0], mul(sub(args[1], args[0]), draw))
    elif kind == "exponential":
        expr = mul(args[0], draw)
    else:
        expr = draw
    if kind in {"t", "poisson", "chi_square", "erlang"}:
        shape = tuple(args)
        _needs_static(run, shape, node)
        neutral = _mean(run, kind, shape)
    run.result.draws.append(Draw(name, kind, shape, neutral))
    run.notes.add(
        f"{node.name} is one draw per instance, held by the parameter {name}",
        run.place(node.span),
    )
    integer = kind == "integer" or node.name.startswith("$dist_")
    return Value(apply("round", expr) if node.name.startswith("$dist_") else expr, integer)


def _mean(run: Executor, kind: str, shape: tuple[Expr, ...]) -> float:
    return 0.0 if kind == "t" else run.default_value(shape[-1])


def _needs_static(run: Executor, args: tuple[Expr, ...], node: tree.Call) -> None:
    if not all(arg.is_static for arg in args):
        refuse(
            "random-shape",
            f"the arguments of {node.name} depend on a signal",
            run.place(node.span),
            why="it is drawn once per instance, before the simulation",
            instead="use $rdist_normal or $rdist_uniform, whose draw can be scaled afterwards",
        )


CALLS: dict[str, Callable[[Executor, tree.Call], Value]] = {
    "ddt": _ddt,
    "idt": _idt,
    "idtmod": _idtmod,
    "ddx": _ddx,
    "white_noise": _noise,
    "flicker_noise": _noise,
    "noise_table": _noise,
    "noise_table_log": _noise,
    "analysis": _analysis,
    "$temperature": _temperature,
    "$vt": _thermal_voltage,
    "$abstime": _time,
    "$realtime": _time,
    "$simparam": _simparam,
    "$mfactor": _one,
    "$port_connected": _one,
    "$param_given": _param_given,
    "$limit": _limit,
    "$rtoi": _to_integer_call,
    "$itor": _to_real_call,
    **{
        f"${name}": _random
        for name in (
            "random", "arandom", "urandom",
            *(f"{r}dist_{k}" for r in ("", "r")
              for k in ("normal", "uniform", "exponential", "poisson", "chi_square", "t",
                        "erlang")),
        )
    },
}  # fmt: skip
