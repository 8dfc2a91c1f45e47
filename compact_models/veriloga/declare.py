"""What a module declares: its ports, nets, branches, parameters, variables and functions.

The tree lists declarations in the order of the file; here they become tables by name, with every
clash and every declaration outside of the subset reported.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from compact_models.veriloga import tree
from compact_models.veriloga.diagnostics import Diagnostic, Note, SourceError
from compact_models.veriloga.source import Source


GROUND = "0"


@dataclass(frozen=True)
class DeclaredParameter:
    """A parameter as declared."""

    item: tree.ParameterItem
    integer: bool
    local: bool


@dataclass(frozen=True)
class DeclaredVariable:
    """A variable as declared; `key` is unique in the module, whatever block it sits in."""

    key: str
    integer: bool
    initial: tree.Expression | None
    attributes: tuple[tree.Attribute, ...]
    span: tree.Span


@dataclass(frozen=True)
class BranchKey:
    """Two nodes and, for a named branch, its name: each key has its own flow."""

    high: str
    low: str
    name: str = ""

    @property
    def label(self) -> str:
        """A name for people."""
        return self.name or f"{self.high},{self.low}"


@dataclass(frozen=True)
class Access:
    """An access function: which quantity it reads, in which unit.

    The same name can be the flow of one discipline and the potential of another: older headers
    have a signal-flow discipline `current` whose potential is the nature Current.

    Attributes:
        kind: "potential" or "flow", where the discipline leaves it open.
        units: unit of the quantity.
        kinds: what it reads on nets of each discipline.
    """

    kind: str
    units: str
    kinds: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Declarations:
    """Everything a module declares, by name."""

    source: Source
    module: tree.Module
    ports: list[str] = field(default_factory=list)
    nets: dict[str, str] = field(default_factory=dict)
    grounds: set[str] = field(default_factory=set)
    branches: dict[str, BranchKey] = field(default_factory=dict)
    parameters: dict[str, DeclaredParameter] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    variables: dict[str, DeclaredVariable] = field(default_factory=dict)
    functions: dict[str, tree.Function] = field(default_factory=dict)
    access: dict[str, Access] = field(default_factory=dict)
    potential_units: dict[str, str] = field(default_factory=dict)
    analog: list[tree.Analog] = field(default_factory=list)
    faults: list[Diagnostic] = field(default_factory=list)

    def fault(self, code: str, message: str, span: tree.Span, why: str, instead: str) -> None:
        """Keep a diagnostic; the compilation stops after all have been collected."""
        place = self.source.place(span.start, span.end - span.start)
        diagnostic = Diagnostic(code, message, place, why, instead)
        if diagnostic not in self.faults:
            self.faults.append(diagnostic)

    def repaired(self, message: str, span: tree.Span) -> None:
        """Keep a note of a slip that leaves no doubt what is meant."""
        place = self.source.place(span.start, span.end - span.start)
        self.source.repairs.append(Note(message, place))

    def stop_on_faults(self) -> None:
        """Raise what was collected, if anything was."""
        if self.faults:
            raise SourceError(tuple(self.faults))

    def node(self, net: str) -> str:
        """The node of a net: its name, or the ground."""
        return GROUND if net in self.grounds else net

    def kind_read(self, access: str, branch: BranchKey) -> str:
        """Whether an access function reads the potential or the flow of a branch."""
        found = self.access[access]
        ends = (self.nets.get(end, "") for end in (branch.high, branch.low))
        return next((found.kinds[end] for end in ends if end in found.kinds), found.kind)

    @property
    def internal_nodes(self) -> list[str]:
        """Nets that are neither ports nor ground, in order of declaration."""
        return [n for n in self.nets if n not in self.ports and n not in self.grounds]


def declare(source: Source, file: tree.SourceFile, module: tree.Module) -> Declarations:
    """Collect the declarations of one module."""
    table = Declarations(source, module)
    _disciplines(table, file)
    for port in module.ports:
        table.ports.append(port.name)
        if port.array:
            _no_arrays(table, port.name, port.span)
        if port.discipline:
            table.nets[port.name] = port.discipline
    for member in module.members:
        _DECLARE[type(member)](table, member)
    _check_ports(table)
    return table


def _disciplines(table: Declarations, file: tree.SourceFile) -> None:
    natures = {nature.name: nature for nature in file.natures}

    def resolve(name: str | None) -> tuple[str | None, str]:
        """Access function and units of a nature, looking through its parents."""
        seen: set[str] = set()
        access, units = None, None
        while name in natures and name not in seen:
            seen.add(name)
            access = access or natures[name].access
            units = units or natures[name].units
            name = natures[name].parent
        return access, units or ""

    kinds: dict[str, dict[str, str]] = {}
    for discipline in sorted(file.disciplines, key=lambda d: not (d.potential and d.flow)):
        for kind, nature in (("potential", discipline.potential), ("flow", discipline.flow)):
            access, units = resolve(nature)
            if access:
                kinds.setdefault(access, {})[discipline.name] = kind
                first = table.access.get(access) or Access(kind, units, kinds[access])
                table.access[access] = first
            if kind == "potential":
                table.potential_units[discipline.name] = units
    if not file.disciplines:
        # Sources that are always read with a simulator's own headers leave the include out.
        table.access.update(
            V=Access("potential", "V"), I=Access("flow", "A"),
            Temp=Access("potential", "K"), Pwr=Access("flow", "W"),
        )  # fmt: skip
        table.potential_units.update(electrical="V", voltage="V", current="", thermal="K")


def _no_arrays(table: Declarations, name: str, span: tree.Span) -> None:
    table.fault(
        "array",
        f"`{name}` is an array",
        span,
        "a subcircuit and a straight-line kernel have no indexed storage",
        f"write the elements out: `{name}_0`, `{name}_1`, ...",
    )


def _check_name(table: Declarations, name: str, span: tree.Span) -> None:
    taken = name in table.parameters or name in table.variables or name in table.branches
    if taken or name in table.functions:
        table.fault(
            "declared-twice",
            f"`{name}` is declared a second time",
            span,
            "it would be unclear which of the two is meant",
            "rename one of them",
        )


def _parameters(table: Declarations, member: tree.Parameters) -> None:
    for item in member.items:
        _check_name(table, item.name, item.span)
        if item.array:
            _no_arrays(table, item.name, item.span)
        if item.type == "string" or isinstance(item.default, tree.Text):
            table.fault(
                "string-parameter",
                f"the parameter `{item.name}` is a string",
                item.span,
                "SPICE parameters and array code hold numbers only",
                f"use an integer: `parameter integer {item.name} = 0 from [0:1];`",
            )
        for interval in item.ranges:
            if interval.comma:
                table.repaired(
                    f"the range of `{item.name}` has a comma where the colon belongs", interval.span
                )
        integer = item.type == "integer" or (
            item.type is None and isinstance(item.default, tree.Number) and item.default.integer
        )
        table.parameters[item.name] = DeclaredParameter(item, integer, item.kind == "localparam")


def declare_variables(
    table: Declarations, member: tree.Variables, prefix: str = ""
) -> dict[str, str]:
    """Declare variables; return the key of each name."""
    keys = {}
    for item in member.items:
        if not prefix:
            _check_name(table, item.name, item.span)
        if item.array:
            _no_arrays(table, item.name, item.span)
        if member.type == "string":
            table.fault(
                "string-variable",
                f"the variable `{item.name}` is a string",
                item.span,
                "expressions are numbers",
                "use an integer",
            )
        key = f"{prefix}{item.name}"
        table.variables[key] = DeclaredVariable(
            key, member.type in {"integer", "genvar"}, item.initial, member.attributes, item.span
        )
        keys[item.name] = key
    return keys


def _variables(table: Declarations, member: tree.Variables) -> None:
    declare_variables(table, member)


def _port_direction(table: Declarations, member: tree.PortDirection) -> None:
    for item in member.names:
        if item.array:
            _no_arrays(table, item.name, item.span)
        if item.name not in table.ports:
            table.fault(
                "not-a-port",
                f"`{item.name}` has a direction but is not in the module's port list",
                item.span,
                "only ports have a direction",
                f"add `{item.name}` to the port list, or remove the direction",
            )
        if member.discipline:
            table.nets[item.name] = member.discipline


def _nets(table: Declarations, member: tree.Nets) -> None:
    for item in member.names:
        if item.array:
            _no_arrays(table, item.name, item.span)
        if member.discipline == "ground":
            table.grounds.add(item.name)
        elif member.discipline not in table.potential_units:
            table.fault(
                "unknown-discipline",
                f"`{member.discipline}` is not a discipline",
                member.span,
                "known here: " + ", ".join(sorted(table.potential_units)),
                'include "disciplines.vams", or declare the discipline',
            )
        table.nets[item.name] = member.discipline


def _ground(table: Declarations, member: tree.Ground) -> None:
    for item in member.names:
        table.nets.setdefault(item.name, member.discipline or "electrical")
        table.grounds.add(item.name)


def _branches(table: Declarations, member: tree.Branches) -> None:
    for item in member.names:
        _check_name(table, item.name, item.span)
        if item.array:
            _no_arrays(table, item.name, item.span)
        ends = [member.high, member.low]
        for end in ends:
            if isinstance(end, tree.PortFlow):
                table.fault(
                    "port-branch",
                    f"`{item.name}` is a port branch",
                    end.span,
                    "the current into a port is not the flow of one branch of this module",
                    "put a branch between the port and an internal node, and read its flow",
                )
        names = [end.name for end in ends if isinstance(end, tree.Name)]
        if len(names) == 1 and names[0] in table.branches:
            table.branches[item.name] = table.branches[names[0]]
            continue
        nodes = [table_node(table, end) for end in ends if isinstance(end, tree.Name)]
        low = nodes[1] if len(nodes) > 1 else GROUND
        table.branches[item.name] = BranchKey(nodes[0] if nodes else GROUND, low, item.name)


def table_node(table: Declarations, name: tree.Name) -> str:
    """The node that a net's name stands for, with a fault when there is no such net."""
    if name.indexed:
        _no_arrays(table, name.name, name.span)
    elif name.name not in table.nets and name.name not in table.ports:
        table.fault(
            "undeclared-net",
            f"`{name.name}` is not a net of this module",
            name.span,
            "branches connect declared nets",
            f"declare it: `electrical {name.name};`",
        )
    return table.node(name.name)


