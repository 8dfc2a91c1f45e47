"""The specification of a study: one TOML file that defines a whole run of the loop.

    characterise the tile in ngspice → fit a surrogate → train networks → program them into chips →
    evaluate them by ideal arithmetic, the surrogate, the solver and ngspice itself → where these
    disagree, sample there, refit, retrain → report

A study names its tile in a file of its own, and fixes every seed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from cosim.characterize import SamplingPlan
from cosim.datasets import DatasetName
from cosim.programming import ALGORITHMS
from netlists.fields import Name, NotNegative, Positive, Spec, plain_name
from netlists.specs import TileSpec
from netlists.toml_files import read_toml, validated


Count = Annotated[int, Field(ge=1)]
Training = Literal["plain", "variability-aware"]
TRAININGS: tuple[Training, ...] = ("plain", "variability-aware")
FROM_PROGRAMMING = "from programming"


class SurrogateSpec(Spec):
    """How the surrogate is fitted.

    Attributes:
        held_out: share of the conductance matrices that the fit never sees and is judged on.
        max_nrmse: largest range-NRMSE on the held-out samples that the study accepts.
        initial: what the first round starts with instead of a fit: the folder of a stored
            surrogate, or the TOML file of a tile whose closed form is taken. It may be of another
            tile; the report says so.
    """

    held_out: Annotated[float, Field(gt=0, lt=1)] = 0.3
    max_nrmse: Positive = 2e-3
    initial: str | None = None


class NetworkSpec(Spec):
    """The network and its data.

    Attributes:
        data: `digits`, the 8x8 images that scikit-learn ships (1,797 of them), or `mnist` or
            `cifar10` from a folder.
        kind: `perceptron`, or `lenet5` for images of 28x28 or 32x32 pixels.
        hidden: widths of the hidden layers of a perceptron.
        levels: conductance levels of a cell, the same in every training and evaluation.
        train_images: how many of the images are trained on; all when None.
        test_images: how many of the images are tested on; all when None.
    """

    data: DatasetName = "digits"
    kind: Literal["perceptron", "lenet5"] = "perceptron"
    hidden: tuple[Count, ...] = (32,)
    levels: Annotated[int, Field(ge=2, le=256)] = 16
    train_images: Count | None = None
    test_images: Count | None = None


class TrainingSpec(Spec):
    """The trainings; they differ in the variation alone.

    Attributes:
        networks: which networks the study trains, programs and replays.
        exact_epochs: passes with exact products before variability-aware training begins.
        epochs: passes over the training images.
        batch: images per step.
        learning_rate: of the optimizer.
        variation: standard deviation of the conductance error that variability-aware training
            injects [S], or `from programming`: shifts and spreads as the study's programming
            leaves them, measured on cells of every level.
    """

    networks: Annotated[tuple[Training, ...], Field(min_length=1)] = TRAININGS
    exact_epochs: Annotated[int, Field(ge=0)] = 0
    epochs: Count = 40
    batch: Count = 64
    learning_rate: Positive = 3e-3
    variation: NotNegative | Literal["from programming"]


class ProgrammingSpec(Spec):
    """What programming does to the target conductances.

    Attributes:
        algorithm: writes and verifies every cell on the tile's own device card.
        engine: `compiled` integrates every pulse, `laws` draws from the card's statistics.
        transistor: card of the transistor that limits the current while writing, for cells that
            have none of their own.
        variation: standard deviation of the error of a programmed conductance [S], instead of an
            algorithm; static, drawn once per chip.
        chips: number of chips, each one draw of all errors, the same for all networks.
    """

    algorithm: str | None = None
    engine: Literal["compiled", "laws"] = "compiled"
    transistor: str | None = None
    variation: NotNegative | None = None
    chips: Count = 3

    @field_validator("algorithm")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        if name is not None and name not in ALGORITHMS:
            raise ValueError(f"algorithm {name!r} is unknown; allowed are {', '.join(ALGORITHMS)}")
        return name

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.algorithm is None) == (self.variation is None):
            raise ValueError("give either `algorithm` or `variation`, and not both")
        return self


class EvaluationSpec(Spec):
    """What the programmed chips are tested on.

    Attributes:
        images: test images that run through ngspice, every tile operation of them.
        solver_images: test images that run through the solver; all when None, 0 for none.
        max_accuracy_gap: largest difference between the accuracy that the surrogate predicts and
            the accuracy in ngspice, on the same images and chips, that the study accepts.
    """

    images: Count = 100
    solver_images: Annotated[int, Field(ge=0)] | None = None
    max_accuracy_gap: Positive = 0.02


class LoopSpec(Spec):
    """When the loop ends, and what another round does.

    Attributes:
        rounds: most rounds; with one, nothing is refitted.
        margin: largest difference between predicted and circuit accuracy that ends the loop.
        pilot: images that go through ngspice first; when the surrogate's error on their reads is
            not what its certificate says, the round ends there. 0 always replays all images.
        samples: reads of the replay that join the samples of the next fit, at most.
        epochs: of retraining, which starts from the weights of the round before.
        learning_rate: of retraining; that of the training when None.
    """

    rounds: Annotated[int, Field(ge=1, le=20)] = 1
    margin: Positive = 0.005
    pilot: Annotated[int, Field(ge=0)] = 0
    samples: Count = 400
    epochs: Count = 5
    learning_rate: Positive | None = None


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
        loop: when it ends.
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
    loop: LoopSpec = LoopSpec()

    _plain_name = field_validator("name")(plain_name)

    @model_validator(mode="after")
    def _measurable(self) -> Self:
        measured = self.training.variation == FROM_PROGRAMMING
        if measured and self.programming.algorithm is None:
            raise ValueError(
                f"training.variation is `{FROM_PROGRAMMING}`, which takes a programming.algorithm"
            )
        return self

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read a study.

        Raises:
            SpecError: a field is missing, unknown or out of range.
        """
        return validated(cls, read_toml(path), str(path))


def load_study(path: str | Path) -> tuple[StudySpec, TileSpec]:
    """Read a study and the tile that it names; what it starts with is found beside it, too.

    Raises:
        SpecError: either file is missing or wrong.
    """
    study, beside = StudySpec.from_toml(path), Path(path).parent
    tile = TileSpec.from_toml(beside / study.tile)
    if study.surrogate.initial is not None:
        found = str((beside / study.surrogate.initial).resolve())
        surrogate = study.surrogate.model_copy(update={"initial": found})
        study = study.model_copy(update={"surrogate": surrogate})
    return study, tile
