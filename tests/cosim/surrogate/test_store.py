"""A surrogate folder comes back as it was, and anything else is refused with one message."""

import json

import numpy as np
import pytest

from cosim.errors import DatasetError, MissingFileError
from cosim.surrogate import IdealProduct, Provenance, TileSamples, certify, load, save


SPEC = {"name": "tile", "rows": 6, "cols": 4}
HASH = "0123456789abcdef"


@pytest.fixture
def folder(tmp_path, small, drawn):
    G, V = drawn(6, 4, 2, 3)
    samples = TileSamples(
        G, V.reshape(-1, 6), np.einsum("msr,mrc->msc", V, G).reshape(-1, 4), np.repeat([0, 1], 3)
    )
    provenance = Provenance(HASH, "ngspice", {"ngspice": "44.2"}, {"plan": 0})
    certificate = certify(small, *samples.split(0.5, 0), provenance)
    return save(tmp_path / "surrogate", small, SPEC, HASH, certificate)


def edited(folder, **changes):
    path = folder / "surrogate.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_what_was_saved_comes_back(folder, small):
    stored = load(folder, HASH)
    V, G = np.linspace(0, 0.2, 18).reshape(3, 6), np.linspace(5e-6, 1.5e-4, 24).reshape(6, 4)
    np.testing.assert_array_equal(stored.surrogate.mvm(V, G), small.mvm(V, G))
    assert stored.spec == SPEC
    assert stored.certificate.provenance.versions == {"ngspice": "44.2"}
    assert stored.surrogate.domain == small.domain


def test_surrogates_without_numbers_can_be_stored_too(tmp_path, domain):
    save(tmp_path, IdealProduct(3, 2, domain), SPEC, HASH)
    stored = load(tmp_path)
    assert isinstance(stored.surrogate, IdealProduct)
    assert stored.certificate is None


def test_a_folder_that_is_not_there_is_named(tmp_path):
    with pytest.raises(MissingFileError, match="no surrogate folder"):
        load(tmp_path / "nowhere")


def test_another_tile_is_refused(folder):
    with pytest.raises(DatasetError, match=r"tile 0123456789abcdef.*asked for is ffff"):
        load(folder, "ffff")


def test_truncated_weights_are_refused(folder):
    path = folder / "surrogate.safetensors"
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(
        DatasetError, match=r"not the file that was written.*fit the surrogate again"
    ):
        load(folder)


def test_missing_weights_are_refused(folder):
    (folder / "surrogate.safetensors").unlink()
    with pytest.raises(DatasetError, match="cannot be read"):
        load(folder)


def test_a_truncated_description_is_refused(folder):
    path = folder / "surrogate.json"
    path.write_text(path.read_text()[:200])
    with pytest.raises(DatasetError, match="not readable as JSON"):
        load(folder)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(DatasetError, match=r"no `surrogate\.json`"):
        load(tmp_path)
    (tmp_path / "surrogate.json").write_text("[1, 2]")
    with pytest.raises(DatasetError, match="does not say"):
        load(tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "crystal_ball"},
        {"settings": {}},
        {"settings": None},
        {"domain": 3, "certificate": {}},
        {"certificate": {"kind": "x"}},
        {"version": 99},
    ],
)
def test_an_inconsistent_description_is_refused(folder, changes):
    edited(folder, **changes)
    with pytest.raises(DatasetError):
        load(folder)


def test_nothing_in_the_folder_is_pickled(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "surrogate.json",
        "surrogate.safetensors",
    ]
    json.loads((folder / "surrogate.json").read_text())
