"""Numbers round-trip in netlists and read well for people."""

import pytest
from hypothesis import given, strategies as st

from compact_models.errors import InputError
from netlists.si_numbers import literal, readable


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_literal_reads_back_exactly_and_has_no_suffix(value):
    text = literal(value)
    assert float(text) == value
    assert set(text) <= set("0123456789.e+-")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_literal_refuses_what_is_not_finite(value):
    with pytest.raises(InputError, match="finite"):
        literal(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 S"),
        (4.7e-6, "4.7 µS"),
        (150e-6, "150 µS"),
        (999.9e-6, "1 mS"),
        (-0.2, "-200 mS"),
        (1e-21, "0.001 aS"),
        (12345.0, "12.3 kS"),
    ],
)
def test_a_readable_number_has_a_prefix_and_three_digits(value, text):
    assert readable(value, "S") == text
