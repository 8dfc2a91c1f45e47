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
from dataclasses import dataclass, field

from compact_models.veriloga import tree
from compact_models.veriloga.declare import GROUND, BranchKey, Declarations, declare_variables
from compact_models.veriloga.diagnostics import Notes, Place, refuse
from compact_models.veriloga.expressions import (
    INITIAL,
    ONE,
    TIME,
    ZERO,
    Expr,
    add,
    apply,
    compare,
    const,
    ddt,
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
from compact_models.veriloga.functions import DROPPED_CALLS, MATH, START_EVENTS


TEMPERATURE_NAMES = ("temperature", "ambient_temperature", "device_temperature")
ROOM_TEMPERATURE = 300.15
BOLTZMANN_OVER_CHARGE = 1.3806488e-23 / 1.602176565e-19
"""V/K in $vt: CODATA 2010, as in the OpenVAF front end; the macros P_K and P_Q are of 1998."""
MAX_ITERATIONS = 10_000
SIMULATOR_PARAMETERS = {
    "gmin": 1e-12, "gdev": 0.0, "imax": 1.0, "scale": 1.0, "shrink": 0.0, "tnom": 27.0,
    "simulatorVersion": 39.0, "sourceScaleFactor": 1.0, "iteration": 1.0, "minr": 1e-3,
}  # fmt: skip
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


@dataclass(frozen=True)
class Value:
    """An expression with its Verilog type."""

    expr: Expr
    integer: bool = False


@dataclass(frozen=True)
class Contributed:
    """The sum contributed to a branch and the condition under which anything was."""

    value: Expr
    present: Expr


@dataclass(frozen=True)
class Integral:
    """x = idt(argument, initial)."""

    name: str
    argument: Expr
    initial: Expr | None
    place: Place


@dataclass(frozen=True)
class Draw:
    """One random number per instance: `parameter` holds it, `neutral` is its value unseeded."""

    parameter: str
    distribution: str
    arguments: tuple[Expr, ...]
    neutral: float


@dataclass(frozen=True)
class Noise:
    """A noise source: kept as data, without effect on the equations."""

    kind: str
    branch: str
    arguments: tuple[Expr, ...]
    name: str


@dataclass
class Frame:
    """The state of one path through the block."""

    variables: dict[str, Expr] = field(default_factory=dict)
    contributions: dict[tuple[str, BranchKey], Contributed] = field(default_factory=dict)

    def fork(self) -> Frame:
        """A copy for one arm; what the arm contributes is counted from zero."""
        return Frame(dict(self.variables), {})


@dataclass
class Execution:
    """What an analog block does."""

    frame: Frame = field(default_factory=Frame)
    initials: dict[str, Expr] = field(default_factory=dict)
    parameters: dict[str, Expr] = field(default_factory=dict)
    integrals: list[Integral] = field(default_factory=list)
    draws: list[Draw] = field(default_factory=list)
    noise: list[Noise] = field(default_factory=list)
    step_bounds: list[Expr] = field(default_factory=list)
    structural: set[str] = field(default_factory=set)
    written: dict[str, tree.Span] = field(default_factory=dict)
    read_first: dict[str, tree.Span] = field(default_factory=dict)
    port_flows: dict[str, tree.Span] = field(default_factory=dict)


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
        self.blocks = 0
        self.assumed: dict[Expr, bool] = {}
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
            expr = _to_integer(value).expr if integer else value.expr
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
        self._choose(
            condition, lambda: self.statement(node.then), lambda: self.statement(node.otherwise)
        )

    def _choose(
        self, condition: Expr, then: Callable[[], None], otherwise: Callable[[], None]
    ) -> None:
        """Run both arms and join their results under the condition."""
        before = self.result.frame
        arms = []
        outside = self.assumed
        for holds, arm in ((True, then), (False, otherwise)):
            self.result.frame = before.fork()
            self.assumed = outside | _implied(condition, holds)
            arm()
            arms.append(self.result.frame)
        self.result.frame, self.assumed = before, outside
        yes, no = arms
        for key in {**yes.variables, **no.variables}:
            a, b = (arm.variables.get(key) for arm in arms)
            own = symbol("previous", key)
            before.variables[key] = select(condition, a or own, b or own)
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
                self._choose(
                    condition, lambda: self.statement(arms[index].body), lambda: run(index + 1)
                )

        run(0)

    def _for(self, node: tree.For) -> None:
        self._assignment(node.start)
        for _ in self._iterations(lambda: self.value(node.condition).expr, node.span):
            self.statement(node.body)
            self._assignment(node.step)

    def _while(self, node: tree.While) -> None:
        for _ in self._iterations(lambda: self.value(node.condition).expr, node.span):
            self.statement(node.body)

    def _repeat(self, node: tree.Repeat) -> None:
        count = int(self._decide(self.value(node.count).expr, node.span))
        if count > MAX_ITERATIONS:
            self._too_many(node.span)
        for _ in range(count):
            self.statement(node.body)

    def _iterations(self, condition: Callable[[], Expr], span: tree.Span) -> Iterator[int]:
        for iteration in range(MAX_ITERATIONS):
            if self._decide(condition(), span) == 0.0:
                return
            yield iteration
        self._too_many(span)

    def _too_many(self, span: tree.Span) -> None:
        refuse(
            "unbounded-loop",
            f"the loop runs more than {MAX_ITERATIONS} times",
            self.place(span),
            why="loops are unrolled into straight-line equations",
            instead="give the loop a small fixed count, or write the sum in closed form",
        )

    def _decide(self, condition: Expr, span: tree.Span) -> float:
        """The value of a loop's condition, which has to be known while compiling."""
        if is_const(condition):
            return condition.number
        if not condition.is_static:
            refuse(
                "unbounded-loop",
                "the number of iterations depends on a signal",
                self.place(span),
                why="loops are unrolled into straight-line equations, so their count must be known",
                instead="use `for (i = 0; i < 4; i = i + 1)` with a fixed count",
            )
        names = [s.name for s in symbols([condition], "parameter")]
        self.result.structural.update(names)
        self.notes.add(
            f"the count of this loop is fixed by the default of {', '.join(names)}",
            self.place(span),
        )
        return self.default_value(condition)

    def default_value(self, expr: Expr, given: dict[Expr, float] | None = None) -> float:
        """An expression at the parameters' defaults, with numbers for its other symbols."""
        values: dict[Expr, float] = {self.temperature: ROOM_TEMPERATURE, **(given or {})}
        for name in self.result.parameters:
            parameter = symbol("parameter", name)
            default = self.result.parameters[name]
            known = {**values}
            values[parameter] = evaluate([default], known)[0]
        for item in ("given", "analysis"):
            values |= dict.fromkeys(symbols([expr], item), 0.0)
        return evaluate([expr], values)[0]

    def _event(self, node: tree.Event) -> None:
        if START_EVENTS & set(node.events):
            self._choose(INITIAL, lambda: self.statement(node.body), lambda: None)
        else:
            self.notes.add(
                "@(final_step) is left out: nothing reads its results", self.place(node.span)
            )

    def _assignment(self, node: tree.Assignment) -> None:
        self.hint = node.target.name
        value = self.value(node.value)
        self.hint = ""
        self.assign(node.target, value)

    def assign(self, target: tree.Name, value: Value) -> None:
        """Give a variable a new value, converted to its type."""
        key = self.scopes[-1][target.name]
        if self.table.variables[key].integer:
            value = _to_integer(value)
        self.result.written.setdefault(key, target.span)
        self.frame.variables[key] = value.expr

    def _contribution(self, node: tree.Contribution) -> None:
        kind = self.table.access[node.target.name].kind
        sign, branch = self.branch(node.target)
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
            self.result.read_first.setdefault(key, span)
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
            self.result.parameters[name] = (_to_integer(value) if declared.integer else value).expr
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
            return self._function(node)
        if name in self.table.access:
            return self._access(node)
        handler = _CALLS.get(name)
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
        if self.table.access[node.name].kind == "potential":
            potential = sub(node_potential(branch.high), node_potential(branch.low))
            return Value(potential if sign > 0 else neg(potential))
        flow = symbol("probe", branch_id(branch))
        return Value(flow if sign > 0 else neg(flow))

    # ------------------------------------------------------------------ analog functions

    def _function(self, node: tree.Call) -> Value:
        function = self.table.functions[node.name]
        if node.name in self.calls:
            refuse(
                "recursion",
                f"the function `{node.name}` calls itself",
                self.place(node.span),
                why="functions are run in place, so a recursion never ends",
                instead="write it as a counted loop",
            )
        values = [self.value(argument) for argument in node.arguments]
        self.calls.append(node.name)
        self.blocks += 1
        scope, directions = self._function_scope(function)
        self.scopes.append(scope)
        arguments = list(directions)
        for name, value in zip(arguments, values, strict=True):
            if directions[name] != "output":
                self.assign(tree.Name(name, node.span), value)
        self.statement(function.body)
        integer = self.table.variables[scope[function.name]].integer
        result = Value(self.frame.variables[scope[function.name]], integer)
        outputs = [
            (argument, Value(self.frame.variables[scope[name]]))
            for name, argument in zip(arguments, node.arguments, strict=True)
            if directions[name] != "input"
        ]
        self.scopes.pop()
        self.calls.pop()
        for key in scope.values():
            self.frame.variables.pop(key, None)
        for argument, value in outputs:
            if isinstance(argument, tree.Name):
                self.assign(argument, value)
        return result

    def _function_scope(self, function: tree.Function) -> tuple[dict[str, str], dict[str, str]]:
        """Names of a function's variables, all zero, and the directions of its arguments."""
        prefix = f"{function.name}{self.blocks}."
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
            scope |= declare_variables(self.table, variables, prefix)
        for key in scope.values():
            self.frame.variables[key] = ZERO
        return scope, directions

    # ------------------------------------------------------------------ analog operators

    def _ddt(self, node: tree.Call) -> Value:
        return Value(ddt(self.value(node.arguments[0]).expr))

    def _idt(self, node: tree.Call) -> Value:
        name = self._unique(self.hint or "integral")
        self.hint = ""
        argument = self.value(node.arguments[0]).expr
        initial = self.value(node.arguments[1]).expr if len(node.arguments) > 1 else None
        self.result.integrals.append(Integral(name, argument, initial, self.place(node.span)))
        return Value(symbol("state", name))

    def _unique(self, name: str) -> str:
        taken = {integral.name for integral in self.result.integrals}
        count, candidate = 2, name
        while candidate in taken:
            candidate, count = f"{name}_{count}", count + 1
        return candidate

    def _ddx(self, node: tree.Call) -> Value:
        value, variable = (self.value(argument).expr for argument in node.arguments)
        if variable.op == "sub":
            variable = variable.args[0]
        return Value(Expr.make("ddx", None, (value, variable)))

    def _noise(self, node: tree.Call) -> Value:
        numbers = [a for a in node.arguments if not isinstance(a, tree.Text | tree.Braces)]
        names = [a.value for a in node.arguments if isinstance(a, tree.Text)]
        arguments = tuple(self.value(a).expr for a in numbers)
        self.result.noise.append(
            Noise(node.name, self.target, arguments, names[0] if names else "")
        )
        self.notes.add(
            f"{node.name} is kept as data and adds nothing to the equations", self.place(node.span)
        )
        return Value(ZERO)

    def _analysis(self, node: tree.Call) -> Value:
        names = [a.value for a in node.arguments if isinstance(a, tree.Text)]
        result = ZERO
        for name in names:
            if name in {"tran", "static", "dc", "ic", "op"}:
                kind = "tran" if name == "tran" else "static"
                flag = symbol("analysis", "tran")
                result = apply("or", result, flag if kind == "tran" else apply("not", flag))
        return Value(truth(result), True)

    # ------------------------------------------------------------------ system functions

    def _temperature(self, node: tree.Call) -> Value:
        return Value(self.temperature)

    def _thermal_voltage(self, node: tree.Call) -> Value:
        kelvin = self.value(node.arguments[0]).expr if node.arguments else self.temperature
        return Value(mul(const(BOLTZMANN_OVER_CHARGE), kelvin))

    def _time(self, node: tree.Call) -> Value:
        return Value(TIME)

    def _simparam(self, node: tree.Call) -> Value:
        first = node.arguments[0]
        name = first.value if isinstance(first, tree.Text) else ""
        if name in SIMULATOR_PARAMETERS:
            return Value(const(SIMULATOR_PARAMETERS[name]))
        if len(node.arguments) < 2:
            refuse(
                "unknown-simparam",
                f'the simulator parameter "{name}" is unknown and has no default here',
                self.place(node.span),
                why="known are " + ", ".join(sorted(SIMULATOR_PARAMETERS)),
                instead=f'give a default: `$simparam("{name}", 0)`',
            )
        return self.value(node.arguments[1])

    def _one(self, node: tree.Call) -> Value:
        return Value(ONE, True)

    def _param_given(self, node: tree.Call) -> Value:
        first = node.arguments[0]
        name = first.name if isinstance(first, tree.Name) else ""
        name = self.table.aliases.get(name, name)
        self.parameter(name)
        return Value(symbol("given", name), True)

    def _limit(self, node: tree.Call) -> Value:
        self.notes.add(
            "$limit is read as its first argument: it only helps convergence", self.place(node.span)
        )
        return self.value(node.arguments[0])

    def _to_integer_call(self, node: tree.Call) -> Value:
        return Value(apply("trunc", self.value(node.arguments[0]).expr), True)

    def _to_real_call(self, node: tree.Call) -> Value:
        return Value(self.value(node.arguments[0]).expr, False)

    def _random(self, node: tree.Call) -> Value:
        """One draw per instance, standardised so that its parameters stay expressions."""
        kind = node.name.removeprefix("$").removeprefix("r").removeprefix("dist_")
        if kind in {"andom", "arandom", "urandom"}:
            kind = "integer"
        texts = [a for a in node.arguments if not isinstance(a, tree.Text)]
        args = [self.value(a).expr for a in texts[1:]] if kind != "integer" else []
        name = f"draw_{len(self.result.draws) + 1}"
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
            self._needs_static(shape, node)
            neutral = self._mean(kind, shape)
        self.result.draws.append(Draw(name, kind, shape, neutral))
        self.notes.add(
            f"{node.name} is one draw per instance, held by the parameter {name}",
            self.place(node.span),
        )
        integer = kind == "integer" or node.name.startswith("$dist_")
        return Value(apply("round", expr) if node.name.startswith("$dist_") else expr, integer)

    def _mean(self, kind: str, shape: tuple[Expr, ...]) -> float:
        return 0.0 if kind == "t" else self.default_value(shape[-1])

    def _needs_static(self, args: tuple[Expr, ...], node: tree.Call) -> None:
        if not all(arg.is_static for arg in args):
            refuse(
                "random-shape",
                f"the arguments of {node.name} depend on a signal",
                self.place(node.span),
                why="it is drawn once per instance, before the simulation",
                instead="use $rdist_normal or $rdist_uniform, whose draw can be scaled afterwards",
            )


def _implied(condition: Expr, holds: bool) -> dict[Expr, bool]:
    """The truth of a condition and of what follows from it."""
    result = {condition: holds}
    if condition.op == "not":
        result |= _implied(condition.args[0], not holds)
    elif condition.op in {"and", "or"} and holds is (condition.op == "and"):
        for part in condition.args:
            result |= _implied(part, holds)
    return result


def node_potential(node: str) -> Expr:
    """The potential of a node; the ground is zero."""
    return ZERO if node == GROUND else symbol("node", node)


def branch_id(branch: BranchKey) -> str:
    """The name under which a branch's flow is known."""
    return branch.name or f"{branch.high},{branch.low}"


def _to_integer(value: Value) -> Value:
    return value if value.integer else Value(apply("round", value.expr), True)


_STATEMENTS: dict[type, Callable[..., None]] = {
    tree.Nothing: Executor._nothing,
    tree.Block: Executor._block,
    tree.If: Executor._if,
    tree.Case: Executor._case,
    tree.For: Executor._for,
    tree.While: Executor._while,
    tree.Repeat: Executor._repeat,
    tree.Event: Executor._event,
    tree.Assignment: Executor._assignment,
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

_CALLS: dict[str, Callable[[Executor, tree.Call], Value]] = {
    "ddt": Executor._ddt,
    "idt": Executor._idt,
    "ddx": Executor._ddx,
    "white_noise": Executor._noise,
    "flicker_noise": Executor._noise,
    "noise_table": Executor._noise,
    "noise_table_log": Executor._noise,
    "analysis": Executor._analysis,
    "$temperature": Executor._temperature,
    "$vt": Executor._thermal_voltage,
    "$abstime": Executor._time,
    "$realtime": Executor._time,
    "$simparam": Executor._simparam,
    "$mfactor": Executor._one,
    "$port_connected": Executor._one,
    "$param_given": Executor._param_given,
    "$limit": Executor._limit,
    "$rtoi": Executor._to_integer_call,
    "$itor": Executor._to_real_call,
    **{
        f"${name}": Executor._random
        for name in (
            "random", "arandom", "urandom",
            *(f"{r}dist_{k}" for r in ("", "r")
              for k in ("normal", "uniform", "exponential", "poisson", "chi_square", "t",
                        "erlang")),
        )
    },
}  # fmt: skip
