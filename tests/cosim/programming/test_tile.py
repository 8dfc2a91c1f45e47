"""Programming a tile: from targets to a state folder, and what is refused on the way."""

import json

import numpy as np
import pytest

from cosim.errors import DatasetError, InputError, MissingFileError, ShapeError
from cosim.programming import ENGINES, ProgrammedState, program_tile


@pytest.fixture(scope="module")
def tile(rram_tile):
    cell = {
        "device": "rram_gap__hfo2_milo2021",
        "access_transistor": "nmos_ekv__hfo2_array_250nm",
        "gate_voltage": 2.7,
        "conductance_max": 225e-6,
    }
    return rram_tile(3, 2, cell=cell)


TARGETS = np.array([[50e-6, 75e-6], [100e-6, 150e-6], [200e-6, 225e-6]])


def test_a_tile_is_programmed_row_by_row_and_says_how(tile):
    state = program_tile(tile, TARGETS, "igvva-10", seed=3)
    assert state.converged.all()
    assert np.abs(state.verified - TARGETS).max() < 4e-6
    assert np.all(state.verified >= TARGETS)
    about = state.provenance
    assert about["algorithm"] == "igvva-10"
    assert about["settings"]["step"] == 0.01
    assert about["tile_hash"] == tile.content_hash()
    assert about["pulses"] == state.pulses.sum()
    assert about["seconds"] == pytest.approx(2e-6 * about["pulses"])


@pytest.mark.parametrize("algorithm", ["igvva-100", "read-verify-write", "single-shot"])
def test_whoever_watches_hears_of_every_cell_that_is_done_once(algorithm, tile):
    done = []
    state = program_tile(tile, TARGETS, algorithm, seed=3, watch=done.append)
    assert sum(done) == state.converged.sum() > 0
    assert len(done) > 1 or algorithm == "single-shot"
    drawn = []
    program_tile(tile, TARGETS, "igvva-100", seed=3, engine="laws", watch=drawn.append)
    assert drawn == [TARGETS.size]


def test_the_seed_decides_everything(tile):
    one, same, other = (program_tile(tile, TARGETS, "ispva", seed=s) for s in (3, 3, 4))
    assert np.array_equal(one.conductance, same.conductance)
    assert not np.array_equal(one.conductance, other.conductance)


def test_the_laws_of_the_card_program_too(tile):
    state = program_tile(tile, TARGETS, "igvva-100", seed=3, engine="laws")
    assert np.abs(state.conductance - TARGETS).max() < 25e-6
    assert state.provenance["joules"] is None


def test_a_state_is_read_back_as_it_was_written(tile, tmp_path):
    state = program_tile(tile, TARGETS, "ispva", seed=3)
    state.save(tmp_path / "state")
    again = ProgrammedState.load(tmp_path / "state")
    for name in ("conductance", "verified", "target", "pulses", "converged"):
        assert np.array_equal(getattr(state, name), getattr(again, name))
    assert again.provenance == json.loads(json.dumps(state.provenance))
    assert [p.name for p in tmp_path.iterdir()] == ["state"]


def test_a_state_that_cannot_be_written_leaves_nothing(tile, tmp_path, monkeypatch):
    state = program_tile(tile, TARGETS, "ispva", seed=3)
    saved = np.save

    def disk_full(path, *rest, **options):
        if path.name == "pulses.npy":
            raise OSError("no space left on device")
        saved(path, *rest, **options)

    monkeypatch.setattr(np, "save", disk_full)
    with pytest.raises(OSError, match="no space"):
        state.save(tmp_path / "state")
    assert list(tmp_path.iterdir()) == []


def test_a_state_is_never_overwritten(tile, tmp_path):
    (tmp_path / "state").mkdir()
    with pytest.raises(InputError, match="exists already"):
        program_tile(tile, TARGETS, "ispva", seed=3).save(tmp_path / "state")


def test_a_folder_that_is_no_state_is_refused(tmp_path):
    with pytest.raises(MissingFileError, match="cosim program"):
        ProgrammedState.load(tmp_path / "state")
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "state.json").write_text("{}")
    with pytest.raises(DatasetError, match="damaged"):
        ProgrammedState.load(tmp_path / "state")


@pytest.mark.parametrize(
    ("targets", "error", "words"),
    [
        (np.full((2, 2), 1e-4), ShapeError, r"shape \(2, 2\).*3 x 2"),
        (np.where(TARGETS > 2e-4, np.nan, TARGETS), ShapeError, "row 2, column 1 is nan"),
        (np.where(TARGETS > 2e-4, 1e-2, TARGETS), InputError, r"0\.01 S.*covers.*bring all"),
    ],
)
@pytest.mark.wrong_input
def test_targets_that_do_not_fit_are_refused(tile, targets, error, words):
    with pytest.raises(error, match=words):
        program_tile(tile, targets, "ispva", seed=0)


def test_unknown_algorithms_and_engines_list_the_known_ones(tile):
    with pytest.raises(InputError, match=r"'guess'.*igvva-10.*read-verify-write"):
        program_tile(tile, TARGETS, "guess", seed=0)
    with pytest.raises(InputError, match=", ".join(ENGINES)):
        program_tile(tile, TARGETS, "ispva", seed=0, engine="guess")


def test_cells_that_cannot_be_programmed_are_refused(resistive_tile, rram_tile):
    with pytest.raises(InputError, match="ideal resistors"):
        program_tile(resistive_tile(3, 2), TARGETS, "ispva", seed=0)
    alone = rram_tile(
        3, 2, cell={"topology": "1R", "access_transistor": None, "gate_voltage": None}
    )
    with pytest.raises(InputError, match="no access transistor"):
        program_tile(alone, TARGETS, "ispva", seed=0)
