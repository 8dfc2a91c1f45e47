"""Choices that a circuit cannot make at run time, such as which branches fix a potential."""

from __future__ import annotations

from dataclasses import replace

from compact_models.veriloga.derivative import derivatives
from compact_models.veriloga.equations import (
    Branch,
    System,
    defaults,
    with_values,
)
from compact_models.veriloga.expressions import (
    TIME,
    ZERO,
    Expr,
    compare,
    const,
    div,
    is_const,
    substitute,
    symbol,
    symbols,
    walk,
)
from compact_models.veriloga.simplify import hoisted


LARGE_SYSTEM = 2500
"""Operations of a system whose integer parameters are fixed: they choose between equations.

All the equations at once are more than a circuit of a few devices can be burdened with.
"""


def is_large(system: System) -> bool:
    """Whether its integer parameters are fixed, and its temperature computed at run time."""
    return sum(1 for _ in walk(system.expressions())) > LARGE_SYSTEM


def decided(system: System, values: dict[str, float], *, frozen: bool) -> System:
    """Bake the values in, and make the choices that a circuit cannot make at run time."""
    given = {
        node: const(float(node.name in values))
        for node in walk([*system.expressions(), *(p.default for p in system.parameters.values())])
        if node.op == "given"
    }
    running = ZERO if frozen else compare("gt", TIME, ZERO)
    flags: dict[Expr, Expr] = {**given, symbol("analysis", "tran"): running}
    system = system.mapped(flags)
    parameters = {
        n: replace(p, default=substitute([p.default], given)[0])
        for n, p in system.parameters.items()
    }
    system = with_values(replace(system, parameters=parameters), values)
    open_choices = [b.potential_when for b in system.branches if not is_const(b.potential_when)]
    names = {s.name for s in symbols(open_choices, "parameter")} | (
        system.structural & set(system.parameters)
    )
    if is_large(system):
        names |= {n for n, p in system.parameters.items() if p.integer}
    if names:
        known = defaults(system, values)
        system = with_values(system, {n: known[n] for n in names})
    branches = tuple(
        replace(b, f=b.flow, q=b.flow_q, current=_kept_current(b, system))
        if b.potential_when is ZERO and b.current is not None
        else b
        for b in system.branches
    )
    return replace(system, branches=branches)


def _kept_current(branch: Branch, system: System) -> Expr | None:
    """The current of a branch that turned out to be a flow, where something reads it."""
    used = any(node is branch.current for node in walk(system.expressions()))
    return branch.current if used else None


def linear_factor(q: Expr, variable: Expr) -> Expr | None:
    """The static factor c with q = c · variable, if there is one."""
    leaves = list(variable.dynamic)
    if q is ZERO or not q.dynamic <= variable.dynamic or not leaves:
        return None
    slopes = [derivatives([q], leaf)[0] for leaf in leaves]
    signs = [derivatives([variable], leaf)[0] for leaf in leaves]
    if not all(slope.is_static for slope in slopes):
        return None
    factor = div(slopes[0], signs[0])
    for slope, sign in zip(slopes[1:], signs[1:], strict=True):
        if hoisted([div(slope, sign)])[0] is not hoisted([factor])[0]:
            return None
    rest = substitute([q], dict.fromkeys(leaves, ZERO))[0]
    return factor if rest is ZERO else None
