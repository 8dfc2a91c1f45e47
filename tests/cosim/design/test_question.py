"""Questions: every point is a valid tile, and what cannot be swept is refused before any work."""

import pytest

from cosim.design import Question, load_question
from cosim.design.parameters import tile_with
from cosim.design.question import points_hash, points_of
from cosim.errors import SpecError


def test_points_are_all_combinations_with_the_last_parameter_fastest(question, points):
    assert [tuple(point.settings.values()) for point in points] == [
        (0.1, 0.1),
        (0.1, 0.2),
        (1.0, 0.1),
        (1.0, 0.2),
    ]
    thin, _, usual, _ = (point.tile for point in points)
    assert thin.wires.input_line_resistance == pytest.approx(40.0)
    assert thin.wires.output_line_resistance == pytest.approx(60.0)
    assert usual.wires.input_line_resistance == pytest.approx(4.0)
    assert [point.tile.drivers.read_voltage for point in points] == [0.1, 0.2, 0.1, 0.2]


def test_words_and_paths_reach_the_fields_that_they_say(fields):
    tile = tile_with(fields, {"array_size": "16x4", "cell.gate_voltage": 1.0}, "tile.toml")
    assert (tile.rows, tile.cols, tile.cell.gate_voltage) == (16, 4, 1.0)
    assert tile_with(fields, {"array_size": 12}, "tile.toml").rows == 12


def test_a_swept_card_of_a_wire_gives_its_own_resistances(fields):
    carded = {**fields, "wires": {"card": "wire__65nm_neurosim2020"}}
    coarse = tile_with(carded, {"wires.card": "wire__130nm_neurosim2020"}, "tile.toml")
    fine = tile_with(carded, {"wires.card": "wire__22nm_neurosim2020"}, "tile.toml")
    assert fine.wires.input_line_resistance > 3 * coarse.wires.input_line_resistance
    wide = tile_with(carded, {"wire_width": 2.0}, "tile.toml").wires
    usual = tile_with(carded, {}, "tile.toml").wires
    assert wide.input_line_resistance == pytest.approx(usual.input_line_resistance / 2)
    assert wide.input_line_capacitance == usual.input_line_capacitance


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"adc_bits": 4}, "no [readout]"),
        ({"volume": 11}, "field `volume` is unknown"),
        ({"Read Voltage": 1}, "allowed are array_size"),
        ({"read_voltage": -0.1}, "with read_voltage -0.1 V set by `sweep`"),
        ({"array_size": "big"}, "array_size"),
        ({"wire_width": 0.0}, "wire_width"),
        ({"name.inner": 1}, "no table"),
    ],
)
def test_a_point_that_no_tile_can_be_is_refused_by_name(fields, settings, message):
    with pytest.raises(SpecError) as refused:
        tile_with(fields, settings, "tile.toml")
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sweep": {}}, "at least one list"),
        ({"sweep": {"adc_bits": [4, 4]}}, "twice"),
        ({"sweep": {"adc_bits": list(range(1001))}}, "at most 1000"),
        ({"sweep": {"read_voltage": [float("nan")]}}, "sweep.read_voltage"),
        ({"chips": 0}, "field `chips` is 0"),
        ({"answer": 42}, "field `answer` is unknown"),
    ],
)
def test_a_wrong_question_names_its_field(tmp_path, changes, message):
    from netlists.toml_files import validated

    usual = {"name": "q", "tile": "tile.toml", "sweep": {"read_voltage": [0.1]}}
    with pytest.raises(SpecError) as refused:
        validated(Question, {**usual, **changes}, "q.toml")
    assert message in str(refused.value)


def test_pulse_widths_are_refused_because_their_energy_is_not_known(question, fields):
    pulses = {**fields, "inputs": {"coding": "pulse_width", "bits": 2}}
    with pytest.raises(SpecError, match="pulse widths"):
        points_of(question, pulses, "tile.toml")


def test_the_hash_changes_with_what_results_depend_on_only(question, points, fields):
    own = points_hash(question, points)
    renamed = question.model_copy(update={"name": "other", "within": 0.02})
    assert points_hash(renamed, points) == own
    assert points_hash(question.model_copy(update={"chips": 3}), points) != own
    warm = points_of(question, {**fields, "temperature": 350.0}, "tile.toml")
    assert points_hash(question, warm) != own


def test_the_example_asks_for_points_that_exist():
    question, points = load_question("examples/design_mac.toml")
    assert len(points) == 12
    assert {point.tile.readout.adc.bits for point in points} == set(question.sweep["adc_bits"])
