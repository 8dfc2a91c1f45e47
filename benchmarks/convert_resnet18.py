"""What it takes to put a ResNet-18 onto tiles: time and memory of the conversion.

The network is that of K. He et al., "Deep residual learning for image recognition", CVPR 2016
(arXiv:1512.03385), for 224 x 224 images and 1000 classes, with random weights. It is converted in a
process of its own, whose largest memory is read afterwards; converting includes measuring the input
ranges on one image.
"""

from __future__ import annotations

import resource
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cosim.nn import analog_layers, convert
from netlists.specs import TileSpec


TILE = Path(__file__).resolve().parents[1] / "examples" / "tile_32x32.toml"
ARRAY = 128  # rows and columns of a tile
MEBIBYTE = 2**20


class Block(nn.Module):
    """Two convolutions and the way around them."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        """Make a block that changes channels and size."""
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Add what the convolutions change to what comes in."""
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        return (y + self.downsample(x)).relu()


def resnet18() -> nn.Module:
    """The network, with 11.7 million parameters."""
    blocks: list[nn.Module] = []
    inputs = 64
    for outputs, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        blocks += [Block(inputs, outputs, stride), Block(outputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.MaxPool2d(3, 2, 1),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(512, 1000),
    )


def run(quick: bool) -> dict[str, Any]:
    """Convert in a fresh process; images are smaller in a quick run."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        figures = fresh.submit(measure, 64 if quick else 224).result()
    return {"figures": figures, "references": [], "ratios": {}}


def measure(pixels: int) -> dict[str, float]:
    """Seconds, and the largest memory of this process before and after."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    model = resnet18().eval()
    spec = TileSpec.from_toml(TILE).model_copy(update={"rows": ARRAY, "cols": ARRAY})
    image = torch.rand(1, 3, pixels, pixels)
    before = _peak()
    start = time.perf_counter()
    analog = convert(model, spec, image)
    seconds = time.perf_counter() - start
    layers = analog_layers(analog)
    return {
        "convert_s": seconds,
        "peak_before_mib": before,
        "peak_mib": _peak(),
        "layers": float(len(layers)),
        "tiles": float(sum(layer.mapping.tiles for layer in layers)),
    }


def _peak() -> float:
    """Largest resident memory of this process [MiB]."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEBIBYTE
