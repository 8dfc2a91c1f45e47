"""Networks on programmed chips: draw the conductances once, then ask any engine.

A *chip* is one static draw of all programming errors of a network. All chips of an evaluation go
through the network together, as one batch that holds the images once per chip, so an engine is
asked once per layer, with all tiles of all chips in one list: ngspice can work on them in parallel.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cosim.errors import InputError
from cosim.nn.network import analog_layers
from cosim.nn.programmed import CurrentFunction, ProgrammedTiles
from cosim.nn.variability import ProgrammingError, generator_of
from cosim.surrogate.base import Surrogate


class TileEngine(Protocol):
    """Anything that can say what many tiles answer."""

    def mvm_many(
        self,
        tasks: list[tuple[Float[np.ndarray, "rows cols"], Float[np.ndarray, "samples rows"]]],
    ) -> Sequence[Float[np.ndarray, "samples cols"]]:
        """Column currents [A] of tiles given as (conductances [S], inputs [V])."""


Engine = Literal["ideal"] | Surrogate | TileEngine


@dataclass(frozen=True)
class Chip:
    """One set of programmed conductances of a network.

    Attributes:
        seed: of the draw.
        conductances: programmed conductances of each analog layer [S].
    """

    seed: int
    conductances: tuple[Float[Tensor, "_ rows cols"], ...]


@dataclass(frozen=True)
class Evaluation:
    """What chips made of a set of images.

    Attributes:
        accuracy: part of the images that each chip classifies correctly.
        outputs: outputs of the network.
    """

    accuracy: Float[np.ndarray, " chips"]
    outputs: Float[Tensor, "chips samples classes"]

    @property
    def mean(self) -> float:
        """Mean accuracy over the chips."""
        return float(self.accuracy.mean())

    @property
    def std(self) -> float:
        """Standard deviation of the accuracy over the chips."""
        return float(self.accuracy.std(ddof=1)) if len(self.accuracy) > 1 else 0.0


def program(network: nn.Module, seed: int, error: ProgrammingError | None) -> Chip:
    """Program the weights of a network into one chip.

    The same seed draws the same normal deviates for every network of the same shape, so that two
    trainings can be compared on the same chips.

    Args:
        network: a network with analog layers.
        seed: of the chip.
        error: programming error; None programs the targets exactly.
    """
    conductances = []
    with torch.no_grad():
        for index, layer in enumerate(analog_layers(network)):
            # Conductances are float64 from here on; rounding must not carry them out of the range.
            low, high = layer.mapping.g_min, layer.mapping.g_max
            target = layer.target_conductances().detach().double().clamp(low, high)
            if error is not None:
                target = error.draw(target, generator_of(seed, index))
            conductances.append(target)
    return Chip(seed, tuple(conductances))


@torch.no_grad()
def evaluate(
    network: nn.Module,
    x: Float[Tensor, "samples ..."],
    labels: Int[Tensor, " samples"],
    chips: Sequence[Chip],
    engine: Engine,
) -> Evaluation:
    """Accuracy of a network on chips, with the products of an engine.

    Args:
        network: the network that was programmed.
        x: inputs.
        labels: their classes.
        chips: from `program`.
        engine: "ideal" (exact products of the programmed weights), a surrogate, or anything with
            `mvm_many`.

    Raises:
        InputError: the chips are not of this network.
    """
    with programmed(network, chips, engine):
        together = network(x.repeat(len(chips), *(1 for _ in x.shape[1:])))
    outputs = together.unflatten(0, (len(chips), len(x)))
    correct = (outputs.argmax(-1) == labels).double().mean(-1)
    return Evaluation(correct.numpy(), outputs)


@contextmanager
def programmed(network: nn.Module, chips: Sequence[Chip], engine: Engine) -> Iterator[None]:
    """Let a network stand for chips: inside, its batch holds the inputs once per chip."""
    layers = analog_layers(network)
    for chip in chips:
        _check_chip(network, chip)
    was_training = network.training
    network.eval()
    try:
        for index, layer in enumerate(layers):
            stacked = torch.stack([chip.conductances[index] for chip in chips])
            layer.programmed = ProgrammedTiles(stacked, _current_function(engine))
        yield
    finally:
        network.train(was_training)
        for layer in layers:
            layer.programmed = None


def _check_chip(network: nn.Module, chip: Chip) -> None:
    expected = [
        (m.tiles, m.rows, m.cols) for m in (layer.mapping for layer in analog_layers(network))
    ]
    given = [tuple(G.shape) for G in chip.conductances]
    if given != expected:
        raise InputError(
            f"chip {chip.seed} has tiles {given}, the network needs {expected}; both must agree;"
            " program the chip from this network"
        )


def _current_function(engine: Engine) -> CurrentFunction | None:
    if isinstance(engine, str):
        return None
    if isinstance(engine, Surrogate):
        model = copy.deepcopy(engine).double()
        return lambda G, V: model(V, G)
    return _Tasks(engine)


@dataclass(frozen=True)
class _Tasks:
    """All tiles of all chips as one list of tasks for an engine."""

    engine: TileEngine

    def __call__(self, G: Tensor, V: Tensor) -> Tensor:
        tasks = [
            (conductance, inputs)
            for conductance, inputs in zip(
                _arrays(G), _arrays(V.expand(*G.shape[:2], *V.shape[2:])), strict=True
            )
        ]
        results = torch.from_numpy(np.stack(list(self.engine.mvm_many(tasks))))
        return results.reshape(*G.shape[:2], *results.shape[1:]).to(G)


def _arrays(stacked: Tensor) -> list[np.ndarray]:
    return list(stacked.flatten(0, 1).double().cpu().numpy())
