"""Programs give the surrogate's currents and gradients where this package cannot be imported."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from cosim.errors import CheckFailed, InputError, ShapeError
from cosim.surrogate import Domain, IdealProduct, LineModeFields, LineModeGalerkin, WireResistances
from cosim.surrogate.export import programs, write_onnx, write_program


WITHOUT_COSIM = """
import sys
for name in ("cosim", "netlists", "compact_models", "jaxtyping", "safetensors"):
    sys.modules[name] = None
import torch
folder = sys.argv[1]
known = torch.export.load(f"{folder}/known.pt2").module()
changing = torch.export.load(f"{folder}/changing.pt2").module()
V, G = (torch.load(f"{folder}/{name}.pt", weights_only=True) for name in "VG")
torch.save(known(V), f"{folder}/known.pt")
V.requires_grad_(True), G.requires_grad_(True)
I = changing(V, G)
I.square().sum().backward()
torch.save([I.detach(), V.grad, G.grad], f"{folder}/changing.pt")
"""


def linear(vr, vc, G):
    return G * (vr - vc)


@pytest.fixture(scope="module")
def domain():
    return Domain(0.0, 0.2, 5e-6, 150e-6)


@pytest.fixture(scope="module")
def surrogate(domain):
    wires = WireResistances(input_line=5.0, output_line=5.0, source=10.0, sense=3.0)
    return LineModeGalerkin.from_cell(6, 4, wires, linear, domain, modes=2)


@pytest.fixture(scope="module")
def arguments():
    generator = np.random.default_rng(3)
    return generator.uniform(0, 0.2, (7, 6)), generator.uniform(5e-6, 150e-6, (6, 4))


def test_a_program_works_with_torch_alone(surrogate, arguments, tmp_path):
    V, G = (torch.from_numpy(x) for x in arguments)
    write_program(surrogate, tmp_path / "known.pt2", G.numpy(), "double")
    write_program(surrogate, tmp_path / "changing.pt2", precision="double")
    torch.save(V, tmp_path / "V.pt")
    torch.save(G, tmp_path / "G.pt")
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_COSIM, tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr

    V.requires_grad_(True)
    G.requires_grad_(True)
    expected = surrogate(V, G)
    expected.square().sum().backward()
    known = torch.load(tmp_path / "known.pt")
    changing, V_grad, G_grad = torch.load(tmp_path / "changing.pt")
    for found, wanted in (
        (known, expected),
        (changing, expected),
        (V_grad, V.grad),
        (G_grad, G.grad),
    ):
        torch.testing.assert_close(found, wanted.detach(), rtol=1e-9, atol=0)


def test_a_program_takes_one_vector_and_says_what_it_is(surrogate, arguments, tmp_path):
    V, G = arguments
    path = tmp_path / "known.pt2"
    written = write_program(surrogate, path, G, "single", {"tile": "spec abc"})
    assert written.vectors > 1
    assert written.largest < 1e-6
    extra = {programs.ABOUT: ""}
    program = torch.export.load(path, extra_files=extra).module()
    assert '"tile": "spec abc"' in extra[programs.ABOUT]
    one = program(torch.from_numpy(V[:1]).float())
    np.testing.assert_allclose(one.numpy(), surrogate.mvm(V[:1], G), rtol=2e-5)


def test_onnx_gives_the_same_currents_in_its_own_runtime(surrogate, arguments, tmp_path):
    runtime = pytest.importorskip("onnxruntime")
    V, G = arguments
    path = tmp_path / "tile.onnx"
    written = write_onnx(surrogate, path, G, "double", {"tile": "spec abc"})
    assert 0 <= written.largest < 1e-12
    session = runtime.InferenceSession(str(path))
    (currents,) = session.run(None, {"voltages": V})
    np.testing.assert_allclose(currents, surrogate.mvm(V, G), rtol=1e-12)
    assert "spec abc" in session.get_modelmeta().custom_metadata_map["cosim"]


def test_other_kinds_are_programs_too(domain, arguments, tmp_path):
    V, G = arguments
    wires = WireResistances(input_line=5.0, output_line=5.0, source=10.0, sense=3.0)
    kinds = [
        IdealProduct(6, 4, domain),
        LineModeFields.from_cell(6, 4, wires, linear, domain),
    ]
    for surrogate in kinds:
        path = tmp_path / f"{surrogate.kind}.pt2"
        write_program(surrogate, path, G, "double")
        found = torch.export.load(path).module()(torch.from_numpy(V)).numpy()
        np.testing.assert_allclose(found, surrogate.mvm(V, G), rtol=1e-12)


def test_missing_packages_are_named(surrogate, arguments, tmp_path, monkeypatch):
    monkeypatch.setattr(programs.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"onnx, onnxscript.*install `cosim\[export\]`"):
        write_onnx(surrogate, tmp_path / "tile.onnx", arguments[1])


@pytest.mark.wrong_input
def test_conductances_of_another_tile_are_refused(surrogate, tmp_path):
    with pytest.raises(ShapeError, match="6 rows and 4 cols"):
        write_program(surrogate, tmp_path / "tile.pt2", np.full((4, 6), 1e-5))


def test_a_file_that_gives_other_currents_is_refused(surrogate, arguments, tmp_path):
    V, G = (torch.from_numpy(x) for x in arguments)
    module = programs.KnownWeights(surrogate, G)

    def wrong(V):
        return 1.001 * module(V)

    with pytest.raises(CheckFailed, match=r"differ from the surrogate's by 0.001"):
        programs._checked(tmp_path / "tile.pt2", module, (V,), wrong, "double")
