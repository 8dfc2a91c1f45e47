"""Random sparse adaptation: a few weights in digital memory make up for the errors of a chip.

    y = tiles(x)                 cells: written once, then frozen with all of their errors
      + x (mask * w_sram)        digital memory: a small part of the weights, trained on the chip

The mask is random and the same for all chips, so the positions can be wired; only its weights are
trained, after programming (G. Charan et al., IEEE J. Explor. Solid-State Comput. Devices Circuits
(2020)). The alternative is a mask of the weights that matter most to the loss.

All chips are adapted together: they share every batch, and each has weights of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn

from cosim.errors import InputError
from cosim.nn.chip import Chip
from cosim.nn.evaluate import programmed
from cosim.nn.network import analog_layers
from cosim.nn.train import Loss, TrainSettings, cross_entropy
from cosim.nn.variability import generator_of
from cosim.surrogate.base import Surrogate


Masks = tuple[Bool[Tensor, "_ _"], ...]


def random_masks(network: nn.Module, share: float, seed: int = 0) -> Masks:
    """Masks of each analog layer with random positions.

    Args:
        network: a network with analog layers.
        share: of the weights that are in digital memory, 0 to 1.
        seed: of the positions.

    Raises:
        InputError: a share outside of 0 to 1.
    """
    scores = (
        torch.rand(layer.weight.flatten(1).shape, generator=generator_of(seed, index))
        for index, layer in enumerate(analog_layers(network))
    )
    return tuple(_highest(score, share) for score in scores)


def importance_masks(
    network: nn.Module,
    x: Float[Tensor, "samples ..."],
    labels: Int[Tensor, " samples"],
    share: float,
) -> Masks:
    """Masks of each analog layer with the weights whose loss would change the loss most.

    To first order that is |w dL/dw| (P. Molchanov et al., arXiv:1906.10771, 2019).

    Args:
        network: its clean weights are judged, as it multiplies now.
        x: typical inputs.
        labels: their classes.
        share: of the weights of each layer, 0 to 1.

    Raises:
        InputError: a share outside of 0 to 1.
    """
    weights = [layer.weight for layer in analog_layers(network)]
    loss = nn.functional.cross_entropy(network(x), labels)
    gradients = torch.autograd.grad(loss, weights)
    return tuple(
        _highest((weight.detach() * gradient).abs().flatten(1), share)
        for weight, gradient in zip(weights, gradients, strict=True)
    )


def adapt(
    network: nn.Module,
    chips: Sequence[Chip],
    x: Float[Tensor, "samples ..."],
    labels: Int[Tensor, " samples"],
    masks: Masks,
    settings: TrainSettings,
    loss: Loss = cross_entropy,
    engine: Literal["ideal"] | Surrogate = "ideal",
) -> list[Chip]:
    """Train the digital part of every chip; the cells stay as they are.

    Args:
        network: that was programmed into the chips; it is not changed.
        chips: from `program`.
        x: inputs to train on.
        labels: their classes.
        masks: which weights are in digital memory.
        settings: epochs, batch, learning rate and schedule of Adam, and the seed of the order.
        loss: what is made small; `Distillation` for a teacher's help.
        engine: what multiplies with the cells.

    Returns:
        The same chips, each with its `sram`.

    Raises:
        InputError: the masks are not of this network.
    """
    layers = analog_layers(network)
    _check_masks(masks, [layer.weight.flatten(1).shape for layer in layers])
    added = [
        torch.zeros(len(chips), *mask.shape, requires_grad=True, device=layer.weight.device)
        for mask, layer in zip(masks, layers, strict=True)
    ]
    steps = settings.epochs * -(-len(x) // settings.batch)
    optimizer = torch.optim.Adam(added, lr=settings.learning_rate)
    schedule = settings.schedule.scheduler(optimizer, settings.learning_rate, steps)
    order = torch.Generator().manual_seed(settings.seed)
    with programmed(network, chips, engine):
        for layer, own in zip(layers, added, strict=True):
            if layer.programmed is not None:
                layer.programmed = replace(layer.programmed, sram=own)
        for _ in range(settings.epochs):
            for chosen in torch.randperm(len(x), generator=order).split(settings.batch):
                batch = x[chosen]
                outputs = network(batch.repeat(len(chips), *(1 for _ in x.shape[1:])))
                # Every chip counts fully, however many are adapted together.
                value = len(chips) * loss(outputs, labels[chosen].repeat(len(chips)), batch)
                gradients = torch.autograd.grad(value, added)
                for own, gradient, mask in zip(added, gradients, masks, strict=True):
                    own.grad = gradient * mask
                optimizer.step()
                schedule.step()
    return [
        replace(chip, sram=tuple(own[number].detach().clone() for own in added))
        for number, chip in enumerate(chips)
    ]


def _highest(
    score: Float[Tensor, "outputs inputs"], share: float
) -> Bool[Tensor, "outputs inputs"]:
    if not 0 <= share <= 1:
        raise InputError(
            f"a share of {share} of the weights was asked for; allowed is 0 to 1; correct it"
        )
    mask = torch.zeros(score.numel(), dtype=torch.bool, device=score.device)
    mask[score.flatten().topk(round(share * score.numel())).indices] = True
    return mask.reshape(score.shape)


def _check_masks(masks: Masks, shapes: list[torch.Size]) -> None:
    given = [tuple(mask.shape) for mask in masks]
    wanted = [tuple(shape) for shape in shapes]
    if given != wanted:
        raise InputError(
            f"masks of shapes {given} are given; the network's weights have {wanted}; make the"
            " masks from this network"
        )
