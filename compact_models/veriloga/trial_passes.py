"""Run the passes of a loop in numbers, literally, to see how it ends.

Every symbol that is no parameter gets random values of ordinary size. At each such bias the loop
runs as it is written, and then on for some passes more. Then the iterates are moved a little, and
have to come back: in a bisection every number is a fixed point, and no equation is solved. And the
loop is begun elsewhere, to see whether the equation has another solution, which a simulator could
find instead.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from compact_models.veriloga.expressions import Expr, evaluate, walk
from compact_models.veriloga.operations import OPERATIONS


BIASES = 40
LEAST_BIASES = 12
"""Biases at which the loop is reached and all numbers are finite, for the result to count."""

MOST_TRIALS = 400
"""Random biases until there are enough at which the loop is reached."""

SIZES = {"node": 0.8, "state": 0.8, "current": 1e-4, "probe": 1e-4}
"""Magnitude of the random values of each kind of symbol; 0 for the others."""

MOST_FAILED = 0.25
"""Share of biases, far from any real one, at which the iteration of the author may fail."""

EXPONENTS = (-13.0, -1.0)
"""Powers of ten of the random values of parameters that are 0 by default."""

MOST_PASSES = 400
FURTHER_PASSES = 8
CLOSE = 1e-3
"""How near the end of a loop must be to where further passes lead, relative to the iterate."""

DISTURBANCE = 1e-3
ELSEWHERE = (0.1, 0.5, 2.0, 10.0)
"""Other starts: the start times these, or plus and minus the distance gone times these."""

PASSES_ELSEWHERE = 60
SETTLED = 1e-9
"""An iterate that moves by less of itself has arrived."""
PASSES_BACK = 30
"""An iterate moved by so much of itself has to be ten times nearer after so many passes."""

RELATIVE_SPAN = 1e3
"""An iterate that stays within this factor of its start is counted in units of its start."""


@dataclass(frozen=True)
class Pass:
    """One pass through the body of a loop, on symbols.

    Attributes:
        before: what each changed variable is when the loop begins.
        places: the symbol that stands for it when a pass begins.
        after: what it is when the pass ends.
        goes_on: the condition for another pass.
        reached: the condition under which the loop begins at all.
    """

    before: dict[str, Expr]
    places: dict[str, Expr]
    after: dict[str, Expr]
    goes_on: Expr
    reached: Expr


@dataclass
class Measured:
    """How a loop ended.

    Attributes:
        points: biases at which it ran.
        failed: biases at which it did not come to stand still before its count ended it.
        passes: most passes at any of them.
        distance: how far further passes moved the iterates, relative to them.
        scales: how far each iterate went from its start, as a power of ten.
        relative: whether it kept its sign and order of magnitude.
        ends: values of counts and flags at the end, where they were the same everywhere.
        bounds: values of the conditions on the length of a step, where they were the same.
    """

    points: int = 0
    failed: int = 0
    passes: int = 0
    distance: float = 0.0
    scales: dict[str, float] = field(default_factory=dict)
    relative: dict[str, bool] = field(default_factory=dict)
    ends: dict[str, float] = field(default_factory=dict)
    bounds: dict[Expr, float] = field(default_factory=dict)


class _Numbers:
    """Evaluates the parts of a pass at one bias again and again."""

    def __init__(
        self, roots: list[Expr], places: Iterable[Expr], values: Mapping[Expr, float]
    ) -> None:
        own = frozenset(places)
        self.roots = roots
        nodes = list(walk(roots))
        fixed = [n for n in nodes if not n.dynamic & own]
        self.known = dict(zip(fixed, evaluate(fixed, values), strict=True))
        self.moving = [n for n in nodes if n.dynamic & own and n not in own]

    def at(self, state: Mapping[Expr, float]) -> list[float]:
        """The roots for values of the variables."""
        done = {**self.known, **state}
        for node in self.moving:
            done[node] = OPERATIONS[node.op](*(done[arg] for arg in node.args))
        return [done[root] for root in self.roots]


def measured(
    loop: Pass,
    iterates: list[str],
    bounds: list[Expr],
    defaults: Mapping[Expr, float],
    unset: list[Expr],
) -> Measured | None:
    """Run a loop at random biases.

    Args:
        loop: a pass through its body.
        iterates: the variables that have to stand still.
        bounds: conditions on the length of a step.
        defaults: numbers for the parameters.
        unset: parameters that are 0 by default. Where the loop is hardly reached, because an effect
            is left out by default, they get random values too.

    Returns:
        How it ended; none if it does not end by standing still.
    """
    trial = _Trial(loop, iterates, bounds, defaults)
    source = random.Random(1)
    for varied in ([], unset):
        trial.run(source, varied)
        if trial.seen.failed > MOST_FAILED * max(trial.seen.points, LEAST_BIASES):
            return None
        if trial.seen.points >= LEAST_BIASES:
            return trial.result()
    return None


class _Trial:
    """The outcomes of one loop, bias by bias."""

    def __init__(
        self,
        loop: Pass,
        iterates: list[str],
        bounds: list[Expr],
        defaults: Mapping[Expr, float],
    ) -> None:
        self.loop, self.bounds, self.defaults = loop, bounds, defaults
        self.iterates = iterates
        self.starts = list(loop.before.values())
        self.roots = [*loop.after.values(), loop.goes_on, *bounds]
        self.seen, self.ends = Measured(), _Agreed()
        self.pairs: dict[str, list[tuple[float, float]]] = {key: [] for key in iterates}

    def run(self, source: random.Random, varied: list[Expr]) -> None:
        """Try random biases until there are enough."""
        loop = self.loop
        roots = [*self.roots, *self.starts, loop.reached]
        for values in _random_values(roots, self.defaults, varied, source):
            if self.seen.points + self.seen.failed == BIASES:
                break
            if evaluate([loop.reached], values)[0] == 1.0 and not self._at(values):
                self.seen.failed += 1

    def _at(self, values: dict[Expr, float]) -> bool:
        """Run the loop at one bias; false where it does not end by standing still."""
        places = self.loop.places
        numbers = _Numbers(self.roots, places.values(), values)
        begin = dict(zip(places.values(), evaluate(self.starts, values), strict=True))
        outcome = _literally(numbers, begin, len(places))
        if outcome is None:
            return False
        passes, end, later, at_end = outcome
        if passes == 0:
            return True
        moved = max(_relative(end[places[k]], later[places[k]]) for k in self.iterates)
        if moved > CLOSE or not _comes_back(numbers, later, [places[k] for k in self.iterates]):
            return False
        if not self._alone(numbers, begin, later):
            return False
        seen = self.seen
        seen.points, seen.passes = seen.points + 1, max(seen.passes, passes)
        seen.distance = max(seen.distance, moved)
        for key, pairs in self.pairs.items():
            pairs.append((begin[places[key]], later[places[key]]))
        self.ends.add({p: end[p] for k, p in places.items() if k not in self.iterates})
        self.ends.add(dict(zip(self.bounds, at_end, strict=True)))
        return True

    def _alone(self, numbers: _Numbers, begin: Numbers, end: Numbers) -> bool:
        """Whether no other start leads to another solution; of the same sign, if it is kept."""
        places = [self.loop.places[k] for k in self.iterates]
        keeps_sign = all(begin[p] * end[p] > 0.0 for p in places)
        for factor in ELSEWHERE if keeps_sign else (*ELSEWHERE, *(-x for x in ELSEWHERE)):
            if keeps_sign:
                start = {p: begin[p] * factor for p in places}
            else:
                start = {p: begin[p] + factor * (end[p] - begin[p]) for p in places}
            found = _settled(numbers, {**begin, **start}, places)
            if found is None or (keeps_sign and any(found[p] * end[p] < 0.0 for p in places)):
                continue
            if any(_relative(end[p], found[p]) > 0.1 for p in places):
                return False
        return True

    def result(self) -> Measured:
        """All outcomes together."""
        same = self.ends.values
        self.seen.ends = {k: same[p] for k, p in self.loop.places.items() if p in same}
        self.seen.bounds = {c: same[c] for c in self.bounds if c in same}
        for key, pairs in self.pairs.items():
            self.seen.relative[key], self.seen.scales[key] = _scaling(pairs)
        return self.seen


def _random_values(
    roots: list[Expr],
    defaults: Mapping[Expr, float],
    varied: list[Expr],
    source: random.Random,
) -> Iterator[dict[Expr, float]]:
    """Numbers for all symbols, bias by bias."""
    leaves = {n for n in walk(roots) if not n.args and n.op != "const" and n not in defaults}
    ordered = sorted(leaves, key=lambda n: (n.op, n.name))
    for _ in range(MOST_TRIALS):
        size = source.uniform(0.1, 1.0)
        values = dict(defaults)
        for leaf in ordered:
            values[leaf] = size * SIZES.get(leaf.op, 0.0) * source.uniform(-1.0, 1.0)
        for parameter in varied:
            if source.random() < 0.5:
                values[parameter] = 10.0 ** source.uniform(*EXPONENTS)
        yield values


class _Agreed:
    """Values that are the same each time."""

    def __init__(self) -> None:
        self.values: dict[Expr, float] = {}
        self.differ: set[Expr] = set()

    def add(self, found: Mapping[Expr, float]) -> None:
        """Keep what agrees with the earlier values."""
        for key, value in found.items():
            if key in self.differ or self.values.setdefault(key, value) != value:
                self.differ.add(key)
                self.values.pop(key, None)


def _scaling(pairs: list[tuple[float, float]]) -> tuple[bool, float]:
    """Whether an iterate is counted in units of its start, and else the power of ten that is."""
    positive = all(start > 0.0 for start, _ in pairs) or all(start < 0.0 for start, _ in pairs)
    near = all(1.0 / RELATIVE_SPAN < end / start < RELATIVE_SPAN for start, end in pairs if start)
    moved = max(abs(end - start) for start, end in pairs)
    return positive and near, 10.0 ** math.floor(math.log10(moved)) if moved > 0.0 else 1.0


Numbers = dict[Expr, float]


def _literally(
    numbers: _Numbers, begin: Numbers, count: int
) -> tuple[int, Numbers, Numbers, list[float]] | None:
    """Passes, values at the end and some passes later, and the bounds there; none if endless.

    A bias at which a number is infinite or none at all counts as one where the loop does not run.
    """
    state, passes = dict(begin), 0
    nothing = (0, begin, begin, [0.0])
    while True:
        found = numbers.at(state)
        if not all(math.isfinite(x) for x in found):
            return nothing
        if found[count] == 0.0:
            break
        state = dict(zip(state, found, strict=False))
        passes += 1
        if passes > MOST_PASSES:
            return None
    end = dict(state)
    for _ in range(FURTHER_PASSES):
        found = numbers.at(state)
        if not all(math.isfinite(x) for x in found):
            return nothing
        state = dict(zip(state, found, strict=False))
    return passes, end, state, numbers.at(state)[count + 1 :]


def _settled(numbers: _Numbers, state: Numbers, places: list[Expr]) -> Numbers | None:
    """Where the passes lead, if they lead anywhere."""
    for _ in range(PASSES_ELSEWHERE):
        last, state = state, dict(zip(state, numbers.at(state), strict=False))
        if all(_relative(last[p], state[p]) < SETTLED for p in places):
            return state
    return None


def _comes_back(numbers: _Numbers, end: Numbers, iterates: list[Expr]) -> bool:
    """Whether iterates that are moved a little return to where they were."""
    state = {**end, **{place: end[place] * (1.0 + DISTURBANCE) for place in iterates}}
    for _ in range(PASSES_BACK):
        state = dict(zip(state, numbers.at(state), strict=False))
    return all(_relative(end[place], state[place]) <= 0.1 * DISTURBANCE for place in iterates)


def _relative(end: float, later: float) -> float:
    return abs(end - later) / max(abs(end), abs(later), 1e-300)
