"""How values read."""

import pytest

from cosim.report.model import Column, KeyFigure
from cosim.report.page import cell, key_text
from cosim.report.shown import duration, quantity


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (4.7e-6, "S", "4.7 µS"),
        (-2e-9, "A", "−2 nA"),
        (0.9342, "%", "93.4 %"),
        (0.00007, "%", "0.007 %"),
        (0.0, "%", "0 %"),
        (9.5, "s", "9.5 s"),
        (431.0, "s", "7 min 11 s"),
        (3.14159, "", "3.14"),
        (38400, "", "38\u202f400"),
        (-1.5e-7, "", "−1.50e−07"),
        (float("nan"), "A", "–"),
    ],
)
def test_quantity_reads_as_people_write_it(value, unit, text):
    assert quantity(float(value), unit) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 0 s"), (3599.7, "1 h 0 min"), (7380, "2 h 3 min")],
)
def test_duration_never_shows_sixty_of_a_unit(seconds, text):
    assert duration(seconds) == text


def test_key_figure_splits_number_and_unit_but_keeps_a_time_together():
    assert key_text(KeyFigure("a", 0.934, "%")) == ("93.4", "%")
    assert key_text(KeyFigure("a", 431.0, "s")) == ("7 min 11 s", "")
    assert key_text(KeyFigure("a", 38400)) == ("38\u202f400", "")
    assert key_text(KeyFigure("a", "+6.1", "points")) == ("+6.1", "points")
    assert key_text(KeyFigure("a", "+6.1 points")) == ("+6.1", "points")
    assert key_text(KeyFigure("a", "12 of 14")) == ("12 of 14", "")


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        (True, "✓ held", "held"),
        (False, "✗ failed", "failed"),
        (2e-6, "2 µA", "number"),
        (None, "", "short"),
        ("word", "word", "short"),
    ],
)
def test_cell_of_a_table_is_shown_by_its_kind(value, text, kind):
    shown = cell(value, Column("x", "A"))

    assert (shown["text"], shown["kind"]) == (text, kind)
