"""A surrogate as an engine: a fitted stand-in at the speed of a matrix product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

from cosim.engine.base import AbstractEngine, Job, Readout
from cosim.errors import InputError
from cosim.results import OK
from cosim.surrogate import Surrogate
from netlists.arrays import checked_conductances, checked_inputs
from netlists.specs import TileSpec


class SurrogateEngine(AbstractEngine):
    """A fitted stand-in for the tile, at the speed of a matrix product."""

    name = "surrogate"

    def __init__(self, spec: TileSpec, surrogate: Surrogate) -> None:
        """An engine for the tile that the surrogate was fitted to."""
        self.spec = spec
        self.surrogate = surrogate

    def at(self, spec: TileSpec) -> Self:
        """This surrogate, as long as nothing else is asked for.

        Raises:
            InputError: another tile, to which it was not fitted.
        """
        if spec != self.spec:
            raise InputError(
                "a surrogate stands for the one tile it was fitted to; characterise corners, "
                "temperatures, times and draws with `ngspice` or `solver`"
            )
        return self

    def iter_mvm(self, jobs: Sequence[Job]) -> Iterator[Readout]:
        """Evaluate jobs in order."""
        for index, (conductances, inputs) in enumerate(jobs):
            G = checked_conductances(self.spec, conductances)
            X = checked_inputs(self.spec, inputs)
            yield Readout(index, self.surrogate.mvm(X, G), OK)

    def provenance(self) -> dict[str, str]:
        """Which surrogate this is."""
        return {"engine": self.name, "surrogate": self.surrogate.kind}
