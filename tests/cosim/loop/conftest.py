"""A whole study on a small tile that several tests look at, and an even smaller one as files."""

import pytest

from cosim.loop import StudySpec, run_study
from cosim.ngspice import Workers


STUDY = {
    "name": "small",
    "tile": "unused.toml",
    "seed": 5,
    "characterize": {"samples": 60, "inputs_per_matrix": 6, "seed": 3},
    "surrogate": {"held_out": 0.4},
    "network": {"hidden": [7], "levels": 8},
    "training": {"epochs": 15, "variation": 30e-6},
    "programming": {"variation": 30e-6, "chips": 2},
    "evaluation": {"images": 12, "max_accuracy_gap": 0.2},
}

TINY_TILE = """
name = "tiny"
rows = 16
cols = 20
temperature = 300.15

[cell]
topology = "1R"
device = "rram_gap__hfo2_milo2021"
conductance_min = 10e-6
conductance_max = 150e-6

[wires]
input_line_resistance = {wire}
output_line_resistance = {wire}

[drivers]
read_voltage = 0.2
source_resistance = {source}

[sensing]
kind = "virtual_ground"
input_resistance = 0.0
"""

# Nothing is hidden between 64 pixels and 10 classes: four tiles, and fewer reads than images.
TINY_STUDY = """
name = "tiny"
tile = "tile.toml"
seed = 11

[characterize]
samples = 24
inputs_per_matrix = 4
seed = 1

[surrogate]
held_out = 0.4
{initial}

[network]
hidden = []
levels = 8

[training]
networks = ["variability-aware"]
epochs = 4
{programming}
chips = 2

[evaluation]
images = 30

[loop]
rounds = 3
margin = 0.005
pilot = 3
samples = 40
epochs = 2
"""

WRITTEN = """
variation = "from programming"

[programming]
algorithm = "igvva-100"
transistor = "nmos_ekv__hfo2_array_250nm"
"""

DRAWN = """
variation = 5e-6

[programming]
variation = 5e-6
"""


@pytest.fixture(scope="session")
def small_study():
    """A study on a tile of 16 x 8 cells, as a dictionary."""
    return STUDY


@pytest.fixture(scope="session")
def workers():
    with Workers(2) as pool:
        yield pool


@pytest.fixture(scope="session")
def tile(rram_tile):
    return rram_tile(rows=16, cols=8)


@pytest.fixture(scope="session")
def finished(tile, workers, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    study = StudySpec.model_validate(STUDY)
    return folder, run_study(study, tile, folder, workers, command="cosim run small.toml")


@pytest.fixture
def tiny(tmp_path):
    """Writes a study on a tile of 16 x 20 cells, which are written and verified; its path."""

    def write(initial="", written=True):
        (tmp_path / "tile.toml").write_text(TINY_TILE.format(wire=1.0, source=10.0))
        (tmp_path / "wrong.toml").write_text(TINY_TILE.format(wire=60.0, source=900.0))
        path = tmp_path / "study.toml"
        begin = f'initial = "{initial}"' if initial else ""
        path.write_text(TINY_STUDY.format(initial=begin, programming=WRITTEN if written else DRAWN))
        return path

    return write
