"""What an analog layer costs: forward, and forward with backward, against other layers.

Every layer maps 256 inputs to 128 outputs for a batch of 64, in float32, on one thread. Ours draws
new programming errors in every step, prepares its tiles and multiplies with the surrogate, as
variability-aware training does. Figures are medians over repeated steps.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.run import missing_reference
from cosim.cell import TileCell
from cosim.nn import AnalogLinear, ProgrammingError, TileSettings
from cosim.surrogate import LineModeGalerkin
from netlists.specs import TileSpec


TILE = Path(__file__).resolve().parents[1] / "examples" / "tile_32x32.toml"
INPUTS, OUTPUTS, BATCH = 256, 128, 64
OWN_ENVIRONMENT = "not measured here; it belongs into an environment of its own"


def run(quick: bool) -> dict[str, Any]:
    """Time our layer with and without the surrogate, and `torch.nn.Linear`."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _measure(repeats=5 if quick else 50)
    finally:
        torch.set_num_threads(threads)


def _measure(repeats: int) -> dict[str, Any]:
    with_surrogate = step_times(analog_layer(surrogate=True), repeats)
    exact = step_times(analog_layer(surrogate=False), repeats)
    plain = step_times(nn.Linear(INPUTS, OUTPUTS), repeats)
    torch_linear = {"name": "torch.nn.Linear", "version": torch.__version__, **plain}
    return {
        "figures": {**with_surrogate, **{f"{name}_exact": value for name, value in exact.items()}},
        "references": [
            torch_linear,
            missing_reference("aihwkit TorchInferenceRPUConfig tile", OWN_ENVIRONMENT),
            missing_reference("CrossSim AnalogLinear", OWN_ENVIRONMENT),
        ],
        "ratios": {
            "forward_vs_torch_linear": with_surrogate["forward_s"] / plain["forward_s"],
            "both_vs_torch_linear": with_surrogate["both_s"] / plain["both_s"],
        },
    }


def analog_layer(surrogate: bool) -> AnalogLinear:
    """A layer on 32 × 32 tiles that draws programming errors in every step."""
    tile = TileSpec.from_toml(TILE)
    cell = tile.cell
    layer = AnalogLinear(INPUTS, OUTPUTS, tile, TileSettings(input_range=1.0))
    layer.programming_error = ProgrammingError(20e-6, cell.conductance_min, cell.conductance_max)
    if surrogate:
        layer.surrogate = LineModeGalerkin.from_spec(tile, TileCell(tile).current).float()
    return layer.train()


def step_times(layer: nn.Module, repeats: int) -> dict[str, float]:
    """Median seconds of a forward pass, and of a forward and a backward pass."""
    x = torch.rand(BATCH, INPUTS, generator=torch.Generator().manual_seed(0))
    x.requires_grad_(True)

    def forward() -> torch.Tensor:
        return layer(x)

    def both() -> None:
        forward().square().sum().backward()

    return {"forward_s": _median(forward, repeats), "both_s": _median(both, repeats)}


def _median(step: Callable[[], object], repeats: int) -> float:
    step()  # the first step fills caches
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)
