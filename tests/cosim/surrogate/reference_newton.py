"""An independent solution of a tile: every wire node, sparse Newton, any cell function.

Nodes are numbered row nodes first (i * cols + j), then column nodes. Wires are stamped as
conductances from the spec's resistances; the cell's derivatives are central differences, and Newton
is run until the currents stand still to 1e-12 of the largest.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as spl


STEP = 1e-5
TOLERANCE = 1e-12


def wire_matrix(rows, cols, wires):
    r = np.arange(rows * cols).reshape(rows, cols)
    c = r + rows * cols
    entries = []

    def link(a, b, resistance):
        entries.append((np.ravel(a), np.ravel(b), 1 / resistance))

    link(r[:, :-1], r[:, 1:], wires.input_line)
    link(c[:-1], c[1:], wires.output_line)
    i, j, v = [], [], []
    for a, b, g in entries:
        ones = np.full(a.size, g)
        i += [a, b, a, b]
        j += [a, b, b, a]
        v += [ones, ones, -ones, -ones]
    drive = 1 / (wires.source + wires.input_line)
    sense = 1 / (wires.sense + wires.output_line)
    for nodes, g in ((r[:, 0], drive), (c[-1], sense)):
        i.append(nodes)
        j.append(nodes)
        v.append(np.full(nodes.size, g))
    size = 2 * rows * cols
    return sp.csc_matrix(
        (np.concatenate(v), (np.concatenate(i), np.concatenate(j))), shape=(size, size)
    )


def column_currents(current, wires, V, G):
    """Column currents [samples, cols] of one tile at inputs V [samples, rows]."""
    return np.stack([_solve(current, wires, v, G) for v in V])


def _factor(J):
    symmetric = {"SymmetricMode": True}
    return spl.splu(J.tocsc(), "MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=symmetric)


def _solve(current, wires, v, G):
    rows, cols = G.shape
    cells = rows * cols
    W = wire_matrix(rows, cols, wires)
    source = np.zeros(2 * cells)
    source[np.arange(rows) * cols] = v / (wires.source + wires.input_line)
    vr, vc = np.repeat(v[:, None], cols, 1).ravel(), np.zeros(cells)
    g = G.ravel()
    last = None
    for _ in range(60):
        I = current(vr, vc, g)  # noqa: E741
        dr = (current(vr + STEP, vc, g) - current(vr - STEP, vc, g)) / (2 * STEP)
        dc = (current(vr, vc + STEP, g) - current(vr, vc - STEP, g)) / (2 * STEP)
        residual = W @ np.concatenate([vr, vc]) - source + np.concatenate([I, -I])
        J = W + sp.bmat([[sp.diags(dr), sp.diags(dc)], [sp.diags(-dr), sp.diags(-dc)]])
        step = _factor(J).solve(-residual)
        vr, vc = vr + step[:cells], vc + step[cells:]
        out = vc[-cols:] / (wires.sense + wires.output_line)
        if last is not None and np.abs(out - last).max() <= TOLERANCE * np.abs(out).max():
            return out
        last = out
    raise AssertionError("the reference did not converge")
