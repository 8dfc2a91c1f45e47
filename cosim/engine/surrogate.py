"""A surrogate as an engine: a fitted stand-in at the speed of a matrix product."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np
import torch
from jaxtyping import Float, Real

from cosim.engine.base import AbstractEngine, Conductances, Job, Readout
from cosim.engine.transient import TransientReadout
from cosim.errors import InputError
from cosim.results import OK
from cosim.surrogate import Surrogate
from cosim.surrogate.tile_model import TileModel, readout_of
from netlists.arrays import checked_conductances, checked_inputs
from netlists.signal_chain import Outputs, SignalChain
from netlists.specs import TileSpec
from netlists.tile_timing import TileTiming


class SurrogateEngine(AbstractEngine):
    """A fitted stand-in for the tile, at the speed of a matrix product."""

    name = "surrogate"

    def __init__(self, spec: TileSpec, surrogate: Surrogate, tile: TileModel | None = None) -> None:
        """An engine for the tile that the surrogate was fitted to.

        Args:
            spec: the tile.
            surrogate: of its column currents.
            tile: the same with the laws of its periphery.
        """
        self.spec = spec
        self.surrogate = surrogate
        self.tile = tile

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

    def read_out(self, currents: Float[np.ndarray, "samples reads cols"]) -> Outputs:
        """The tile's outputs for the currents of all reads [A], by the laws fitted to it."""
        if self.tile is None:
            return super().read_out(currents)
        outputs = self.tile.outputs_of(torch.from_numpy(currents)).numpy()
        return outputs if self.tile.converter is None else np.round(outputs).astype(np.int64)

    def over_time(
        self, conductances: Conductances, inputs: Real[np.ndarray, "_ rows"]
    ) -> TransientReadout:
        """What a transient of the tile would give: inputs read one after the other.

        Raises:
            InputError: the surrogate stands for currents only, or was never fitted to transients.
        """
        if self.tile is None or self.tile.energy_model is None:
            raise InputError(
                f"the surrogate of {self.spec.name} was not fitted to reads over time; characterize"
                " with `--transients` and fit again, or leave out --engine to run ngspice"
            )
        SignalChain(self.spec).voltages(inputs)
        reads = self.tile.over_time(inputs, checked_conductances(self.spec, conductances))
        coded = self.tile.converter is not None

        def codes(values: torch.Tensor) -> np.ndarray:
            found = values.double().numpy()
            return np.round(found).astype(np.int64) if coded else found

        return TransientReadout(
            outputs=codes(reads.outputs),
            codes=codes(reads.lines),
            sensed=reads.sensed.double().numpy(),
            latency=reads.latency.double().numpy(),
            energy={block: joule.double().numpy() for block, joule in reads.energy.items()},
            period=TileTiming(readout_of(self.spec), len(reads.lines)).period,
        )

    def provenance(self) -> dict[str, str]:
        """Which surrogate this is."""
        return {"engine": self.name, "surrogate": self.surrogate.kind}
