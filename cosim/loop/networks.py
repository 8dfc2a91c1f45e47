"""The stages that make networks: train both, and program both into the same chips.

The two trainings share everything but the variation: initial weights, order of the images, number
of epochs, conductance levels. Both are quantised in the forward pass, so what separates them is
the circuit and the programming error, and not quantisation-aware training.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import safetensors.torch
import torch
from torch import nn

from cosim.loop.context import Context, Material
from cosim.loop.stages import Results
from cosim.nn import (
    Chip,
    ProgrammingError,
    TrainSettings,
    analog_layers,
    calibrate_gain,
    evaluate,
    perceptron,
    program,
    set_arithmetic,
    train_plain,
    train_vat,
)
from cosim.surrogate import LineModeGalerkin


TRAININGS = ("plain", "variability-aware")


def build(context: Material) -> nn.Sequential:
    """The untrained network of the study."""
    network, images = context.study.network, context.images
    sizes = (images.pixels, *network.hidden, images.classes)
    layers = perceptron(sizes, context.tile, levels=network.levels, seed=context.study.seed)
    return nn.Sequential(nn.Flatten(), *layers)


def programming_error(context: Material, variation: float) -> ProgrammingError:
    """A Gaussian error that stays within what the device can be programmed to."""
    cell = context.tile.cell
    return ProgrammingError(variation, low=cell.conductance_min, high=cell.conductance_max)


def train_both(context: Context, surrogate: LineModeGalerkin) -> Results:
    """Train plainly and variability aware; keep both networks, return their histories."""
    study, images = context.study, context.images
    settings = TrainSettings(
        epochs=study.training.epochs,
        batch=study.training.batch,
        learning_rate=study.training.learning_rate,
        seed=study.seed,
    )
    error = programming_error(context, study.training.variation)
    results: Results = {}
    for training in TRAININGS:
        network = build(context)
        x, labels = images.train_images, images.train_labels
        if training == "plain":
            history = train_plain(network, x, labels, settings)
            calibrate_gain(network, x, surrogate)
        else:
            calibrate_gain(network, x, surrogate)
            history = train_vat(network, x, labels, settings, surrogate, error)
        set_arithmetic(network, None)
        path = weights_path(context, training)
        path.parent.mkdir(parents=True, exist_ok=True)
        safetensors.torch.save_file(network.state_dict(), path)
        exact = [program(network, 0, None)]
        ideal = evaluate(network, images.test_images, images.test_labels, exact, "ideal")
        results[training] = {"loss": list(history.loss), "test_accuracy": float(ideal.of().mean())}
    layers = analog_layers(build(context))
    mappings = [layer.mapping for layer in layers]
    results["tiles"] = [[m.tiles, m.row_blocks, m.col_blocks] for m in mappings]
    results["sizes"] = [mappings[0].in_features, *(m.out_features for m in mappings)]
    return results


def load_network(context: Material, training: str) -> nn.Sequential:
    """A trained network from the run folder."""
    network = build(context)
    network.load_state_dict(safetensors.torch.load_file(weights_path(context, training)))
    return network.eval()


def weights_path(context: Material, training: str) -> Path:
    """Where a trained network is kept."""
    return context.folder / "networks" / f"{training}.safetensors"


def program_both(context: Context) -> Results:
    """Program both networks into every chip; keep target and programmed conductances."""
    results: Results = {}
    for training in TRAININGS:
        network = load_network(context, training)
        chips = chips_of(context, network)
        target = program(network, 0, None)
        arrays: dict[str, Any] = {"target": _flat(target)}
        arrays |= {f"chip_{number}": _flat(chip) for number, chip in enumerate(chips)}
        folder = context.folder / "programmed"
        folder.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(folder / f"{training}.npz", **arrays)
        errors = np.concatenate([_flat(chip) - _flat(target) for chip in chips])
        results[training] = {"cells": len(_flat(target)), "error_std": float(errors.std())}
    return results


def chips_of(context: Material, network: nn.Module) -> list[Chip]:
    """The chips of the study: the same normal deviates for every network."""
    programming = context.study.programming
    error = programming_error(context, programming.variation)
    first = 1_000 * (context.study.seed + 1)
    return [program(network, first + number, error) for number in range(programming.chips)]


def _flat(chip: Chip) -> np.ndarray:
    return torch.cat([layer.flatten() for layer in chip.conductances]).numpy()
