"""What an analog layer costs: forward, and forward with backward, against other layers.

Every layer maps 128 inputs to 128 outputs for a batch of 100, in float32, on one thread. Ours draws
new programming errors in every step, prepares its tiles and multiplies with the surrogate, as
variability-aware training does, so that IR drop is in the gradients of inputs and weights. Its
differential columns fill two tiles of 128 x 128. Figures are medians over repeated steps.

aihwkit lives in an environment of its own, because its dependencies are not ours; `$AIHWKIT_PYTHON`
is the python of one with `aihwkit` 1.1.0 and torch. Its layers with and without IR drop, which it
has in the forward pass alone, run in a process of their own right after ours.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
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
INPUTS, OUTPUTS, BATCH = 128, 128, 100
PYTHON_VARIABLE = "AIHWKIT_PYTHON"
PEERS = ("TorchInferenceRPUConfig", "TorchInferenceRPUConfigIRDropT")
PROGRAM = """
import json, statistics, sys, time
import torch, aihwkit
from aihwkit.nn import AnalogLinear
from aihwkit.simulator import configs
torch.set_num_threads(1)
inputs, outputs, batch, repeats = map(int, sys.argv[2:])
layer = AnalogLinear(inputs, outputs, rpu_config=getattr(configs, sys.argv[1])()).train()
x = torch.rand(batch, inputs, requires_grad=True)
def median(step):
    step()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        step()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
forward = median(lambda: layer(x))
both = median(lambda: layer(x).square().sum().backward())
print(json.dumps([aihwkit.__version__, forward, both]))
"""
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
    peers = [aihwkit_layer(name, repeats) for name in PEERS]
    measured = [row["both_s"] for row in peers if "both_s" in row]
    torch_linear = {"name": "torch.nn.Linear", "version": torch.__version__, **plain}
    return {
        "figures": {**with_surrogate, **{f"{name}_exact": value for name, value in exact.items()}},
        "references": [
            torch_linear,
            *peers,
            missing_reference("CrossSim AnalogLinear", OWN_ENVIRONMENT),
        ],
        "ratios": {
            "forward_vs_torch_linear": with_surrogate["forward_s"] / plain["forward_s"],
            "both_vs_torch_linear": with_surrogate["both_s"] / plain["both_s"],
            "both_vs_aihwkit": with_surrogate["both_s"] / measured[0] if measured else None,
        },
    }


def aihwkit_layer(name: str, repeats: int) -> dict[str, Any]:
    """A layer of aihwkit with one of its configurations; a row that says so without the package."""
    title, python = f"aihwkit {name}", os.environ.get(PYTHON_VARIABLE)
    if python is None:
        return missing_reference(title, OWN_ENVIRONMENT)
    sizes = [str(value) for value in (INPUTS, OUTPUTS, BATCH, repeats)]
    command = [python, "-c", PROGRAM, name, *sizes]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    version, forward, both = json.loads(result.stdout.splitlines()[-1])
    return {"name": title, "version": version, "forward_s": forward, "both_s": both}


def analog_layer(surrogate: bool) -> AnalogLinear:
    """A layer on 128 x 128 tiles that draws programming errors in every step."""
    tile = TileSpec.from_toml(TILE).model_copy(update={"rows": INPUTS, "cols": OUTPUTS})
    cell = tile.cell
    layer = AnalogLinear(INPUTS, OUTPUTS, tile, TileSettings(input_range=1.0))
    layer.programming_error = ProgrammingError(20e-6, cell.conductance_min, cell.conductance_max)
    if surrogate:
        layer.surrogate = LineModeGalerkin.from_spec(tile, TileCell(tile).current, modes=1).float()
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
