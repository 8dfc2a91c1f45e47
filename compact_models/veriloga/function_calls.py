"""Calls of analog functions: run in place, each call with variables of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from compact_models.veriloga import tree
from compact_models.veriloga.declare import declare_variables
from compact_models.veriloga.diagnostics import refuse
from compact_models.veriloga.execution import Value
from compact_models.veriloga.expressions import ZERO


if TYPE_CHECKING:
    from compact_models.veriloga.execute import Executor


def called_function(run: Executor, node: tree.Call) -> Value:
    """Run an analog function in place and return its value; outputs are assigned."""
    function = run.table.functions[node.name]
    if node.name in run.calls:
        refuse(
            "recursion",
            f"the function `{node.name}` calls itself",
            run.place(node.span),
            why="functions are run in place, so a recursion never ends",
            instead="write it as a counted loop",
        )
    values = [run.value(argument) for argument in node.arguments]
    run.calls.append(node.name)
    run.blocks += 1
    scope, directions = _function_scope(run, function)
    run.scopes.append(scope)
    arguments = list(directions)
    for name, value in zip(arguments, values, strict=True):
        if directions[name] != "output":
            run.assign(tree.Name(name, node.span), value)
    _initialise(run, function)
    run.statement(function.body)
    integer = run.table.variables[scope[function.name]].integer
    result = Value(run.frame.variables[scope[function.name]], integer)
    outputs = [
        (argument, Value(run.frame.variables[scope[name]]))
        for name, argument in zip(arguments, node.arguments, strict=True)
        if directions[name] != "input"
    ]
    run.scopes.pop()
    run.calls.pop()
    for key in scope.values():
        run.frame.variables.pop(key, None)
    for argument, value in outputs:
        if isinstance(argument, tree.Name):
            run.assign(argument, value)
    return result


def _initialise(run: Executor, function: tree.Function) -> None:
    """Give the function's own variables their initial values, which may use its arguments."""
    for member in function.members:
        if isinstance(member, tree.Variables):
            for item in member.items:
                if item.initial is not None:
                    run.assign(tree.Name(item.name, item.span), run.value(item.initial))


def _function_scope(
    run: Executor, function: tree.Function
) -> tuple[dict[str, str], dict[str, str]]:
    """Names of a function's variables, all zero, and the directions of its arguments."""
    prefix = f"{function.name}{run.blocks}."
    directions: dict[str, str] = {}
    scope: dict[str, str] = {}
    own = tree.Variables(
        function.type, (tree.Declarator(function.name, None, False, function.span),), ()
    )
    members: list[tree.Variables] = [own]
    for member in function.members:
        if isinstance(member, tree.Argument):
            directions |= {item.name: member.direction for item in member.names}
            members.append(tree.Variables("real", member.names, ()))
        elif isinstance(member, tree.Variables):
            members.append(member)
    for variables in members:
        scope |= declare_variables(run.table, variables, prefix)
    for key in scope.values():
        run.frame.variables[key] = ZERO
    return scope, directions
