"""The specification of a study: one TOML file that defines a whole run of the loop.

    characterise the tile in ngspice → fit a surrogate → train a network plainly and variability
    aware → program both with conductance errors → evaluate them by ideal arithmetic, by the
    surrogate and by ngspice itself → report

A study names its tile in a file of its own, and fixes every seed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator

from cosim.characterize import SamplingPlan
from netlists.fields import Name, NotNegative, Positive, Spec, plain_name
from netlists.specs import TileSpec
from netlists.toml_files import read_toml, validated


Count = Annotated[int, Field(ge=1)]


class SurrogateSpec(Spec):
    """How the surrogate is fitted.

    Attributes:
        held_out: share of the conductance matrices that the fit never sees and is judged on.
        max_nrmse: largest range-NRMSE on the held-out samples that the study accepts.
    """

    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.3
    max_nrmse: Positive = 2e-3


class NetworkSpec(Spec):
    """The network and its data.

    Attributes:
        data: `digits`, the 8x8 images that scikit-learn ships (1,797 of them).
        hidden: widths of the hidden layers.
        levels: conductance levels of a cell, the same in every training and evaluation.
    """

    data: Literal["digits"] = "digits"
    hidden: tuple[Count, ...] = (32,)
    levels: Annotated[int, Field(ge=2, le=256)] = 16


class TrainingSpec(Spec):
    """Both trainings; they differ in the variation alone.

    Attributes:
        epochs: passes over the training images.
        batch: images per step.
        learning_rate: of the optimizer.
        variation: standard deviation of the conductance error that variability-aware training
            injects [S].
    """

    epochs: Count = 40
    batch: Count = 64
    learning_rate: Positive = 3e-3
    variation: NotNegative


class ProgrammingSpec(Spec):
    """What programming does to the target conductances.

    Attributes:
        variation: standard deviation of the error of a programmed conductance [S]; static, drawn
            once per chip.
        chips: number of chips, each one draw of all errors, the same for both networks.
    """

    variation: NotNegative
    chips: Count = 3


class EvaluationSpec(Spec):
    """What the programmed chips are tested on.

    Attributes:
        images: test images that run through ngspice, every tile operation of them.
        max_accuracy_gap: largest difference between the accuracy that the surrogate predicts and
            the accuracy in ngspice, on the same images and chips, that the study accepts.
    """

    images: Count = 100
    max_accuracy_gap: Positive = 0.02


class StudySpec(Spec):
    """One study.

    Attributes:
        name: what reports call it.
        tile: path of the tile's TOML file, relative to the study's own.
        seed: from which every random draw of the study is derived.
        characterize: which samples are taken of the tile.
        surrogate: how the surrogate is fitted and accepted.
        network: what is trained.
        training: how.
        programming: what becomes of the target conductances.
        evaluation: what is tested, and what is accepted.
    """

    name: Name
    tile: str
    seed: Annotated[int, Field(ge=0)] = 0
    characterize: SamplingPlan
    surrogate: SurrogateSpec = SurrogateSpec()
    network: NetworkSpec = NetworkSpec()
    training: TrainingSpec
    programming: ProgrammingSpec
    evaluation: EvaluationSpec = EvaluationSpec()

    _plain_name = field_validator("name")(plain_name)

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read a study.

        Raises:
            SpecError: a field is missing, unknown or out of range.
        """
        return validated(cls, read_toml(path), str(path))


def load_study(path: str | Path) -> tuple[StudySpec, TileSpec]:
    """Read a study and the tile that it names.

    Raises:
        SpecError: either file is missing or wrong.
    """
    study = StudySpec.from_toml(path)
    return study, TileSpec.from_toml(Path(path).parent / study.tile)
