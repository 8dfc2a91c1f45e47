"""The syntax tree: what the source says, before anything is understood.

Every node knows the stretch of preprocessed text that it came from (`span`), so that any later
pass can point at it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """Start and end offset in the preprocessed text."""

    start: int
    end: int


# ------------------------------------------------------------------------------- expressions


@dataclass(frozen=True, slots=True)
class Number:
    """A literal; `integer` tells 7/3 = 2 from 7.0/3 = 2.33."""

    value: float
    integer: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Text:
    """A string literal without its quotes."""

    value: str
    span: Span


@dataclass(frozen=True, slots=True)
class Name:
    """A name, possibly indexed or hierarchical (both are refused later)."""

    name: str
    span: Span
    indexed: bool = False
    hierarchical: bool = False


@dataclass(frozen=True, slots=True)
class PortFlow:
    """The current into a port, `<a>`."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Call:
    """A function, an access function such as V(a, b), or (with $) a system function."""

    name: str
    arguments: tuple[Expression, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Unary:
    """A prefix operator."""

    operator: str
    operand: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Binary:
    """An infix operator."""

    operator: str
    left: Expression
    right: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Conditional:
    """`condition ? then : otherwise`."""

    condition: Expression
    then: Expression
    otherwise: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Braces:
    """An array literal or concatenation; refused wherever it is used as a value."""

    items: tuple[Expression, ...]
    span: Span


Expression = Number | Text | Name | PortFlow | Call | Unary | Binary | Conditional | Braces


# ------------------------------------------------------------------------------- declarations


@dataclass(frozen=True, slots=True)
class Attribute:
    """One `(* name = value *)`."""

    name: str
    value: Expression | None


@dataclass(frozen=True, slots=True)
class Declarator:
    """One declared name, with its initial value and whether it is an array."""

    name: str
    initial: Expression | None
    array: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Interval:
    """`from [low:high)`; a bound that is None is infinite. `text` intervals list strings."""

    low: Expression | None
    high: Expression | None
    low_closed: bool
    high_closed: bool
    exclude: bool
    span: Span
    text: bool = False
    comma: bool = False


@dataclass(frozen=True, slots=True)
class ParameterItem:
    """One parameter: default, allowed ranges, attributes."""

    name: str
    kind: str
    type: str | None
    default: Expression
    ranges: tuple[Interval, ...]
    attributes: tuple[Attribute, ...]
    array: bool
    span: Span


@dataclass(frozen=True, slots=True)
class Parameters:
    """A parameter declaration."""

    items: tuple[ParameterItem, ...]


@dataclass(frozen=True, slots=True)
class Variables:
    """A declaration of real or integer variables."""

    type: str
    items: tuple[Declarator, ...]
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True, slots=True)
class PortDirection:
    """`inout a, b;`, also with a discipline."""

    discipline: str | None
    names: tuple[Declarator, ...]


@dataclass(frozen=True, slots=True)
class Nets:
    """`electrical a, b;`."""

    discipline: str
    names: tuple[Declarator, ...]
    attributes: tuple[Attribute, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Ground:
    """`ground gnd;`."""

    discipline: str | None
    names: tuple[Declarator, ...]


@dataclass(frozen=True, slots=True)
class Branches:
    """`branch (a, b) name, name;`."""

    high: Name | PortFlow
    low: Name | PortFlow | None
    names: tuple[Declarator, ...]


@dataclass(frozen=True, slots=True)
class Alias:
    """`aliasparam other = name;`."""

    name: str
    target: str
    span: Span


@dataclass(frozen=True, slots=True)
class Instance:
    """A module instance (refused)."""

    module: str
    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class Argument:
    """Arguments of a function with their direction."""

    direction: str
    names: tuple[Declarator, ...]


@dataclass(frozen=True, slots=True)
class Function:
    """An analog function."""

    name: str
    type: str
    members: tuple[Argument | Variables | Parameters, ...]
    body: Statement
    span: Span


@dataclass(frozen=True, slots=True)
class Analog:
    """An analog block; `initial` for `analog initial`."""

    initial: bool
    body: Statement


# ------------------------------------------------------------------------------- statements


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty statement."""


@dataclass(frozen=True, slots=True)
class Block:
    """begin ... end with its own declarations."""

    name: str | None
    declarations: tuple[Variables | Parameters, ...]
    statements: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class If:
    """if (...) ... else ...; with an empty `otherwise` when there is none."""

    condition: Expression
    then: Statement
    otherwise: Statement
    span: Span


@dataclass(frozen=True, slots=True)
class CaseArm:
    """One arm; no values means default."""

    values: tuple[Expression, ...]
    body: Statement


@dataclass(frozen=True, slots=True)
class Case:
    """case (...) ... endcase."""

    subject: Expression
    arms: tuple[CaseArm, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Assignment:
    """`name = value`."""

    target: Name
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class For:
    """for (start; condition; step) body."""

    start: Assignment
    condition: Expression
    step: Assignment
    body: Statement
    span: Span


@dataclass(frozen=True, slots=True)
class While:
    """while (condition) body."""

    condition: Expression
    body: Statement
    span: Span


@dataclass(frozen=True, slots=True)
class Repeat:
    """repeat (count) body."""

    count: Expression
    body: Statement
    span: Span


@dataclass(frozen=True, slots=True)
class Event:
    """@(events) body; `events` are the names, e.g. initial_step or cross."""

    events: tuple[str, ...]
    body: Statement
    span: Span


@dataclass(frozen=True, slots=True)
class Contribution:
    """`access(branch) <+ value`."""

    target: Call
    value: Expression
    span: Span


@dataclass(frozen=True, slots=True)
class Indirect:
    """`access(branch) : equation` (refused)."""

    target: Call
    span: Span


@dataclass(frozen=True, slots=True)
class CallStatement:
    """A call for its effect, such as $strobe."""

    call: Call
    span: Span


Statement = (
    Nothing
    | Block
    | If
    | Case
    | Assignment
    | For
    | While
    | Repeat
    | Event
    | Contribution
    | Indirect
    | CallStatement
)


# ------------------------------------------------------------------------------- the file


@dataclass(frozen=True, slots=True)
class Nature:
    """A nature with the access function and unit it gives."""

    name: str
    parent: str | None
    access: str | None
    units: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Discipline:
    """A discipline: the natures of its potential and flow."""

    name: str
    potential: str | None
    flow: str | None
    span: Span


@dataclass(frozen=True, slots=True)
class Port:
    """A port in the module's header."""

    name: str
    discipline: str | None
    directed: bool
    array: bool
    span: Span


Member = (
    Parameters
    | Variables
    | PortDirection
    | Nets
    | Ground
    | Branches
    | Alias
    | Instance
    | Function
    | Analog
)


@dataclass(frozen=True, slots=True)
class Module:
    """A module."""

    name: str
    ports: tuple[Port, ...]
    members: tuple[Member, ...]
    attributes: tuple[Attribute, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class SourceFile:
    """Everything a file declares, in order."""

    natures: tuple[Nature, ...]
    disciplines: tuple[Discipline, ...]
    modules: tuple[Module, ...]
