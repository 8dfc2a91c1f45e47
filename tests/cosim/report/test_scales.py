"""Scales and ticks: round numbers inside the axis, labelled with what they are."""

import numpy as np
import pytest
from hypothesis import assume, given, strategies as st

from cosim.report.model import Axis
from cosim.report.scales import Scale, are_counts, fitted_scale, round_step, ticks


finite = st.floats(-1e6, 1e6, allow_nan=False)


def test_linear_scale_maps_its_ends_to_the_ends_of_the_drawing():
    scale = Scale(-1.0, 3.0, 100.0, 20.0)

    assert scale(np.array([-1.0, 1.0, 3.0])) == pytest.approx([100.0, 60.0, 20.0])


def test_logarithmic_scale_gives_every_decade_the_same_room():
    scale = Scale(1e-9, 1e-3, 0.0, 60.0, log=True)

    assert scale(np.array([1e-9, 1e-6, 1e-4])) == pytest.approx([0.0, 30.0, 50.0])


@given(finite, finite)
def test_linear_ticks_are_evenly_spaced_inside_the_axis_and_say_their_value(a, b):
    low, high = sorted((a, b))
    assume(high - low > 1e-6 * max(abs(low), abs(high), 1.0))
    scale = Scale(low, high, 0.0, 1.0)

    found = ticks(Axis("x", "V"), scale)

    values = np.array(found.values)
    margin = 1e-6 * (high - low)
    assert 2 <= values.size <= 11
    assert np.all((values >= low - margin) & (values <= high + margin))
    assert np.diff(values) == pytest.approx(np.diff(values)[0])
    shown = np.array([float(text.replace("−", "-")) for text in found.labels]) / found.factor
    assert shown == pytest.approx(values, abs=1e-6 * (high - low))


@given(st.floats(1e-15, 1e6), st.floats(1.5, 1e12))
def test_logarithmic_ticks_lie_inside_the_axis(low, ratio):
    scale = Scale(low, low * ratio, 0.0, 1.0, log=True)

    found = ticks(Axis("x", "A", log=True), scale)

    assert len(found.values) <= 8
    assert all(low * 0.998 <= value <= low * ratio * 1.002 for value in found.values)
    assert list(found.values) == sorted(set(found.values))


def test_labels_of_an_axis_share_the_prefix_that_its_title_names():
    found = ticks(Axis("Current", "A"), Scale(0.0, 1.2e-4, 0.0, 1.0))

    assert found.title == "Current [µA]"
    assert found.labels == ("0", "25", "50", "75", "100")


def test_fractions_are_labelled_in_percent():
    found = ticks(Axis("Accuracy", "%"), Scale(0.85, 0.95, 0.0, 1.0))

    assert found.title == "Accuracy [%]"
    assert found.labels == ("86", "88", "90", "92", "94")


def test_logarithmic_labels_name_their_own_prefix():
    found = ticks(Axis("Current", "A", log=True), Scale(1e-9, 1e-3, 0.0, 1.0, log=True))

    assert found.labels[0] == "1 nA"
    assert found.labels[-1] == "1 mA"


def test_numbers_without_unit_far_from_one_move_their_power_into_the_title():
    found = ticks(Axis("error"), Scale(0.0, 4e-6, 0.0, 1.0))

    assert found.title == "error [×10⁻⁶]"
    assert found.labels[-1] == "4"


@pytest.mark.parametrize(("span", "step"), [(1.0, 0.2), (9.0, 2.0), (0.011, 0.0025), (5e3, 1e3)])
def test_step_is_the_next_round_number(span, step):
    assert round_step(span, 5) == pytest.approx(step)


@pytest.mark.parametrize(
    ("last", "labels"), [(3, "0 1 2 3"), (20, "0 5 10 15 20"), (80, "0 20 40 60 80")]
)
def test_what_is_counted_has_whole_ticks(last, labels):
    epochs = np.arange(0, last + 1)
    axis = Axis("epoch")
    scale = fitted_scale(axis, epochs, 0.0, 1.0)

    assert are_counts(axis, epochs)
    assert ticks(axis, scale, 5, whole=True).labels == tuple(labels.split())


@pytest.mark.parametrize("log", [False, True])
def test_scale_of_equal_values_has_room_on_both_sides(log):
    scale = fitted_scale(Axis("x", log=log), np.full(3, 2.0), 0.0, 1.0)

    assert scale.low < 2.0 < scale.high


def test_values_that_an_axis_cannot_show_do_not_stretch_it():
    values = np.array([np.nan, -5.0, 0.0, 1.0, 10.0, np.inf])
    scale = fitted_scale(Axis("x", log=True), values, 0.0, 1.0)

    assert 0.5 < scale.low <= 1.0
    assert 10.0 <= scale.high < 20.0


def test_fixed_ends_of_an_axis_are_kept():
    scale = fitted_scale(Axis("x", low=0, high=1), np.array([0.4, 0.6]), 0.0, 1.0)

    assert (scale.low, scale.high) == (0.0, 1.0)
