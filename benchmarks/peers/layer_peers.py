"""Analog layers of aihwkit and CrossSim, each timed by the python of an environment of its own.

Their dependencies are not ours. `$AIHWKIT_PYTHON` is the python of an environment with `aihwkit`
1.1.0 and torch, `$CROSSSIM_PYTHON` that of one with CrossSim 3.2.0 (`pip install .` in a checkout
of github.com/sandialabs/cross-sim) and torch. Both may be the same.

aihwkit's torch tiles have no IR drop in training: `TorchInferenceRPUConfigIRDropT` has it when a
layer is evaluated, and not in the gradient. It takes so long that few vectors are timed. Weight
noise that is drawn for every batch is its `modifier`. CrossSim has IR drop in its forward pass, and
the gradient of an ideal layer; programming errors are new when the layer is programmed anew.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import asdict, dataclass
from typing import Any

from benchmarks.run import missing_reference


AIHWKIT, CROSSSIM = "AIHWKIT_PYTHON", "CROSSSIM_PYTHON"
OWN_ENVIRONMENT = "not measured here; it belongs into an environment of its own, ${}"

TIMING = """
import json, statistics, sys, time
import torch
torch.set_num_threads(1)
given = json.loads(sys.argv[1])
def median(step, repeats):
    step()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        step()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)
def times(step, vectors, repeats):
    x = torch.rand(vectors, given["inputs"], requires_grad=True)
    forward = median(lambda: step(x), repeats)
    both = median(lambda: step(x).square().sum().backward(), repeats)
    return {"vectors": vectors, "forward_s": forward, "both_s": both}
"""
AIHWKIT_PROGRAM = """
import aihwkit
from aihwkit.nn import AnalogLinear
from aihwkit.simulator import configs
from aihwkit.simulator.parameters.enums import WeightModifierType
def row(config, trained, noise, vectors, repeats):
    settings = getattr(configs, config)()
    if noise:
        settings.modifier.type = WeightModifierType.ADD_NORMAL
        settings.modifier.std_dev = noise
    layer = AnalogLinear(given["inputs"], given["outputs"], rpu_config=settings).train(trained)
    return {"version": aihwkit.__version__, **times(layer, vectors, repeats)}
batch, few, repeats, noise = given["batch"], given["few"], given["repeats"], given["noise"]
drop = "TorchInferenceRPUConfigIRDropT"
print(json.dumps([
    row("TorchInferenceRPUConfig", True, 0, batch, repeats),
    row("TorchInferenceRPUConfig", True, noise, batch, repeats),
    row(drop, True, 0, batch, repeats),
    row(drop, False, 0, few, 1),
]))
"""
AIHWKIT_ROWS = (
    "aihwkit TorchInferenceRPUConfig",
    "aihwkit TorchInferenceRPUConfig with weight noise",
    "aihwkit TorchInferenceRPUConfigIRDropT, training: no IR drop",
    "aihwkit TorchInferenceRPUConfigIRDropT, evaluation: IR drop",
)
CROSSSIM_PROGRAM = """
from importlib.metadata import version
from simulator import CrossSimParameters
from simulator.algorithms.dnn.torch.linear import AnalogLinear
def row(drop, repeats):
    settings = CrossSimParameters()
    settings.core.style = "BALANCED"
    device, wires = settings.xbar.device, settings.xbar.array.parasitics
    device.Rmin, device.Rmax = 1 / given["high"], 1 / given["low"]
    device.infinite_on_off_ratio = False
    device.programming_error.enable = True
    device.programming_error.model = "NormalIndependentDevice"
    device.programming_error.magnitude = given["noise"]
    if drop:
        wires.enable = True
        wires.Rp_row, wires.Rp_col = given["wires"]
    layer = AnalogLinear(settings, given["inputs"], given["outputs"]).train()
    def step(x):
        layer.core.set_matrix(layer.form_matrix().detach())
        return layer(x)
    return {"version": version("CrossSim"), **times(step, given["batch"], repeats)}
print(json.dumps([row(False, given["repeats"]), row(True, 3)]))
"""
CROSSSIM_ROWS = (
    "CrossSim AnalogLinear, programming errors",
    "CrossSim AnalogLinear, programming errors and IR drop",
)


@dataclass(frozen=True)
class LayerTask:
    """What every layer does.

    Attributes:
        inputs: of the layer.
        outputs: of the layer.
        batch: vectors of a step.
        few: vectors of a step that takes very long.
        repeats: of every step.
        low: lowest conductance [S].
        high: highest conductance [S].
        noise: standard deviation of programming, over the highest conductance.
        wires: of a segment of a row and of a column [ohm].
    """

    inputs: int
    outputs: int
    batch: int
    few: int
    repeats: int
    low: float
    high: float
    noise: float
    wires: tuple[float, float]


def layer_peers(task: LayerTask) -> list[dict[str, Any]]:
    """A row per layer of the peers, with a name; those that are not here say so."""
    return [
        *_rows(AIHWKIT, AIHWKIT_PROGRAM, AIHWKIT_ROWS, task),
        *_rows(CROSSSIM, CROSSSIM_PROGRAM, CROSSSIM_ROWS, task),
    ]


def _rows(
    variable: str, program: str, names: tuple[str, ...], task: LayerTask
) -> list[dict[str, Any]]:
    python = os.environ.get(variable)
    if python is None:
        return [missing_reference(name, OWN_ENVIRONMENT.format(variable)) for name in names]
    command = [python, "-c", TIMING + program, json.dumps(asdict(task))]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    rows = json.loads(result.stdout.splitlines()[-1])
    return [{"name": name, **row} for name, row in zip(names, rows, strict=True)]
