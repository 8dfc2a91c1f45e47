"""A MAC tile over time in ngspice: codes, how long they take to settle, and the energy they cost.

Every read of the tile is a part of one transient. What an engine answers with currents, this
answers with the codes (or volts) of the circuit itself, and with what a designer wants to know
beside them:

    latency    from a change of the inputs until every amplifier stays within half a code of the
               value that its converter samples
    energy     delivered by the sources of each block during a read
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import ArrayLike

from cosim.errors import SimulationFailed
from cosim.ngspice import DEFAULT_TIMEOUT, Result, Simulation, Transient, Workers
from netlists import names
from netlists.circuits.adc import decode
from netlists.mac_tile import STEPS_PER_READ, TRANSIENT_OPTIONS, MacTile, mac_tile
from netlists.signal_chain import Outputs, SignalChain
from netlists.specs import TileSpec


SETTLED_SHARE = 1e-3  # of the read voltage's range, where no converter says what is close enough


@dataclass(frozen=True)
class TransientReadout:
    """What a transient of a MAC tile gave.

    Attributes:
        outputs: of the tile: codes, or volts below the level without a converter,
            `[samples, outputs]`.
        codes: of every line in every read; volts without a converter, `[reads, cols]`.
        sensed: amplifier outputs when they are sampled [V], `[reads, cols]`.
        latency: of each read until its slowest amplifier has settled [s], `[reads]`.
        energy: delivered by each block in each read [J], block -> `[reads]`.
        period: time of one read [s].
    """

    outputs: Outputs
    codes: Float[np.ndarray, "reads cols"] | Int[np.ndarray, "reads cols"]
    sensed: Float[np.ndarray, "reads cols"]
    latency: Float[np.ndarray, " reads"]
    energy: Mapping[str, Float[np.ndarray, " reads"]]
    period: float

    @property
    def energy_per_read(self) -> float:
        """Energy of all blocks, mean over the reads [J]."""
        return float(sum(joule.mean() for joule in self.energy.values()))

    def figures(self) -> dict[str, float]:
        """The figures of a data sheet, in SI units."""
        blocks = {f"energy_{block}_J": float(joule.mean()) for block, joule in self.energy.items()}
        return {
            "period_s": self.period,
            "latency_worst_s": float(self.latency.max()),
            "energy_per_read_J": self.energy_per_read,
            **blocks,
        }


def simulation_of(tile: MacTile) -> Simulation:
    """The transient of a MAC tile as ngspice gets it."""
    step = tile.timing.period / STEPS_PER_READ
    return Simulation(
        tile.netlist.text(options=TRANSIENT_OPTIONS),
        Transient(step=step, stop=tile.timing.duration, max_step=2.0 * step),
        tile.netlist.outputs,
        reads_files=tile.netlist.reads_files,
    )


def run_transient(
    spec: TileSpec,
    conductances: ArrayLike,
    inputs: ArrayLike,
    workers: Workers,
    *,
    process: str = "tt",
    supply: float = 1.0,
    seed: int | None = None,
    timeout: float = DEFAULT_TIMEOUT,
) -> TransientReadout:
    """Simulate a MAC tile over time.

    Args:
        spec: the tile, with a `readout`.
        conductances: `[rows, cols]` [S].
        inputs: `[samples, rows]`, codes of the tile's inputs, or volts.
        workers: where ngspice runs.
        process: process corner of the periphery.
        supply: of the periphery, relative to nominal.
        seed: of the mismatch of the periphery; none without a seed.
        timeout: longest time [s].

    Raises:
        SpecError: a tile without a read-out, or with inputs that a transient cannot carry.
        ShapeError: an array of the wrong shape or not finite.
        SimulationFailed: ngspice failed.
    """
    tile = mac_tile(spec, conductances, inputs, process=process, supply=supply, seed=seed)
    (result,) = workers.run_many([simulation_of(tile)], timeout=timeout)
    return _answer(tile, result)


def iter_transients(
    spec: TileSpec,
    jobs: Sequence[tuple[ArrayLike, ArrayLike]],
    workers: Workers,
    timeout: float = DEFAULT_TIMEOUT,
) -> Iterator[tuple[int, TransientReadout]]:
    """Simulate many transients of a tile side by side.

    Args:
        spec: the tile, with a `readout`.
        jobs: conductances `[rows, cols]` [S] and inputs `[samples, rows]` of each.
        workers: where ngspice runs.
        timeout: longest time of one [s].

    Yields:
        The number of a job with its answer, as they are ready.

    Raises:
        SpecError: a tile without a read-out, or with inputs that a transient cannot carry.
        ShapeError: an array of the wrong shape or not finite.
        SimulationFailed: ngspice failed.
    """
    tiles = [mac_tile(spec, conductances, inputs) for conductances, inputs in jobs]
    for number, result in workers.iter_many((simulation_of(tile) for tile in tiles), timeout):
        yield number, _answer(tiles[number], result)


def _answer(tile: MacTile, result: Result) -> TransientReadout:
    if not result.ok:
        raise SimulationFailed(f"transient of {tile.spec.name}: {result.status}")
    return read_transient(tile, result)


def read_transient(tile: MacTile, result: Result) -> TransientReadout:
    """Codes, latency and energy from the waveforms of a MAC tile."""
    sensed = _sampled(tile, result)
    adc = tile.readout.adc
    readout = tile.readout
    lines = readout.signal(sensed) if adc is None else readout.counted(_codes(tile, result))
    return TransientReadout(
        outputs=SignalChain(tile.spec).combine_conversions(lines),
        codes=lines,
        sensed=sensed,
        latency=_latency(tile, result, sensed),
        energy=_energy(tile, result),
        period=tile.timing.period,
    )


def _time(result: Result) -> np.ndarray:
    return np.asarray(result.axis)


def _sampled(tile: MacTile, result: Result) -> Float[np.ndarray, "reads cols"]:
    """Amplifier outputs when they are taken [V]."""
    at, time = tile.timing.settled(), _time(result)
    columns = [
        np.interp(at, time, result.vectors[f"v({names.sensed_node(col)})"])
        for col in range(tile.spec.cols)
    ]
    return np.stack(columns, axis=1)


def _codes(tile: MacTile, result: Result) -> np.ndarray:
    """Codes of the converters, `[reads, cols]`."""
    adc, at, time = tile.readout.adc, tile.timing.codes(), _time(result)
    bits = range(0 if adc is None else adc.bits)
    volts = [
        [np.interp(at, time, result.vectors[f"v({names.bit_node(col, bit)})"]) for bit in bits]
        for col in range(tile.spec.cols)
    ]
    return decode(np.moveaxis(np.array(volts), -1, 0))


def _latency(
    tile: MacTile, result: Result, sensed: Float[np.ndarray, "reads cols"]
) -> Float[np.ndarray, " reads"]:
    """When the slowest amplifier enters its band for good, from the change of the inputs [s]."""
    adc, time = tile.readout.adc, _time(result)
    band = SETTLED_SHARE * np.ptp(sensed) if adc is None else 0.5 * adc.lsb
    waves = [result.vectors[f"v({names.sensed_node(col)})"] for col in range(tile.spec.cols)]
    volts = np.stack(waves, axis=1)
    latency = np.zeros(tile.timing.reads)
    for read, (start, stop) in enumerate(
        zip(tile.timing.applied(), tile.timing.settled(), strict=True)
    ):
        during = (time >= start) & (time <= stop)
        excess = np.abs(volts[during] - sensed[read]).max(axis=1) - band
        latency[read] = _last_crossing(time[during], excess, stop) - start
    return np.maximum(latency, 0.0)


def _last_crossing(
    time: Float[np.ndarray, " steps"], excess: Float[np.ndarray, " steps"], end: float
) -> float:
    """When an excess falls to zero for good [s], between two steps; minus infinity if never."""
    late = np.flatnonzero(excess > 0.0)
    if not len(late):
        return -np.inf
    last = late[-1]
    if last + 1 == len(time):
        return end
    share = excess[last] / (excess[last] - excess[last + 1])
    return float(time[last] + share * (time[last + 1] - time[last]))


def _energy(tile: MacTile, result: Result) -> dict[str, Float[np.ndarray, " reads"]]:
    """Energy that the sources of each block deliver in each read [J]."""
    time = _time(result)
    starts = tile.timing.applied()
    ends = np.minimum(starts + tile.timing.period, tile.timing.duration)
    energy: dict[str, np.ndarray] = {}
    for supply in tile.supplies:
        volt = _potential(result, supply.plus) - _potential(result, supply.minus)
        power = -volt * result.vectors[f"i({supply.source})"]
        total = np.concatenate([[0.0], np.cumsum(np.diff(time) * (power[1:] + power[:-1]) / 2)])
        delivered = np.interp(ends, time, total) - np.interp(starts, time, total)
        energy[supply.block] = energy.get(supply.block, 0.0) + delivered
    return energy


def _potential(result: Result, net: str) -> np.ndarray | float:
    return 0.0 if net == "0" else result.vectors[f"v({net})"]
