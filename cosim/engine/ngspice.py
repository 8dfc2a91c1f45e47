"""The reference engine: every wire and transistor of the netlist, in ngspice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Self

import numpy as np

from cosim.engine.base import AbstractEngine, Conductances, Inputs, Job, Readout
from cosim.ngspice import DEFAULT_TIMEOUT, DcSweep, Result, Simulation, Workers, ngspice_info
from cosim.results import OK, Status
from netlists import names
from netlists.arrays import checked_conductances, checked_inputs
from netlists.cells import Gates, load_cell
from netlists.external_check import check_external
from netlists.specs import TileSpec
from netlists.testbench import read_testbench


class NgspiceEngine(AbstractEngine):
    """The reference: every wire and transistor of the netlist, in ngspice.

    Input vectors of one conductance matrix run in one load of the circuit, as a DC sweep.
    """

    name = "ngspice"
    # More vectors per load gain little, and smaller pieces keep every worker busy.
    VECTORS_PER_LOAD = 100

    def __init__(self, spec: TileSpec, workers: Workers, timeout: float = DEFAULT_TIMEOUT) -> None:
        """An engine for one tile on running workers.

        Args:
            spec: the tile.
            workers: where ngspice runs.
            timeout: longest time for one load of the circuit with its input vectors [s].
        """
        self.spec = spec
        self.workers = workers
        self.timeout = timeout
        self._parts = load_cell(spec)
        definitions = "\n".join(self._parts.definitions(Gates.HELD))
        kind = f"{spec.cell.topology} driven at its {spec.cell.driven}"
        self._structure = f"{spec.rows} x {spec.cols} {kind}\n{definitions}"
        if spec.external is not None:
            self._structure = spec.content_hash()
            check_external(spec)

    def iter_mvm(self, jobs: Sequence[Job]) -> Iterator[Readout]:
        """Evaluate jobs; each is split into pieces and answered when all of them are in."""
        checked = [
            (checked_conductances(self.spec, G), checked_inputs(self.spec, X)) for G, X in jobs
        ]
        pieces = [
            (job, start)
            for job, (_, inputs) in enumerate(checked)
            for start in range(0, len(inputs), self.VECTORS_PER_LOAD)
        ]
        simulations = (self._simulation(*checked[job], start) for job, start in pieces)
        gather = _Gather([len(inputs) for _, inputs in checked], self.spec.cols)
        for number, result in self.workers.iter_many(simulations, self.timeout):
            job, start = pieces[number]
            readout = gather.add(job, start, result)
            if readout is not None:
                yield readout

    def at(self, spec: TileSpec) -> Self:
        """The same workers for another tile."""
        return self if spec == self.spec else type(self)(spec, self.workers, self.timeout)

    def deck(self, job: Job) -> str:
        """The deck of all input vectors of a job, with its analysis, for `ngspice -b`."""
        return read_testbench(self.spec, *job, self._parts, Gates.HELD).standalone_deck()

    def _simulation(self, conductances: Conductances, inputs: Inputs, start: int) -> Simulation:
        """One load of the circuit with up to `VECTORS_PER_LOAD` input vectors."""
        vectors = inputs[start : start + self.VECTORS_PER_LOAD]
        bench = read_testbench(self.spec, conductances, vectors, self._parts, Gates.HELD)
        sweep = DcSweep(names.INDEX_SOURCE, 0, max(len(vectors) - 1, 0), 1)
        return Simulation(
            bench.deck(),
            sweep,
            bench.netlist.outputs,
            reads_files=bench.netlist.reads_files,
            structure=self._structure,
        )

    def provenance(self) -> dict[str, str]:
        """Ngspice's version and solver."""
        info = ngspice_info()
        return {"engine": self.name, "ngspice": str(info.version), "klu": str(info.klu)}


class _Gather:
    """Collects the pieces of each job until it is complete."""

    def __init__(self, samples: Sequence[int], cols: int) -> None:
        self.outputs = [np.full((count, cols), np.nan) for count in samples]
        self.missing = list(samples)
        self.seconds = [0.0] * len(samples)
        self.status: list[Status] = [OK] * len(samples)
        self.cols = cols

    def add(self, job: int, start: int, result: Result) -> Readout | None:
        """Take one piece; the readout of the job when it was the last."""
        output = self.outputs[job]
        piece = slice(start, start + NgspiceEngine.VECTORS_PER_LOAD)
        if result.status.ok:
            vectors = [result.vectors[names.sense_current(col)] for col in range(self.cols)]
            output[piece] = np.stack(vectors, axis=1)
        else:
            self.status[job] = result.status
        self.missing[job] -= len(output[piece])
        self.seconds[job] += result.seconds
        if self.missing[job]:
            return None
        if not self.status[job].ok:
            output[:] = np.nan
        return Readout(job, output, self.status[job], self.seconds[job])
