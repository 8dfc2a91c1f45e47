"""The same algorithm on the same cells in ngspice and in the compiled loop, cell by cell."""

import numpy as np
import pytest

from compact_models import load_card, load_model
from cosim.ngspice import Simulation, Transient, WorkerProcess
from cosim.programming import (
    CellKind,
    Igvva,
    Ispva,
    IterativeProgramVerify,
    ReadVerifyWrite,
    Reset,
    SingleShot,
    SpiceCells,
    VectorisedCells,
)


KIND = CellKind.from_names("rram_gap__hfo2_milo2021", "nmos_ekv__hfo2_array_250nm")
TARGETS = np.array([50e-6, 100e-6, 150e-6, 225e-6])


@pytest.fixture(scope="module")
def run():
    worker = WorkerProcess()
    yield lambda simulation: worker.run(simulation, 60.0)
    worker.close()


def both(kind, size, run):
    return SpiceCells(kind, size, seed=1, run=run), VectorisedCells(kind, size, seed=1)


@pytest.fixture(scope="module")
def array(run):
    """The same four cells for both engines; their subcircuits are written once."""
    return both(KIND, 4, run)


@pytest.mark.parametrize(
    "algorithm",
    [Ispva(), Igvva(step=0.1), SingleShot(), ReadVerifyWrite(rounds=60)],
    ids=lambda a: a.name,
)
def test_each_cell_ends_alike_in_ngspice_and_in_the_compiled_loop(algorithm, array):
    spice, loop = (algorithm.run(cells, TARGETS) for cells in array)
    assert np.array_equal(spice.pulses, loop.pulses)
    assert np.array_equal(spice.converged, loop.converged)
    assert spice.verified == pytest.approx(loop.verified, rel=2e-3)
    assert spice.final == pytest.approx(loop.final, rel=2e-3)
    assert spice.joules == pytest.approx(loop.joules, rel=0.03)


def test_igvva_10_ends_alike_in_ngspice_and_in_the_compiled_loop(run):
    targets = np.array([60e-6, 120e-6])
    spice, loop = (Igvva().run(cells, targets) for cells in both(KIND, 2, run))
    assert np.array_equal(spice.pulses, loop.pulses)
    assert spice.verified == pytest.approx(loop.verified, rel=1e-3)


def test_reset_ends_alike_in_ngspice_and_in_the_compiled_loop(array):
    spice, loop = (Reset().run(cells, np.full(4, 25e-6), cells.start(TARGETS)) for cells in array)
    assert np.array_equal(spice.pulses, loop.pulses)
    assert spice.verified == pytest.approx(loop.verified, rel=2e-3)


def test_phase_change_cells_end_alike_in_ngspice_and_in_the_compiled_loop(run):
    kind = CellKind(load_card("pcm__ibm_nandakumar2019"), load_card("nmos_ekv__generic_130nm"))
    targets = np.array([2e-6, 8e-6, 20e-6])
    spice, loop = (IterativeProgramVerify().run(c, targets) for c in both(kind, 3, run))
    assert spice.converged.all()
    assert loop.converged.all()
    # The melted share follows the last nanoseconds of the pulse, whose edge the loop leaves out.
    assert spice.verified == pytest.approx(loop.verified, rel=0.11)


def test_conductances_are_the_same_in_both(array):
    spice, loop = array
    state = loop.start(TARGETS)
    assert spice.conductance(state) == pytest.approx(loop.conductance(state), rel=1e-9)


@pytest.fixture(scope="module")
def written():
    """Device and transistor with everything baked in but what the corners draw."""
    drawn = {"I0", "v0", "gamma0", "beta", "Rth", "gap_init", "temperature"}
    model = load_model("rram_gap")
    fixed = {n: p.default for n, p in model.parameters.items() if n not in drawn}
    card = load_card("nmos_ekv__generic_130nm").values
    fet = {name: value for name, value in card.items() if name != "W"}
    return model.subcircuit(False, fixed), load_model("nmos_ekv").to_ngspice(True, fet)


def corner(random, written):
    """A 1T1R cell with a SET and a RESET pulse, everything drawn over wide ranges."""
    device, transistor = written
    edge = (10 ** random.uniform(-11, -8.3, 2)).tolist()
    amplitude = random.uniform(1.0, 2.5, 2).tolist()
    gate = random.uniform([0.8, 1.8], [1.6, 3.0]).tolist()
    values = {
        "I0": 10 ** random.uniform(-4, -2.5), "v0": 10 ** random.uniform(1, 3),
        "gamma0": random.uniform(14, 20), "beta": random.uniform(0.6, 1.2),
        "Rth": 10 ** random.uniform(3, 5.7), "gap_init": random.uniform(0.3e-9, 1.7e-9),
    }  # fmt: skip
    words = " ".join(f"{device.parameters[name]}={value!r}" for name, value in values.items())
    lines = [
        "corner", device.text, transistor,
        f"vbl bl 0 pwl(0 0 50n 0 {50e-9 + edge[0]!r} {amplitude[0]!r} "
        f"150n {amplitude[0]!r} {150e-9 + edge[0]!r} 0)",
        f"vsl sl 0 pwl(0 0 200n 0 {200e-9 + edge[1]!r} {amplitude[1]!r} "
        f"300n {amplitude[1]!r} {300e-9 + edge[1]!r} 0)",
        f"vwl wl 0 pwl(0 0 40n 0 45n {gate[0]!r} 160n {gate[0]!r} 165n 0 "
        f"190n 0 195n {gate[1]!r} 310n {gate[1]!r} 315n 0)",
        f"xd bl m rram_gap {words}",
        f"xt m wl sl 0 nmos_ekv W={random.uniform(0.3e-6, 3e-6)!r}",
        # Without the shunt, 1e-15 S at every node, ngspice 46 ends one corner with a time step too
        # small; ngspice 39 needs none.
        ".options method=gear reltol=1e-4 rshunt=1e15", ".end", "",
    ]  # fmt: skip
    return Simulation("\n".join(lines), Transient(1e-9, 400e-9, 5e-9), ("v(xd.gap)",))


def test_sixty_random_corners_of_set_and_reset_converge(run, written):
    random = np.random.default_rng(1)
    moved = 0
    for _ in range(60):
        result = run(corner(random, written))
        assert result.ok, str(result.status)
        gap = result.vectors["v(xd.gap)"]
        assert gap.min() > 0.15
        assert gap.max() < 1.8
        moved += np.ptp(gap) > 0.05
    assert moved > 20
