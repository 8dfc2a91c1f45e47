"""`cosim card` and `cosim program` from the command line."""

import numpy as np
import pytest

from cosim.cli.main import main
from cosim.programming import ProgrammedState


TILE = """
name = "array"
rows = 2
cols = 2
[cell]
topology = "1T1R"
device = "rram_gap__hfo2_milo2021"
access_transistor = "nmos_ekv__hfo2_array_250nm"
gate_voltage = 2.7
conductance_min = 25e-6
conductance_max = 225e-6
[wires]
input_line_resistance = 1.0
output_line_resistance = 1.0
[drivers]
read_voltage = 0.2
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tile.toml").write_text(TILE)
    np.save(tmp_path / "G.npy", np.array([[50e-6, 75e-6], [100e-6, 225e-6]]))
    np.save(tmp_path / "G_range.npy", np.array([[50e-6, 75e-6], [100e-6, 1e-3]]))
    return tmp_path


def program(folder, targets, *options):
    arguments = ["program", str(folder / "tile.toml"), "--targets", str(folder / targets)]
    return main([*arguments, "-o", str(folder / "state"), *options])


@pytest.mark.parametrize("engine", ["compiled", "ngspice", "laws"])
def test_a_tile_is_programmed_by_every_engine(folder, capsys, engine):
    assert program(folder, "G.npy", "--algorithm", "igvva-100", "--engine", engine) == 0
    assert "4 of 4 cells converged" in capsys.readouterr().out
    state = ProgrammedState.load(folder / "state")
    assert np.abs(state.conductance - state.target).max() < 20e-6
    assert state.provenance["engine"] == engine


def test_a_target_outside_of_the_card_ends_in_one_message_and_leaves_nothing(folder, capsys):
    before = sorted(folder.iterdir())
    assert program(folder, "G_range.npy", "--algorithm", "ispva") == 2
    message = capsys.readouterr().err
    assert "0.001 S" in message
    assert message.count("error") == 1
    assert sorted(folder.iterdir()) == before


def test_a_card_shows_numbers_with_unit_range_spread_and_source(capsys):
    assert main(["card", "show", "rram_gap__hfo2_milo2021"]) == 0
    text = capsys.readouterr().out
    for words in ("Ea", "eV", "0.8 to 1.2", "3.00%", "0.20%", "calibrated", "10.1109/TED.2021"):
        assert words in text
    assert "law programming_spread " in text


def test_the_cards_are_listed(capsys):
    assert main(["card", "list"]) == 0
    assert "wire__22nm_neurosim2020" in capsys.readouterr().out


def test_published_figures_are_put_next_to_ours(capsys):
    assert main(["card", "check", "wire__22nm_neurosim2020"]) == 0
    assert "published 4.69" in capsys.readouterr().out


def test_a_card_that_contradicts_its_figures_fails_the_check(tmp_path, capsys):
    from compact_models.catalog import ROOT

    text = (ROOT / "cards" / "wire__22nm_neurosim2020.toml").read_text()
    path = tmp_path / "wire.toml"
    path.write_text(text.replace("value = 4.69", "value = 9.9"))
    assert main(["card", "check", str(path)]) == 1
    assert "differs" in capsys.readouterr().out


def test_a_card_is_fitted_to_measurements(tmp_path, capsys):
    v = np.linspace(0.1, 1.0, 10)
    rows = [f"{d},{x},{(1 + 0.1 * d) * 1e-5 * np.sinh(x)}" for d in range(3) for x in v]
    (tmp_path / "iv.csv").write_text("device,voltage,current\n" + "\n".join(rows))
    output = tmp_path / "mine.toml"
    assert main(["card", "fit", str(tmp_path / "iv.csv"), "--kind", "iv", "-o", str(output)]) == 0
    assert "V0 = 1 V" in capsys.readouterr().out
    assert main(["card", "show", str(output)]) == 0


def test_a_gap_in_the_measurements_ends_in_one_message_and_leaves_nothing(tmp_path, capsys):
    (tmp_path / "iv.csv").write_text("device,voltage,current\n1,0.1,1e-6\n1,0.2,\n")
    arguments = ["card", "fit", str(tmp_path / "iv.csv"), "--kind", "iv"]
    assert main([*arguments, "-o", str(tmp_path / "mine.toml")]) == 2
    assert "line 3: `current`" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["iv.csv"]
