"""One step of all weak-RESET pairs of a layer: a compiled pass over its weights.

A weight is the sign of the difference of two resistances, R = R0 exp(w) each. A step is, for every
weight: Adam's direction, rounded to pulses; the pulses, to the one or the other cell; the law of
the mean; 1/f and telegraph noise; the sign. The pass goes block by block, so that what one part
leaves is still in the cache for the next, and every part is a plain loop that the compiler
vectorises.

Noise needs no memory. The draw of a pulse is a hash of the pulse's number and of the cell: the 1/f
filter over the last K pulses asks for the same K draws again instead of keeping K numbers per cell.
Only the two-state chain of the telegraph noise has to be remembered, in one byte.

The hash is an integer mixer of two multiplications (C. Wellons, "Prospecting for hash functions",
2018); 24 bits of it make a uniform number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit


BLOCK = 2048  # weights whose intermediate results fit into the first-level cache
OFFSET, SLOPE, KNEE, LATER_SLOPE, AMPLITUDE = range(5)
DEVICE_NUMBERS = 5

_GOLDEN = np.uint32(0x9E3779B1)
_ODD = np.uint32(0x85EBCA6B)
_FIRST, _SECOND = np.uint32(0x7FEB352D), np.uint32(0x846CA68B)
_TELEGRAPH = np.uint32(0xA511E9B3)
_UNIT = np.float32(2.0**-24)


class Pairs(NamedTuple):
    """The state of all pairs; first axis: the cell that makes the weight larger, then the other.

    Attributes:
        pulses: weak RESET pulses so far, `[2, weights]`.
        upper: state of the telegraph noise, `[2, weights]`.
        devices: ln R0 + c1, m1, t_star, m2 and telegraph amplitude, `[2, 5, weights]`, or
            `[2, 5, BLOCK]` where all devices are the same.
    """

    pulses: np.ndarray
    upper: np.ndarray
    devices: np.ndarray


class Moves(NamedTuple):
    """What Adam needs, and what makes pulses of it.

    Attributes:
        first: mean of the gradient, `[weights]`.
        second: mean of its square, `[weights]`.
        beta1: memory of the first.
        beta2: memory of the second.
        epsilon: in the denominator.
        rate: pulses per unit step, bias corrections excluded.
        correction1: of the first, 1 - beta1^t.
        correction2: of the second, 1 - beta2^t.
        most: pulses of one step.
    """

    first: np.ndarray
    second: np.ndarray
    beta1: np.float32
    beta2: np.float32
    epsilon: np.float32
    rate: np.float32
    correction1: np.float32
    correction2: np.float32
    most: np.float32


class Noise(NamedTuple):
    """What the noise is made of.

    Attributes:
        seed: of this layer.
        draw: number of this step or read.
        taps: of the 1/f filter times the coupling; empty without 1/f noise.
        memory: part of the telegraph state's imbalance that n pulses leave, `[most + 1]`; empty
            without telegraph noise.
        settled: probability of the upper state in the long run.
    """

    seed: np.uint32
    draw: np.uint32
    taps: np.ndarray
    memory: np.ndarray
    settled: np.float32


@njit(inline="always")
def _mix(x: np.uint32) -> np.uint32:
    x = np.uint32(x ^ (x >> np.uint32(16)))
    x = np.uint32(x * _FIRST)
    x = np.uint32(x ^ (x >> np.uint32(15)))
    x = np.uint32(x * _SECOND)
    return np.uint32(x ^ (x >> np.uint32(16)))


@njit(inline="always")
def _uniform(x: np.uint32) -> np.float32:
    return np.float32(np.int32(_mix(x) >> np.uint32(8))) * _UNIT


@njit(fastmath=True, error_model="numpy")
def _pulses(gradient: np.ndarray, moves: Moves, low: int, given: np.ndarray) -> None:
    """Adam's step in pulses; positive ones make the weight larger."""
    keep1, keep2 = np.float32(1) - moves.beta1, np.float32(1) - moves.beta2
    factor = -moves.rate / moves.correction1
    inverse = np.float32(1) / np.sqrt(moves.correction2)
    first, second = moves.first[low : low + given.size], moves.second[low : low + given.size]
    for i in range(given.size):
        g = gradient[i]
        first[i] = moves.beta1 * first[i] + keep1 * g
        second[i] = moves.beta2 * second[i] + keep2 * g * g
        step = factor * first[i] / (np.sqrt(second[i]) * inverse + moves.epsilon)
        given[i] = np.int32(np.rint(min(max(step, -moves.most), moves.most)))


class Law(NamedTuple):
    """The numbers of the mean law for a block of cells, each `[block]`."""

    offset: np.ndarray
    slope: np.ndarray
    knee: np.ndarray
    later_slope: np.ndarray


