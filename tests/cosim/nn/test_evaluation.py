"""Results of evaluations: axes, distributions over chips, paired differences, tables."""

import numpy as np
import pytest
import torch

from cosim.errors import InputError
from cosim.nn import (
    Drift,
    Evaluation,
    EvaluationSettings,
    NonIdealities,
    ProgrammingError,
    evaluate,
    program_chips,
)


KINDS = NonIdealities((ProgrammingError(2e-5, 5e-6, 150e-6),), drift=Drift(0.05, 0.01))


def found(accuracy, seeds=(1, 2, 3, 4)):
    values = np.array(accuracy)[None, None]
    return Evaluation(("ideal",), (None,), seeds, values, torch.zeros(1, 1, len(seeds), 2, 3))


def test_engines_times_and_chips_are_three_axes(network, images, surrogate):
    chips = program_chips(network, 3, KINDS)
    engines = {"exact": "ideal", "tile": surrogate}
    lines = []
    settings = EvaluationSettings(progress=lines.append)
    result = evaluate(network, *images, chips, engines, (1.0, 3600.0), settings=settings)
    assert result.accuracy.shape == (2, 2, 3)
    assert result.outputs.shape == (2, 2, 3, 11, 4)
    for engine, one in engines.items():
        for time in (1.0, 3600.0):
            alone = evaluate(network, *images, chips, one, (time,))
            torch.testing.assert_close(result.outputs_of(engine, time), alone.outputs_of())
    assert [line.split(":")[0] for line in lines] == [
        "exact, 1 s", "exact, 3600 s", "tile, 1 s", "tile, 3600 s",
    ]  # fmt: skip


def test_parts_give_what_all_at_once_gives(network, images):
    chips = program_chips(network, 5, KINDS)
    whole = evaluate(network, *images, chips)
    parts = evaluate(network, *images, chips, settings=EvaluationSettings(4, 2))
    torch.testing.assert_close(parts.outputs, whole.outputs)
    with pytest.raises(InputError, match="0 at once"):
        EvaluationSettings(images_at_once=0)


def test_a_distribution_has_mean_spread_median_and_quartiles():
    result = found([0.5, 0.7, 0.8, 1.0])
    assert result.mean[0, 0] == pytest.approx(0.75)
    assert result.std[0, 0] == pytest.approx(np.std([0.5, 0.7, 0.8, 1.0], ddof=1))
    assert result.median[0, 0] == pytest.approx(0.75)
    assert result.quartiles[:, 0, 0] == pytest.approx([0.65, 0.85])
    assert "75.00 %" in result.table()
    assert "65.00 ... 85.00 %" in result.table()


def test_paired_differences_come_with_their_standard_error():
    gain = found([0.6, 0.8, 0.8, 0.9]).minus(found([0.5, 0.6, 0.8, 0.8]))
    assert gain.mean[0, 0] == pytest.approx(0.1)
    assert gain.standard_error[0, 0] == pytest.approx(np.std([0.1, 0.2, 0, 0.1], ddof=1) / 2)
    assert gain.ahead[0, 0] == pytest.approx(0.75)
    assert "+10.00 points" in gain.table()


def test_only_the_same_chips_can_be_paired():
    with pytest.raises(InputError, match=r"seeds.*can be paired"):
        found([0.5] * 4).minus(found([0.5] * 4, seeds=(1, 2, 3, 5)))


def test_what_was_not_evaluated_cannot_be_asked_for(network, images):
    result = evaluate(network, *images, program_chips(network, 2, KINDS), times=(1.0, 10.0))
    with pytest.raises(InputError, match=r"time None was asked for; evaluated are 1.0, 10.0"):
        result.of()
    with pytest.raises(InputError, match=r"engine 'spice'"):
        result.of("spice", 1.0)
    with pytest.raises(InputError, match="no chips"):
        evaluate(network, *images, [])
