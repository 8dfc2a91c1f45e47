"""The ratio cell in a network: drift that all cells share goes away before conversion."""

import pytest
import torch

from cosim.errors import InputError
from cosim.nn import (
    Drift,
    NonIdealities,
    RatioCell,
    evaluate,
    program_chips,
)


DAY = 86400.0
IDEAL = RatioCell(ideal_periphery=True)


@pytest.fixture
def images():
    return torch.rand(20, 12, generator=torch.Generator().manual_seed(5))


def outputs(network, images, kinds, time, compensation, engine="ideal", count=6):
    labels = torch.zeros(len(images), dtype=torch.long)
    chips = program_chips(network, count, kinds)
    return evaluate(network, images, labels, chips, engine, (time,), compensation).outputs_of()


def apart(found, wanted):
    return float(((found - wanted).pow(2).mean() / wanted.pow(2).mean()).sqrt())


def test_cells_that_drift_alike_do_not_seem_to_drift(network, images):
    alike = NonIdealities(drift=Drift(0.05, 0.0))
    exact = outputs(network, images, None, None, None)
    assert apart(outputs(network, images, alike, DAY, None), exact) > 0.2
    assert apart(outputs(network, images, alike, DAY, IDEAL), exact) < 0.02


def test_errors_of_the_periphery_stay_what_they_are_on_a_chip(network, images):
    """They are static: a chip differs from the exact network, and not from itself a day later."""
    alike, real = NonIdealities(drift=Drift(0.05, 0.0)), RatioCell()
    exact = outputs(network, images, None, None, None)
    fresh = outputs(network, images, alike, 1.0, real)
    later = outputs(network, images, alike, DAY, real)
    assert 0.005 < apart(fresh, exact) < 0.2
    assert apart(later, fresh) < 0.5 * apart(fresh, exact)
    assert not torch.allclose(fresh[0], fresh[1], rtol=1e-3)


def test_the_spread_of_the_exponents_remains(network, images):
    unlike = NonIdealities(drift=Drift(0.05, 0.01))
    fresh = outputs(network, images, unlike, 1.0, IDEAL)
    left = apart(outputs(network, images, unlike, DAY, IDEAL), fresh)
    alone = apart(outputs(network, images, unlike, DAY, None), fresh)
    assert 0.02 < left < 0.6 * alone


def test_a_surrogate_s_currents_go_through_the_cell_too(network, images, surrogate):
    alike = NonIdealities(drift=Drift(0.05, 0.0))
    fresh = outputs(network, images, alike, None, None, surrogate, count=2)
    later = outputs(network, images, alike, DAY, IDEAL, surrogate, count=2)
    assert apart(outputs(network, images, alike, DAY, None, surrogate, count=2), fresh) > 0.2
    assert apart(later, fresh) < 0.1


def test_nothing_is_said_about_what_was_not_measured(network, images):
    steep = NonIdealities(drift=Drift(0.2, 0.0))
    with pytest.raises(InputError, match=r"faded to 0\.1.*measured from 0\.25"):
        outputs(network, images, steep, DAY, IDEAL)
