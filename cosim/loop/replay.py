"""The stage that closes the loop: the network's own reads, tile by tile, in ngspice.

Every tile operation of every test image is evaluated three ways on the same chips: by ideal
arithmetic, by the surrogate, and by ngspice, whose currents feed the next layer. What ngspice was
asked, the surrogate is asked again, so its error is known on the very activations and programmed
conductances of the network, and can be held against the certificate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from cosim.characterize.fitting import needed_coverage
from cosim.engine.base import Currents
from cosim.loop.answers import Recorder
from cosim.loop.context import Context
from cosim.loop.networks import IMAGES_AT_ONCE, load_network
from cosim.loop.programming import chips_of
from cosim.loop.stages import Results
from cosim.nn import AnalogLayer, Chip, Engine, Evaluation, analog_layers, evaluate
from cosim.nn.evaluate import EvaluationSettings
from cosim.surrogate import Certificate, LineModeGalerkin, accuracy


LEVEL = 0.95  # of the certificate's bound that reads are held against
WORST = 5  # tiles that are named
PARTS = EvaluationSettings(images_at_once=IMAGES_AT_ONCE)


@dataclass(frozen=True)
class Reads:
    """The reads of a replay, as ngspice and the surrogate have them.

    Attributes:
        recorder: tasks and ngspice's answers.
        predicted: the surrogate's, task by task [A].
        places: layer, chip and tile of each task.
    """

    recorder: Recorder
    predicted: list[Currents]
    places: list[tuple[int, int, int]]

    def rms(self) -> Float[np.ndarray, " tasks"]:
        """Root mean square error of the surrogate on each task [A]."""
        both = zip(self.predicted, self.recorder.answers, strict=True)
        return np.array([np.sqrt(np.mean((said - true) ** 2)) for said, true in both])


def replay(
    context: Context, training: str, surrogate: LineModeGalerkin, certificate: Certificate
) -> Results:
    """Accuracy of one trained network on every chip, three ways, on the same images.

    When the study has a pilot and another round to come, the surrogate's error on a few images is
    looked at first, and the rest is left out if it is not what the certificate says.
    """
    study, images = context.study, context.images
    network = load_network(context, training)
    chips = chips_of(context, training, network)
    count = min(study.evaluation.images, len(images.test_images))
    pilot = min(study.loop.pilot, count) if context.number < study.loop.rounds else 0
    counts = [pilot, count] if 0 < pilot < count else [count]
    for number in counts:
        reads, in_ngspice = _in_ngspice(context, training, network, chips, number, surrogate)
        errors = _errors(reads, certificate)
        if errors["surrogate_nrmse"] > study.surrogate.max_nrmse or not errors["inside_holds"]:
            count = number
            break
    x, y = images.test_images[:count], images.test_labels[:count]
    quick: dict[str, Engine] = {"ideal": "ideal", "surrogate": surrogate}
    predictions = evaluate(network, x, y, chips, quick, settings=PARTS)
    agree = predictions.outputs_of("surrogate").argmax(-1) == in_ngspice.outputs_of().argmax(-1)
    return {
        "images": count,
        "operations": reads.recorder.operations,
        "simulated": reads.recorder.simulated,
        "accuracy": {
            **{engine: predictions.of(engine).tolist() for engine in quick},
            "ngspice": in_ngspice.of().tolist(),
        },
        "same_class": float(agree.double().mean()),
        **errors,
    }


def reads_of(context: Context, training: str, surrogate: LineModeGalerkin, images: int) -> Reads:
    """The reads of a replay that was done: all answers are on disk."""
    network = load_network(context, training)
    chips = chips_of(context, training, network)
    return _in_ngspice(context, training, network, chips, images, surrogate)[0]


def _in_ngspice(
    context: Context,
    training: str,
    network: nn.Module,
    chips: list[Chip],
    images: int,
    surrogate: LineModeGalerkin,
) -> tuple[Reads, Evaluation]:
    x, y = context.images.test_images[:images], context.images.test_labels[:images]
    title = f"ngspice: {training}, {images} images"
    with context.progress.bar(title, _operations(network, x[:1]) * images * len(chips)) as advance:
        recorder = Recorder(context.engine, context.folder / "answers", advance)
        evaluation = evaluate(network, x, y, chips, recorder)
    places = [
        (number, chip, tile)
        for number, layer in enumerate(analog_layers(network))
        for chip in range(len(chips))
        for tile in range(layer.mapping.tiles)
    ]
    return Reads(recorder, surrogate.mvm_many(recorder.tasks), places), evaluation


def _operations(network: nn.Module, image: Float[Tensor, "one ..."]) -> int:
    """Tile operations of one image."""
    counted = 0

    def count(layer: nn.Module, given: tuple[Tensor, ...]) -> None:
        nonlocal counted
        if isinstance(layer, AnalogLayer):
            counted += len(layer.rows_of(given[0])) * layer.mapping.tiles

    hooks = [layer.register_forward_pre_hook(count) for layer in analog_layers(network)]
    try:
        network(image)
    finally:
        for hook in hooks:
            hook.remove()
    return counted


def _errors(reads: Reads, certificate: Certificate) -> Results:
    """The surrogate's error on the reads, and how much of it the certificate's bound covers."""
    answers = reads.recorder.answers
    sizes = [len(answer) for answer in answers]
    matrix = np.repeat(np.arange(len(sizes)), sizes)
    errors = accuracy(np.concatenate(reads.predicted), np.concatenate(answers), matrix)
    bound = certificate.bound(LEVEL)
    inside = [
        float(np.mean(np.abs(said - true) <= bound))
        for said, true in zip(reads.predicted, answers, strict=True)
    ]
    needed = needed_coverage(
        certificate.promised(LEVEL), len(inside), certificate.counts.held_out_matrices
    )
    rms = reads.rms()
    worst = np.argsort(-rms)[:WORST]
    share = float(np.mean(inside))
    return {
        "surrogate_nrmse": errors.nrmse,
        "surrogate_relative_l2": errors.relative_l2,
        "surrogate_max_error": errors.max_error,
        "matrices": len(inside),
        "bound": bound,
        "inside": share,
        "inside_needed": needed,
        "inside_holds": share >= needed,
        "worst": [[*reads.places[task], float(rms[task])] for task in worst],
    }
