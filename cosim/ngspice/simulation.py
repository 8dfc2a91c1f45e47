"""What is asked of ngspice, and what comes back.

A `Simulation` is a deck (the circuit as SPICE text), one analysis, and the names of the vectors
wanted. The deck carries no commands of its own: analyses are objects, so what runs is known before
anything runs. A `Result` always comes back; a failed one has a status with advice and no vectors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.errors import InputError, SimulationFailed
from cosim.ngspice.safety import assert_no_commands
from cosim.results import OK, Status


_NAME = r"[A-Za-z0-9_.:#+\-\[\]]+"
_OUTPUT = re.compile(rf"(?:[iIvV]\({_NAME}\)|@{_NAME})")
_SOURCE = re.compile(r"[VIRvir][A-Za-z0-9_.]*|temp")


def _number(value: float) -> str:
    """Every digit of a double, as ngspice reads it back."""
    return repr(float(value))


@dataclass(frozen=True)
class OperatingPoint:
    """The operating point; every vector has one value."""

    @property
    def command(self) -> str:
        """The analysis in ngspice's words."""
        return "op"


@dataclass(frozen=True)
class DcSweep:
    """Operating points along a source's value, each started from the one before.

    Attributes:
        source: name of a voltage or current source (or of a resistor).
        start: first value [V], [A] or [ohm].
        stop: last value, included.
        step: distance between points.
    """

    source: str
    start: float
    stop: float
    step: float

    def __post_init__(self) -> None:
        if not _SOURCE.fullmatch(self.source):
            raise InputError(
                f"`{self.source}` cannot be swept; a sweep runs over a source such as `vindex`"
            )
        if self.step == 0 or (self.stop - self.start) * self.step < 0:
            raise InputError(
                f"a sweep from {self.start} to {self.stop} in steps of {self.step} never ends; "
                "the step leads from start to stop"
            )

    @property
    def command(self) -> str:
        """The analysis in ngspice's words."""
        limits = " ".join(_number(value) for value in (self.start, self.stop, self.step))
        return f"dc {self.source} {limits}"


@dataclass(frozen=True)
class Transient:
    """The circuit over time.

    Attributes:
        step: suggested distance of the points [s].
        stop: end [s].
        max_step: the longest step allowed [s]; ngspice's own choice when None.
        start: where recording starts [s].
        use_initial: start from the `ic=` values instead of an operating point.
    """

    step: float
    stop: float
    max_step: float | None = None
    start: float = 0.0
    use_initial: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.step <= self.stop or not 0 <= self.start < self.stop:
            raise InputError(
                f"a transient with step {self.step} s from {self.start} s to {self.stop} s is "
                "empty; give 0 < step <= stop and 0 <= start < stop"
            )

    @property
    def command(self) -> str:
        """The analysis in ngspice's words."""
        words = ["tran", _number(self.step), _number(self.stop), _number(self.start)]
        if self.max_step is not None:
            words.append(_number(self.max_step))
        if self.use_initial:
            words.append("uic")
        return " ".join(words)


@dataclass(frozen=True)
class AcSweep:
    """Small sines around the operating point, over frequency; vectors are complex.

    Attributes:
        points: per decade.
        start: first frequency [Hz].
        stop: last frequency [Hz].
    """

    points: int
    start: float
    stop: float

    def __post_init__(self) -> None:
        if self.points < 1 or not 0 < self.start <= self.stop:
            raise InputError(
                f"{self.points} points per decade from {self.start} Hz to {self.stop} Hz are no "
                "sweep; give at least one point and 0 < start <= stop"
            )

    @property
    def command(self) -> str:
        """The analysis in ngspice's words."""
        return f"ac dec {self.points} {_number(self.start)} {_number(self.stop)}"


Analysis = OperatingPoint | DcSweep | Transient | AcSweep


@dataclass(frozen=True)
class Simulation:
    """One run of ngspice.

    Attributes:
        deck: the circuit; first line is its title, no commands, no analyses needed.
        analysis: what to compute.
        outputs: vectors wanted: `i(vsense_0)` (the current through a voltage source), `v(node)`,
            or `@device[parameter]`. They come back under exactly these names.
        reads_files: whether the deck may name files (`.include`, `.lib`, code model tables); only
            for decks that a person wrote, never for one made from a specification.
        structure: a name for the deck's elements and the nets between which they are, whatever
            their values; what is worked out for one deck of a structure is used for the others.
    """

    deck: str = field(repr=False)
    analysis: Analysis
    outputs: tuple[str, ...]
    reads_files: bool = False
    structure: str = ""

    def __post_init__(self) -> None:
        if not self.outputs:
            raise InputError("a simulation has no outputs; name at least one, such as `v(out)`")
        for name in self.outputs:
            if not _OUTPUT.fullmatch(name):
                raise InputError(
                    f"the output `{name}` is not a vector; write `v(node)`, `i(vsource)` or "
                    "`@device[parameter]`"
                )
        assert_no_commands(self.deck, reads_files=self.reads_files)


@dataclass(frozen=True, eq=False)
class Result:
    """What a simulation gave.

    Attributes:
        status: how it ended; `status.advice` says what to do about a failure.
        vectors: output name to values, `[points]`, float64 [V] or [A], complex128 after an
            `AcSweep`; empty after a failure.
        axis: swept value, time [s] or frequency [Hz] of every point; None for an operating point.
        log: ngspice's own words, shortened.
        seconds: loading, analysis and reading [s].
    """

    status: Status = OK
    vectors: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    axis: NDArray[np.float64] | None = None
    log: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether there are numbers."""
        return self.status.ok

    def require(self) -> Result:
        """This result, for callers who need its numbers.

        Raises:
            SimulationFailed: the simulation failed; the message quotes ngspice and advises.
        """
        if not self.ok:
            raise SimulationFailed(f"ngspice: {self.status}")
        return self

    def matrix(self, outputs: tuple[str, ...]) -> NDArray[Any]:
        """Several vectors side by side, `[points, outputs]`."""
        return np.stack([self.require().vectors[name] for name in outputs], axis=1)
