"""Networks on programmed chips: any engine, any time, and always several chips.

The chips of an evaluation go through the network together, as one batch that holds the images once
per chip, so an engine is asked once per layer, with all tiles of all chips in one list: ngspice can
work on them in parallel. Every engine and every time sees the same chips, and the same read noise.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cosim.errors import InputError
from cosim.nn.chip import Chip, ReadsOfChips
from cosim.nn.compensation import AbstractCompensation, Reading
from cosim.nn.evaluation import Evaluation
from cosim.nn.network import analog_layers
from cosim.nn.programmed import CurrentFunction, ProgrammedTiles
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
class EvaluationSettings:
    """How much goes through a network at once, and who hears of it.

    Attributes:
        images_at_once: all when None; read noise is drawn anew for each part.
        chips_at_once: all when None.
        progress: called with one line whenever an engine has finished with a time.

    Raises:
        InputError: nothing would go through at once.
    """

    images_at_once: int | None = None
    chips_at_once: int | None = None
    progress: Callable[[str], object] | None = None

    def __post_init__(self) -> None:
        for count in (self.images_at_once, self.chips_at_once):
            if count is not None and count < 1:
                raise InputError(
                    f"{count} at once were asked for; allowed is 1 or more, or None for all;"
                    " correct the number"
                )


ALL_AT_ONCE = EvaluationSettings()


@torch.no_grad()
def evaluate(
    network: nn.Module,
    x: Float[Tensor, "samples ..."],
    labels: Int[Tensor, " samples"],
    chips: Sequence[Chip],
    engines: Engine | Mapping[str, Engine] = "ideal",
    times: Sequence[float | None] = (None,),
    compensation: AbstractCompensation | None = None,
    settings: EvaluationSettings = ALL_AT_ONCE,
) -> Evaluation:
    """Accuracy of a network on chips, with the products of engines, at times.

    Args:
        network: the network that was programmed.
        x: inputs.
        labels: their classes.
        chips: from `program`.
        engines: "ideal" (exact products of the programmed weights), a surrogate, or anything with
            `mvm_many`; or several by name.
        times: since programming [s]; None is right after it.
        compensation: of drift.
        settings: how much at once, and progress.

    Raises:
        InputError: there are no chips, or they are not of this network.
    """
    if not chips:
        raise InputError("no chips were given; an evaluation needs at least one; program some")
    named = engines if isinstance(engines, Mapping) else {_name(engines): engines}
    rows = []
    for name, engine in named.items():
        for time in times:
            rows.append(_outputs(network, x, chips, engine, time, compensation, settings))
            if settings.progress is not None:
                accuracy = (rows[-1].argmax(-1) == labels.cpu()).double().mean(-1)
                when = "programmed" if time is None else f"{time:g} s"
                settings.progress(
                    f"{name}, {when}: {100 * float(accuracy.mean()):.2f} % on {len(chips)} chips"
                )
    outputs = torch.stack(rows).unflatten(0, (len(named), len(times)))
    correct = (outputs.argmax(-1) == labels.cpu()).double().mean(-1)
    return Evaluation(
        tuple(named), tuple(times), tuple(chip.seed for chip in chips), correct.numpy(), outputs
    )


def _outputs(
    network: nn.Module,
    x: Tensor,
    chips: Sequence[Chip],
    engine: Engine,
    time: float | None,
    compensation: AbstractCompensation | None,
    settings: EvaluationSettings,
) -> Float[Tensor, "chips samples classes"]:
    """Outputs of the network for all chips and images, part by part."""
    by_chips = []
    for first in range(0, len(chips), settings.chips_at_once or len(chips)):
        some = chips[first : first + (settings.chips_at_once or len(chips))]
        with programmed(network, some, engine, time, compensation):
            parts = [
                network(part.repeat(len(some), *(1 for _ in x.shape[1:])))
                .unflatten(0, (len(some), len(part)))
                .cpu()
                for part in x.split(settings.images_at_once or max(len(x), 1))
            ]
        by_chips.append(torch.cat(parts, dim=1))
    return torch.cat(by_chips)


@contextmanager
def programmed(
    network: nn.Module,
    chips: Sequence[Chip],
    engine: Engine,
    time: float | None = None,
    compensation: AbstractCompensation | None = None,
) -> Iterator[None]:
    """Let a network stand for chips: inside, its batch holds the inputs once per chip."""
    layers = analog_layers(network)
    for chip in chips:
        _check_chip(network, chip)
    currents = _current_function(engine)
    was_training = network.training
    network.eval()
    try:
        for index, layer in enumerate(layers):
            # Exact products need no more digits than the network has; circuits get float64.
            dtype = layer.weight.dtype if currents is None else torch.float64
            stacked = torch.stack([chip.layers[index].at(time) for chip in chips])
            noisy = any(chip.layers[index].kinds.read_noise is not None for chip in chips)
            tiles = ProgrammedTiles(
                stacked.to(layer.weight.device, dtype),
                currents,
                ReadsOfChips(chips, index, time) if noisy else None,
                sram=_sram(chips, index),
            )
            if compensation is not None:
                tiles = compensation.applied(tiles, layer, Reading(tuple(chips), index, time))
            layer.programmed = tiles
        yield
    finally:
        network.train(was_training)
        for layer in layers:
            layer.programmed = None


def _sram(chips: Sequence[Chip], layer: int) -> Float[Tensor, "chips outputs inputs"] | None:
    """What digital memory adds to the weights of a layer; nothing where a chip has none."""
    added = [chip.sram[layer] if chip.sram else None for chip in chips]
    some = next((one for one in added if one is not None), None)
    if some is None:
        return None
    return torch.stack([torch.zeros_like(some) if one is None else one for one in added])


def _check_chip(network: nn.Module, chip: Chip) -> None:
    expected = [
        (m.tiles, m.rows, m.cols) for m in (layer.mapping for layer in analog_layers(network))
    ]
    given = [tuple(cells.programmed.shape) for cells in chip.layers]
    if given != expected:
        raise InputError(
            f"chip {chip.seed} has tiles {given}, the network needs {expected}; both must agree;"
            " program the chip from this network"
        )


def _name(engine: Engine) -> str:
    return engine if isinstance(engine, str) else type(engine).__name__


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
