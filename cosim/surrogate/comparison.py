"""Surrogates side by side: how wrong on samples they have not seen, and how long they take.

Error and cost pull against each other, so a table of surrogates has no single best row but a Pareto
front: the rows of which no other row is as accurate *and* as fast. Cost here is what one training
step pays for a tile, with new conductances every time:

    forward     prepare the conductances, then a batch of vectors
    both        the same, then gradients in the inputs and in the conductances

in single precision on one thread. The surrogates take turns, so that a machine that is busy for a
while slows all of them, and each repeats its step, so that it finds its own data in the caches as
in a training loop; figures are medians over the turns.
"""

from __future__ import annotations

import copy
import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cosim.surrogate.accuracy import Accuracy, accuracy_of
from cosim.surrogate.base import Surrogate
from cosim.surrogate.dataset import TileSamples


# Vectors that one prepared tile is timed with.
BATCH = 100
# A surrogate that was timed for this long [s] takes no further turns.
LONG_ENOUGH = 4.0


@dataclass(frozen=True)
class Compared:
    """One surrogate of a comparison.

    Attributes:
        name: what the comparison calls it.
        accuracy: its errors on the held-out samples.
        forward_ms: median time of a forward pass of `BATCH` vectors on one tile [ms].
        both_ms: median time of a forward and a backward pass [ms].
        front: whether no other surrogate is as accurate and as fast in `both_ms`.
    """

    name: str
    accuracy: Accuracy
    forward_ms: float
    both_ms: float
    front: bool


def compare(
    surrogates: Mapping[str, Surrogate], held_out: TileSamples, repeats: int = 25
) -> list[Compared]:
    """Errors and times of surrogates of one tile, the fastest first.

    Args:
        surrogates: by name, float64.
        held_out: samples that none of them was fitted to.
        repeats: most turns of the timing.
    """
    errors = {name: accuracy_of(one, held_out) for name, one in surrogates.items()}
    times = step_times(surrogates, held_out, repeats)
    front = pareto_front([(errors[name].nrmse, times[name][1]) for name in surrogates])
    rows = [
        Compared(name, errors[name], *times[name], front=best)
        for name, best in zip(surrogates, front, strict=True)
    ]
    return sorted(rows, key=lambda row: row.both_ms)


def pareto_front(points: Sequence[tuple[float, ...]]) -> list[bool]:
    """Of each point, whether no other is at least as small everywhere and smaller somewhere."""
    return [
        not any(
            other != point and all(o <= p for o, p in zip(other, point, strict=True))
            for other in points
        )
        for point in points
    ]


def step_times(
    surrogates: Mapping[str, Surrogate], samples: TileSamples, repeats: int
) -> dict[str, tuple[float, float]]:
    """Median milliseconds of a forward pass, and of a forward and a backward pass, by name."""
    V = torch.from_numpy(np.resize(samples.inputs, (BATCH, samples.inputs.shape[1]))).float()
    G = torch.from_numpy(samples.conductance[0]).float()
    single = {name: copy.deepcopy(one).float() for name, one in surrogates.items()}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in single}
    with _one_thread():
        for _ in range(repeats):
            for name, surrogate in single.items():
                if sum(map(sum, seconds[name])) < LONG_ENOUGH:
                    _step(surrogate, V, G)  # fills the caches that the one before has taken
                    seconds[name].append(_step(surrogate, V, G))
    return {
        name: (
            1e3 * statistics.median(forward for forward, _ in taken),
            1e3 * statistics.median(both for _, both in taken),
        )
        for name, taken in seconds.items()
    }


def _step(surrogate: Surrogate, V: Tensor, G: Tensor) -> tuple[float, float]:
    """Seconds of one forward pass, and of one training step."""
    began = time.perf_counter()
    with torch.no_grad():
        surrogate(V, G)
    forward = time.perf_counter() - began
    inputs, conductances = V.clone().requires_grad_(True), G.clone().requires_grad_(True)
    began = time.perf_counter()
    surrogate(inputs, conductances).sum().backward()
    return forward, time.perf_counter() - began


@contextmanager
def _one_thread() -> Iterator[None]:
    """Tiles are small: one thread is faster than several, and the figures compare."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
