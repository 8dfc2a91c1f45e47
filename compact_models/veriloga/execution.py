"""What running an analog block leaves behind: values, contributions, integrals, draws and noise."""

from __future__ import annotations

from dataclasses import dataclass, field

from compact_models.veriloga import tree
from compact_models.veriloga.declare import GROUND, BranchKey
from compact_models.veriloga.diagnostics import Place
from compact_models.veriloga.expressions import ZERO, Expr, apply, symbol


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


@dataclass(frozen=True)
class Iteration:
    """What a loop solves for: 0 = residual."""

    symbol: Expr
    residual: Expr
    place: Place


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
    iterations: list[Iteration] = field(default_factory=list)
    step_bounds: list[Expr] = field(default_factory=list)
    structural: set[str] = field(default_factory=set)
    written: dict[str, tree.Span] = field(default_factory=dict)
    read_first: dict[str, tree.Span] = field(default_factory=dict)
    known_at_read: dict[str, frozenset[Expr]] = field(default_factory=dict)
    port_flows: dict[str, tree.Span] = field(default_factory=dict)


def node_potential(node: str) -> Expr:
    """The potential of a node; the ground is zero."""
    return ZERO if node == GROUND else symbol("node", node)


def branch_id(branch: BranchKey) -> str:
    """The name under which a branch's flow is known."""
    return branch.name or f"{branch.high},{branch.low}"


def to_integer(value: Value) -> Value:
    """A value as Verilog converts it to an integer: rounded."""
    return value if value.integer else Value(apply("round", value.expr), True)


def implied(condition: Expr, holds: bool) -> dict[Expr, bool]:
    """The truth of a condition and of what follows from it."""
    result = {condition: holds}
    if condition.op == "not":
        result |= implied(condition.args[0], not holds)
    elif condition.op in {"and", "or"} and holds is (condition.op == "and"):
        for part in condition.args:
            result |= implied(part, holds)
    return result
