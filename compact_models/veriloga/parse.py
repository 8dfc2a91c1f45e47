"""Text to tree: the LALR parser of `grammar.lark`.

Lark builds the tree bottom-up through `_Builder`, whose methods carry the names of the grammar's
rules.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, v_args
from lark.exceptions import UnexpectedInput
from lark.tree import Meta
from lark.visitors import Transformer_NonRecursive

from compact_models.veriloga import tree
from compact_models.veriloga.source import Source
from compact_models.veriloga.syntax_faults import explain


SCALE_EXPONENTS = {
    "T": 12, "G": 9, "M": 6, "K": 3, "k": 3, "m": -3, "u": -6, "n": -9, "p": -12, "f": -15,
    "a": -18,
}  # fmt: skip


def number(text: str) -> tuple[float, bool]:
    """The value of a literal and whether it is an integer.

    The scale factor is put in as an exponent, so that 2.5n is the double nearest to 2.5e-9.
    """
    clean = text.replace("_", "")
    if clean[-1] in SCALE_EXPONENTS:
        return float(f"{clean[:-1]}e{SCALE_EXPONENTS[clean[-1]]}"), False
    return float(clean), not re.search(r"[.eE]", clean)


def _span(meta: Meta) -> tree.Span:
    return tree.Span(getattr(meta, "start_pos", 0), getattr(meta, "end_pos", 1))


def _token_span(token: Token) -> tree.Span:
    return tree.Span(token.start_pos or 0, token.end_pos or 1)


def _declarator(token: Token, *, array: bool = False) -> tree.Declarator:
    return tree.Declarator(str(token), None, array, _token_span(token))


def _tokens(children: Sequence[Any]) -> list[Token]:
    return [child for child in children if isinstance(child, Token)]


@v_args(meta=True)
class _Builder(Transformer_NonRecursive):
    """One method per rule of the grammar; each returns the node of the tree."""

    # -------------------------------------------------------------- files and disciplines
    def start(self, meta: Meta, children: list[Any]) -> tree.SourceFile:
        return tree.SourceFile(
            tuple(c for c in children if isinstance(c, tree.Nature)),
            tuple(c for c in children if isinstance(c, tree.Discipline)),
            tuple(c for c in children if isinstance(c, tree.Module)),
        )

    def nature_entry(self, meta: Meta, children: list[Any]) -> tree.Attribute:
        return tree.Attribute(str(children[0]), children[1])

    def nature(self, meta: Meta, children: list[Any]) -> tree.Nature:
        entries = {c.name: c.value for c in children if isinstance(c, tree.Attribute)}
        access, units = entries.get("access"), entries.get("units")
        return tree.Nature(
            str(children[0]),
            str(children[1]) if children[1] else None,
            access.name if isinstance(access, tree.Name) else None,
            units.value if isinstance(units, tree.Text) else None,
            _span(meta),
        )

    def discipline_entry(self, meta: Meta, children: list[Any]) -> tuple[str, str]:
        return str(children[0]), str(children[1])

    def discipline_override(self, meta: Meta, children: list[Any]) -> None:
        return None

    def discipline(self, meta: Meta, children: list[Any]) -> tree.Discipline:
        entries: dict[str, str] = dict(c for c in children[1:] if isinstance(c, tuple))
        return tree.Discipline(
            str(children[0]), entries.get("potential"), entries.get("flow"), _span(meta)
        )

    # -------------------------------------------------------------- modules
    def module(self, meta: Meta, children: list[Any]) -> tree.Module:
        attributes, name, parameters, ports, after, *members = children
        kept = [m for m in members if m is not None]
        return tree.Module(
            str(name),
            ports or (),
            (*(parameters or ()), *kept),
            (*(attributes or ()), *(after or ())),
            _token_span(name),
        )

    def parameter_ports(self, meta: Meta, children: list[Any]) -> tuple[tree.Parameters, ...]:
        return tuple(c for c in children if c is not None)

    def module_parameter(self, meta: Meta, children: list[Any]) -> tree.Parameters:
        attributes, kind, type_, item = children
        return self.parameters(meta, [attributes, kind, type_, item])

    def port_list(self, meta: Meta, children: list[Any]) -> tuple[tree.Port, ...]:
        return tuple(c for c in children if c is not None)

    def port_entry(self, meta: Meta, children: list[Any]) -> tree.Port:
        _, direction, discipline, array, name = children
        return tree.Port(
            str(name), discipline, direction is not None, array is not None, _token_span(name)
        )

    def net_type(self, meta: Meta, children: list[Any]) -> str:
        return str(children[0])

    def range(self, meta: Meta, children: list[Any]) -> bool:
        return True

    def port_direction(self, meta: Meta, children: list[Any]) -> tree.PortDirection:
        _, _, discipline, array, *names = children
        return tree.PortDirection(
            discipline, tuple(_declarator(n, array=array is not None) for n in names)
        )

    def nets(self, meta: Meta, children: list[Any]) -> tree.Nets:
        attributes, discipline, array, *names, trailing = children
        items = tuple(
            tree.Declarator(d.name, d.initial, d.array or array is not None, d.span) for d in names
        )
        return tree.Nets(
            str(discipline),
            items,
            (*(attributes or ()), *(trailing or ())),
            _token_span(discipline),
        )

    def ground(self, meta: Meta, children: list[Any]) -> tree.Ground:
        _, discipline, _, *names = children
        return tree.Ground(discipline, tuple(_declarator(n) for n in names))

    def declarator(self, meta: Meta, children: list[Any]) -> tree.Declarator:
        name, array, initial = children
        return tree.Declarator(str(name), initial, array is not None, _token_span(name))

    def branches(self, meta: Meta, children: list[Any]) -> tree.Branches:
        _, high, low, *names, _ = children
        return tree.Branches(high, low, tuple(names))

    def branch_end(self, meta: Meta, children: list[Any]) -> tree.Name:
        return children[0]

    def port_flow(self, meta: Meta, children: list[Any]) -> tree.PortFlow:
        return tree.PortFlow(str(children[1]), _span(meta))

    def alias(self, meta: Meta, children: list[Any]) -> tree.Alias:
        _, name, target = children
        return tree.Alias(str(name), str(target), _token_span(name))

    def instance(self, meta: Meta, children: list[Any]) -> tree.Instance:
        _, module, _, name, *_ = children
        return tree.Instance(str(module), str(name), _token_span(module))

    # -------------------------------------------------------------- parameters and variables
    def parameters(self, meta: Meta, children: list[Any]) -> tree.Parameters:
        attributes, kind, type_, *items = children
        return tree.Parameters(
            tuple(
                tree.ParameterItem(
                    item.name, str(kind), str(type_) if type_ else None, item.default, item.ranges,
                    (*(attributes or ()), *item.attributes), item.array, item.span,
                )
                for item in items
            )
        )  # fmt: skip

    def parameter_item(self, meta: Meta, children: list[Any]) -> tree.ParameterItem:
        name, array, default, *ranges, attributes = children
        return tree.ParameterItem(
            str(name), "parameter", None, default, tuple(ranges), attributes or (),
            array is not None or isinstance(default, tree.Braces), _token_span(name),
        )  # fmt: skip

    def interval(self, meta: Meta, children: list[Any]) -> tree.Interval:
        opening, low, high, closing = children
        return tree.Interval(
            None if _is_infinite(low) else low,
            None if _is_infinite(high) else high,
            str(opening) == "[",
            str(closing) == "]",
            exclude=False,
            span=_span(meta),
        )

    def comma_interval(self, meta: Meta, children: list[Any]) -> tree.Interval:
        i = self.interval(meta, children)
        return tree.Interval(i.low, i.high, i.low_closed, i.high_closed, False, i.span, comma=True)

    def from_range(self, meta: Meta, children: list[Any]) -> tree.Interval:
        return children[0]

    def from_strings(self, meta: Meta, children: list[Any]) -> tree.Interval:
        return tree.Interval(None, None, True, True, exclude=False, span=_span(meta), text=True)

    def exclude_range(self, meta: Meta, children: list[Any]) -> tree.Interval:
        i = children[0]
        return tree.Interval(i.low, i.high, i.low_closed, i.high_closed, True, i.span, i.text)

    def exclude_value(self, meta: Meta, children: list[Any]) -> tree.Interval:
        return tree.Interval(children[0], children[0], True, True, True, _span(meta))

    def variables(self, meta: Meta, children: list[Any]) -> tree.Variables:
        attributes, type_, *names, trailing = children
        return tree.Variables(str(type_), tuple(names), (*(attributes or ()), *(trailing or ())))

    def function_argument(self, meta: Meta, children: list[Any]) -> tree.Argument:
        _, direction, _, array, *names = children
        return tree.Argument(
            str(direction), tuple(_declarator(n, array=array is not None) for n in names)
        )

    def function(self, meta: Meta, children: list[Any]) -> tree.Function:
        _, type_, name, *members, body = children
        return tree.Function(
            str(name), str(type_) if type_ else "real", tuple(members), body, _token_span(name)
        )

    def attributes(self, meta: Meta, children: list[Any]) -> tuple[tree.Attribute, ...]:
        return tuple(item for group in children for item in group)

    def attribute(self, meta: Meta, children: list[Any]) -> tuple[tree.Attribute, ...]:
        return tuple(child for child in children if child is not None)

    def attribute_item(self, meta: Meta, children: list[Any]) -> tree.Attribute:
        return tree.Attribute(str(children[0]), children[1])

    # -------------------------------------------------------------- statements
    def analog(self, meta: Meta, children: list[Any]) -> tree.Analog:
        _, initial, body = children
        return tree.Analog(initial is not None, body)

    def attributed(self, meta: Meta, children: list[Any]) -> tree.Statement:
        return children[1]

    def nothing(self, meta: Meta, children: list[Any]) -> tree.Nothing:
        return tree.Nothing()

    def block(self, meta: Meta, children: list[Any]) -> tree.Block:
        name, *rest = children
        declarations = tuple(c for c in rest if isinstance(c, tree.Variables | tree.Parameters))
        statements = tuple(c for c in rest if not isinstance(c, tree.Variables | tree.Parameters))
        return tree.Block(str(name) if name else None, declarations, statements)

    def if_statement(self, meta: Meta, children: list[Any]) -> tree.If:
        condition, then, otherwise = children
        return tree.If(condition, then, otherwise or tree.Nothing(), _span(meta))

    def case_statement(self, meta: Meta, children: list[Any]) -> tree.Case:
        _, subject, *arms = children
        return tree.Case(subject, tuple(arms), _span(meta))

    def case_arm(self, meta: Meta, children: list[Any]) -> tree.CaseArm:
        *values, body = children
        return tree.CaseArm(tuple(values), body)

    def case_default(self, meta: Meta, children: list[Any]) -> tree.CaseArm:
        return tree.CaseArm((), children[-1])

    def for_statement(self, meta: Meta, children: list[Any]) -> tree.For:
        return tree.For(children[0], children[1], children[2], children[3], _span(meta))

    def while_statement(self, meta: Meta, children: list[Any]) -> tree.While:
        return tree.While(children[0], children[1], _span(meta))

    def repeat_statement(self, meta: Meta, children: list[Any]) -> tree.Repeat:
        return tree.Repeat(children[0], children[1], _span(meta))

    def event(self, meta: Meta, children: list[Any]) -> str:
        return str(children[0])

    def other_event(self, meta: Meta, children: list[Any]) -> str:
        return children[0].name

    def event_statement(self, meta: Meta, children: list[Any]) -> tree.Event:
        *events, body = children
        return tree.Event(tuple(events), body, _span(meta))

    def named_event_statement(self, meta: Meta, children: list[Any]) -> tree.Event:
        return tree.Event((children[0].name,), children[1], _span(meta))

    def assignment(self, meta: Meta, children: list[Any]) -> tree.Assignment:
        return tree.Assignment(children[0], children[1], _span(meta))

    def contribution(self, meta: Meta, children: list[Any]) -> tree.Contribution:
        return tree.Contribution(children[0], children[1], _span(meta))

    def indirect(self, meta: Meta, children: list[Any]) -> tree.Indirect:
        return tree.Indirect(children[0], _span(meta))

    def call_statement(self, meta: Meta, children: list[Any]) -> tree.CallStatement:
        return tree.CallStatement(children[0], _span(meta))

    # -------------------------------------------------------------- expressions
    def conditional(self, meta: Meta, children: list[Any]) -> tree.Conditional:
        condition, _, then, otherwise = children
        return tree.Conditional(condition, then, otherwise, _span(meta))

    def binary(self, meta: Meta, children: list[Any]) -> tree.Binary:
        left, operator, right = children
        return tree.Binary(str(operator), left, right, _span(meta))

    def prefix(self, meta: Meta, children: list[Any]) -> tree.Unary:
        return tree.Unary(str(children[0]), children[1], _span(meta))

    def number(self, meta: Meta, children: list[Any]) -> tree.Number:
        return tree.Number(*number(str(children[0])), _token_span(children[0]))

    def string(self, meta: Meta, children: list[Any]) -> tree.Text:
        return tree.Text(str(children[0])[1:-1], _token_span(children[0]))

    def infinity(self, meta: Meta, children: list[Any]) -> tree.Number:
        return tree.Number(float("inf"), False, _token_span(children[0]))

    def group(self, meta: Meta, children: list[Any]) -> tree.Expression:
        return children[1]

    def braces(self, meta: Meta, children: list[Any]) -> tree.Braces:
        return tree.Braces(tuple(c for c in children if c is not None), _span(meta))

    def call_arguments(self, meta: Meta, children: list[Any]) -> tuple[tree.Expression, ...]:
        return tuple(c for c in children if c is not None and not isinstance(c, Token))

    def call(self, meta: Meta, children: list[Any]) -> tree.Call:
        return tree.Call(children[0].name, children[1], _span(meta))

    def system_call(self, meta: Meta, children: list[Any]) -> tree.Call:
        return tree.Call(str(children[0]), children[1] or (), _span(meta))

    def reference(self, meta: Meta, children: list[Any]) -> tree.Name:
        return tree.Name(str(children[0]).lstrip("\\"), _span(meta), indexed=len(children) > 1)

    def hierarchical(self, meta: Meta, children: list[Any]) -> tree.Name:
        return tree.Name(".".join(map(str, children)), _span(meta), hierarchical=True)

    def index(self, meta: Meta, children: list[Any]) -> bool:
        return True


def _is_infinite(node: tree.Expression) -> bool:
    if isinstance(node, tree.Unary):
        return node.operator in "+-" and _is_infinite(node.operand)
    return isinstance(node, tree.Number) and node.value == float("inf")


@cache
def _parser() -> Lark:
    grammar = Path(__file__).with_name("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="basic",
        propagate_positions=True,
        maybe_placeholders=True,
        cache=True,
    )


def parse(source: Source) -> tree.SourceFile:
    """Parse a preprocessed text.

    Raises:
        SourceError: the text does not follow the grammar; the diagnostic points at the first
            character that does not fit.
    """
    try:
        concrete = _parser().parse(source.text)
    except UnexpectedInput as fault:
        explain(source, fault)
    return _Builder().transform(concrete)