def _alias(table: Declarations, member: tree.Alias) -> None:
    _check_name(table, member.name, member.span)
    table.aliases[member.name] = member.target
    if member.target not in table.parameters:
        table.fault(
            "undeclared-name",
            f"the alias `{member.name}` stands for `{member.target}`, which is no parameter",
            member.span,
            "an alias is a second name of a parameter declared before it",
            "name a declared parameter",
        )


def _instance(table: Declarations, member: tree.Instance) -> None:
    table.fault(
        "instance",
        f"`{member.name}` is an instance of `{member.module}`",
        member.span,
        "a compact model is one set of equations; circuits are built by the netlist level",
        "write the equations of the inner module here, or connect two subcircuits in a netlist",
    )


def _function(table: Declarations, member: tree.Function) -> None:
    _check_name(table, member.name, member.span)
    table.functions[member.name] = member


def _analog(table: Declarations, member: tree.Analog) -> None:
    table.analog.append(member)


_DECLARE: dict[type, Callable[..., None]] = {
    tree.Parameters: _parameters,
    tree.Variables: _variables,
    tree.PortDirection: _port_direction,
    tree.Nets: _nets,
    tree.Ground: _ground,
    tree.Branches: _branches,
    tree.Alias: _alias,
    tree.Instance: _instance,
    tree.Function: _function,
    tree.Analog: _analog,
}


def _check_ports(table: Declarations) -> None:
    directed = {p.name for p in table.module.ports if p.directed}
    for member in table.module.members:
        if isinstance(member, tree.PortDirection):
            directed |= {item.name for item in member.names}
    for port in table.module.ports:
        if port.name not in table.nets:
            table.fault(
                "port-without-discipline",
                f"the port `{port.name}` has no discipline",
                port.span,
                "its potential and flow have no meaning without one",
                f"declare it: `electrical {port.name};`",
            )
        elif port.name not in directed:
            table.repaired(f"the port `{port.name}` has no direction: taken as inout", port.span)
