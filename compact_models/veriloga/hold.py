"""A system with some of its ports held at fixed potentials by ideal sources outside of it.

During a read the gate and the bulk of an access transistor are at constant potentials, and what is
computed from them alone is a number. Holding the ports folds those numbers: the model that is left
has fewer ports, shorter expressions, and the very same currents at the ports that remain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from compact_models.errors import InputError
from compact_models.veriloga.declare import GROUND
from compact_models.veriloga.equations import Branch, System
from compact_models.veriloga.expressions import ZERO, Expr, const, symbol


def with_held_ports(system: System, potentials: Mapping[str, float], name: str) -> System:
    """The system without the ports that are held.

    Args:
        system: the equations.
        potentials: potential of each held port [V].
        name: what the result is called.

    Raises:
        InputError: a name that is not a port, every port held, or a held port that ends a branch
            whose potential the model fixes.
    """
    unknown = [port for port in potentials if port not in system.ports]
    if unknown:
        raise InputError(
            f"{system.name}: there is no port {unknown[0]!r} to hold; "
            f"the model has {', '.join(system.ports)}; correct the name"
        )
    kept = tuple(port for port in system.ports if port not in potentials)
    if not kept:
        raise InputError(f"{system.name}: all ports are held; leave at least one free")
    values: dict[Expr, Expr] = {
        symbol("node", port): const(float(volt)) for port, volt in potentials.items()
    }
    mapped = system.mapped(values)
    branches = tuple(_released(branch, potentials, system.name) for branch in mapped.branches)
    carrying = tuple(b for b in branches if b.high != b.low)
    return replace(mapped, name=name, ports=kept, branches=carrying)


def _released(branch: Branch, potentials: Mapping[str, float], model: str) -> Branch:
    """The branch with its held ends at ground: its flow no longer depends on where they are."""
    ends = [GROUND if end in potentials else end for end in (branch.high, branch.low)]
    if ends != [branch.high, branch.low] and branch.potential_when is not ZERO:
        raise InputError(
            f"{model}: the branch {branch.name} fixes the potential of a port that is to be held; "
            "hold other ports"
        )
    return replace(branch, high=ends[0], low=ends[1])
