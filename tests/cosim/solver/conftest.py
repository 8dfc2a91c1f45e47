"""An independent reference: the tile's equations written once more, solved as one sparse system.

Nothing here comes from the solver, the netlist writer or the compiled models: the device is its
closed formula, the transistor the textbook form of the bulk-referenced equations, and every node,
the cells' middle ones included, is an unknown of one Newton iteration with SuperLU.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import splu

from compact_models import load_card
from netlists.specs import TileSpec


# What `$vt` means to the compiler: CODATA 2010. A weak gate shows its sixth digit.
BOLTZMANN_OVER_CHARGE = 1.3806488e-23 / 1.602176565e-19
DEVICE, TRANSISTOR = "rram_gap__stanford_jiang2016", "nmos_ekv__generic_130nm"


@dataclass
class Sinh:
    """I = g v0 sinh(v / v0) with a static conductance G = I(v_read) / v_read."""

    v0: float
    read: float

    def __call__(self, v, G):
        g = G * self.read / (self.v0 * np.sinh(self.read / self.v0))
        return g * self.v0 * np.sinh(v / self.v0), g * np.cosh(v / self.v0)


@dataclass
class Transistor:
    """Drain current and its slopes in drain and source, gate and bulk fixed."""

    gate: np.ndarray
    temperature: float = 300.15
    card: dict = field(default_factory=lambda: dict(load_card(TRANSISTOR).values))

    def __call__(self, d, s):
        p, ut = self.card, BOLTZMANN_OVER_CHARGE * self.temperature
        vg = self.gate - p["VTO"] + p["PHI"] + p["GAMMA"] * np.sqrt(p["PHI"])
        vgp = 0.5 * (vg + np.sqrt(vg**2 + 4 * ut**2))
        vp = vgp - p["PHI"] - p["GAMMA"] * (np.sqrt(vgp + p["GAMMA"] ** 2 / 4) - p["GAMMA"] / 2)
        slope = 1 + p["GAMMA"] / 2 / np.sqrt(np.maximum(vp, -p["PHI"]) + p["PHI"] + 4 * ut)
        scale = 2 * slope * p["KP"] * p["W"] / p["L"] * ut**2

        def forward(v):
            u = (vp - v) / (2 * ut)
            soft = np.logaddexp(0.0, u)
            return soft**2, -soft / (1 + np.exp(-u)) / ut

        (fs, dfs), (fd, dfd) = forward(s), forward(d)
        return scale * (fs - fd), -scale * dfd, scale * dfs


def _wires(circuit):
    rows, cols = len(circuit.row_wire), len(circuit.col_wire)
    count = rows * cols
    r = np.arange(count).reshape(rows, cols)
    c = r + count
    W = sp.lil_matrix((3 * count, 3 * count))
    for i in range(rows):
        W[r[i, 0], r[i, 0]] += 1 / circuit.row_end[i]
        for j in range(cols - 1):
            _stamp(W, r[i, j], r[i, j + 1], 1 / circuit.row_wire[i])
    for j in range(cols):
        W[c[-1, j], c[-1, j]] += 1 / circuit.col_end[j]
        for i in range(rows - 1):
            _stamp(W, c[i, j], c[i + 1, j], 1 / circuit.col_wire[j])
    return W.tocsc()


def _stamp(W, a, b, g):
    W[a, a] += g
    W[b, b] += g
    W[a, b] -= g
    W[b, a] -= g


def newton_currents(circuit, V, G, device, transistor=None):
    """Output currents of one input vector, by Newton on all nodes at once."""
    rows, cols = G.shape
    n = rows * cols
    W = _wires(circuit)
    # Input-line nodes are counted from their drivers, so that short wires keep their digits.
    drive = np.repeat(V, cols)
    x = np.concatenate([np.zeros(2 * n), 0.9 * drive])
    g, diagonal, last, moved = G.ravel(), np.arange(n), np.full(cols, np.inf), np.inf
    for _ in range(100):
        vr, vc, m = drive + x[:n], x[n : 2 * n], x[2 * n :]
        into, g1 = device(vr - (vc if transistor is None else m), g)
        if transistor is None:
            F = np.concatenate([into, -into, m])
            blocks = [[g1, -g1, None], [-g1, g1, None], [None, None, np.ones(n)]]
        else:
            out, gd, gs = transistor(m, vc)
            F = np.concatenate([into, -out, out - into])
            blocks = [[g1, None, -g1], [None, -gs, -gd], [-g1, gs, g1 + gd]]
        cells = [
            (k * n + diagonal, q * n + diagonal, block)
            for k, line in enumerate(blocks)
            for q, block in enumerate(line)
            if block is not None
        ]
        row, col, value = (np.concatenate(part) for part in zip(*cells, strict=True))
        J = W + sp.csc_matrix((value, (row, col)), shape=W.shape)
        step = splu(J.tocsc()).solve(W @ x + F)
        x = x - step * min(1.0, 0.3 / np.abs(step).max(initial=1e-300))
        currents = x[2 * n - cols : 2 * n] / circuit.col_end
        change = np.abs(currents - last).max() / np.abs(currents).max()
        if change <= 1e-13 or (change <= 1e-10 and change >= moved):
            return currents
        last, moved = currents, change
    raise AssertionError("the reference did not converge")


@pytest.fixture(scope="session")
def reference():
    """Output currents `[samples, cols]` of a circuit of the shipped cell, by sparse Newton."""

    def solve(circuit, X, G, v0=None, transistor=True):
        card = load_card(DEVICE)
        device = Sinh(v0 or card.values["V0"], card.conductance.read_voltage)
        fet = Transistor(np.repeat(circuit.gate_voltage, G.shape[1])) if transistor else None
        return np.stack([newton_currents(circuit, x, G, device, fet) for x in X])

    return solve


@pytest.fixture(scope="session")
def tile(rram_tile):
    """A maker of 1T1R tiles over the card's whole range of conductances."""

    def make(
        rows: int, cols: int, wire: float = 1.0, driven: str = "device", **changes: dict
    ) -> TileSpec:
        wires = {"input_line_resistance": wire, "output_line_resistance": wire}
        cell = {"conductance_max": 500e-6, "driven": driven}
        return rram_tile(rows, cols, **{"wires": wires, "cell": cell, **changes})

    return make
