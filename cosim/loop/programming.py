"""The stage that programs networks into chips, and what training is told of it.

Two ways lead from targets to programmed conductances:

    variation   a Gaussian error on every cell, kept within what the tile's cells can hold
    algorithm   write and verify, pulse by pulse, on the tile's own device card

Either way a chip is the same draw of devices for every network of the same shape, and is kept with
targets and pulses in `programmed/<training>.npz`, from which every later stage reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from compact_models import load_card
from cosim.errors import InputError
from cosim.loop.context import Context, Material
from cosim.loop.networks import load_network
from cosim.loop.stages import Results
from cosim.nn import Chip, Disturbance, NonIdealities, ProgrammingError, analog_layers, program
from cosim.nn.chip import Cells
from cosim.nn.variability import normal_like
from cosim.programming import ALGORITHMS, CellKind, Outcome, VectorisedCells, from_laws
from netlists.specs import TileSpec


CELLS_PER_LEVEL = 256
ARRAYS = ("conductance", "pulses", "converged", "seconds", "joules")


def program_all(context: Context) -> Results:
    """Program all networks into every chip; keep targets, conductances and pulses."""
    return {name: _program(context, name) for name in context.study.training.networks}


def programming_error(material: Material, variation: float) -> ProgrammingError:
    """A Gaussian error that stays within what the device can be programmed to."""
    cell = material.tile.cell
    return ProgrammingError(variation, low=cell.conductance_min, high=cell.conductance_max)


def seeds_of(material: Material) -> list[int]:
    """The seeds of the study's chips."""
    first = 1_000 * (material.study.seed + 1)
    return [first + number for number in range(material.study.programming.chips)]


def chips_of(material: Material, training: str, network: nn.Module) -> list[Chip]:
    """The chips that a network was programmed into.

    Raises:
        InputError: the study has not come that far.
    """
    seeds = seeds_of(material)
    arrays = [_layers(kept, network) for kept in kept_arrays(material, training, "conductance")]
    return [
        Chip(seed, tuple(Cells(NonIdealities(), layer) for layer in layers))
        for seed, layers in zip(seeds, arrays, strict=True)
    ]


def kept_arrays(material: Material, training: str, name: str) -> list[np.ndarray]:
    """What was kept of every chip, cell by cell: `conductance`, `pulses` or `converged`."""
    with np.load(_path(material, training)) as data:
        return [data[f"{name}_{chip}"] for chip in range(material.study.programming.chips)]


def measure_programming(context: Context) -> Results:
    """Shift and spread that write and verify leaves at every level, on cells of their own."""
    cell, levels = context.tile.cell, context.study.network.levels
    targets = np.linspace(cell.conductance_min, cell.conductance_max, levels)
    outcome = _written(context, np.repeat(targets, CELLS_PER_LEVEL), context.study.seed)
    final = _within_card(context.tile, outcome.final).reshape(levels, CELLS_PER_LEVEL)
    return {
        "targets": targets.tolist(),
        "shift": (final.mean(axis=1) - targets).tolist(),
        "spread": final.std(axis=1).tolist(),
        "pulses": outcome.pulses.reshape(levels, -1).mean(axis=1).tolist(),
        "cells": CELLS_PER_LEVEL,
    }


@dataclass(frozen=True)
class MeasuredProgramming:
    """A Gaussian error whose shift and spread follow the target, as measured.

    Attributes:
        low: smallest target [S].
        high: largest target [S].
        shift: mean excess over targets that are evenly spaced from `low` to `high` [S].
        spread: standard deviation at the same targets [S].
        limits: what the device can hold [S].
    """

    low: float
    high: float
    shift: tuple[float, ...]
    spread: tuple[float, ...]
    limits: tuple[float, float]

    def draw(
        self, target: Float[Tensor, "*cells"], generator: torch.Generator
    ) -> Float[Tensor, "*cells"]:
        """Programmed conductances [S] for target conductances [S]."""
        steps = len(self.shift) - 1
        at = ((target - self.low) * (steps / (self.high - self.low))).clamp(0, steps)
        below = at.floor().clamp(max=steps - 1)
        index, part = below.long(), at - below

        def between(values: Sequence[float]) -> Tensor:
            table = torch.tensor(values).to(target)
            return torch.lerp(table[index], table[index + 1], part)

        error = between(self.shift) + between(self.spread) * normal_like(target, generator)
        return (target + error).clamp(*self.limits)


def training_error(material: Material, measured: Results | None) -> Disturbance:
    """What variability-aware training injects.

    Args:
        material: of the run.
        measured: what `measure_programming` found; None where the study gives a number.
    """
    variation, cell = material.study.training.variation, material.tile.cell
    if measured is None or isinstance(variation, float | int):
        return programming_error(material, float(variation))
    low, high = cell.conductance_min, cell.conductance_max
    shift, spread = tuple(measured["shift"]), tuple(measured["spread"])
    return MeasuredProgramming(low, high, shift, spread, _limits(material.tile))


