"""Run a module's analog block on symbols instead of numbers.

Every variable holds an expression of the parameters, the node potentials, and of what the variable
was before (`previous`). An `if` runs both arms on copies of the variables and joins them with
select(); a counted loop is unrolled; an analog function is run in place. What comes out is the
value that each variable has at the end, the sum contributed to each branch, and the list of
integrals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from compact_models.veriloga import tree
from compact_models.veriloga.analog_operators import CALLS
from compact_models.veriloga.declare import GROUND, BranchKey, Declarations, declare_variables
from compact_models.veriloga.diagnostics import Notes, Place, refuse
from compact_models.veriloga.execution import (
    Contributed,
    Execution,
    Frame,
    Value,
    branch_id,
    implied,
    node_potential,
    to_integer,
)
from compact_models.veriloga.expressions import (
    INITIAL,
    ONE,
    ZERO,
    Expr,
    add,
    apply,
    compare,
    const,
    div,
    evaluate,
    is_const,
    mul,
    neg,
    power,
    select,
    sub,
    symbol,
    symbols,
    truth,
)
from compact_models.veriloga.function_calls import called_function
from compact_models.veriloga.functions import DROPPED_CALLS, MATH, START_EVENTS
from compact_models.veriloga.loops import run_for, run_repeat, run_while


TEMPERATURE_NAMES = ("temperature", "ambient_temperature", "device_temperature")
ROOM_TEMPERATURE = 300.15
LINEAR_OPERATORS = {
    "+": add, "-": sub, "*": mul, "**": power,
}  # fmt: skip
COMPARE = {
    "<": "lt", "<=": "le", ">": "gt", ">=": "ge",
    "==": "eq", "!=": "ne", "===": "eq", "!==": "ne",
}  # fmt: skip
BITS = {
    "&": "bitand",
    "|": "bitor",
    "^": "bitxor",
    "<<": "shl",
    "<<<": "shl",
    ">>": "shr",
    ">>>": "shr",
}


class Executor:
    """Runs the statements of one module."""

    def __init__(self, table: Declarations, notes: Notes) -> None:
        self.table = table
        self.notes = notes
        self.result = Execution()
        self.scopes: list[dict[str, str]] = [{name: name for name in table.variables}]
        self.calls: list[str] = []
        self.orientation: dict[tuple[str, str], BranchKey] = {}
        self.hint = ""
        self.target = ""
        self.blocks = self.loops = 0
        self.assumed: dict[Expr, bool] = {}
        self.choices: tuple[tuple[Expr, bool], ...] = ()
        self.defaults: dict[Expr, float] = {}
        free = next(name for name in TEMPERATURE_NAMES if name not in table.parameters)
        self.temperature = symbol("parameter", free)

    # ------------------------------------------------------------------ whole module

    def run(self) -> Execution:
        """Run initialisers and analog blocks."""
        for key, variable in list(self.table.variables.items()):
            self._initialise(key, variable.initial, variable.integer)
        for block in sorted(self.table.analog, key=lambda b: not b.initial):
            self.statement(block.body)
        return self.result

    def _initialise(self, key: str, initial: tree.Expression | None, integer: bool) -> None:
        if initial is not None:
            value = self.value(initial)
            expr = to_integer(value).expr if integer else value.expr
            self.result.initials[key] = expr

    @property
    def frame(self) -> Frame:
        """The path being run."""
        return self.result.frame

    def place(self, span: tree.Span) -> Place:
        """The place of a span in the files."""
        return self.table.source.place(span.start, span.end - span.start)

    # ------------------------------------------------------------------ statements

    def statement(self, node: tree.Statement) -> None:
        """Run one statement."""
        _STATEMENTS[type(node)](self, node)

    def _nothing(self, node: tree.Nothing) -> None:
        """An empty statement does nothing."""

    def _block(self, node: tree.Block) -> None:
        if not node.declarations:
            for statement in node.statements:
                self.statement(statement)
            return
        with self._scope(node):
            for statement in node.statements:
                self.statement(statement)

    @contextmanager
    def _scope(self, node: tree.Block) -> Iterator[None]:
        """The names of a block's own variables, unique over the module."""
        self.blocks += 1
        names: dict[str, str] = {}
        for member in node.declarations:
            if isinstance(member, tree.Variables):
                prefix = f"{node.name or 'block'}{self.blocks}."
                names |= declare_variables(self.table, member, prefix)
        self.scopes.append(self.scopes[-1] | names)
        for key in names.values():
            variable = self.table.variables[key]
            self._initialise(key, variable.initial, variable.integer)
        yield
        self.scopes.pop()

    def _if(self, node: tree.If) -> None:
        condition = truth(self.value(node.condition).expr)
        if is_const(condition):
            self.statement(node.then if condition is ONE else node.otherwise)
            return
        self.choose(
            condition, lambda: self.statement(node.then), lambda: self.statement(node.otherwise)
        )

    def choose(
        self, condition: Expr, then: Callable[[], None], otherwise: Callable[[], None]
    ) -> None:
        """Run both arms and join their results under the condition."""
        before = self.result.frame
        arms = []
        outside, choices = self.assumed, self.choices
        for holds, arm in ((True, then), (False, otherwise)):
            self.result.frame = before.fork()
            self.assumed = outside | implied(condition, holds)
            self.choices = (*choices, (condition, holds))
            arm()
            arms.append(self.result.frame)
        self.result.frame, self.assumed, self.choices = before, outside, choices
        yes, no = arms
        for key in {**yes.variables, **no.variables}:
            a, b = (arm.variables.get(key) or symbol("previous", key) for arm in arms)
            before.variables[key] = a if a is b else select(condition, a, b)
        for branch in {**yes.contributions, **no.contributions}:
            nothing = Contributed(ZERO, ZERO)
            then_, else_ = (arm.contributions.get(branch, nothing) for arm in arms)
            value = select(condition, then_.value, else_.value)
            self._add(branch, value, select(condition, then_.present, else_.present))

    def _case(self, node: tree.Case) -> None:
        subject = self.value(node.subject)
        arms = [arm for arm in node.arms if arm.values]
        default = next((arm.body for arm in node.arms if not arm.values), tree.Nothing())

        def run(index: int) -> None:
            if index == len(arms):
                self.statement(default)
                return
            matches = [
                compare("eq", subject.expr, self.value(value).expr) for value in arms[index].values
            ]
            condition = ZERO
            for match in matches:
                condition = apply("or", condition, match)
            if is_const(condition):
                self.statement(arms[index].body) if condition is ONE else run(index + 1)
            else:
                self.choose(
                    condition, lambda: self.statement(arms[index].body), lambda: run(index + 1)
                )

        run(0)

    def default_value(self, expr: Expr, given: dict[Expr, float] | None = None) -> float:
        """An expression at the parameters' defaults, with numbers for its other symbols."""
        if is_const(expr):
            return expr.number
        values = {**self.default_values(), **(given or {})}
        for item in ("given", "analysis"):
            values |= dict.fromkeys(symbols([expr], item), 0.0)
        return evaluate([expr], values)[0]

    def path(self) -> Expr:
        """The condition under which the statement being run is reached."""
        reached: Expr = ONE
        for condition, holds in self.choices:
            reached = apply("and", reached, condition if holds else apply("not", condition))
        return reached

    def default_values(self) -> dict[Expr, float]:
        """The parameters that have been met so far, at their defaults."""
        known = self.defaults
        if self.temperature not in known:
            known[self.temperature] = ROOM_TEMPERATURE
        for name, default in self.result.parameters.items():
            if symbol("parameter", name) not in known:
                flags = dict.fromkeys(symbols([default], "given"), 0.0)
                known[symbol("parameter", name)] = evaluate([default], {**flags, **known})[0]
        known |= {symbol("parameter", d.parameter): d.neutral for d in self.result.draws}
        return known

    def _event(self, node: tree.Event) -> None:
        if START_EVENTS & set(node.events):
            self.choose(INITIAL, lambda: self.statement(node.body), lambda: None)
        else:
            self.notes.add(
                "@(final_step) is left out: nothing reads its results", self.place(node.span)
            )

    def assignment(self, node: tree.Assignment) -> None:
        """Run `name = value`."""
        self.hint = node.target.name
        value = self.value(node.value)
        self.hint = ""
        self.assign(node.target, value)

    def assign(self, target: tree.Name, value: Value) -> None:
        """Give a variable a new value, converted to its type."""
        key = self.scopes[-1][target.name]
        if self.table.variables[key].integer:
            value = to_integer(value)
        self.result.written.setdefault(key, target.span)
        self.frame.variables[key] = value.expr

    def _contribution(self, node: tree.Contribution) -> None:
        sign, branch = self.branch(node.target)
        kind = self.table.kind_read(node.target.name, branch)
        self.target = branch.label
        value = self.value(node.value).expr
        self.target = ""
        self._add((kind, branch), value if sign > 0 else neg(value), ONE)

    def _add(self, key: tuple[str, BranchKey], value: Expr, present: Expr) -> None:
        old = self.frame.contributions.get(key, Contributed(ZERO, ZERO))
        self.frame.contributions[key] = Contributed(
            add(old.value, value), apply("or", old.present, present)
        )

    def _call_statement(self, node: tree.CallStatement) -> None:
        name = node.call.name
        if name == "$bound_step":
            self.result.step_bounds.append(self.value(node.call.arguments[0]).expr)
            self.notes.add("$bound_step is advice on the greatest time step", self.place(node.span))
        elif name in DROPPED_CALLS:
            self.notes.add(
                f"{name} is left out: it does not change the equations", self.place(node.span)
            )
        else:
            self.value(node.call)

    # ------------------------------------------------------------------ branches

    def branch(self, call: tree.Call) -> tuple[int, BranchKey]:
        """The branch an access function names, and the sign of its orientation."""
        names = [a.name for a in call.arguments if isinstance(a, tree.Name)]
        if len(names) == 1 and names[0] in self.table.branches:
            return 1, self.table.branches[names[0]]
        nodes = [self.table.node(name) for name in names]
        high, low = nodes[0], nodes[1] if len(nodes) > 1 else GROUND
        if (low, high) in self.orientation and low != high:
            return -1, self.orientation[low, high]
        return 1, self.orientation.setdefault((high, low), BranchKey(high, low))

    # ------------------------------------------------------------------ expressions

    def value(self, node: tree.Expression) -> Value:
        """The symbolic value of an expression."""
        return _EXPRESSIONS[type(node)](self, node)

    def _number(self, node: tree.Number) -> Value:
        return Value(const(node.value), node.integer)

    def _text(self, node: tree.Text) -> Value:
        refuse(
            "string",
            "a string stands where a number is needed",
            self.place(node.span),
            why="expressions are numbers",
            instead="use an integer to choose between cases",
        )

    def _name(self, node: tree.Name) -> Value:
        name = node.name
        if name in self.scopes[-1]:
            return self._variable(self.scopes[-1][name], node.span)
        return self.parameter(self.table.aliases.get(name, name))

    def _variable(self, key: str, span: tree.Span) -> Value:
        integer = self.table.variables[key].integer
        found = self.frame.variables.get(key)
        if found is None:
            if key not in self.result.read_first:
                self.result.read_first[key] = span
                self.result.known_at_read[key] = frozenset(self.frame.variables.values())
            found = symbol("previous", key)
        # Under a condition that is known to hold, only that arm of the variable is meant.
        while found.op == "select" and found.args[0] in self.assumed:
            found = found.args[1 if self.assumed[found.args[0]] else 2]
        return Value(found, integer)

    def parameter(self, name: str) -> Value:
        """A parameter's symbol; a localparam is its expression."""
        declared = self.table.parameters[name]
        if name not in self.result.parameters:
            saved, self.scopes = self.scopes, [{}]
            value = self.value(declared.item.default)
            self.scopes = saved
            self.result.parameters[name] = (to_integer(value) if declared.integer else value).expr
        if declared.local:
            return Value(self.result.parameters[name], declared.integer)
        return Value(symbol("parameter", name), declared.integer)

    def _unary(self, node: tree.Unary) -> Value:
        operand = self.value(node.operand)
        if node.operator == "-":
            return Value(neg(operand.expr), operand.integer)
        if node.operator == "+":
            return operand
        if node.operator == "!":
            return Value(apply("not", truth(operand.expr)), True)
        return Value(apply("bitnot", operand.expr), True)

    def _binary(self, node: tree.Binary) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        integer = left.integer and right.integer
        a, b = left.expr, right.expr
        operator = node.operator
        if operator in LINEAR_OPERATORS:
            if operator == "**" and integer:
                return Value(apply("trunc", power(a, b)), True)
            return Value(LINEAR_OPERATORS[operator](a, b), integer)
        if operator == "/":
            quotient = div(a, b)
            return Value(apply("trunc", quotient) if integer else quotient, integer)
        if operator == "%":
            return Value(apply("mod", a, b), integer)
        if operator in COMPARE:
            return Value(compare(COMPARE[operator], a, b), True)
        if operator in {"&&", "||"}:
            return Value(apply("and" if operator == "&&" else "or", a, b), True)
        if operator in {"^~", "~^"}:
            return Value(apply("bitnot", apply("bitxor", a, b)), True)
        return Value(apply(BITS[operator], a, b), True)

    def _conditional(self, node: tree.Conditional) -> Value:
        condition = truth(self.value(node.condition).expr)
        then, otherwise = self.value(node.then), self.value(node.otherwise)
        return Value(
            select(condition, then.expr, otherwise.expr), then.integer and otherwise.integer
        )

    def _call(self, node: tree.Call) -> Value:
        name = node.name
        if name in self.table.functions:
            return called_function(self, node)
        if name in self.table.access:
            return self._access(node)
        handler = CALLS.get(name)
        if handler is not None:
            return handler(self, node)
        math_function = MATH[name.lstrip("$")]
        values = [self.value(argument) for argument in node.arguments]
        args = [value.expr for value in values]
        integer = math_function.keeps_integers and all(value.integer for value in values)
        if math_function.op == "log10":
            return Value(mul(const(1.0 / math.log(10.0)), apply("ln", args[0])))
        return Value(apply(math_function.op, *args), integer)

    def _access(self, node: tree.Call) -> Value:
        first = node.arguments[0]
        if isinstance(first, tree.PortFlow):
            self.result.port_flows.setdefault(first.name, node.span)
            return Value(symbol("port_flow", first.name))
        sign, branch = self.branch(node)
        if self.table.kind_read(node.name, branch) == "potential":
            potential = sub(node_potential(branch.high), node_potential(branch.low))
            return Value(potential if sign > 0 else neg(potential))
        flow = symbol("probe", branch_id(branch))
        return Value(flow if sign > 0 else neg(flow))


_STATEMENTS: dict[type, Callable[..., None]] = {
    tree.Nothing: Executor._nothing,
    tree.Block: Executor._block,
    tree.If: Executor._if,
    tree.Case: Executor._case,
    tree.For: run_for,
    tree.While: run_while,
    tree.Repeat: run_repeat,
    tree.Event: Executor._event,
    tree.Assignment: Executor.assignment,
    tree.Contribution: Executor._contribution,
    tree.CallStatement: Executor._call_statement,
}

_EXPRESSIONS: dict[type, Callable[..., Value]] = {
    tree.Number: Executor._number,
    tree.Text: Executor._text,
    tree.Name: Executor._name,
    tree.Unary: Executor._unary,
    tree.Binary: Executor._binary,
    tree.Conditional: Executor._conditional,
    tree.Call: Executor._call,
}
