"""The Python API: the commands' steps as calls, imported when they are used."""

import inspect
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import cosim
import cosim.api
from cosim.engine import SolverEngine
from cosim.errors import DatasetError, InputError, ShapeError, SpecError


TILE = {
    "name": "array",
    "rows": 6,
    "cols": 4,
    "cell": {
        "topology": "1T1R",
        "device": "rram_gap__hfo2_milo2021",
        "access_transistor": "nmos_ekv__hfo2_array_250nm",
        "gate_voltage": 2.7,
        "conductance_min": 25e-6,
        "conductance_max": 225e-6,
    },
    "wires": {"input_line_resistance": 1.0, "output_line_resistance": 1.0},
    "drivers": {"read_voltage": 0.2},
}


@pytest.fixture(scope="module")
def tile():
    return cosim.load_tile(TILE)


def test_importing_the_package_imports_no_heavy_library():
    heavy = "{'torch', 'numba', 'scipy', 'xarray', 'pydantic', 'numpy'} & set(sys.modules)"
    script = f"import sys, cosim; assert not {heavy}, {heavy}"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_every_public_name_is_documented_and_found():
    for name in cosim.__all__:
        found = getattr(cosim, name)
        assert name == "__version__" or inspect.getdoc(found)
    with pytest.raises(AttributeError, match="no attribute `frobnicate`"):
        _ = cosim.frobnicate


def test_what_type_checkers_see_is_what_there_is():
    text = Path(cosim.__file__).with_suffix(".pyi").read_text("utf-8")
    names = [name for name in cosim.__all__ if name != "__version__"]
    assert [name for name in names if f"    {name} as {name},\n" not in text] == []


def test_a_tile_comes_from_a_file_or_from_fields(tile, tmp_path):
    path = tmp_path / "tile.toml"
    path.write_text('name = "array"\nrows = "many"\n')
    with pytest.raises(SpecError, match="field `rows`"):
        cosim.load_tile(path)
    assert tile.rows == 6


def test_the_steps_of_a_tile_follow_each_other(resistive_tile, tmp_path):
    tile = cosim.load_tile(resistive_tile(6, 4).model_dump(exclude_none=True))
    rng = np.random.default_rng(0)
    G, X = rng.uniform(30e-6, 140e-6, (6, 4)), rng.uniform(0, 0.2, (3, 6))
    Y = cosim.simulate(tile, X, G, engine="solver")
    np.testing.assert_allclose(Y, SolverEngine(tile).mvm(G, X))
    data = cosim.characterize_tile(
        tile, tmp_path / "data.zarr", 20, engine="solver", inputs_per_matrix=2
    )
    surrogate = cosim.fit(data, tmp_path / "surrogate")
    assert surrogate.certificate.accuracy.nrmse < 1e-3
    again = cosim.simulate(tile, X, G, engine=str(tmp_path / "surrogate"))
    np.testing.assert_allclose(again, Y, rtol=5e-3)
    assert cosim.load_surrogate(tmp_path / "surrogate").spec_hash == tile.content_hash()


def test_a_model_goes_onto_tiles_and_cells_are_programmed(tile):
    model = nn.Sequential(nn.Linear(5, 3), nn.ReLU(), nn.Linear(3, 2))
    x = torch.rand(20, 5, generator=torch.Generator().manual_seed(0))
    analog = cosim.convert(model, tile, x)
    assert torch.allclose(analog(x), model(x), atol=0.2)
    targets = np.full((6, 4), 100e-6)
    state = cosim.program(tile, targets, "igvva-100", engine="laws")
    assert state.conductance.shape == (6, 4)


@pytest.mark.wrong_input
def test_wrong_arguments_are_refused_as_on_the_command_line(tile, tmp_path):
    G, X = np.full((6, 4), 1e-4), np.full((2, 6), 0.1)
    with pytest.raises(ShapeError):
        cosim.simulate(tile, X[:, :3], G, engine="solver")
    with pytest.raises(InputError, match="engine `hspice` is unknown"):
        cosim.simulate(tile, X, G, engine="hspice")
    with pytest.raises(SpecError, match="samples"):
        cosim.characterize_tile(tile, tmp_path / "new.zarr", 0, engine="solver")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "file").write_text("")
    with pytest.raises(DatasetError):
        cosim.fit(tmp_path / "other")