def check_programming(study_tile: Material) -> None:
    """Refuse, before any work, cells that cannot be programmed as the study wants.

    Raises:
        InputError: pulses are to be simulated in cells without a transistor.
        CardError: no such card, or no range of conductances.
    """
    programming, cell = study_tile.study.programming, study_tile.tile.cell
    if programming.algorithm is None:
        return
    _limits(study_tile.tile)
    if programming.engine == "laws":
        return
    transistor = programming.transistor or cell.access_transistor
    if transistor is None:
        raise InputError(
            f"the cells of {study_tile.tile.name} have no access transistor, and writing is"
            " simulated with one that limits the current; name its card in programming.transistor,"
            " or take programming.engine = `laws`"
        )
    load_card(transistor)


def _program(context: Context, training: str) -> Results:
    network = load_network(context, training)
    exact = program(network, 0, None)
    target = _flat(exact)
    arrays: dict[str, Any] = {"target": target}
    results: Results = {"cells": len(target)}
    if context.study.programming.algorithm is None:
        variation = context.study.programming.variation or 0.0
        error = programming_error(context, variation)
        for number, seed in enumerate(seeds_of(context)):
            arrays[f"conductance_{number}"] = _flat(program(network, seed, error))
    else:
        outcomes = [_write_chip(context, exact, seed) for seed in seeds_of(context)]
        results |= _cost(outcomes)
        for number, outcome in enumerate(outcomes):
            arrays |= {f"{name}_{number}": values for name, values in outcome.items()}
    path = _path(context, training)
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(path, **arrays)
    chips = range(context.study.programming.chips)
    programmed = np.stack([arrays[f"conductance_{number}"] for number in chips])
    cell = context.tile.cell
    outside = (programmed < cell.conductance_min) | (programmed > cell.conductance_max)
    error_of_all = programmed - target
    return results | {
        "error_mean": float(error_of_all.mean()),
        "error_std": float(error_of_all.std()),
        "outside": float(outside.mean()),
    }


def _write_chip(context: Context, exact: Chip, seed: int) -> dict[str, np.ndarray]:
    """Write and verify all layers of one chip; every layer has cells of its own."""
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ARRAYS}
    for index, layer in enumerate(exact.conductances):
        key = np.random.SeedSequence([seed, index]).generate_state(1)[0]
        outcome = _written(context, layer.flatten().numpy(), int(key))
        parts["conductance"].append(_within_card(context.tile, outcome.final))
        for name in ("pulses", "converged", "seconds", "joules"):
            parts[name].append(getattr(outcome, name))
    return {name: np.concatenate(values) for name, values in parts.items()}


def _written(material: Material, targets: Float[np.ndarray, " cells"], seed: int) -> Outcome:
    """What the study's algorithm makes of cells."""
    programming, tile = material.study.programming, material.tile
    algorithm = ALGORITHMS[str(programming.algorithm)]
    if programming.engine == "laws":
        return from_laws(load_card(tile.cell.device), algorithm.name, targets, seed)
    transistor = programming.transistor or str(tile.cell.access_transistor)
    kind = CellKind.from_names(tile.cell.device, transistor, tile.temperature)
    return algorithm.run(VectorisedCells(kind, targets.size, seed), targets)


def _cost(outcomes: Sequence[dict[str, np.ndarray]]) -> Results:
    """What programming took, on average over the chips."""
    pulses, seconds, joules, converged = (
        float(np.mean([outcome[name].sum() for outcome in outcomes]))
        for name in ("pulses", "seconds", "joules", "converged")
    )
    known = None if np.isnan(joules) else joules
    cells = len(outcomes[0]["pulses"])
    return {
        "pulses": pulses,
        "seconds": seconds,
        "joules": known,
        "converged": converged / cells,
    }


def _limits(tile: TileSpec) -> tuple[float, float]:
    """Conductances that the card's device can have [S].

    Raises:
        CardError: no such card.
        InputError: it is no memory device.
    """
    held = load_card(tile.cell.device).conductance
    if held is None:
        raise InputError(
            f"the cells of {tile.name} are `{tile.cell.device}`, which cannot be programmed; name"
            " the card of a memory device in cell.device, or give programming.variation"
        )
    return held.low, held.high


def _within_card(tile: TileSpec, conductance: Float[np.ndarray, " cells"]) -> np.ndarray:
    """Conductances [S] that the device's equations can be given."""
    return np.clip(conductance, *_limits(tile))


def _layers(flat: np.ndarray, network: nn.Module) -> list[Tensor]:
    """The cells of every layer, `[tiles, rows, cols]`, from all of them in a row."""
    mappings = [layer.mapping for layer in analog_layers(network)]
    sizes = [m.tiles * m.rows * m.cols for m in mappings]
    parts = torch.from_numpy(flat).double().split(sizes)
    return [part.reshape(m.tiles, m.rows, m.cols) for part, m in zip(parts, mappings, strict=True)]


def _flat(chip: Chip) -> np.ndarray:
    return torch.cat([layer.flatten() for layer in chip.conductances]).numpy()


def _path(material: Material, training: str) -> Path:
    return material.place / "programmed" / f"{training}.npz"
