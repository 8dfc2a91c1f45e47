"""Elements of a cell that are known from a table only: a PDK's transistor, any subcircuit.

A table holds the static conductance H = I / v over two coordinates. For a transistor whose gate is
held these are the voltage between its terminals and the voltage of the lower one, because source
and drain change roles where they are equal; for a two-terminal device the voltage across it and
its programmed parameter. H stays finite and positive where I passes through zero, so that small
signals keep their relative accuracy. Between the points lies the tensor product of uniform cubic
B-splines, twice differentiable:

    H(x, y) = sum_ab c[i + a, j + b] B_a(s) B_b(t)        x = low + step (i + s),  0 <= s < 1

Outside the table H stays at its edge; the solver refuses inputs that could end there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from jaxtyping import Bool, Float
from numpy.typing import ArrayLike

from compact_models.errors import InputError


Array = Float[np.ndarray, "..."]
Mask = Bool[np.ndarray, "..."]
FEWEST_POINTS = 8
# Part of a step by which the splines may be continued beyond the first and last point.
BEYOND = 0.25
# Points per interval of the table at which its slopes are looked at.
CHECKED = 3


class Kind(Enum):
    """What the coordinates of a table are."""

    TRANSISTOR = "voltage between the terminals, and of the lower one; gate and bulk held"
    DEVICE = "voltage across the element, and its parameter"


@dataclass(frozen=True)
class Axis:
    """Equally spaced points of one coordinate.

    Attributes:
        low: the first point.
        step: their distance.
        count: their number.
    """

    low: float
    step: float
    count: int

    @property
    def high(self) -> float:
        """The last point."""
        return self.low + self.step * (self.count - 1)

    @property
    def points(self) -> Array:
        """All points."""
        return self.low + self.step * np.arange(self.count)

    def basis(self, x: Array) -> tuple[np.ndarray, Array, Array]:
        """First of the four coefficients at each point, the four weights and their slopes."""
        u = (x - self.low) / self.step
        clipped = np.clip(u, -BEYOND, self.count - 1 + BEYOND)
        first = np.clip(np.floor(clipped), 0, self.count - 2).astype(int)
        t = clipped - first
        r = 1.0 - t
        weights = [r**3, (3 * t - 6) * t**2 + 4, (3 * r - 6) * r**2 + 4, t**3]
        slopes = [-(r**2), (3 * t - 4) * t, (4 - 3 * r) * r, t**2]
        inside = u == clipped
        return first, np.stack(weights) / 6.0, np.stack(slopes) * inside / (2.0 * self.step)


@dataclass(frozen=True, eq=False)
class Table:
    """A tabulated element, in place of an `Element` in a cell.

    Attributes:
        kind: what the coordinates are.
        first: the axis of the voltage across.
        second: the axis of the lower terminal's voltage, or of the parameter.
        coefficients: of the splines, two more than points along each axis.
        error: largest error of H between the points, relative, as found at extraction.
        gate: what the gate was held at [V]; `None` for a device.
    """

    kind: Kind
    first: Axis
    second: Axis
    coefficients: Float[np.ndarray, "first second"]
    error: float
    gate: float | None = None
    values: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        kind: Kind,
        first: Axis,
        second: Axis,
        conductances: Float[np.ndarray, "first second"],
        gate: float | None = None,
        error: float = np.nan,
    ) -> Table:
        """The table through given static conductances [S].

        Raises:
            InputError: too few points, or a current that does not rise with the voltage.
        """
        if min(first.count, second.count) < FEWEST_POINTS:
            raise InputError(
                f"a table of {first.count} x {second.count} points is given; a table needs "
                f"{FEWEST_POINTS} or more along each axis; choose a smaller step"
            )
        coefficients = _coefficients(_coefficients(conductances).T).T
        made = cls(kind, first, second, coefficients, error, gate)
        made.assert_monotone()
        return made

    near, far, held = "d", "s", {}  # type: ignore[var-annotated]

    @property
    def varying(self) -> str | None:
        """What differs from cell to cell."""
        return "value" if self.kind is Kind.DEVICE else None

    @property
    def shared_names(self) -> tuple[str, ...]:
        """Parameters that can be changed afterwards: a table has none."""
        return ()

    @property
    def numbers(self) -> tuple[float, ...]:
        """What the kernel reads."""
        axes = (self.first.low, 1 / self.first.step, self.second.low, 1 / self.second.step)
        return (*axes, *self.coefficients.ravel().tolist())

    def loads(self, name: str, place: int) -> str:
        """The statement that tells the kernel where these numbers start in `shared`."""
        return f"    {name}_base = {place}\n"

    def call(self, name: str, near: str, far: str) -> str:
        """The text of a call with given terminal voltages."""
        return f"{name}({near}, {far}, value, shared, {name}_base)"

    def definition(self, name: str) -> str:
        """The function `name`: current and its slopes in near, far and value."""
        rows = "\n".join(
            ROW.format(row=row, offset=row * (self.second.count + 2)) for row in range(4)
        )
        coordinates, ends = TEXTS[self.kind]
        return FUNCTION.format(
            name=name,
            coordinates=coordinates,
            rows=rows,
            ends=ends,
            least=-BEYOND,
            most_x=self.first.count - 1 + BEYOND,
            most_y=self.second.count - 1 + BEYOND,
            last_x=float(self.first.count - 2),
            last_y=float(self.second.count - 2),
            cols=self.second.count + 2,
        )

    def current(self) -> int:
        """Where the current stands in the returned tuple."""
        return 0

    def slope(self, name: str, unknown: str) -> str:
        """The text of the slope of the current in an unknown, from the result `name`."""
        places = {self.near: 1, self.far: 2, "value": 3}
        return f"{name}[{places[unknown]}]" if unknown in places else "0.0"

    def evaluate(
        self, near: ArrayLike, far: ArrayLike, value: ArrayLike = 0.0
    ) -> tuple[Array, ...]:
        """Current [A] and its slopes in near, far and value, as the kernel computes them."""
        near, far, value = (np.asarray(x, float) for x in np.broadcast_arrays(near, far, value))
        transistor = self.kind is Kind.TRANSISTOR
        x, y = (np.abs(near - far), np.minimum(near, far)) if transistor else (near - far, value)
        i, a, da = self.first.basis(x)
        j, b, db = self.second.basis(y)
        block = np.array([[self.coefficients[i + p, j + q] for q in range(4)] for p in range(4)])
        H, Hx, Hy = (
            np.einsum("pq...,p...,q...->...", block, *pair) for pair in ((a, b), (da, b), (a, db))
        )
        slope = H + x * Hx
        if not transistor:
            return x * H, slope, -slope, x * Hy
        forward = near >= far
        shift = x * Hy
        return (
            (near - far) * H,
            np.where(forward, slope, slope - shift),
            np.where(forward, shift - slope, -slope),
            np.zeros_like(H),
        )

    def assert_monotone(self) -> None:
        """The current must rise with the near and fall with the far voltage everywhere.

        Raises:
            InputError: it does not.
        """
        grids = [
            np.linspace(axis.low, axis.high, CHECKED * (axis.count - 1) + 1)
            for axis in (self.first, self.second)
        ]
        x, y = np.meshgrid(*grids, indexing="ij")
        at = (x + y, y) if self.kind is Kind.TRANSISTOR else (x, np.zeros_like(x), y)
        _, rising, falling, _ = (found[self.reachable(x, y)] for found in self.evaluate(*at))
        x, y = x[self.reachable(x, y)], y[self.reachable(x, y)]
        if not (rising.min() > 0.0 and falling.max() < 0.0):
            worst = np.argmin(np.minimum(rising, -falling))
            raise InputError(
                f"the tabulated current is not monotone at {x[worst]:g}, {y[worst]:g}; the solver "
                "needs currents that rise with the voltage; choose a smaller step or another range"
            )

    def reachable(self, x: Array, y: Array) -> Mask:
        """Which points of the table a tile can come to: no terminal is above the highest input."""
        if self.kind is Kind.DEVICE:
            return np.full(x.shape, True)
        return np.asarray(x + y <= self.second.high + BEYOND * self.first.step)

    def assert_covers(self, low: float, high: float, parameters: Array) -> None:
        """All voltages of a tile lie between its inputs and 0 V; the table must hold them.

        Raises:
            InputError: it does not.
        """
        low, high = min(low, 0.0), max(high, 0.0)
        needed = [(self.first, 0.0, high - low), (self.second, low, high)]
        if self.kind is Kind.DEVICE:
            values = (float(parameters.min(initial=np.inf)), float(parameters.max(initial=-np.inf)))
            needed = [(self.first, low - high, high - low), (self.second, *values)]
        for axis, least, most in needed:
            margin = BEYOND * axis.step
            if least < axis.low - margin or most > axis.high + margin:
                raise InputError(
                    f"the cell's table is asked for {least:g} to {most:g}; it covers {axis.low:g} "
                    f"to {axis.high:g}; extract a wider table or stay inside it"
                )


def _coefficients(values: Float[np.ndarray, "points _"]) -> Float[np.ndarray, "coefficients _"]:
    """Coefficients of the uniform cubic splines through the columns of `values`.

    At either end the third derivative continues across the first inner point.
    """
    count = len(values)
    A = np.zeros((count + 2, count + 2))
    for row in range(count):
        A[row + 1, row : row + 3] = 1 / 6, 4 / 6, 1 / 6
    A[0, :5] = A[-1, -5:] = 1.0, -4.0, 6.0, -4.0, 1.0
    return np.linalg.solve(A, np.pad(values, ((1, 1), (0, 0))))


FUNCTION = """
@njit(error_model='numpy', fastmath={{'contract'}}, forceinline=True)
def {name}(near, far, value, shared, base):
{coordinates}
    u = (x - shared[base]) * shared[base + 1]
    v = (y - shared[base + 2]) * shared[base + 3]
    in_x = 1.0 if (u >= {least}) & (u <= {most_x}) else 0.0
    in_y = 1.0 if (v >= {least}) & (v <= {most_y}) else 0.0
    u = min(max(u, {least}), {most_x})
    v = min(max(v, {least}), {most_y})
    i = min(max(np.floor(u), 0.0), {last_x})
    j = min(max(np.floor(v), 0.0), {last_y})
    t = u - i
    r = 1.0 - t
    w = v - j
    q = 1.0 - w
    b0, b1 = q * q * q, (3.0 * w - 6.0) * w * w + 4.0
    b2, b3 = (3.0 * q - 6.0) * q * q + 4.0, w * w * w
    e0, e1, e2, e3 = -q * q, (3.0 * w - 4.0) * w, (4.0 - 3.0 * q) * q, w * w
    place = base + 4 + int(i) * {cols} + int(j)
{rows}
    a0, a1 = r * r * r, (3.0 * t - 6.0) * t * t + 4.0
    a2, a3 = (3.0 * r - 6.0) * r * r + 4.0, t * t * t
    d0, d1, d2, d3 = -r * r, (3.0 * t - 4.0) * t, (4.0 - 3.0 * r) * r, t * t
    h = (a0 * h0 + a1 * h1 + a2 * h2 + a3 * h3) * (1.0 / 36.0)
    h_x = (d0 * h0 + d1 * h1 + d2 * h2 + d3 * h3) * shared[base + 1] * (in_x / 12.0)
    h_y = (a0 * g0 + a1 * g1 + a2 * g2 + a3 * g3) * shared[base + 3] * (in_y / 12.0)
    slope = h + x * h_x
{ends}
"""

ROW = """    c0, c1 = shared[place + {offset}], shared[place + {offset} + 1]
    c2, c3 = shared[place + {offset} + 2], shared[place + {offset} + 3]
    h{row} = b0 * c0 + b1 * c1 + b2 * c2 + b3 * c3
    g{row} = e0 * c0 + e1 * c1 + e2 * c2 + e3 * c3"""

# Statements for the coordinates, and for the result: current and slopes in near, far and value.
TEXTS = {
    Kind.TRANSISTOR: (
        "    x = abs(near - far)\n    y = min(near, far)",
        """    shift = x * h_y
    forward = near >= far
    rising = slope if forward else slope - shift
    falling = shift - slope if forward else -slope
    return (near - far) * h, rising, falling, h_y - h_y""",
    ),
    Kind.DEVICE: (
        "    x = near - far\n    y = value",
        "    return x * h, slope, -slope, x * h_y",
    ),
}
