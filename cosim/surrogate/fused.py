"""The default surrogate as two fused steps: weights from conductances, currents from inputs.

In torch a step of `line_mode_galerkin` is some sixty small operations and as many entries of the
graph, which cost more than their arithmetic on tiles of the usual sizes. Here the same step is two
entries, each a few compiled kernels with dense products in between:

    conductances ──► table of weights ──┐
                                        ├──► currents
    inputs ──► features ────────────────┘

The formulas and their gradient stand in `fused_kernels` and `fused_backward`. The torch form stays
the definition; it takes over wherever the kernels do not apply (`applies`): on other devices, for
other polynomials, while a graph is traced or transformed, and for gradients of gradients.

The kernels are compiled at their first use and their machine code is kept by numba, for each of
single and double precision; `python -m cosim.surrogate.ahead` does it before. It takes longer than
the kernels save in a short use, so a surrogate's first tables in either precision come from the
torch form, up to `PATIENCE`. That depends on what it was asked alone, never on what lies in a
cache: the same program gives the same digits every time. Dense products use torch's threads; a
kernel runs on one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from cosim.errors import CosimError
from cosim.surrogate.cell_polynomial import CUBIC, DEGREE_IN_Y, CellPolynomial
from cosim.surrogate.fused_algebra import PIVOTS
from cosim.surrogate.fused_arrays import (
    BLOCKS,
    DEGREE,
    Network,
    Products,
    Tile,
    gradients,
    network,
    work,
)
from cosim.surrogate.fused_backward import balance_tiles, unreduce_tiles
from cosim.surrogate.fused_features import features, unfeature
from cosim.surrogate.fused_kernels import invert_tiles, reduce_tiles
from cosim.surrogate.fused_weights import weigh_tiles
from cosim.surrogate.fused_weights_backward import unweigh_tiles
from cosim.surrogate.wire_kernels import WireKernels


# Exponents (of V[i], of the mean s) of the blocks of weights, as the kernels have them.
POWERS = ((1, 0), (2, 0), (3, 0), (1, 1), (2, 1), (1, 2))

DTYPES = (torch.float32, torch.float64)

# What a surrogate answers in the torch form before its kernels are compiled, in tables of small
# tiles: about as long as torch then takes more than the kernels as they take to compile.
PATIENCE = 1000
# A table costs as many small ones as it has this many cells.
CELLS_PER_TABLE = 1 << 14

Eager = Callable[[Tensor], Tensor]


def applies(*tensors: Tensor) -> bool:
    """Whether tensors are plain numbers of this machine, outside of any tracing or transform."""
    if torch.compiler.is_compiling() or torch.jit.is_tracing():
        return False
    if torch._C._are_functorch_transforms_active():
        return False
    return all(
        type(x) in (Tensor, nn.Parameter)
        and x.device.type == "cpu"
        and x.dtype == tensors[0].dtype
        and x.dtype in DTYPES
        and x.dim() >= 2
        and x.numel() > 0
        for x in tensors
    )


def cost(G: Float[Tensor, "*tiles rows cols"]) -> int:
    """What a table of these conductances counts towards `PATIENCE`."""
    return 1 + G.numel() // CELLS_PER_TABLE


def covers(cell: CellPolynomial) -> bool:
    """Whether the kernels are written for this cell polynomial."""
    fixed = not cell.coefficient.requires_grad
    return cell.terms == CUBIC and cell.coefficient.shape[1] == DEGREE_IN_Y + 1 and fixed


def constants(cell: CellPolynomial, kernels: WireKernels, shape_conductance: float | None) -> Tile:
    """What the kernels need to know of a surrogate, in its precision."""
    scale = [cell.read_voltage ** (1 - p - q) for p, q in cell.terms]
    coefficient = cell.coefficient.detach().double().numpy() * np.array(scale)[:, None]
    secant = np.array(cell.secant_weights()) @ coefficient
    values = np.concatenate([secant[None], coefficient])
    slopes = values * np.arange(1, DEGREE_IN_Y + 2)
    ratio = (cell.g_high + cell.g_half) / cell.g_high
    wires = kernels.wires
    ends = (kernels.row[0, 0] - wires.input_line, kernels.col[-1, -1] - wires.output_line)

    def typed(x: np.ndarray | list[float]) -> np.ndarray:
        return np.ascontiguousarray(x, dtype=kernels.row.numpy().dtype)

    return Tile(
        values=typed(values),
        slopes=typed(slopes),
        conductance=typed([cell.g_half, ratio]),
        wires=typed([wires.input_line, wires.output_line, float(ends[0]), float(ends[1])]),
        row_legendre=typed(kernels.row_legendre.numpy()),
        col_legendre=typed(kernels.col_legendre.numpy()),
        row_basis=typed(kernels.row_basis.numpy()),
        col_basis=typed(kernels.col_basis.numpy()),
        resistance=typed(kernels.mode_resistance.numpy()),
        shape_mean=-1.0 if shape_conductance is None else float(shape_conductance),
    )


def table(
    G: Float[Tensor, "*tiles rows cols"], tile: Tile, eager: Eager
) -> Float[Tensor, "*tiles features cols"]:
    """Weights and offsets of tiles, one above the other.

    Args:
        G: conductances [S].
        tile: constants of the surrogate.
        eager: the same function in torch, for gradients of gradients.

    Raises:
        CosimError: the reduced system is not positive definite in this precision.
    """
    whole: Tensor = _Table.apply(G.unsqueeze(-3), tile, lambda G: eager(G.squeeze(-3)), 1)
    return whole


def table_of_pairs(
    G: Float[Tensor, "*blocks side rows cols"], tile: Tile, eager: Eager
) -> Float[Tensor, "*blocks features outputs"]:
    """The same for tiles side by side, less by half: neighbouring columns are subtracted."""
    whole: Tensor = _Table.apply(G, tile, eager, 2)
    return whole


def currents(
    V: Float[Tensor, "*inputs samples rows"],
    table: Float[Tensor, "*tiles features cols"],
    mean_weights: Float[Tensor, " rows"],
    eager: Callable[[Tensor, Tensor], Tensor],
) -> Float[Tensor, "*all samples cols"]:
    """Column currents [A] of inputs `V` [V] from a table of weights and offsets."""
    return _Currents.apply(V, table, mean_weights, eager)


@dataclass(frozen=True)
class _Saved:
    """What the gradient of a table needs; arrays are views of the tensors' memory."""

    G: np.ndarray
    tile: Tile
    net: Network
    ACF: Tensor
    S_inv: Tensor
    Y: Tensor

    @property
    def size(self) -> int:
        """Column unknowns of a tile."""
        return self.net.gam.shape[1]

    @property
    def inverse(self) -> Tensor:
        """S^-1 without its padding."""
        return self.S_inv[:, : self.size, : self.size]


