"""Surrogates of a tile where it is hard: larger arrays, longer wires, trained weights, gradients.

The tile and the error of `surrogate_front`, without times. Nothing is fitted on arrays.

    larger     n = 256 at 1 ohm per segment, and 32 to 128 at 5 ohm; the worst of three kinds
    trained    a perceptron of two hidden layers of n, trained on scikit-learn's digits: the weights
               between the hidden layers in differential columns, their largest magnitude at the
               range's end, and the activations of test images, their largest at the read voltage
    gradients  of a random weighting of the currents, in inputs and conductances, against the exact
               adjoint of the solver: norm of the difference over the norm; the worst of three kinds
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.surrogate_front import ONE_MODE, TILE, reference_samples, worst_nrmse
from cosim.cell import TileCell
from cosim.datasets import digits
from cosim.engine import SolverEngine
from cosim.solver.operation import tile_currents
from cosim.surrogate import (
    AlphaBeta,
    IdealProduct,
    LineModeFields,
    LineModeGalerkin,
    Surrogate,
    TileSamples,
    accuracy_of,
    domain_of,
)
from netlists.specs import TileSpec


SIZES = (32, 64, 128)
# Rows and columns, ohm per segment.
LARGER = ((256, 1.0), (32, 5.0), (64, 5.0), (128, 5.0))
EPOCHS, IMAGES = 200, 16

Row = dict[str, Any]


def run(quick: bool) -> dict[str, Any]:
    """Errors of every model in every setting."""
    sizes = SIZES[:1] if quick else SIZES
    larger = ((32, 5.0),) if quick else LARGER
    return {
        "figures": {
            "truth": "solver engine",
            "larger": [row for n, ohm in larger for row in longer_wires(n, ohm, quick)],
            "trained": [row for n in sizes for row in trained(n)],
            "gradients": [row for n in sizes for row in gradients(n)],
        },
        "references": [],
        "ratios": {},
    }


def tile(n: int, ohm: float = 1.0) -> TileSpec:
    """The example's tile with `n` rows and columns and `ohm` per segment."""
    spec = TileSpec.from_toml(TILE)
    wires = spec.wires.model_copy(
        update={"input_line_resistance": ohm, "output_line_resistance": ohm}
    )
    return spec.model_copy(update={"rows": n, "cols": n, "wires": wires})


def models(spec: TileSpec) -> dict[str, Surrogate]:
    """What is judged here, by name."""
    current = TileCell(spec).current
    default = LineModeGalerkin.from_spec(spec, current)
    fewer = {ONE_MODE: LineModeGalerkin.from_spec(spec, current, modes=1)}
    return {
        "line_mode_galerkin": default,
        **(fewer if default.modes > 1 else {}),
        "line_mode_fields": LineModeFields.from_spec(spec, current),
        "alpha_beta": AlphaBeta.from_spec(spec, current),
        "ideal": IdealProduct(spec.rows, spec.cols, domain_of(spec)),
    }


def longer_wires(n: int, ohm: float, quick: bool) -> list[Row]:
    """The worst of the three kinds of conductances."""
    spec = tile(n, ohm)
    samples = reference_samples(spec, matrices=3 if n > max(SIZES) or quick else 9, inputs=8)
    return [
        {"name": name, "n": n, "ohm": ohm, "nrmse": worst_nrmse(surrogate, samples)}
        for name, surrogate in models(spec).items()
    ]


def trained(n: int) -> list[Row]:
    """A trained network's own weights and activations."""
    spec = tile(n)
    G, V = trained_layer(spec, seed=8)
    truth = SolverEngine(spec).mvm(G, V)
    samples = TileSamples(G[None], V, truth, np.zeros(len(V), dtype=int))
    return [
        {"name": name, "n": n, "nrmse": accuracy_of(surrogate, samples).nrmse}
        for name, surrogate in models(spec).items()
    ]


def trained_layer(spec: TileSpec, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Conductances [S] and inputs [V] of the layer between the hidden ones."""
    n, images = spec.rows, digits(seed)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        first, second, last = nn.Linear(64, n), nn.Linear(n, n), nn.Linear(n, 10)
    network = nn.Sequential(nn.Flatten(), first, nn.ReLU(), second, nn.ReLU(), last)
    train(network, images.train_images, images.train_labels)
    with torch.no_grad():
        hidden = network[:3](images.test_images[:IMAGES]).double()
        weights = second.weight[: n // 2].T.double()
    both = torch.stack([weights.clamp(min=0), (-weights).clamp(min=0)], -1).flatten(1)
    low, high = spec.cell.conductance_min, spec.cell.conductance_max
    G = low + (high - low) * both / both.max()
    return G.numpy(), (spec.drivers.read_voltage * hidden / hidden.max()).numpy()


def train(network: nn.Module, images: Tensor, labels: Tensor) -> None:
    """Whole-batch steps of Adam."""
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(EPOCHS):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()


def gradients(n: int) -> list[Row]:
    """Relative errors of the gradients, the worst of the three kinds."""
    spec = tile(n)
    samples = reference_samples(spec, matrices=3, inputs=8)
    solver = SolverEngine(spec).solver
    generator = torch.Generator().manual_seed(8)
    errors: dict[str, list[tuple[float, float]]] = {name: [] for name in models(spec)}
    for kind in range(3):
        part = samples.of_matrices(np.array([kind]))
        V, G = torch.from_numpy(part.inputs), torch.from_numpy(part.conductance[0])
        weights = torch.randn(len(V), n, generator=generator, dtype=torch.float64)
        exact = slopes(lambda v, g: tile_currents(solver, v, g), V, G, weights)
        for name, surrogate in models(spec).items():
            found = slopes(surrogate, V, G, weights)
            apart = [float((f - e).norm() / e.norm()) for f, e in zip(found, exact, strict=True)]
            errors[name].append((apart[0], apart[1]))
    return [
        {
            "name": name,
            "n": n,
            "in_inputs": max(inputs for inputs, _ in apart),
            "in_conductances": max(conductances for _, conductances in apart),
        }
        for name, apart in errors.items()
    ]


def slopes(
    function: Callable[[Tensor, Tensor], Tensor], V: Tensor, G: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor]:
    """Gradients of the weighted currents in inputs and conductances."""
    inputs, conductances = V.clone().requires_grad_(), G.clone().requires_grad_()
    loss = (function(inputs, conductances) * weights).sum()
    in_inputs, in_conductances = torch.autograd.grad(loss, (inputs, conductances))
    return in_inputs, in_conductances
