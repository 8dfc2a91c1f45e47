"""A tile specification is read whole or refused with the field, the value and the cure."""

import pytest

from compact_models.errors import SpecError
from netlists.specs import TileSpec


TILE = """
name = "small"
rows = 4
cols = 3
[cell]
topology = "1R"
device = "resistor"
conductance_min = 5e-6
conductance_max = 150e-6
[wires]
input_line_resistance = 1.0
output_line_resistance = 2.0
[drivers]
read_voltage = 0.2
source_resistance = 10.0
"""


def read(tmp_path, text):
    path = tmp_path / "tile.toml"
    path.write_text(text)
    return TileSpec.from_toml(path)


def test_a_complete_file_is_read(tmp_path):
    spec = read(tmp_path, TILE)
    assert (spec.rows, spec.cols) == (4, 3)
    assert spec.input_line_end == pytest.approx(11.0)
    assert spec.output_line_end == pytest.approx(2.0)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SpecError, match=r"nowhere\.toml: no such file"):
        TileSpec.from_toml(tmp_path / "nowhere.toml")


def test_toml_that_does_not_parse_gives_its_line(tmp_path):
    with pytest.raises(SpecError, match="line 2"):
        read(tmp_path, 'name = "x"\nrows 4\n')


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rows = 4", "", "field `rows` is missing"),
        ("rows = 4", "rows = 0", "field `rows` is 0; input should be greater than or equal to 1"),
        ("rows = 4", 'rows = "four"', "field `rows` is 'four'; input should be a valid integer"),
        ("rows = 4", "rows = 4\nlines = 4", "field `lines` is unknown"),
        ("read_voltage = 0.2", "read_voltage = -1", "field `drivers.read_voltage` is -1"),
        ("read_voltage = 0.2", "read_voltage = nan", "drivers.read_voltage"),
        ("input_line_resistance = 1.0", "input_line_resistance = 0", "wires.input_line_resistance"),
        ('topology = "1R"', 'topology = "2R"', "'1R', '1S1R' or '1T1R'"),
        (
            'topology = "1R"',
            'topology = "1T1R"',
            "needs both `access_transistor` and `gate_voltage`",
        ),
        ("conductance_min = 5e-6", "conductance_min = 1.0", "must be below"),
        ('name = "small"', 'name = "a b"', "use letters, digits"),
        ('name = "small"', 'name = "a\\n.control"', "use letters, digits"),
    ],
)
def test_a_wrong_field_is_named_with_its_value_and_what_is_allowed(tmp_path, old, new, message):
    assert old in TILE
    with pytest.raises(SpecError) as failure:
        read(tmp_path, TILE.replace(old, new))
    assert message in str(failure.value)
    assert "tile.toml" in str(failure.value)


def test_every_wrong_field_is_reported_at_once(tmp_path):
    with pytest.raises(SpecError) as failure:
        read(tmp_path, TILE.replace("rows = 4", "rows = 0").replace("cols = 3", "cols = 0"))
    assert "`rows`" in str(failure.value)
    assert "`cols`" in str(failure.value)


def test_the_content_hash_ignores_the_name_and_nothing_else(tmp_path):
    spec = read(tmp_path, TILE)
    renamed = read(tmp_path, TILE.replace("small", "other"))
    warmer = read(tmp_path, "temperature = 310.0\n" + TILE)
    assert spec.content_hash() == renamed.content_hash() != warmer.content_hash()


def test_a_part_whose_kind_is_missing_or_unknown_is_named(resistive_tile):
    with pytest.raises(SpecError, match=r"`readout\.sensing\.kind` is missing"):
        resistive_tile(2, 2, readout={"sensing": {"resistance": 1e3}})
    with pytest.raises(SpecError, match=r"kind` is 'magic'; choose 'tia', 'current_mirror'"):
        resistive_tile(2, 2, readout={"sensing": {"kind": "magic"}})
