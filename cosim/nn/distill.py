"""Knowledge distillation: a student on tiles learns from a teacher without their errors.

The student's forward pass has the non-idealities, the teacher's has not. The loss is

    alpha * cross entropy + (1 - alpha) * T^2 * KL(softmax(teacher / T) || softmax(student / T))

(G. Hinton, O. Vinyals, J. Dean, arXiv:1503.02531, 2015; for tiles with stuck cells G. Charan et
al., IEEE J. Explor. Solid-State Comput. Devices Circuits (2020), with T = 2).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from cosim.errors import InputError


@dataclass(frozen=True)
class Distillation:
    """A loss that compares with labels and with a teacher.

    Attributes:
        teacher: a trained network; it is only asked.
        temperature: T, which softens both answers.
        alpha: weight of the labels.

    Raises:
        InputError: a temperature that is not positive, or a weight outside of 0 to 1.
    """

    teacher: nn.Module
    temperature: float = 2.0
    alpha: float = 0.3

    def __post_init__(self) -> None:
        if self.temperature <= 0 or not 0 <= self.alpha <= 1:
            raise InputError(
                f"distillation with temperature {self.temperature} and alpha {self.alpha} was asked"
                " for; allowed are a temperature above 0 and alpha from 0 to 1; correct them"
            )

    def __call__(
        self,
        outputs: Float[Tensor, "outputs classes"],
        labels: Int[Tensor, " outputs"],
        x: Float[Tensor, "batch ..."],
    ) -> Float[Tensor, ""]:
        """The loss of a batch; outputs of several chips, chip by chip, share the inputs."""
        with torch.no_grad():
            was_training = self.teacher.training
            self.teacher.eval()
            soft = (self.teacher(x) / self.temperature).log_softmax(-1)
            self.teacher.train(was_training)
        soft = soft.repeat(len(outputs) // len(x), 1)
        student = (outputs / self.temperature).log_softmax(-1)
        divergence = nn.functional.kl_div(student, soft, reduction="batchmean", log_target=True)
        hard = nn.functional.cross_entropy(outputs, labels)
        return self.alpha * hard + (1.0 - self.alpha) * self.temperature**2 * divergence
