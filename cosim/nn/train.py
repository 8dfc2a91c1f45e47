"""Training of networks of analog layers: the loop, and the two recipes that the studies compare.

Both recipes quantise the weights in the forward pass in the same way. *Plain* multiplies exactly
and knows nothing of the circuit. *Variability-aware* (VAT) multiplies with the tile's surrogate and
draws a new disturbance for every batch. What lies between them (quantised, surrogate, no error) is
one call of `set_arithmetic` away, so gains can be credited to what earned them.

The loss compares with labels, or with a teacher as well (`distill`); what is done after every step
of the optimiser is open to others (`sparse_adaptation` puts frozen weights back).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cosim.errors import InputError
from cosim.nn.checkpoints import Checkpoint, Training, digest_of
from cosim.nn.layer import AnalogLayer
from cosim.nn.network import analog_layers, set_arithmetic
from cosim.nn.schedules import AbstractSchedule, Constant, OneCycle
from cosim.nn.variability import Disturbance, Scaled
from cosim.surrogate.base import Surrogate


class Loss(Protocol):
    """What training makes small."""

    def __call__(
        self,
        outputs: Float[Tensor, "outputs classes"],
        labels: Int[Tensor, " outputs"],
        x: Float[Tensor, "batch ..."],
    ) -> Float[Tensor, ""]:
        """The loss of one batch.

        Args:
            outputs: of the network; of several chips, chip by chip, if they are trained together.
            labels: as many.
            x: the inputs that all chips share, for a teacher.
        """


def cross_entropy(
    outputs: Float[Tensor, "outputs classes"],
    labels: Int[Tensor, " outputs"],
    x: Float[Tensor, "batch ..."],
) -> Float[Tensor, ""]:
    """The usual loss of a classifier; the inputs do not matter."""
    return nn.functional.cross_entropy(outputs, labels)


@dataclass(frozen=True)
class TrainSettings:
    """How the loop runs.

    Attributes:
        epochs: passes over the training set.
        batch: samples per step.
        learning_rate: highest rate of the schedule.
        seed: of the order of the samples and of the redrawn disturbances.
        schedule: of the learning rate, over the steps.
        disturbance_schedule: of the size of the disturbance, over the epochs.
        optimizer: Adam, or gradient descent with Nesterov momentum of 0.9.
        weight_decay: of the optimiser.
        weight_clip: largest weight after every step, in standard deviations of its layer's
            weights; None lets weights grow.

    Raises:
        InputError: nothing would be trained, or a clip that is not positive.
    """

    epochs: int = 20
    batch: int = 32
    learning_rate: float = 1e-2
    seed: int = 0
    schedule: AbstractSchedule = field(default_factory=OneCycle)
    disturbance_schedule: AbstractSchedule = field(default_factory=Constant)
    optimizer: Literal["adam", "sgd"] = "adam"
    weight_decay: float = 0.0
    weight_clip: float | None = None

    def __post_init__(self) -> None:
        clip = 1.0 if self.weight_clip is None else self.weight_clip
        if self.epochs < 1 or self.batch < 1 or clip <= 0:
            raise InputError(
                f"{self.epochs} epochs with batches of {self.batch} and a clip of"
                f" {self.weight_clip} were asked for; allowed are at least 1 of each and a clip"
                " above 0; correct them"
            )


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
    loss: Loss = cross_entropy,
    after_step: Callable[[], object] | None = None,
    augment: Callable[[Tensor, torch.Generator], Tensor] | None = None,
    kept: Path | None = None,
) -> History:
    """Train a classifier with the arithmetic that its layers are set to, in place.

    Args:
        network: changed in place; parameters that need no gradient stay as they are.
        x: inputs.
        labels: their classes.
        settings: how the loop runs.
        loss: what is made small.
        after_step: called after every step of the optimiser.
        augment: changes the inputs of every batch, with random numbers of its own.
        kept: file of the state after every epoch. A training that was cut off, started again in the
            same way, goes on from there; None keeps nothing.
    """
    start = None if kept is None else digest_of(network, (x, labels), settings)
    order, changes = (torch.Generator().manual_seed(settings.seed + k) for k in (0, 1 << 32))
    steps = settings.epochs * -(-len(x) // settings.batch)
    optimizer = _optimizer(network, settings)
    schedule = settings.schedule.scheduler(optimizer, settings.learning_rate, steps)
    full = {layer: layer.programming_error for layer in analog_layers(network)}
    training = Training(network, optimizer, schedule, (order, changes))
    checkpoint = None if kept is None or start is None else Checkpoint(kept, start)
    losses = [] if checkpoint is None else checkpoint.take_up(training)
    network.train()
    for epoch in range(len(losses), settings.epochs):
        _scale_disturbances(full, settings, epoch)
        total = 0.0
        for chosen in torch.randperm(len(x), generator=order).split(settings.batch):
            batch = x[chosen] if augment is None else augment(x[chosen], changes)
            optimizer.zero_grad()
            value = loss(network(batch), labels[chosen], batch)
            value.backward()
            optimizer.step()
            schedule.step()
            _clip(network, settings.weight_clip)
            if after_step is not None:
                after_step()
            total += float(value.detach()) * len(chosen)
        losses.append(total / len(x))
        if checkpoint is not None:
            checkpoint.keep(training, losses)
    for layer, disturbance in full.items():
        layer.programming_error = disturbance
    network.eval()
    return History(tuple(losses))


def train_plain(
    network: nn.Module,
    x: Float[Tensor, "samples ..."],
    labels: Int[Tensor, " samples"],
    settings: TrainSettings,
    after_step: Callable[[], object] | None = None,
    kept: Path | None = None,
) -> History:
    """Quantisation-aware training with exact arithmetic and without disturbance; see `train`."""
    set_arithmetic(network, None)
    return train(network, x, labels, settings, after_step=after_step, kept=kept)


def train_vat(
    network: nn.Module,
    x: Float[Tensor, "samples ..."],
    labels: Int[Tensor, " samples"],
    settings: TrainSettings,
    surrogate: Surrogate | None,
    disturbance: Disturbance,
    after_step: Callable[[], object] | None = None,
    kept: Path | None = None,
) -> History:
    """Quantisation-aware training with a disturbance that is redrawn for every batch.

    Args:
        network: changed in place.
        x: inputs.
        labels: their classes.
        settings: how the loop runs.
        surrogate: of the tile; None multiplies exactly, so that only the disturbance is learnt.
        disturbance: what conductances suffer.
        after_step: see `train`.
        kept: see `train`.
    """
    set_arithmetic(network, surrogate, disturbance, settings.seed)
    return train(network, x, labels, settings, after_step=after_step, kept=kept)


def _optimizer(network: nn.Module, settings: TrainSettings) -> torch.optim.Optimizer:
    parameters = [p for p in network.parameters() if p.requires_grad]
    rate, decay = settings.learning_rate, settings.weight_decay
    if settings.optimizer == "adam":
        return torch.optim.Adam(parameters, lr=rate, weight_decay=decay)
    return torch.optim.SGD(parameters, lr=rate, momentum=0.9, nesterov=True, weight_decay=decay)


def _scale_disturbances(
    full: dict[AnalogLayer, Disturbance | None], settings: TrainSettings, epoch: int
) -> None:
    """The disturbance of every layer, as large as the schedule wants it in an epoch."""
    factor = settings.disturbance_schedule.factor(epoch / max(settings.epochs - 1, 1))
    for layer, disturbance in full.items():
        if disturbance is not None and factor != 1.0:
            disturbance = Scaled(disturbance, factor)
        layer.programming_error = disturbance


@torch.no_grad()
def _clip(network: nn.Module, clip: float | None) -> None:
    """Bring the weights of analog layers within a number of their standard deviations."""
    if clip is None:
        return
    for layer in analog_layers(network):
        largest = clip * layer.weight.std(correction=0)
        layer.weight.clamp_(-largest, largest)
