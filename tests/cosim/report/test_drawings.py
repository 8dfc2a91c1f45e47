"""The drawn circuit says what the specification says."""

from xml.etree import ElementTree

import pytest

from cosim.report.drawings import cell_drawing, tile_drawing


def texts(markup):
    return [e.text for e in ElementTree.fromstring(str(markup)).iter("text")]


def count(markup, class_):
    tree = ElementTree.fromstring(str(markup))
    return sum(class_ in e.get("class", "").split() for e in tree.iter())


def small(spec, rows, cols, **parts):
    return spec.model_copy(update={"rows": rows, "cols": cols, **parts})


def test_values_of_every_part_stand_in_the_drawing(tile_spec):
    shown = texts(tile_drawing(tile_spec))

    for expected in ("50 Ω", "1 Ω", "5 Ω", "0 to 200 mV", "32 rows", "32 columns"):
        assert expected in shown


@pytest.mark.parametrize(("rows", "cols"), [(1, 1), (2, 3), (3, 2)])
def test_small_tile_is_drawn_whole(tile_spec, rows, cols):
    markup = tile_drawing(small(tile_spec, rows, cols))

    assert count(markup, "cell") == rows * cols
    assert count(markup, "driver") == rows
    assert count(markup, "sensor") == cols
    assert count(markup, "dot") == 0
    # Per row a source resistance and one segment per cell, per column the same with the sensor's.
    assert count(markup, "resistor") == rows * (1 + cols) + cols * (1 + rows)


def test_large_tile_shows_its_first_lines_and_its_last(tile_spec):
    markup = tile_drawing(small(tile_spec, 64, 16))

    assert count(markup, "cell") == 9
    assert {"0", "1", "63", "15"} <= set(texts(markup))
    assert count(markup, "dot") == 3 * 6


def test_resistances_of_zero_are_not_drawn(tile_spec):
    drivers = tile_spec.drivers.model_copy(update={"source_resistance": 0.0})
    sensing = tile_spec.sensing.model_copy(update={"input_resistance": 0.0})

    markup = tile_drawing(small(tile_spec, 1, 1, drivers=drivers, sensing=sensing))

    assert count(markup, "resistor") == 2


def test_transistor_is_drawn_only_where_the_cell_has_one(tile_spec):
    bare = tile_spec.cell.model_copy(
        update={"topology": "1R", "access_transistor": None, "gate_voltage": None}
    )

    assert count(tile_drawing(small(tile_spec, 1, 1)), "switch") == 1
    assert count(tile_drawing(small(tile_spec, 1, 1, cell=bare)), "switch") == 0
    assert "nmos_ekv" in texts(cell_drawing(tile_spec.cell))
    assert "nmos_ekv" not in texts(cell_drawing(bare))


def test_cell_names_its_cards_its_range_and_its_gate_voltage(tile_spec):
    shown = texts(cell_drawing(tile_spec.cell))

    for expected in ("rram_gap", "stanford_jiang2016", "5 µS to 150 µS", "1.2 V", "generic_130nm"):
        assert expected in shown
