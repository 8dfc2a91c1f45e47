"""Chips: what is drawn once, and what follows from it at any time.

    target ─► programming errors, in order ─► programmed ─► drift (t) ─► stuck cells ─► read noise
              once per chip                                 exponents    positions       per read
                                                            once         once

A chip keeps its static draws, so it can be read at several times and by several engines. Every
draw has a stream of random numbers of its own, named by the chip's seed, the layer and the purpose:
the same seed is the same chip for every network of the same shape, and switching one non-ideality
on or off leaves the draws of all others as they are.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int8
from torch import Tensor, nn

from cosim.nn.drift import AbstractDrift
from cosim.nn.faults import StuckCells
from cosim.nn.network import analog_layers
from cosim.nn.noise import AbstractReadNoise
from cosim.nn.variability import Disturbance, ProgrammingError, generator_of


# From a purpose to its random numbers.
Streams = Callable[[str], torch.Generator]
# The stream that has no name besides the chip's seed and the layer.
UNNAMED = f"{ProgrammingError.__name__} 0"


@dataclass(frozen=True)
class NonIdealities:
    """Everything that spoils the conductances of a chip; what is not given is switched off.

    Attributes:
        programming: errors of programming, one after the other.
        stuck: cells that cannot be programmed.
        drift: loss of conductance over time.
        read_noise: what differs between reads.
    """

    programming: tuple[Disturbance, ...] = ()
    stuck: StuckCells | None = None
    drift: AbstractDrift | None = None
    read_noise: AbstractReadNoise | None = None

    @classmethod
    def of(cls, disturbance: Disturbance | None) -> NonIdealities:
        """The same, of a disturbance by its kind: a single one is a list of one."""
        if disturbance is None:
            return cls()
        if isinstance(disturbance, NonIdealities):
            return disturbance
        if isinstance(disturbance, StuckCells):
            return cls(stuck=disturbance)
        if isinstance(disturbance, AbstractDrift):
            return cls(drift=disturbance)
        if isinstance(disturbance, AbstractReadNoise):
            return cls(read_noise=disturbance)
        return cls(programming=(disturbance,))

    def cells(self, target: Float[Tensor, "*cells"], streams: Streams) -> Cells:
        """Program targets [S] into cells: all static draws."""
        programmed = self.programmed(target, streams)
        stuck = None if self.stuck is None else self.stuck.states(target, streams("stuck"))
        exponents = None
        if self.drift is not None:
            exponents = self.drift.exponents(programmed, streams("drift"))
        return Cells(self, programmed, stuck, exponents)

    def programmed(
        self, target: Float[Tensor, "*cells"], streams: Streams
    ) -> Float[Tensor, "*cells"]:
        """Conductances [S] that programming leaves of targets."""
        kinds: Counter[str] = Counter()
        for part in self.programming:
            kind = type(part).__name__
            target = part.draw(target, streams(f"{kind} {kinds[kind]}"))
            kinds[kind] += 1
        return target

    def draw(
        self, target: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """Everything at once, drawn anew, at a time that the drift draws: for training."""
        base = int(torch.randint(2**62, (), generator=generator))

        def streams(purpose: str) -> torch.Generator:
            return generator_of(base, _number(purpose))

        conductance = self.programmed(target, streams)
        if self.drift is not None:
            conductance = self.drift.draw(conductance, streams("drift"))
        if self.stuck is not None:
            conductance = self.stuck.draw(conductance, streams("stuck"))
        if self.read_noise is not None:
            conductance = self.read_noise.draw(conductance, streams("read"))
        return conductance


@dataclass(frozen=True)
class Cells:
    """The static draws of some cells.

    Attributes:
        kinds: what spoils them.
        programmed: conductances that programming left [S].
        stuck: as `StuckCells.states`; None without.
        exponents: of drift; None without.
    """

    kinds: NonIdealities
    programmed: Float[Tensor, "*cells"]
    stuck: Int8[Tensor, "*cells"] | None = None
    exponents: Float[Tensor, "*cells"] | None = None

    def at(self, time: float | None = None) -> Float[Tensor, "*cells"]:
        """Conductances [S] some time since programming [s], without read noise.

        Args:
            time: None for right after programming.

        Raises:
            InputError: a time before drift starts.
        """
        conductance = self.programmed
        drift, stuck = self.kinds.drift, self.kinds.stuck
        if time is not None and drift is not None and self.exponents is not None:
            conductance = drift.aged(conductance, self.exponents, time)
        if stuck is not None and self.stuck is not None:
            conductance = stuck.held(conductance, self.stuck)
        return conductance


@dataclass(frozen=True)
class Chip:
    """One set of programmed cells of a network.

    Attributes:
        seed: of every draw.
        layers: the cells of each analog layer, `[tiles, rows, cols]`.
        sram: of each analog layer, what digital memory adds to the weights, in units of the
            largest one (`sparse_adaptation`); empty without.
    """

    seed: int
    layers: tuple[Cells, ...]
    sram: tuple[Float[Tensor, "_ _"], ...] = ()

    @property
    def conductances(self) -> tuple[Float[Tensor, "_ rows cols"], ...]:
        """Conductances of each analog layer right after programming [S]."""
        return self.at(None)

    def at(self, time: float | None) -> tuple[Float[Tensor, "_ rows cols"], ...]:
        """Conductances of each analog layer some time since programming [s], without read noise."""
        return tuple(cells.at(time) for cells in self.layers)

    def streams(self, layer: int) -> Streams:
        """The random numbers of a layer of this chip."""

        def stream(purpose: str) -> torch.Generator:
            key = () if purpose == UNNAMED else (_number(purpose),)
            return generator_of(self.seed, layer, *key)

        return stream

    def read(
        self, layer: int, conductance: Float[Tensor, "*cells"], time: float | None, number: int
    ) -> Float[Tensor, "*cells"]:
        """Conductances [S] as one read of a layer sees them.

        Args:
            layer: its place in the network.
            conductance: without noise [S].
            time: since programming [s].
            number: of the read; each one sees other noise, and all engines see the same.
        """
        noise = self.layers[layer].kinds.read_noise
        if noise is None:
            return conductance
        generator = self.streams(layer)(f"read {number} at {time}")
        return noise.read(conductance, time, generator)


def program(network: nn.Module, seed: int, disturbance: Disturbance | None) -> Chip:
    """Program the weights of a network into one chip.

    The same seed draws the same numbers for every network of the same shape, so that two trainings
    can be compared on the same chips.

    Args:
        network: a network with analog layers.
        seed: of the chip.
        disturbance: what spoils it, one thing or `NonIdealities`; None programs exactly.
    """
    kinds, blank = NonIdealities.of(disturbance), Chip(seed, ())
    layers = []
    with torch.no_grad():
        for index, layer in enumerate(analog_layers(network)):
            # Conductances are float64 from here on; rounding must not carry them out of the range.
            low, high = layer.mapping.g_min, layer.mapping.g_max
            target = layer.target_conductances().detach().double().clamp(low, high)
            layers.append(kinds.cells(target, blank.streams(index)))
    return Chip(seed, tuple(layers))


def program_chips(
    network: nn.Module, count: int, disturbance: Disturbance | None, first_seed: int = 0
) -> list[Chip]:
    """Program a network into several chips with seeds in a row; see `program`."""
    return [program(network, first_seed + number, disturbance) for number in range(count)]


class ReadsOfChips:
    """Read noise of a layer of stacked chips; counts the reads."""

    def __init__(self, chips: Sequence[Chip], layer: int, time: float | None) -> None:
        """Nothing read yet."""
        self._chips = tuple(chips)
        self._layer = layer
        self._time = time
        self._reads = 0

    def __call__(self, G: Float[Tensor, chips * cells]) -> Float[Tensor, chips * cells]:
        """Conductances [S] as the next read sees them."""
        noisy = [
            chip.read(self._layer, own, self._time, self._reads)
            for chip, own in zip(self._chips, G, strict=True)
        ]
        self._reads += 1
        return torch.stack(noisy)


def _number(purpose: str) -> int:
    return zlib.crc32(purpose.encode())
