"""Binary networks trained by weak RESET: what each imperfection of the devices costs.

After A. Majumdar et al., "Learning with memory device imperfections", IEEE Trans. Electron Devices,
2021 (arXiv 2107.06064). A binary perceptron is trained on pairs of cells that only weak RESET
pulses change, with no latent weights. The arms share initial signs, images and their order:

    ideal      latent weights in floating point and ordinary Adam: the software it is measured by
    mean       pairs of equal devices without noise: the rule alone
    RTN        random telegraph noise, drawn anew at every step
    1/f        noise of the last pulses
    C2C        both of them: cycle to cycle
    D2D        devices differ, without noise
    all        everything

A weight is read anew at every step and evaluation, so with noise the accuracy of one moment is one
read. The last epoch's networks are therefore read several times, and the mean of these is reported,
next to that of the last single reads.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated, ClassVar, Literal

import numpy as np
import torch
from pydantic import Field
from scipy import stats
from torch import nn

from cosim.datasets import Images
from cosim.nn import Steps, WeakReset, WeakResetDevices, WeakResetRule, binary_perceptron
from cosim.report import Axis, GroupChart, GroupSeries
from cosim.studies.arms import AUGMENT
from cosim.studies.networks import binary_vgg
from cosim.studies.rows import Row
from cosim.studies.script import paired, selected
from cosim.studies.spec import ImageStudy, later
from cosim.studies.study_run import ImageRun
from netlists.fields import Positive


Arm = Literal["ideal", "mean", "RTN", "1/f", "C2C", "D2D", "all"]
# Device to device, telegraph, flicker.
SWITCHES: dict[Arm, tuple[bool, bool, bool]] = {
    "mean": (False, False, False),
    "RTN": (False, True, False),
    "1/f": (False, False, True),
    "C2C": (False, True, True),
    "D2D": (True, False, False),
    "all": (True, True, True),
}
TEST_PART = 1000


class WeakResetStudy(ImageStudy):
    """The study.

    Attributes:
        hidden: widths of the hidden layers.
        arms: which are run.
        card: of the devices.
        epochs: passes over the training set.
        batch: images per step.
        rate: pulses per unit step of Adam.
        halved_every: epochs after which the rate is halved.
        most_pulses: of one step.
        digital_rate: learning rate of batch normalisation.
        ideal_rate: learning rate of the ideal arm's latent weights.
        reads: of the trained network.
        seeds: trainings of each arm.
        maps: of convolutions before the hidden layers; none for a perceptron.
        augmented: whether training images are moved and mirrored.
    """

    hidden: tuple[int, ...]
    arms: tuple[Arm, ...]
    card: str
    epochs: Annotated[int, Field(ge=1)]
    batch: Annotated[int, Field(ge=2)]
    rate: Positive
    halved_every: Annotated[int, Field(ge=1)]
    most_pulses: Annotated[int, Field(ge=1)]
    digital_rate: Positive
    ideal_rate: Positive
    reads: Annotated[int, Field(ge=1)]
    seeds: Annotated[int, Field(ge=1)]
    maps: Annotated[tuple[int, ...], later(())] = ()
    augmented: Annotated[bool, later(False)] = False

    def network(self, images: Images, seed: int) -> nn.Sequential:
        """The network before training."""
        if self.maps:
            return binary_vgg(images.shape, self.maps, self.hidden, seed)
        return binary_perceptron((images.pixels, *self.hidden, 10), seed)


@dataclass(frozen=True)
class WeakResetArms(ImageRun[WeakResetStudy]):
    """The study at work."""

    keys: ClassVar[tuple[str, ...]] = ("arm", "seed")
    values: ClassVar[tuple[str, ...]] = (
        *("accuracy", "read_std", "last_five"),
        *("train_loss", "pulses", "minutes"),
    )

    def run(self) -> None:
        """Everything that is not in the table yet, seed by seed."""
        for seed in range(self.study.seeds):
            for arm in self.study.arms:
                self.rows.case({"arm": arm, "seed": seed}, partial(self.row, arm, seed))

    def row(self, arm: Arm, seed: int) -> Row:
        """One training: the values of its row, accuracies in per cent."""
        start = time.perf_counter()
        study = self.study
        network = study.network(self.images, seed)
        optimizer = self._optimizer(network, arm, seed)
        found = list(self._epochs(network, optimizer, seed))
        again = self._read_again(network, optimizer)
        weights = sum(p.numel() for p in network.parameters() if p.dim() > 1)
        given = optimizer.pulses_given if isinstance(optimizer, WeakReset) else 0
        return {
            "accuracy": float(np.mean(again)),
            "read_std": float(np.std(again)),
            "last_five": float(np.mean([accuracy for _, accuracy in found[-5:]])),
            "train_loss": found[-1][0],
            "pulses": given / weights,
            "minutes": (time.perf_counter() - start) / 60.0,
        }

    def _optimizer(self, network: nn.Module, arm: Arm, seed: int) -> torch.optim.Optimizer:
        study = self.study
        if arm == "ideal":
            matrices = [p for p in network.parameters() if p.dim() > 1]
            others = [p for p in network.parameters() if p.dim() <= 1]
            return torch.optim.Adam(
                [
                    {"params": matrices, "lr": study.ideal_rate},
                    {"params": others, "lr": study.digital_rate},
                ]
            )
        differing, telegraph, flicker = SWITCHES[arm]
        devices = WeakResetDevices(study.card, differing, telegraph, flicker)
        rule = WeakResetRule(most=study.most_pulses, digital_rate=study.digital_rate)
        return WeakReset(network.parameters(), study.rate, devices, rule, seed)

    def _epochs(
        self, network: nn.Module, optimizer: torch.optim.Optimizer, seed: int
    ) -> Iterator[tuple[float, float]]:
        """Training loss and test accuracy, in per cent, of every epoch."""
        study, images = self.study, self.images
        order = torch.Generator().manual_seed(seed)
        steps = Steps(-(-study.epochs // study.halved_every), 0.5)
        rates = [group["lr"] for group in optimizer.param_groups]
        covered = steps.count * study.halved_every
        for epoch in range(study.epochs):
            # Only matrices follow the schedule; batch normalisation keeps its rate.
            optimizer.param_groups[0]["lr"] = rates[0] * steps.factor(epoch / covered)
            network.train()
            total = 0.0
            for chosen in torch.randperm(len(images.train_images), generator=order).split(
                study.batch
            ):
                optimizer.zero_grad()
                x = images.train_images[chosen]
                x = AUGMENT(x, order) if study.augmented else x
                loss = nn.functional.cross_entropy(network(x), images.train_labels[chosen])
                loss.backward()
                optimizer.step()
                total += float(loss.detach()) * len(chosen)
            yield total / len(images.train_images), self._accuracy(network)

    def _read_again(self, network: nn.Module, optimizer: torch.optim.Optimizer) -> list[float]:
        """Accuracies, in per cent, of several reads of the trained network."""
        found = [self._accuracy(network)]
        for _ in range(self.study.reads - 1 if isinstance(optimizer, WeakReset) else 0):
            if isinstance(optimizer, WeakReset):
                optimizer.read()
            found.append(self._accuracy(network))
        return found

    @torch.no_grad()
    def _accuracy(self, network: nn.Module) -> float:
        network.eval()
        right = sum(
            int((network(x).argmax(-1) == labels).sum())
            for x, labels in zip(
                self.images.test_images.split(TEST_PART),
                self.images.test_labels.split(TEST_PART),
                strict=True,
            )
        )
        return 100.0 * right / len(self.images.test_labels)

    def chart(self) -> GroupChart:
        """Accuracy of every arm, a mark for each seed."""
        by_arm = {arm: selected(self.rows.all, "accuracy", arm=arm) for arm in self.study.arms}
        begun = {arm: found / 100 for arm, found in by_arm.items() if len(found)}
        values = np.full((len(begun), max(map(len, begun.values()))), np.nan)
        for place, found in enumerate(begun.values()):
            values[place, : len(found)] = found
        series = GroupSeries("test set, mean of several reads; a mark for each seed", values)
        return GroupChart(Axis("accuracy", "%"), tuple(begun), (series,))

    def figures(self) -> dict[str, str]:
        """What the arms come to, and paired differences between them over the seeds."""
        by_arm = {arm: selected(self.rows.all, "accuracy", arm=arm) for arm in self.study.arms}
        texts = {str(arm): interval(found) for arm, found in by_arm.items()}
        pairs = [("mean", "ideal"), ("D2D", "C2C")]
        pairs += [(arm, "mean") for arm in self.study.arms if arm not in ("ideal", "mean")]
        for one, other in pairs:
            if one in by_arm and other in by_arm:
                difference = paired(by_arm[one], by_arm[other])
                texts[f"{one} minus {other}"] = interval(difference, "points", "+")
        return texts


def interval(values: np.ndarray, unit: str = "%", sign: str = "") -> str:
    """Mean and half of its interval of confidence of 95 %, by Student's distribution."""
    count = len(values)
    if not count:
        return "not run"
    text = f"{values.mean():{sign}.2f}"
    if count > 1:
        half = stats.t.ppf(0.975, count - 1) * values.std(ddof=1) / np.sqrt(count)
        text = f"{text} ± {half:.2f}"
    return f"{text} {unit} ({count} seeds)"
