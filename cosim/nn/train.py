"""Training of networks of analog layers: the loop, and the two recipes that the studies compare.

Both recipes quantise the weights in the forward pass in the same way. *Plain* multiplies exactly
and knows nothing of the circuit. *Variability-aware* (VAT) multiplies with the tile's surrogate and
draws a new programming error for every batch. What lies between them (quantised, surrogate, no
error) is one call of `set_arithmetic` away, so gains can be credited to what earned them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cosim.nn.network import set_arithmetic
from cosim.nn.variability import ProgrammingError
from cosim.surrogate.base import Surrogate


@dataclass(frozen=True)
class TrainSettings:
    """How the loop runs.

    Attributes:
        epochs: passes over the training set.
        batch: samples per step.
        learning_rate: highest rate of the one-cycle schedule of Adam.
        seed: of the order of the samples and of the redrawn programming errors.
    """

    epochs: int = 20
    batch: int = 32
    learning_rate: float = 1e-2
    seed: int = 0


@dataclass(frozen=True)
class History:
    """What the loop saw.

    Attributes:
        loss: mean training loss of each epoch.
    """

    loss: tuple[float, ...]


def train(
    network: nn.Module,
    x: Float[Tensor, "samples ..."],
    labels: Int[Tensor, " samples"],
    settings: TrainSettings,
) -> History:
    """Train a classifier with the arithmetic that its layers are set to, in place."""
    order = torch.Generator().manual_seed(settings.seed)
    steps = settings.epochs * -(-len(x) // settings.batch)
    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=settings.learning_rate, total_steps=steps
    )
    network.train()
    losses = []
    for _ in range(settings.epochs):
        total = 0.0
        for chosen in torch.randperm(len(x), generator=order).split(settings.batch):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(network(x[chosen]), labels[chosen])
            loss.backward()
            optimizer.step()
            schedule.step()
            total += float(loss.detach()) * len(chosen)
        losses.append(total / len(x))
    network.eval()
    return History(tuple(losses))


def train_plain(
    network: nn.Module,
    x: Float[Tensor, "samples ..."],
    labels: Int[Tensor, " samples"],
    settings: TrainSettings,
) -> History:
    """Quantisation-aware training with exact arithmetic and without programming error."""
    set_arithmetic(network, None)
    return train(network, x, labels, settings)


def train_vat(
    network: nn.Module,
    x: Float[Tensor, "samples ..."],
    labels: Int[Tensor, " samples"],
    settings: TrainSettings,
    surrogate: Surrogate,
    programming_error: ProgrammingError,
) -> History:
    """Quantisation-aware training through the tile's surrogate with redrawn programming errors."""
    set_arithmetic(network, surrogate, programming_error, settings.seed)
    return train(network, x, labels, settings)
