"""A surrogate of a tile whose inside is unknown: a small network that corrects every cell.

    I[j] = sum_i V[i] G[i, j] (1 + correction(what the cell sees))

What a cell sees, scaled to about one: its own input, its conductance, the load of its column
(mean_i V[i] G[i, j]), the mean conductances of its row and of its column, and where it is. One
network of two layers serves all cells, so that every sample teaches it rows x cols times. An
untrained network is the ideal product, and a cell without conductance or input never draws any.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from cosim.surrogate.accuracy import accuracy_of
from cosim.surrogate.base import Operator, Surrogate
from cosim.surrogate.dataset import TileSamples
from cosim.surrogate.domain import Domain


INPUTS = 7  # what a cell sees: own input, column load, then what does not depend on the inputs
LAYERS = ("first", "first_bias", "second", "second_bias", "last", "last_bias")
WIDTHS = (8, 16)
VALIDATION = 0.25
ITERATIONS, CHECK_EVERY = 240, 30
# A network of this size cannot use more; beyond it samples only cost time.
MOST_CELLS = 150_000
# Values of a hidden layer held at once; larger batches are cut along the samples.
HIDDEN_VALUES = 8_000_000


@dataclass(frozen=True)
class NetworkOperator(Operator):
    """A tile with fixed conductances.

    Attributes:
        network: the surrogate that holds the layers.
        ideal: conductances [S].
        load: weight of each input in the load of each column [1/V].
        still: what the first layer makes of all that does not depend on the inputs.
    """

    network: SmallNetwork
    ideal: Float[Tensor, "*tiles rows cols"]
    load: Float[Tensor, "*tiles rows cols"]
    still: Float[Tensor, "*tiles rows cols width"]

    def __call__(
        self, V: Float[Tensor, "*inputs samples rows"]
    ) -> Float[Tensor, "*tiles samples cols"]:
        """Column currents [A] for the input voltages `V` [V]."""
        at_once = max(1, HIDDEN_VALUES // self.still.numel())
        return torch.cat([self._currents(part) for part in V.split(at_once, dim=-2)], -2)

    def _currents(self, V: Tensor) -> Tensor:
        net = self.network
        own = (V / net.domain.read_voltage)[..., :, None, None] * net.first[0]
        load = (V @ self.load)[..., None, :, None] * net.first[1]
        hidden = torch.tanh(own + load + self.still[..., None, :, :, :])
        hidden = torch.tanh(hidden @ net.second + net.second_bias)
        correction = (hidden @ net.last + net.last_bias)[..., 0]
        return (V[..., None] * self.ideal[..., None, :, :] * (1 + correction)).sum(-2)


class SmallNetwork(Surrogate):
    """The ideal product with a learned correction of every cell.

    Attributes:
        layers: weights and biases, in the order of `LAYERS`.
    """

    kind: ClassVar[str] = "small_network"

    first: Tensor
    first_bias: Tensor
    second: Tensor
    second_bias: Tensor
    last: Tensor
    last_bias: Tensor

    def __init__(
        self, rows: int, cols: int, domain: Domain, layers: tuple[Float[Tensor, ...], ...]
    ) -> None:
        super().__init__(rows, cols, domain)
        for name, value in zip(LAYERS, layers, strict=True):
            self.register_buffer(name, value, persistent=False)

    @classmethod
    def untrained(cls, rows: int, cols: int, domain: Domain, width: int, seed: int) -> Self:
        """Random layers, and a last one of zeros: the ideal product."""
        generator = torch.Generator().manual_seed(seed)

        def random(fan_in: int, fan_out: int) -> Tensor:
            unit = torch.randn(fan_in, fan_out, dtype=torch.float64, generator=generator)
            return unit / fan_in**0.5

        def zeros(*shape: int) -> Tensor:
            return torch.zeros(*shape, dtype=torch.float64)

        first, second = random(INPUTS, width), random(width, width)
        layers = (first, zeros(width), second, zeros(width), zeros(width, 1), zeros(1))
        return cls(rows, cols, domain, layers)

    def prepare(self, G: Float[Tensor, "*tiles rows cols"]) -> NetworkOperator:
        """The operator of a tile whose cells have the conductances `G` [S]."""
        self.check_conductances(G)
        g = G / self.domain.conductance_high
        down = torch.linspace(-1, 1, self.rows, dtype=G.dtype, device=G.device)[:, None]
        along = torch.linspace(-1, 1, self.cols, dtype=G.dtype, device=G.device)
        seen = (g, g.mean(-1, keepdim=True), g.mean(-2, keepdim=True), down, along)
        still = torch.stack([x.expand_as(g) for x in seen], -1) @ self.first[2:] + self.first_bias
        load = g / (self.rows * self.domain.read_voltage)
        return NetworkOperator(self, G, load, still)

    def tensors(self) -> dict[str, Tensor]:
        """The layers."""
        return {name: getattr(self, name).detach().double().cpu() for name in LAYERS}

    def settings(self) -> dict[str, Any]:
        """Size and domain."""
        return {"rows": self.rows, "cols": self.cols, "domain": self.domain.to_dict()}

    @classmethod
    def rebuild(cls, settings: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Self:
        """The surrogate that `settings` and `tensors` describe, in float64."""
        layers = tuple(tensors[name] for name in LAYERS)
        domain = Domain.from_dict(settings["domain"])
        return cls(int(settings["rows"]), int(settings["cols"]), domain, layers)


def fit_small_network(samples: TileSamples, domain: Domain, seed: int = 0) -> SmallNetwork:
    """The network that fits samples of a tile best.

    Widths and stopping are chosen on matrices that the training has not seen.

    Args:
        samples: on at least two conductance matrices.
        domain: inputs and conductances it is meant for.
        seed: of the split and of the first layers.

    Raises:
        ShapeError: the samples are of one conductance matrix.
    """
    training, validation = samples.split(1 - VALIDATION, seed)
    found = [_trained(training, validation, domain, width, seed) for width in WIDTHS]
    return min(found, key=lambda pair: pair[0])[1]


def _trained(
    training: TileSamples, validation: TileSamples, domain: Domain, width: int, seed: int
) -> tuple[float, SmallNetwork]:
    """Least squares by L-BFGS; the network with the least error on the validation matrices."""
    _, rows, cols = training.conductance.shape
    network = SmallNetwork.untrained(rows, cols, domain, width, seed)
    layers = [getattr(network, name).requires_grad_(True) for name in LAYERS]
    G, V, outputs = _batch(training, seed)
    unit = (float(np.ptp(training.outputs)) or 1.0) * (outputs != 0).sum().item() ** 0.5

    def loss() -> Tensor:
        optimizer.zero_grad()
        total = ((network(V, G) - outputs) / unit).square().sum()
        total.backward()
        return total

    best = (accuracy_of(network, validation).nrmse, _copy(network))
    for _ in range(ITERATIONS // CHECK_EVERY):
        optimizer = torch.optim.LBFGS(
            layers, max_iter=CHECK_EVERY, history_size=20, line_search_fn="strong_wolfe",
            tolerance_grad=0, tolerance_change=0,
        )  # fmt: skip
        optimizer.step(loss)
        error = accuracy_of(network, validation).nrmse
        if error < best[0]:
            best = (error, _copy(network))
    return best


def _batch(samples: TileSamples, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Conductances, inputs and outputs side by side, of at most `MOST_CELLS` cells in all.

    Where a matrix has fewer samples than others, inputs of zero fill up: they give no current with
    any network, so they teach it nothing.
    """
    _, rows, cols = samples.conductance.shape
    kept = np.random.default_rng(seed).permutation(len(samples))
    kept = kept[: max(MOST_CELLS // (rows * cols), 1)]
    of_each = [np.sort(kept[samples.matrix[kept] == index]) for index in range(samples.matrices)]
    used = [index for index, mine in enumerate(of_each) if len(mine)]
    most = max(map(len, of_each))
    V, outputs = np.zeros((len(used), most, rows)), np.zeros((len(used), most, cols))
    for place, index in enumerate(used):
        mine = of_each[index]
        V[place, : len(mine)] = samples.inputs[mine]
        outputs[place, : len(mine)] = samples.outputs[mine]
    G = samples.conductance[used]
    return torch.from_numpy(G), torch.from_numpy(V), torch.from_numpy(outputs)


def _copy(network: SmallNetwork) -> SmallNetwork:
    return SmallNetwork.rebuild(
        network.settings(), {name: x.clone() for name, x in network.tensors().items()}
    )