class _Table(torch.autograd.Function):
    """Table of weights and offsets of tiles side by side."""

    @staticmethod
    def forward(ctx: Any, G: Tensor, tile: Tile, eager: Eager, per_output: int) -> Tensor:  # noqa: ANN401
        flat = G.detach().reshape(-1, *G.shape[-2:]).contiguous()
        features, outputs = BLOCKS * G.shape[-2] + DEGREE, G.shape[-1] // per_output
        weights = G.new_empty(*G.shape[:-3], features, G.shape[-3] * outputs)
        of_tables = weights.view(-1, features, G.shape[-3], outputs)
        ctx.saved, ctx.eager = _forward(flat, tile, of_tables, per_output), eager
        ctx.per_output = per_output
        ctx.save_for_backward(G)
        return weights

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # noqa: ANN401
        (G,) = ctx.saved_tensors
        if torch.is_grad_enabled():
            again = torch.autograd.grad(ctx.eager(G), G, grad, create_graph=True)
            return again[0], None, None, None
        flat = grad.reshape(-1, grad.shape[-2], G.shape[-3], G.shape[-1] // ctx.per_output)
        found = torch.from_numpy(_backward(ctx.saved, flat.contiguous(), ctx.per_output))
        return found.reshape(G.shape), None, None, None


def _forward(G: Tensor, tile: Tile, weights: Tensor, per_output: int) -> _Saved:
    """Writes the tables of tiles `[tiles, rows, cols]`; what their gradient needs."""
    tiles, rows, cols = G.shape
    kr, kc = len(tile.row_legendre), len(tile.col_legendre)
    size = kc * cols
    net = network(tiles, rows, cols, kr, kc, tile.values.dtype)
    conductances = G.numpy()

    CF, ACF = G.new_empty(tiles, rows * kr, size + cols), G.new_empty(tiles, rows * kr, size + cols)
    good = reduce_tiles(conductances, tile, net, CF.numpy(), ACF.numpy())
    ST = torch.bmm(ACF[..., :size].mT, CF)
    padded = -(-size // PIVOTS) * PIVOTS
    S_inv, T = G.new_empty(tiles, padded, padded), G.new_empty(tiles, size, cols)
    good &= invert_tiles(net, ST.numpy(), S_inv.numpy(), T.numpy())
    if not good:
        raise CosimError(
            f"the reduced system of a tile is not positive definite in {G.dtype}; it must be;"
            " use float64 or fewer modes per line, and check the conductances for negative ones"
        )
    Y = torch.bmm(S_inv[:, :size, :size], T)
    RY = torch.bmm(torch.from_numpy(net.R), Y)
    weigh_tiles(conductances, tile, net, ACF.numpy(), RY.numpy(), weights.numpy(), per_output)
    return _Saved(conductances, tile, net, ACF, S_inv, Y)


def _backward(saved: _Saved, table: Tensor, per_output: int) -> np.ndarray:
    """Gradient in the conductances from the gradient `table` of the weights."""
    net, tile, G = saved.net, saved.tile, saved.G
    grad = gradients(net)
    drives, AC, AF = torch.from_numpy(net.R), *saved.ACF.tensor_split([saved.size], -1)
    unweigh_tiles(
        G, tile, net, saved.ACF.numpy(), saved.S_inv.numpy(), table.numpy(), per_output, grad
    )
    transfer = torch.from_numpy(grad.transfer)
    Z = torch.bmm(saved.inverse, torch.bmm(drives.mT, transfer))
    unknowns = (torch.from_numpy(net.gam)[..., None], torch.from_numpy(grad.v)[..., None])
    YZ = torch.cat([saved.Y, Z, *unknowns], -1)
    AYZ = torch.bmm(AC, YZ)
    R = torch.bmm(transfer, saved.Y.mT)
    products = Products(AF.numpy(), YZ.numpy(), AYZ.numpy(), R.numpy())
    left, rest = torch.empty_like(AYZ), work(net)
    balance_tiles(net, products, grad, left.numpy(), rest)
    gC = torch.bmm(left, YZ.mT)
    unreduce_tiles(G, tile, net, products, grad, gC.numpy(), rest)
    return grad.conductance


class _Currents(torch.autograd.Function):
    """Currents of inputs, one product with the table."""

    @staticmethod
    def forward(
        ctx: Any,  # noqa: ANN401
        V: Tensor,
        table: Tensor,
        mean_weights: Tensor,
        eager: Callable[[Tensor, Tensor], Tensor],
    ) -> Tensor:
        flat = V.detach().reshape(-1, V.shape[-1]).contiguous()
        values = flat.new_empty(len(flat), table.shape[-2])
        features(flat.numpy(), mean_weights.numpy(), values.numpy())
        values = values.reshape(*V.shape[:-1], -1)
        ctx.eager = eager
        ctx.save_for_backward(V, table, mean_weights, values)
        return values @ table

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:  # noqa: ANN401
        V, table, mean_weights, values = ctx.saved_tensors
        wanted = [x for x, need in zip((V, table), ctx.needs_input_grad, strict=False) if need]
        if torch.is_grad_enabled():
            found = iter(torch.autograd.grad(ctx.eager(V, table), wanted, grad, create_graph=True))
            both = [next(found) if need else None for need in ctx.needs_input_grad[:2]]
            return both[0], both[1], None, None
        in_table = in_inputs = None
        if ctx.needs_input_grad[1]:
            in_table = (values.mT @ grad).sum_to_size(table.shape)
        if ctx.needs_input_grad[0]:
            by_feature = (grad @ table.mT).sum_to_size(values.shape).contiguous()
            in_inputs = torch.empty_like(V, memory_format=torch.contiguous_format)
            unfeature(
                V.reshape(-1, V.shape[-1]).contiguous().numpy(),
                mean_weights.numpy(),
                by_feature.reshape(-1, by_feature.shape[-1]).numpy(),
                in_inputs.reshape(-1, V.shape[-1]).numpy(),
            )
        return in_inputs, in_table, None, None
