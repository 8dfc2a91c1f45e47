"""Names, arguments, disciplines, and the constructs that are refused: found before anything runs.

Every fault of a source is collected, so that one run shows all of them.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches

from compact_models.veriloga import tree
from compact_models.veriloga.declare import Declarations
from compact_models.veriloga.functions import (
    ANALOG_OPERATORS,
    DROPPED_CALLS,
    MATH,
    REFUSED_CALLS,
    REFUSED_EVENTS,
    START_EVENTS,
    SYSTEM_VALUES,
    Refusal,
)
from compact_models.veriloga.tree_names import names_in


BOUND_STEP = "$bound_step"


class Checker:
    """Walks the statements of one module."""

    def __init__(self, table: Declarations) -> None:
        self.table = table
        self.scopes: list[set[str]] = [set(table.variables)]
        self.in_function = False

    def run(self) -> None:
        """Check everything; raises with all faults if there are any."""
        for name, parameter in self.table.parameters.items():
            self._parameter(name, parameter.item)
        for variable in list(self.table.variables.values()):
            if variable.initial is not None:
                self.expression(variable.initial)
        for function in self.table.functions.values():
            self._function(function)
        if not self.table.analog:
            self.table.fault(
                "no-behaviour",
                f"the module `{self.table.module.name}` has no analog block",
                self.table.module.span,
                "there is nothing to compile",
                "add `analog begin ... end`",
            )
        for block in self.table.analog:
            self.statement(block.body)
        self.table.stop_on_faults()

    def _parameter(self, name: str, item: tree.ParameterItem) -> None:
        if isinstance(item.default, tree.Text | tree.Braces):
            return
        declared_before = set(
            list(self.table.parameters)[: list(self.table.parameters).index(name)]
        )
        saved, self.scopes = self.scopes, [set()]
        for expression in (item.default, *(b for r in item.ranges for b in (r.low, r.high) if b)):
            if isinstance(expression, tree.Braces):
                continue
            self.expression(expression)
            for used in names_in(expression):
                target = self.table.aliases.get(used.name, used.name)
                if target in self.table.parameters and target not in declared_before:
                    self.table.fault(
                        "parameter-order",
                        f"`{used.name}` is used before it is declared",
                        used.span,
                        "parameters are computed in the order of their declarations",
                        f"move the declaration of `{used.name}` above this one",
                    )
        self.scopes = saved

    def _function(self, function: tree.Function) -> None:
        items: list[tree.Declarator] = []
        for member in function.members:
            if isinstance(member, tree.Argument | tree.Variables):
                items += member.names if isinstance(member, tree.Argument) else member.items
        saved, self.scopes, self.in_function = self.scopes, [{function.name}], True
        self._locals(items)
        self.statement(function.body)
        self.scopes, self.in_function = saved, False

    def _locals(self, items: list[tree.Declarator]) -> None:
        """Take the names of a block or a function in, and check their initial values."""
        self.scopes[-1] = self.scopes[-1] | {item.name for item in items}
        for item in items:
            if item.array:
                self._array(item.name, item.span)
            if item.initial is not None:
                self.expression(item.initial)

    # ------------------------------------------------------------------ statements

    def statement(self, node: tree.Statement) -> None:
        """Check one statement."""
        _STATEMENTS[type(node)](self, node)

    def _nothing(self, node: tree.Nothing) -> None:
        """Nothing to check."""

    def _block(self, node: tree.Block) -> None:
        members = [m for m in node.declarations if isinstance(m, tree.Variables)]
        self.scopes.append(self.scopes[-1])
        self._locals([item for member in members for item in member.items])
        for statement in node.statements:
            self.statement(statement)
        self.scopes.pop()

    def _if(self, node: tree.If) -> None:
        self.expression(node.condition)
        self.statement(node.then)
        self.statement(node.otherwise)

    def _case(self, node: tree.Case) -> None:
        self.expression(node.subject)
        for arm in node.arms:
            for value in arm.values:
                self.expression(value)
            self.statement(arm.body)

    def _for(self, node: tree.For) -> None:
        self._assignment(node.start)
        self.expression(node.condition)
        self._assignment(node.step)
        self.statement(node.body)

    def _while(self, node: tree.While) -> None:
        self.expression(node.condition)
        self.statement(node.body)

    def _repeat(self, node: tree.Repeat) -> None:
        self.expression(node.count)
        self.statement(node.body)

    def _event(self, node: tree.Event) -> None:
        for name in node.events:
            if name in START_EVENTS or name == "final_step":
                continue
            refusal = REFUSED_EVENTS.get(name, REFUSED_EVENTS["cross"])
            self._refuse(refusal, f"the event `{name}` cannot be compiled", node.span)
        self.statement(node.body)

    def _assignment(self, node: tree.Assignment) -> None:
        target = node.target
        self._reference(target)
        if target.name not in self.scopes[-1] and not target.indexed and not target.hierarchical:
            if target.name in self.table.parameters or target.name in self.table.aliases:
                self.table.fault(
                    "assigned-parameter",
                    f"`{target.name}` is a parameter and cannot be assigned",
                    target.span,
                    "parameters are fixed before the simulation",
                    "assign a variable of your own instead",
                )
            else:
                self._undeclared(target)
        self.expression(node.value)

    def _contribution(self, node: tree.Contribution) -> None:
        if node.target.name not in self.table.access:
            self.table.fault(
                "not-an-access-function",
                f"`{node.target.name}` is not an access function",
                node.target.span,
                "contributions go to a potential or a flow: " + self._known_access(),
                "write for example `I(a, b) <+ ...;`",
            )
        else:
            self._access(node.target)
        if self.in_function:
            self.table.fault(
                "contribution-in-function",
                "an analog function cannot contribute to a branch",
                node.span,
                "functions compute a value and have no effect",
                "return the value and contribute it in the analog block",
            )
        self.expression(node.value)

    def _indirect(self, node: tree.Indirect) -> None:
        self.table.fault(
            "indirect-branch",
            "an indirect branch assignment cannot be compiled",
            node.span,
            "it asks the simulator to find a source that makes an equation true",
            "write the equation as a flow with a large gain, or solve it for the potential",
        )

    def _call_statement(self, node: tree.CallStatement) -> None:
        name = node.call.name
        if name in DROPPED_CALLS:
            return
        if name == BOUND_STEP:
            if len(node.call.arguments) != 1:
                self._count(node.call, 1, 1)
            for argument in node.call.arguments:
                self.expression(argument)
            return
        self.expression(node.call)

    # ------------------------------------------------------------------ expressions

    def expression(self, node: tree.Expression) -> None:
        """Check one expression."""
        if isinstance(node, tree.Name):
            self._name(node)
        elif isinstance(node, tree.Unary):
            self._prefix(node)
        elif isinstance(node, tree.Binary):
            self.expression(node.left)
            self.expression(node.right)
        elif isinstance(node, tree.Conditional):
            for part in (node.condition, node.then, node.otherwise):
                self.expression(part)
        elif isinstance(node, tree.Call):
            self._call(node)
        elif isinstance(node, tree.Braces):
            self._array("{...}", node.span)
        elif isinstance(node, tree.PortFlow):
            self._port_flow(node)

    def _prefix(self, node: tree.Unary) -> None:
        if node.operator not in {"+", "-", "!", "~"}:
            self.table.fault(
                "reduction",
                f"`{node.operator}` is used as a prefix operator",
                node.span,
                "reductions act on bit vectors, which compact models do not have",
                "compare with a number instead",
            )
        self.expression(node.operand)

    def _reference(self, node: tree.Name) -> None:
        if node.hierarchical:
            self.table.fault(
                "hierarchical-name",
                f"`{node.name}` refers to another module",
                node.span,
                "a compact model stands alone",
                "pass the value as a parameter or through a port",
            )
        elif node.indexed:
            self._array(node.name, node.span)

    def _name(self, node: tree.Name) -> None:
        self._reference(node)
        known = (
            node.name in self.scopes[-1]
            or node.name in self.table.parameters
            or node.name in self.table.aliases
        )
        if not known and not node.indexed and not node.hierarchical:
            self._undeclared(node)

    def _undeclared(self, node: tree.Name) -> None:
        if node.name in self.table.nets or node.name in self.table.branches:
            self.table.fault(
                "net-as-value",
                f"`{node.name}` is a net or a branch, not a number",
                node.span,
                "its potential and its flow are read with access functions",
                f"write `V({node.name})` or `I({node.name})`",
            )
            return
        self.table.fault(
            "undeclared-name",
            f"`{node.name}` is used but never declared",
            node.span,
            "every name needs a declaration, so that a misspelling cannot become a zero",
            self._similar(node.name)
            or f"declare it: `real {node.name};` or `parameter real {node.name} = ...;`",
        )

    def _similar(self, name: str) -> str:
        known = [*self.scopes[-1], *self.table.parameters]
        matches = get_close_matches(name, known, n=1, cutoff=0.75)
        return f"perhaps `{matches[0]}` is meant" if matches else ""

    def _call(self, node: tree.Call) -> None:
        name = node.name
        if name in self.table.functions:
            self._function_call(node)
        elif name in self.table.access:
            self._access(node)
        elif name in REFUSED_CALLS:
            self._refuse(REFUSED_CALLS[name], f"`{name}` cannot be compiled", node.span)
        elif name in MATH:
            self._arguments(node, MATH[name].arguments, MATH[name].arguments)
        elif name in ANALOG_OPERATORS:
            self._operator(node)
        elif name in SYSTEM_VALUES:
            self._system(node)
        else:
            self._unknown_function(node)

    def _unknown_function(self, node: tree.Call) -> None:
        self.table.fault(
            "unknown-function",
            f"there is no function `{node.name}`",
            node.span,
            "it is neither built in nor declared in this module",
            "declare it with `analog function`, or correct the name",
        )

    def _function_call(self, node: tree.Call) -> None:
        function = self.table.functions[node.name]
        directions = [
            member.direction
            for member in function.members
            if isinstance(member, tree.Argument)
            for _ in member.names
        ]
        self._arguments(node, len(directions), len(directions))
        for direction, argument in zip(directions, node.arguments, strict=False):
            if direction != "input" and not isinstance(argument, tree.Name):
                self.table.fault(
                    "output-argument",
                    f"an {direction} argument of `{node.name}` is not a variable",
                    getattr(argument, "span", node.span),
                    "the function writes its result there",
                    "pass the name of a variable",
                )

    def _access(self, node: tree.Call) -> None:
        arguments = node.arguments
        if not 1 <= len(arguments) <= 2:
            self._count(node, 1, 2)
            return
        if self.in_function:
            self.table.fault(
                "access-in-function",
                f"`{node.name}(...)` is read inside an analog function",
                node.span,
                "functions see their arguments only",
                "pass the potential or flow as an argument",
            )
        for argument in arguments:
            if isinstance(argument, tree.PortFlow):
                self._port_flow(argument)
            elif isinstance(argument, tree.Name):
                self._branch_end(argument, alone=len(arguments) == 1)
            else:
                self.table.fault(
                    "not-a-branch",
                    f"`{node.name}(...)` needs nets or a branch",
                    getattr(argument, "span", node.span),
                    "an access function reads the potential or flow of a branch",
                    f"write `{node.name}(a, b)` with two nets, or the name of a branch",
                )

    def _branch_end(self, name: tree.Name, *, alone: bool) -> None:
        self._reference(name)
        known = name.name in self.table.nets or (alone and name.name in self.table.branches)
        if not known and not name.indexed and not name.hierarchical:
            self.table.fault(
                "undeclared-net",
                f"`{name.name}` is not a net{' or branch' if alone else ''} of this module",
                name.span,
                "branches connect declared nets",
                f"declare it: `electrical {name.name};`",
            )

    def _port_flow(self, node: tree.PortFlow) -> None:
        if node.name not in self.table.ports:
            self.table.fault(
                "undeclared-net",
                f"`{node.name}` is not a port of this module",
                node.span,
                "<name> asks for the current into a port",
                "name a port, or read the flow of a branch",
            )

    def _operator(self, node: tree.Call) -> None:
        if self.in_function:
            self.table.fault(
                "operator-in-function",
                f"`{node.name}` is used inside an analog function",
                node.span,
                "functions are algebra only",
                "use it in the analog block and pass the result",
            )
        least, most = ANALOG_OPERATORS[node.name]
        if not least <= len(node.arguments) <= most:
            self._count(node, least, most)
        for argument in node.arguments:
            if not isinstance(argument, tree.Text | tree.Braces):
                self.expression(argument)
        if node.name == "ddx" and len(node.arguments) == 2:
            self._ddx(node)

    def _ddx(self, node: tree.Call) -> None:
        variable = node.arguments[1]
        if not (isinstance(variable, tree.Call) and variable.name in self.table.access):
            self.table.fault(
                "ddx-variable",
                "the second argument of ddx() is not a potential or flow",
                getattr(variable, "span", node.span),
                "it names the unknown to differentiate by",
                "write for example `ddx(q, V(g))`",
            )

    def _system(self, node: tree.Call) -> None:
        least, most = SYSTEM_VALUES[node.name]
        if not least <= len(node.arguments) <= most:
            self._count(node, least, most)
        if node.name in {"$param_given", "$port_connected"}:
            self._named_argument(node)
            return
        arguments = node.arguments[:1] if node.name == "$limit" else node.arguments
        for argument in arguments:
            if not isinstance(argument, tree.Text):
                self.expression(argument)

    def _named_argument(self, node: tree.Call) -> None:
        known = (
            {**self.table.parameters, **self.table.aliases}
            if node.name == "$param_given"
            else self.table.nets
        )
        first = node.arguments[0] if node.arguments else None
        if not isinstance(first, tree.Name) or first.name not in known:
            what = "parameter" if node.name == "$param_given" else "port"
            self.table.fault(
                "undeclared-name",
                f"the argument of {node.name} is not a {what}",
                node.span,
                f"it asks about a {what} of this module",
                f"name a declared {what}",
            )

    def _arguments(self, node: tree.Call, least: int, most: int) -> None:
        if not least <= len(node.arguments) <= most:
            self._count(node, least, most)
        for argument in node.arguments:
            self.expression(argument)

    # ------------------------------------------------------------------ faults

    def _count(self, node: tree.Call, least: int, most: int) -> None:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        self.table.fault(
            "argument-count",
            f"`{node.name}` takes {wanted} argument(s), given {len(node.arguments)}",
            node.span,
            "its value is not defined otherwise",
            f"pass {wanted}",
        )

    def _array(self, name: str, span: tree.Span) -> None:
        self.table.fault(
            "array",
            f"`{name}` is an array",
            span,
            "a subcircuit and a straight-line kernel have no indexed storage",
            f"write the elements out: `{name}_0`, `{name}_1`, ...",
        )

    def _refuse(self, refusal: Refusal, message: str, span: tree.Span) -> None:
        self.table.fault(refusal.code, message, span, refusal.why, refusal.instead)

    def _known_access(self) -> str:
        return ", ".join(f"{name}(...)" for name in sorted(self.table.access))


_STATEMENTS: dict[type, Callable[..., None]] = {
    tree.Nothing: Checker._nothing,
    tree.Block: Checker._block,
    tree.If: Checker._if,
    tree.Case: Checker._case,
    tree.For: Checker._for,
    tree.While: Checker._while,
    tree.Repeat: Checker._repeat,
    tree.Event: Checker._event,
    tree.Assignment: Checker._assignment,
    tree.Contribution: Checker._contribution,
    tree.Indirect: Checker._indirect,
    tree.CallStatement: Checker._call_statement,
}


def check(table: Declarations) -> None:
    """Check one module.

    Raises:
        SourceError: with every fault found.
    """
    Checker(table).run()
