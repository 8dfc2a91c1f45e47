"""The stage that closes the loop: the network's own reads, tile by tile, in ngspice.

Every tile operation of every test image is evaluated three ways on the same chips: by ideal
arithmetic, by the surrogate, and by ngspice, whose currents feed the next layer. What ngspice was
asked, the surrogate is asked again, so its error is known on the very activations and programmed
conductances of the network, and not only on random ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cosim.engine.base import Currents, Job
from cosim.engine.ngspice import NgspiceEngine
from cosim.loop.context import Advance, Context
from cosim.loop.networks import chips_of, load_network
from cosim.loop.stages import Results
from cosim.nn import Engine, analog_layers, evaluate
from cosim.surrogate import LineModeGalerkin, accuracy


class Recorder:
    """Passes tasks on to ngspice and remembers what was asked and answered."""

    def __init__(self, engine: NgspiceEngine, advance: Advance) -> None:
        self._engine = engine
        self._advance = advance
        self.tasks: list[Job] = []
        self.answers: list[Currents] = []

    def mvm_many(self, tasks: Sequence[Job]) -> list[Currents]:
        """Evaluate tasks in ngspice."""
        answers = self._engine.mvm_many(tasks, self._advance)
        self.tasks += tasks
        self.answers += answers
        return answers

    @property
    def operations(self) -> int:
        """Number of tile operations: one matrix-vector product on one tile."""
        return sum(len(answer) for answer in self.answers)


def replay(context: Context, training: str, surrogate: LineModeGalerkin) -> Results:
    """Accuracy of one trained network on every chip, three ways, on the same images."""
    network = load_network(context, training)
    chips = chips_of(context, network)
    images, labels = context.images.test_images, context.images.test_labels
    count = min(context.study.evaluation.images, len(images))
    x, y = images[:count], labels[:count]
    operations = count * len(chips) * sum(m.mapping.tiles for m in analog_layers(network))
    with context.progress.bar(f"ngspice: {training}", operations) as advance:
        recorder = Recorder(context.engine, advance)
        in_ngspice = evaluate(network, x, y, chips, recorder)
    predicted = np.concatenate(surrogate.mvm_many(recorder.tasks))
    reference = np.concatenate(recorder.answers)
    sizes = [len(answer) for answer in recorder.answers]
    errors = accuracy(predicted, reference, np.repeat(np.arange(len(sizes)), sizes))
    quick: dict[str, Engine] = {"ideal": "ideal", "surrogate": surrogate}
    predictions = evaluate(network, x, y, chips, quick)
    on_all = evaluate(network, images, labels, chips, quick)
    agree = predictions.outputs_of("surrogate").argmax(-1) == in_ngspice.outputs_of().argmax(-1)
    return {
        "images": count,
        "operations": recorder.operations,
        "accuracy": {
            **{engine: predictions.of(engine).tolist() for engine in quick},
            "ngspice": in_ngspice.of().tolist(),
        },
        "all_test_images": {
            "images": len(images),
            **{engine: on_all.of(engine).tolist() for engine in quick},
        },
        "same_class": float(agree.double().mean()),
        "surrogate_nrmse": errors.nrmse,
        "surrogate_relative_l2": errors.relative_l2,
        "surrogate_max_error": errors.max_error,
    }
