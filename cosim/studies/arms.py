"""What studies do with networks, over and over: train digitally, put onto tiles, tune, measure.

A study compares *arms*, which share everything but one thing. To keep that so, an arm starts from
the same trained network, sees the images in the same order, and is measured on the same chips and
images as the others. Quantisation-aware training without any disturbance is an arm of its own, or
its gain would be credited to the disturbance.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.datasets import Images
from cosim.nn import (
    Chip,
    Disturbance,
    EvaluationSettings,
    Loss,
    TileSettings,
    TrainSettings,
    analog_layers,
    convert,
    cross_entropy,
    evaluate,
    set_arithmetic,
    train,
)
from netlists.specs import TileSpec


# Images that input ranges are measured on.
TYPICAL = 512
# Largest weights that are tried, in standard deviations of a layer's weights.
CLIPS = tuple(np.linspace(1.0, 6.0, 51).tolist())
FEW_CLIPS = CLIPS[:31:2]
# What goes through a network at once: enough for speed, little enough for memory.
PARTS = EvaluationSettings(images_at_once=500, chips_at_once=2)


@dataclass(frozen=True)
class ShiftedAndMirrored:
    """Changes images for training: moved by up to some pixels, and mirrored.

    Attributes:
        pixels: largest shift in either direction; what moves in is black.
        mirrored: whether half of the images are mirrored.
    """

    pixels: int
    mirrored: bool

    def __call__(
        self, x: Float[Tensor, "images channels height width"], generator: torch.Generator
    ) -> Float[Tensor, "images channels height width"]:
        """The images, each changed in its own way."""
        count, _, height, width = x.shape
        padded = nn.functional.pad(x, 4 * (self.pixels,)).permute(0, 2, 3, 1)
        moves = torch.randint(2 * self.pixels + 1, (2, count), generator=generator)
        flips = torch.randint(2, (count, 1), generator=generator).bool() & self.mirrored
        rows = moves[0][:, None] + torch.arange(height)
        cols = moves[1][:, None] + torch.arange(width)
        cols = torch.where(flips, cols.flip(1), cols)
        images = torch.arange(count)[:, None, None]
        moved = padded[images, rows[:, :, None], cols[:, None, :]]
        return moved.permute(0, 3, 1, 2).contiguous()


# As is usual for CIFAR-10, with a little less of it for small networks.
AUGMENT = ShiftedAndMirrored(2, mirrored=True)


def from_scratch(epochs: int, seed: int, *, augmented: bool) -> TrainSettings:
    """How networks for images are trained in floating point.

    With changed images gradient descent with momentum and weight decay ends several points above
    Adam; without them, Adam is there sooner.
    """
    if augmented:
        return TrainSettings(epochs, 128, 0.06, seed, optimizer="sgd", weight_decay=5e-4)
    return TrainSettings(epochs, 128, 3e-3, seed)


def trained(
    network: nn.Sequential,
    images: Images,
    settings: TrainSettings,
    augment: ShiftedAndMirrored | None = None,
) -> nn.Sequential:
    """The network, trained in place as it is."""
    train(network, images.train_images, images.train_labels, settings, augment=augment)
    return network


def on_tiles(
    network: nn.Module, images: Images, tile: TileSpec, settings: TileSettings
) -> nn.Module:
    """A copy of a trained network on tiles, with input ranges from training images."""
    return convert(network, tile, images.train_images[:TYPICAL], settings)


def tuned(
    network: nn.Module,
    images: Images,
    settings: TrainSettings,
    disturbance: Disturbance | None,
    loss: Loss = cross_entropy,
    augment: ShiftedAndMirrored | None = None,
) -> nn.Module:
    """A copy of a network on tiles, trained further under a disturbance that is drawn anew."""
    network = copy.deepcopy(network)
    set_arithmetic(network, None, disturbance, settings.seed)
    train(network, images.train_images, images.train_labels, settings, loss, augment=augment)
    set_arithmetic(network, None)
    return network


@torch.no_grad()
def clipped_for_least_error(network: nn.Module) -> None:
    """Clip the weights of each layer where rounding to levels leaves the least squared error."""
    for layer in analog_layers(network):
        usual = layer.settings
        found = []
        for clip in CLIPS:
            layer.settings = dataclasses.replace(usual, weight_clip=clip)
            rounded = layer.weights_of(layer.target_conductances()) * layer.largest_weight()
            found.append(float((rounded - layer.weight.flatten(1)).square().mean()))
        best = CLIPS[int(np.argmin(found))]
        layer.settings = dataclasses.replace(usual, weight_clip=best)


@torch.no_grad()
def digital_accuracy(network: nn.Module, images: Images) -> float:
    """Part of the test images that a network classifies correctly as it stands."""
    network.eval()
    parts = zip(images.test_images.split(1000), images.test_labels.split(1000), strict=True)
    right = sum(int((network(x).argmax(-1) == labels).sum()) for x, labels in parts)
    return right / len(images.test_labels)


@torch.no_grad()
def clipped_for_least_loss(network: nn.Module, images: Images) -> None:
    """Clip the weights of each layer where the network does best on typical training images.

    Layer by layer from the first on, twice, with the other layers rounded as they are by then. The
    output converters are bypassed meanwhile: their ranges follow the clips.
    """
    x, labels = images.train_images[:TYPICAL], images.train_labels[:TYPICAL]
    layers = analog_layers(network)
    converters = [layer.adc for layer in layers if layer.adc is not None]
    network.eval()
    for converter in converters:
        converter.mode = "bypass"
    for layer in (*layers, *layers):
        usual, losses = layer.settings, []
        for clip in FEW_CLIPS:
            layer.settings = dataclasses.replace(usual, weight_clip=clip)
            losses.append(float(nn.functional.cross_entropy(network(x), labels)))
        best = FEW_CLIPS[int(np.argmin(losses))]
        layer.settings = dataclasses.replace(usual, weight_clip=best)
    for converter in converters:
        converter.mode = "convert"


def on_chips(
    network: nn.Module, images: Images, chips: Sequence[Chip]
) -> Float[np.ndarray, " chips"]:
    """Accuracy of every chip on the test images, with exact products."""
    found = evaluate(network, images.test_images, images.test_labels, chips, settings=PARTS)
    return found.of()


def figures(accuracy: Float[np.ndarray, " chips"]) -> dict[str, float | int]:
    """The columns of a table that say what chips made of the images, in per cent."""
    percent = 100 * accuracy
    low, middle, high = np.quantile(percent, [0.25, 0.5, 0.75])
    spread = percent.std(ddof=1) if len(percent) > 1 else 0.0
    return {
        "chips": len(percent),
        "mean": float(percent.mean()),
        "std": float(spread),
        "median": float(middle),
        "low_quartile": float(low),
        "high_quartile": float(high),
    }


FIGURES = ("chips", "mean", "std", "median", "low_quartile", "high_quartile")
