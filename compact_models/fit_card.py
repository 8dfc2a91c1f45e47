"""Cards from measurements: the user's own devices, with their spread.

    iv          device, voltage, current           I = G V0 sinh(V/V0) for each device
    drift       device, time, conductance          G(t) = G (t/t0)^-nu for each device
    programmed  target, conductance                spread and mean excess over the target

Each gives a card whose numbers are marked as calibrated and whose source is the file. Devices are
fitted one by one; the card has the mean and, as `d2d`, the relative standard deviation over them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.optimize import least_squares

from compact_models.errors import InputError
from compact_models.measured import Columns, read_measurements


READ_VOLTAGE = 0.2  # [V], where nothing else is known
FEWEST_POINTS = 4
FEWEST_REPEATS = 3
SOFTEST, HARDEST = 0.01, 100.0  # [V], limits of the voltage scale of a sinh


@dataclass(frozen=True)
class Number:
    """A fitted number over the devices.

    Attributes:
        value: mean.
        unit: of the value.
        spread: relative standard deviation.
        low: smallest of all devices.
        high: largest of all devices.
    """

    value: float
    unit: str
    spread: float
    low: float
    high: float

    @classmethod
    def over(cls, values: Float[ndarray, " devices"], unit: str) -> Number:
        """Statistics of fitted values."""
        mean = float(values.mean())
        spread = float(values.std(ddof=1) / abs(mean)) if values.size > 1 and mean else 0.0
        return cls(mean, unit, min(spread, 0.99), float(values.min()), float(values.max()))

    def line(self, name: str, limits: tuple[float, float]) -> str:
        """As a line of a card, for devices between two limits."""
        text = (
            f'{name} = {{ value = {self.value!r}, unit = "{self.unit}", '
            f"low = {limits[0]!r}, high = {limits[1]!r}"
        )
        d2d = f", d2d = {self.spread:.6f}" if self.spread > 5e-7 else ""
        return text + d2d + ', status = "calibrated" }'


def fit_card(data: Path, kind: str, name: str) -> str:
    """Fit a card to measurements.

    Args:
        data: CSV file with the columns of its kind.
        kind: `iv`, `drift` or `programmed`.
        name: name of the card.

    Returns:
        The card as TOML text.

    Raises:
        InputError: an unknown kind, a faulty file, or too few measurements.
    """
    if kind not in KINDS:
        raise InputError(f"kind {kind!r} is unknown; allowed are {', '.join(KINDS)}; choose one")
    columns, fit = KINDS[kind]
    measured = read_measurements(data, columns)
    return fit(measured, name, data)


def _head(name: str, model: str, what: str, data: Path) -> str:
    return (
        f"# Fitted to {data.name}: {what}.\n"
        f'name = "{name}"\nmodel = "{model}"\ndescription = "Fitted: {what}"\n'
        f'source = "measurements in {data.name}"\ndoi = ""\ntemperature = 300.15\n'
    )


def _range(parameter: str, low: float, high: float) -> str:
    return (
        f'\n[conductance]\nparameter = "{parameter}"\nlow = {float(low)!r}\n'
        f"high = {float(high)!r}\nread_voltage = {READ_VOLTAGE!r}\n"
    )


def _law(name: str, of: str, unit: str, limits: tuple[float, float], c: list[float]) -> str:
    return (
        f'\n[laws.{name}]\nof = "{of}"\nx = "S"\nunit = "{unit}"\n'
        f"low = {limits[0]!r}\nhigh = {limits[1]!r}\n"
        f'shape = {{ kind = "polynomial", coefficients = {c!r} }}\nstatus = "calibrated"\n'
    )


def _resistor(conductances: Float[ndarray, " n"]) -> str:
    g = Number.over(conductances, "S")
    return (
        "\n[values]\n"
        f'G     = {{ value = {g.value!r}, unit = "S", low = {g.low!r}, high = {g.high!r}, '
        'status = "calibrated" }\n'
        'alpha = { value = 0.0, unit = "1/K", low = -0.01, high = 0.01, status = "assumed" }\n'
        'T0    = { value = 300.15, unit = "K", low = 200.0, high = 500.0, status = "assumed" }\n'
    )


def _devices(measured: Columns, data: Path) -> list[Columns]:
    """The rows of each device; all of them have enough."""
    groups = []
    for device in np.unique(measured["device"]):
        rows = measured["device"] == device
        if rows.sum() < FEWEST_POINTS:
            raise InputError(
                f"{data}: device {device:g} has {rows.sum()} rows; at least {FEWEST_POINTS} are "
                "needed for a fit; measure more or remove the device"
            )
        groups.append({name: values[rows] for name, values in measured.items()})
    return groups


def _fit_iv(measured: Columns, name: str, data: Path) -> str:
    fits = np.array([_sinh(group, data) for group in _devices(measured, data)])
    g, v0 = Number.over(fits[:, 0], "S"), Number.over(fits[:, 1], "V")
    limits = (g.low * 0.5, g.high * 1.5)
    factor = float(np.sinh(READ_VOLTAGE / v0.value) * v0.value / READ_VOLTAGE)
    return (
        _head(name, "resistor_sinh", f"I-V curves of {len(fits)} devices", data)
        + _range("G", limits[0] * factor * 1.0001, limits[1] * factor * 0.9999)
        + "\n[values]\n"
        + g.line("G", limits)
        + "\n"
        + v0.line("V0", (v0.low * 0.5, v0.high * 1.5))
        + "\n"
    )


def _sinh(group: Columns, data: Path) -> tuple[float, float]:
    """Conductance at low field and voltage scale of one device."""
    v, i = group["voltage"], group["current"]
    if not np.any(v * i > 0.0):
        raise InputError(
            f"{data}: device {group['device'][0]:g} has no row in which current and voltage have "
            "the same sign; a passive device is needed; check the polarity"
        )
    scale = np.abs(i) + 0.01 * np.abs(i).max()
    start = np.log([float((v * i).sum() / (v * v).sum()), 1.0])

    def miss(p: Float[ndarray, " 2"]) -> Float[ndarray, " points"]:
        g, v0 = np.exp(p)
        return (g * v0 * np.sinh(np.clip(v / v0, -60.0, 60.0)) - i) / scale

    limits = ([-80.0, np.log(SOFTEST)], [20.0, np.log(HARDEST)])
    g, v0 = np.exp(least_squares(miss, start, bounds=limits).x)
    return float(g), float(v0)


def _fit_drift(measured: Columns, name: str, data: Path) -> str:
    for column in ("time", "conductance"):
        bad = np.flatnonzero(measured[column] <= 0.0)
        if bad.size:
            raise InputError(
                f"{data}: line {bad[0] + 2}: `{column}` is {measured[column][bad[0]]:g}; a power "
                "of time needs values above zero; remove the line"
            )
    groups = _devices(measured, data)
    t0 = float(max(group["time"].min() for group in groups))
    fits = np.array([_power(group, t0, data) for group in groups])
    g, nu = fits[:, 0], fits[:, 1]
    limits = (float(g.min()), float(g.max()))
    limits = (limits[0] * 0.999, limits[1] * 1.001)
    spread = float(nu.std(ddof=1)) if nu.size > 1 else 0.0
    return (
        _head(name, "resistor", f"drift of {len(fits)} devices", data)
        + _range("G", *limits)
        + _resistor(np.array(limits))
        + "\n[numbers]\n"
        + f't0 = {{ value = {t0!r}, unit = "s", low = {t0!r}, high = {t0!r}, '
        + 'status = "calibrated" }\n'
        + _law("drift_exponent_mean", "programmed conductance", "", limits, [float(nu.mean())])
        + _law("drift_exponent_spread", "programmed conductance", "", limits, [spread])
    )


def _power(group: Columns, t0: float, data: Path) -> tuple[float, float]:
    """Conductance at t0 and exponent of one device."""
    x = np.log(group["time"] / t0)
    if np.ptp(x) < 1e-9:
        raise InputError(
            f"{data}: device {group['device'][0]:g} was measured at one time only; give several"
        )
    slope, offset = np.polyfit(x, np.log(group["conductance"]), 1)
    return float(np.exp(offset)), float(-slope)


def _fit_programmed(measured: Columns, name: str, data: Path) -> str:
    targets = np.unique(measured["target"])
    if np.any(targets <= 0.0):
        raise InputError(f"{data}: a target of {targets.min():g} S is given; it must be above zero")
    groups = [measured["conductance"][measured["target"] == t] for t in targets]
    for target, group in zip(targets, groups, strict=True):
        if group.size < FEWEST_REPEATS:
            raise InputError(
                f"{data}: target {target:g} S has {group.size} rows; at least {FEWEST_REPEATS} "
                "are needed for a spread; measure more or remove the target"
            )
    count = np.array([group.size for group in groups])
    spread = np.array([group.std(ddof=1) for group in groups])
    shift = np.array([group.mean() for group in groups]) - targets
    order = min(len(targets) - 1, 2)
    limits = (float(targets.min()) * 0.999, float(targets.max()) * 1.001)

    def law(values: Float[ndarray, " targets"]) -> list[float]:
        fitted = np.polynomial.polynomial.polyfit(targets, values, order, w=np.sqrt(count))
        return [float(c) for c in fitted]

    return (
        _head(name, "resistor", f"{len(measured['target'])} programmed conductances", data)
        + _range("G", *limits)
        + _resistor(np.array(limits))
        + _law("programming_spread", "target conductance", "S", limits, law(spread))
        + _law("programming_shift", "target conductance", "S", limits, law(shift))
    )


KINDS: dict[str, tuple[tuple[str, ...], Callable[[Columns, str, Path], str]]] = {
    "iv": (("device", "voltage", "current"), _fit_iv),
    "drift": (("device", "time", "conductance"), _fit_drift),
    "programmed": (("target", "conductance"), _fit_programmed),
}
