"""A surrogate folder comes back as it was, and anything else is refused with one message."""

import json

import numpy as np
import pytest
import torch

from compact_models import load_card
from cosim.errors import DatasetError, MissingFileError
from cosim.surrogate import (
    Aged,
    AlphaBeta,
    IdealProduct,
    LineModeFields,
    LineModeGalerkin,
    LowRank,
    Provenance,
    SeriesResistance,
    SmallNetwork,
    TileSamples,
    certify,
    load,
    save,
)
from cosim.surrogate.low_rank import FEATURES
from cosim.surrogate.store import KINDS


SPEC = {"name": "tile", "rows": 6, "cols": 4}
HASH = "0123456789abcdef"
DRIFTING = "pcm__epcm_90nm_materials2021"


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


@pytest.fixture(scope="session")
def of_kind(cells, domain, wires):
    """A maker of a 6 x 4 surrogate of any kind, with numbers that are its own."""
    generator = torch.Generator().manual_seed(5)

    def random(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    def from_cell(kind):
        return kind.from_cell(6, 4, wires, cells.sinh_1t1r, domain)

    def make(kind):
        if kind is Aged:
            return Aged.of(from_cell(LineModeGalerkin), load_card(DRIFTING), 1e4)
        if kind is IdealProduct:
            return IdealProduct(6, 4, domain)
        if kind is LowRank:
            return LowRank(domain, random(len(FEATURES), 2), random(6, 2), random(4, 2))
        if kind is SmallNetwork:
            network = SmallNetwork.untrained(6, 4, domain, 8, seed=5)
            changed = {name: 0.1 * random(*x.shape) for name, x in network.tensors().items()}
            return SmallNetwork.rebuild(network.settings(), changed)
        return from_cell(kind)

    return make


WITH_NUMBERS = [LineModeGalerkin, LineModeFields, SeriesResistance, AlphaBeta]
WITH_NUMBERS += [LowRank, SmallNetwork]


@pytest.fixture
def stored(request, of_kind, tmp_path):
    """A folder of one kind, and the surrogate in it."""
    surrogate = of_kind(request.param)
    return save(tmp_path / "stored", surrogate, SPEC, HASH), surrogate


every_kind = pytest.mark.parametrize("stored", KINDS.values(), ids=list(KINDS), indirect=True)


def refused(folder, spec_hash=HASH):
    """The one message that says what is wrong."""
    with pytest.raises(DatasetError) as caught:
        load(folder, spec_hash)
    text = str(caught.value)
    assert text.startswith(f"`{folder}` cannot be used as a surrogate: ")
    assert text.endswith("; fit the surrogate again")
    return text


@every_kind
def test_every_kind_comes_back_as_it_was(stored):
    folder, surrogate = stored
    V = np.linspace(0, 0.2, 18).reshape(3, 6)
    G = np.linspace(1e-5, 1.4e-4, 24).reshape(6, 4)
    back = load(folder, HASH).surrogate
    assert type(back) is type(surrogate)
    np.testing.assert_array_equal(back.mvm(V, G), surrogate.mvm(V, G))


@every_kind
def test_of_every_kind_another_tile_is_refused(stored):
    assert "the tile asked for is ffff" in refused(stored[0], "ffff")


@every_kind
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_of_every_kind_truncated_files_are_refused(stored, share):
    for name in ("surrogate.json", "surrogate.safetensors"):
        path = stored[0] / name
        whole = path.read_bytes()
        path.write_bytes(whole[: int(share * len(whole))])
        refused(stored[0])
        path.write_bytes(whole)
    load(stored[0], HASH)


@every_kind
def test_of_every_kind_changed_numbers_are_refused(stored):
    path = stored[0] / "surrogate.safetensors"
    changed = bytearray(path.read_bytes())
    changed[-1] ^= 1
    path.write_bytes(changed)
    assert "is not the file that was written" in refused(stored[0])


@every_kind
def test_of_every_kind_missing_settings_are_refused(stored):
    path = stored[0] / "surrogate.json"
    for name in json.loads(path.read_text())["settings"]:
        whole = path.read_text()
        data = json.loads(whole)
        del data["settings"][name]
        path.write_text(json.dumps(data))
        assert "its description is not complete" in refused(stored[0])
        path.write_text(whole)


@pytest.mark.parametrize("stored", WITH_NUMBERS, indirect=True)
def test_numbers_of_another_kind_are_refused(stored, tmp_path, domain):
    """The weights of a stranger, with a description that vouches for them."""
    folder = stored[0]
    stranger = save(tmp_path / "stranger", IdealProduct(6, 4, domain), SPEC, HASH)
    (folder / "surrogate.safetensors").write_bytes(
        (stranger / "surrogate.safetensors").read_bytes()
    )
    vouched = json.loads((stranger / "surrogate.json").read_text())["weights_sha256"]
    edited(folder, weights_sha256=vouched)
    assert "its description is not complete" in refused(folder)
