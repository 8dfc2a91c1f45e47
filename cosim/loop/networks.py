"""The stage that makes networks: it trains them, and in later rounds goes on training.

Two trainings share everything but the variation: initial weights, order of the images, number of
epochs, conductance levels. Both are quantised in the forward pass, so what separates them is the
circuit and the programming error, and not quantisation-aware training. In a later round the plain
network keeps its weights; the variability-aware one goes on from its own, with the new surrogate.

A training that was cut off goes on from its last whole epoch, whose state lies in `training` until
the weights of all networks are kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import safetensors.torch
from torch import Tensor, nn

from cosim.loop.context import Context, Material
from cosim.loop.stages import Results
from cosim.nn import (
    Disturbance,
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
from cosim.nn.evaluate import EvaluationSettings
from cosim.nn.lenet import lenet5
from cosim.surrogate import LineModeGalerkin


TYPICAL_IMAGES = 512  # that input ranges and gains are found from
IMAGES_AT_ONCE = 500


def build(material: Material) -> nn.Sequential:
    """The untrained network of the study."""
    network, images, tile = material.study.network, material.images, material.tile
    seed = material.study.seed
    if network.kind == "lenet5":
        return lenet5(images.shape, tile, levels=network.levels, seed=seed)
    sizes = (images.pixels, *network.hidden, images.classes)
    layers = perceptron(sizes, tile, levels=network.levels, seed=seed)
    return nn.Sequential(nn.Flatten(), *layers)


def train_networks(context: Context, surrogate: LineModeGalerkin, error: Disturbance) -> Results:
    """Train the study's networks, or go on training; keep them, return their histories.

    Args:
        context: of the run.
        surrogate: this round's.
        error: what variability-aware training injects.
    """
    images = context.images
    results: Results = {}
    for training in context.study.training.networks:
        network = build(context)
        if training == "plain":
            loss = _train_plainly(context, network, surrogate)
        else:
            loss = _train_aware(context, network, surrogate, error)
        set_arithmetic(network, None)
        path = weights_path(context, training)
        path.parent.mkdir(parents=True, exist_ok=True)
        safetensors.torch.save_file(network.state_dict(), path)
        exact = [program(network, 0, None)]
        part = EvaluationSettings(images_at_once=IMAGES_AT_ONCE)
        ideal = evaluate(
            network, images.test_images, images.test_labels, exact, "ideal", settings=part
        )
        results[training] = {"loss": list(loss), "test_accuracy": float(ideal.of().mean())}
    # Not before: a run that is cut off in one training finds those before it.
    shutil.rmtree(_states(context), ignore_errors=True)
    layers = analog_layers(build(context))
    mappings = [layer.mapping for layer in layers]
    results["tiles"] = [[m.tiles, m.row_blocks, m.col_blocks] for m in mappings]
    results["sizes"] = [mappings[0].in_features, *(m.out_features for m in mappings)]
    return results


def load_network(material: Material, training: str) -> nn.Sequential:
    """A trained network of this round from the run folder."""
    network = build(material)
    network.load_state_dict(safetensors.torch.load_file(weights_path(material, training)))
    return network.eval()


def weights_path(material: Material, training: str) -> Path:
    """Where a trained network of this round is kept."""
    return material.place / "networks" / f"{training}.safetensors"


def _train_plainly(
    context: Context, network: nn.Module, surrogate: LineModeGalerkin
) -> tuple[float, ...]:
    x = context.images.train_images
    loss: tuple[float, ...] = ()
    if context.number == 1:
        loss = _without_circuit(context, network, "plain", _settings(context))
    else:
        _take_weights(context, network, "plain")
    calibrate_gain(network, _typical(context, x), surrogate)
    return loss


def _train_aware(
    context: Context, network: nn.Module, surrogate: LineModeGalerkin, error: Disturbance
) -> tuple[float, ...]:
    x, labels = context.images.train_images, context.images.train_labels
    settings, training, loop = _settings(context), context.study.training, context.study.loop
    loss: tuple[float, ...] = ()
    if context.number > 1:
        _take_weights(context, network, "variability-aware")
        rate = loop.learning_rate or training.learning_rate
        settings = replace(settings, epochs=loop.epochs, learning_rate=rate)
    elif training.exact_epochs:
        exactly = replace(settings, epochs=training.exact_epochs)
        loss = _without_circuit(context, network, "exact", exactly)
    calibrate_gain(network, _typical(context, x), surrogate)
    with _steps(context, "training: variability-aware", settings) as after_step:
        kept = _kept(context, "variability-aware")
        history = train_vat(network, x, labels, settings, surrogate, error, after_step, kept)
    return loss + history.loss


def _without_circuit(
    context: Context, network: nn.Module, name: str, settings: TrainSettings
) -> tuple[float, ...]:
    """Losses of a training with exact products, which comes first in either training."""
    x, labels = context.images.train_images, context.images.train_labels
    with _steps(context, f"training: {name}", settings) as after_step:
        return train_plain(network, x, labels, settings, after_step, _kept(context, name)).loss


@contextmanager
def _steps(context: Context, title: str, settings: TrainSettings) -> Iterator[Callable[[], object]]:
    """A bar over the steps of a training, full at its end wherever it went on."""
    left = settings.epochs * -(-len(context.images.train_images) // settings.batch)
    with context.progress.bar(title, left) as advance:

        def after_step() -> None:
            nonlocal left
            left -= 1
            advance(1)

        yield after_step
        advance(left)


def _states(context: Context) -> Path:
    """Where the states of trainings are until all weights are kept."""
    return context.place / "training"


def _kept(context: Context, name: str) -> Path:
    return _states(context) / f"{name}.safetensors"


def _typical(context: Context, x: Tensor) -> Tensor:
    """Images that gains are found from: all for a perceptron, whose reads are few."""
    return x if context.study.network.kind == "perceptron" else x[:TYPICAL_IMAGES]


def _settings(context: Context) -> TrainSettings:
    training = context.study.training
    return TrainSettings(
        epochs=training.epochs,
        batch=training.batch,
        learning_rate=training.learning_rate,
        seed=context.study.seed + context.number - 1,
    )


def _take_weights(context: Context, network: nn.Module, training: str) -> None:
    before = context.in_round(context.number - 1)
    network.load_state_dict(safetensors.torch.load_file(weights_path(before, training)))
