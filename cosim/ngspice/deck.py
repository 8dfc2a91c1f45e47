"""From a simulation's deck to the text that ngspice loads.

Added to the circuit: what to keep (`.save`, so that a plot holds only what is read) and which
linear solver to use. KLU factors a mesh many times faster than Sparse 1.3 and is built into the
distributions' ngspice from version 42 on, but has to be asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cosim.ngspice.simulation import Simulation, Transient


_FIRST_VERSION_WITH_KLU = 42
_OUTPUTS_PER_LINE = 20
_END = re.compile(r"^\s*\.end\s*\Z", re.IGNORECASE | re.MULTILINE)
_SMALL = 500  # lines of a deck, below which a transient has nothing to gain from KLU
_GEAR = re.compile(r"method\s*=\s*gear", re.IGNORECASE)


@dataclass(frozen=True)
class Build:
    """What kind of ngspice is at hand.

    Attributes:
        version: major version, such as 39.
        klu: whether the KLU solver is compiled in.
    """

    version: int
    klu: bool

    @classmethod
    def from_banner(cls, banner: str) -> Build:
        """Read the text that `ngspice --version` and the library's `version -f` print."""
        found = re.search(r"ngspice-(\d+)", banner)
        version = int(found[1]) if found else 0
        return cls(version, version >= _FIRST_VERSION_WITH_KLU and "KLU" in banner)


def uses_klu(simulation: Simulation, build: Build) -> bool:
    """Whether a simulation is solved by KLU.

    A transient integrated with Gear's method stays with Sparse 1.3: a wrong waveform has been
    reported for KLU with gear (IHP-Open-PDK issue 743), and none without. So does a transient of a
    few cells: KLU has found such a circuit singular, by the order of its terms, that Sparse solves.
    """
    deck = simulation.deck
    left = deck.count("\n") < _SMALL or _GEAR.search(deck)
    return build.klu and not (isinstance(simulation.analysis, Transient) and left)


def runnable_deck(simulation: Simulation, build: Build, extra: Iterable[str] = ()) -> str:
    """The deck with its `.save` and solver lines, ended by `.end`.

    Args:
        simulation: what to run.
        build: the ngspice that will run it.
        extra: further lines, written last: element order matters to Sparse 1.3.
    """
    circuit = _END.sub("", simulation.deck.rstrip()).rstrip()
    outputs = simulation.outputs
    saves = [
        ".save " + " ".join(outputs[start : start + _OUTPUTS_PER_LINE])
        for start in range(0, len(outputs), _OUTPUTS_PER_LINE)
    ]
    solver = [".options klu"] if uses_klu(simulation, build) else []
    return "\n".join([circuit, *saves, *solver, *extra, ".end", ""])
