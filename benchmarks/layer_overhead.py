"""What an analog layer costs: forward, and forward with backward, against other layers.

Every layer maps 128 inputs to 128 outputs for a batch of 100, in float32, on one thread. Ours draws
new programming errors in every step, prepares its tiles and multiplies with the surrogate, as
variability-aware training does, so that IR drop is in the gradients of inputs and weights. Its
differential columns fill two tiles of 128 x 128. Its kernels are compiled, as they are after the
first few hundred steps (`LineModeGalerkin.patience`); what a step takes before has figures of its
own. Figures are medians over repeated steps.

The layers of aihwkit and CrossSim run in processes of their own right after ours (`layer_peers`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.peers.layer_peers import LayerTask, layer_peers
from cosim.cell import TileCell
from cosim.nn import AnalogLinear, ProgrammingError, TileSettings
from cosim.surrogate import LineModeGalerkin
from netlists.specs import TileSpec


TILE = Path(__file__).resolve().parents[1] / "examples" / "tile_32x32.toml"
INPUTS, OUTPUTS, BATCH = 128, 128, 100
SPREAD = 20e-6
FOR_EVER = 10**9
# Places among the peers, whose times for a vector ours are divided by.
COMPARED = {
    "aihwkit_torch_tile": 0,
    "aihwkit_torch_tile_with_noise": 1,
    "aihwkit_ir_drop_tile_in_training": 2,
    "crosssim": 4,
    "crosssim_with_ir_drop": 5,
}
WITH_IR_DROP = 3
# aihwkit's IR drop takes about half a second for every vector.
FEW = 2


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
    first = step_times(analog_layer(surrogate=True, patience=FOR_EVER), repeats)
    exact = step_times(analog_layer(surrogate=False), repeats)
    plain = step_times(nn.Linear(INPUTS, OUTPUTS), repeats)
    peers = layer_peers(_task(repeats))
    return {
        "figures": {
            **with_surrogate,
            **{f"{name}_exact": value for name, value in exact.items()},
            **{f"{name}_before_kernels": value for name, value in first.items()},
        },
        "references": [
            {"name": "torch.nn.Linear", "version": torch.__version__, **plain},
            *peers,
        ],
        "ratios": {
            "forward_vs_torch_linear": with_surrogate["forward_s"] / plain["forward_s"],
            "both_vs_torch_linear": with_surrogate["both_s"] / plain["both_s"],
            **{
                f"both_vs_{key}": _ratio(with_surrogate["both_s"] / BATCH, peers[k], "both_s")
                for key, k in COMPARED.items()
            },
            "forward_vs_aihwkit_with_ir_drop": _ratio(
                with_surrogate["forward_s"] / BATCH, peers[WITH_IR_DROP], "forward_s"
            ),
        },
    }


def _ratio(ours: float, peer: dict[str, Any], figure: str) -> float | None:
    """Seconds of ours for a vector over a peer's."""
    return ours / (peer[figure] / peer["vectors"]) if figure in peer else None


def _task(repeats: int) -> LayerTask:
    tile = TileSpec.from_toml(TILE)
    high = tile.cell.conductance_max
    return LayerTask(
        INPUTS,
        OUTPUTS,
        BATCH,
        FEW,
        repeats,
        tile.cell.conductance_min,
        high,
        SPREAD / high,
        (tile.wires.input_line_resistance, tile.wires.output_line_resistance),
    )


def analog_layer(surrogate: bool, patience: int = 0) -> AnalogLinear:
    """A layer on 128 x 128 tiles that draws programming errors in every step."""
    tile = TileSpec.from_toml(TILE).model_copy(update={"rows": INPUTS, "cols": OUTPUTS})
    cell = tile.cell
    layer = AnalogLinear(INPUTS, OUTPUTS, tile, TileSettings(input_range=1.0))
    layer.programming_error = ProgrammingError(SPREAD, cell.conductance_min, cell.conductance_max)
    if surrogate:
        model = LineModeGalerkin.from_spec(tile, TileCell(tile).current, modes=1).float()
        model.patience = patience
        layer.surrogate = model
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
