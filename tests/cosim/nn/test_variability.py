"""Draws of programming errors: their size, their bounds, their seeds."""

import pytest
import torch

from cosim.errors import InputError
from cosim.nn import ProgrammingError, generator_of


MIDDLE = torch.full((200, 200), 7.5e-5, dtype=torch.float64)


def test_the_absolute_spread_is_in_siemens():
    error = ProgrammingError(absolute_std=4e-6, low=5e-6, high=150e-6)
    drawn = error.draw(MIDDLE, generator_of(1)) - MIDDLE
    assert float(drawn.std()) == pytest.approx(4e-6, rel=0.02)
    assert abs(float(drawn.mean())) < 1e-7


def test_absolute_and_relative_spreads_add_in_quadrature():
    error = ProgrammingError(absolute_std=3e-6, relative_std=4e-6 / 7.5e-5, low=0.0, high=1.0)
    drawn = error.draw(MIDDLE, generator_of(2)) - MIDDLE
    assert float(drawn.std()) == pytest.approx(5e-6, rel=0.02)


def test_programmed_values_stay_within_the_device_range():
    error = ProgrammingError(absolute_std=1e-4, low=5e-6, high=150e-6)
    drawn = error.draw(MIDDLE, generator_of(3))
    assert float(drawn.min()) == 5e-6
    assert float(drawn.max()) == 150e-6


def test_without_spread_the_target_is_met():
    assert torch.equal(ProgrammingError(0.0, 0.0, 1.0).draw(MIDDLE, generator_of(4)), MIDDLE)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_draw_takes_the_normal_numbers_of_its_generator_in_order(dtype):
    error = ProgrammingError(absolute_std=30e-6, low=5e-6, high=150e-6)
    target = MIDDLE.to(dtype)
    normal = torch.randn(target.shape, generator=generator_of(5), dtype=dtype)
    spread = torch.full_like(target, 30e-6**2).sqrt()
    expected = (target + normal * spread).clamp(5e-6, 150e-6)
    assert torch.equal(error.draw(target, generator_of(5)), expected)


def test_a_draw_leaves_its_target_as_it_is():
    target = MIDDLE.clone()
    ProgrammingError(4e-6, 5e-6, 150e-6).draw(target, generator_of(6))
    assert torch.equal(target, MIDDLE)


def test_a_key_makes_a_generator_of_its_own():
    same = torch.rand(4, generator=generator_of(7, 1))
    assert torch.equal(same, torch.rand(4, generator=generator_of(7, 1)))
    for other in ((7, 2), (1, 7), (7,), (71,)):
        assert not torch.equal(same, torch.rand(4, generator=generator_of(*other)))


@pytest.mark.parametrize("bad", [{"absolute_std": -1e-6}, {"relative_std": -0.1}, {"low": 2.0}])
def test_impossible_errors_are_refused(bad):
    with pytest.raises(InputError, match=r"zero or more.*correct"):
        ProgrammingError(**{"absolute_std": 1e-6, "low": 0.0, "high": 1.0, **bad})