@njit(fastmath=True, error_model="numpy")
def _mean_law(given: np.ndarray, sign: int, pulses: np.ndarray, law: Law, log: np.ndarray) -> None:
    """Count the pulses of one cell of each pair; ln R without noise."""
    for i in range(given.size):
        pulses[i] += max(np.int32(sign * given[i]), np.int32(0))
        n = np.float32(pulses[i])
        early = min(n, law.knee[i])
        log[i] = law.offset[i] + law.slope[i] * early + law.later_slope[i] * (n - early)


@njit(fastmath=True, error_model="numpy")
def _add_flicker(pulses: np.ndarray, keys: np.ndarray, taps: np.ndarray, log: np.ndarray) -> None:
    """White numbers of the last pulses through the filter."""
    for k in range(taps.size):
        tap = taps[k]
        for i in range(log.size):
            number = np.uint32(np.uint32(pulses[i] - np.int32(k)) * _ODD)
            log[i] += tap * _uniform(np.uint32(keys[i] + number))


@njit(fastmath=True, error_model="numpy")
def _add_telegraph(
    given: np.ndarray,
    sign: int,
    upper: np.ndarray,
    keys: np.ndarray,
    amplitude: np.ndarray,
    noise: Noise,
    log: np.ndarray,
) -> None:
    """Let the chain run for the pulses, and lift the cells that are in the upper state."""
    moment = np.uint32(noise.draw * _GOLDEN)
    for i in range(log.size):
        key = np.uint32(_mix(np.uint32(keys[i] ^ _TELEGRAPH)) + moment)
        count = max(np.int32(sign * given[i]), np.int32(0))
        left = noise.memory[count]
        above = noise.settled + (np.float32(upper[i]) - noise.settled) * left
        is_upper = _uniform(key) < above
        depth = _uniform(np.uint32(key ^ _ODD)) * _uniform(np.uint32(key ^ _GOLDEN))
        upper[i] = np.uint8(is_upper)
        log[i] += np.float32(is_upper) * depth * amplitude[i]


@njit(fastmath=True, error_model="numpy")
def _block_logarithms(
    given: np.ndarray, pairs: Pairs, noise: Noise, low: int, own: bool, logs: np.ndarray
) -> None:
    """Give a block's pulses, and read ln R of its cells, `[2, block]`."""
    size = given.size
    high, place = low + size, low if own else 0
    keys = np.empty(size, np.uint32)
    for cell in range(2):
        sign, log = 1 - 2 * cell, logs[cell, :size]
        pulses = pairs.pulses[cell, low:high]
        law = Law(
            pairs.devices[cell, OFFSET, place : place + size],
            pairs.devices[cell, SLOPE, place : place + size],
            pairs.devices[cell, KNEE, place : place + size],
            pairs.devices[cell, LATER_SLOPE, place : place + size],
        )
        _mean_law(given, sign, pulses, law, log)
        start = _mix(np.uint32(noise.seed * np.uint32(2) + np.uint32(cell)))
        for i in range(size):
            keys[i] = _mix(np.uint32(np.uint32(low + i) * _GOLDEN + start))
        if noise.taps.size:
            _add_flicker(pulses, keys, noise.taps, log)
        if noise.memory.size:
            upper = pairs.upper[cell, low:high]
            amplitude = pairs.devices[cell, AMPLITUDE, place : place + size]
            _add_telegraph(given, sign, upper, keys, amplitude, noise, log)


@njit(fastmath=True, error_model="numpy", cache=True)
def advance(
    weight: np.ndarray, gradient: np.ndarray, moves: Moves, pairs: Pairs, noise: Noise
) -> int:
    """One step of all pairs, or one read where there is no gradient.

    Args:
        weight: receives -1, 0 or 1, `[weights]`.
        gradient: of the weights, `[weights]`; empty for a read, which gives no pulses.
        moves: Adam's state, changed in place.
        pairs: the devices, changed in place.
        noise: of this step.

    Returns:
        Pulses that were given.
    """
    given, logs = np.zeros(BLOCK, np.int32), np.empty((2, BLOCK), np.float32)
    own = pairs.devices.shape[2] == weight.size
    total = 0
    for low in range(0, weight.size, BLOCK):
        size = min(BLOCK, weight.size - low)
        if gradient.size:
            _pulses(gradient[low : low + size], moves, low, given[:size])
        for i in range(size):
            total += abs(given[i])
        _block_logarithms(given[:size], pairs, noise, low, own, logs)
        for i in range(size):
            weight[low + i] = np.sign(logs[0, i] - logs[1, i])
    return total


@njit(fastmath=True, error_model="numpy", cache=True)
def logarithms(pairs: Pairs, noise: Noise, found: np.ndarray) -> None:
    """Read ln R of all cells, without a pulse.

    Args:
        pairs: the devices.
        noise: of this read.
        found: receives the logarithms, `[2, weights]`.
    """
    none, weights = np.zeros(BLOCK, np.int32), found.shape[1]
    own = pairs.devices.shape[2] == weights
    for low in range(0, weights, BLOCK):
        size = min(BLOCK, weights - low)
        _block_logarithms(none[:size], pairs, noise, low, own, found[:, low : low + size])
