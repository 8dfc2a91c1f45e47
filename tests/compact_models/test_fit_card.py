"""Cards fitted to measurements: known devices are found again, faulty files name their line."""

import numpy as np
import pytest

from compact_models import Device, load_card, load_model
from compact_models.errors import InputError
from compact_models.fit_card import fit_card


def written(tmp_path, header, rows):
    path = tmp_path / "data.csv"
    text = "\n".join([header, *(",".join(f"{v:.9g}" for v in row) for row in rows)])
    path.write_text(text + "\n")
    return path


def fitted(tmp_path, data, kind):
    card = tmp_path / "mine.toml"
    card.write_text(fit_card(data, kind, "mine"))
    return load_card(card)


def iv_rows(random, devices=12):
    rows = []
    for device in range(devices):
        g, v0 = (
            2e-5 * (1 + 0.1 * random.standard_normal()),
            0.4 * (1 + 0.05 * random.standard_normal()),
        )
        for v in np.linspace(-1, 1, 21):
            i = g * v0 * np.sinh(v / v0) * (1 + 0.01 * random.standard_normal())
            rows.append((device, v, i))
    return rows


def test_iv_curves_give_a_device_with_its_spread(tmp_path):
    data = written(tmp_path, "device,voltage,current", iv_rows(np.random.default_rng(0), 60))
    card = fitted(tmp_path, data, "iv")
    assert card.values["G"] == pytest.approx(2e-5, rel=0.04)
    assert card.values["V0"] == pytest.approx(0.4, rel=0.02)
    assert card.spread["G"] == pytest.approx(0.1, rel=0.3)
    assert card.spread["V0"] == pytest.approx(0.05, rel=0.3)
    device = Device(load_model(card.model), card)
    i, _ = device.current(0.8, card.values["G"])
    assert i == pytest.approx(2e-5 * 0.4 * np.sinh(2.0), rel=0.06)
    assert device.conductance(device.parameter_for(card.conductance.high)) == pytest.approx(
        card.conductance.high
    )


def test_conductances_over_time_give_drift_exponents(tmp_path):
    random = np.random.default_rng(1)
    rows = [
        (device, t, g * (t / 10.0) ** -nu)
        for device in range(80)
        for g, nu in [(random.uniform(5e-6, 2e-5), 0.05 + 0.01 * random.standard_normal())]
        for t in (10.0, 100.0, 1e3, 1e4, 1e5)
    ]
    card = fitted(tmp_path, written(tmp_path, "device,time,conductance", rows), "drift")
    assert float(card.law("drift_exponent_mean")(1e-5)) == pytest.approx(0.05, abs=0.004)
    assert float(card.law("drift_exponent_spread")(1e-5)) == pytest.approx(0.01, rel=0.25)
    assert card.number("t0") == 10.0


def test_programmed_conductances_give_spread_and_shift(tmp_path):
    random = np.random.default_rng(2)
    rows = [
        (t, t + 2e-6 + (4.8e-6 - 0.009 * t) * random.standard_normal())
        for t in np.arange(50, 226, 25) * 1e-6
        for _ in range(400)
    ]
    card = fitted(tmp_path, written(tmp_path, "target,conductance", rows), "programmed")
    for g, spread in ((50e-6, 4.35e-6), (225e-6, 2.78e-6)):
        assert float(card.law("programming_spread")(g)) == pytest.approx(spread, rel=0.1)
        assert float(card.law("programming_shift")(g)) == pytest.approx(2e-6, rel=0.3)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("3,0.2,", r"line 3: `current` is 'empty'.*finite number.*remove the line"),
        ("3,0.2,nan", r"line 3: `current` is 'nan'"),
        ("3,high,1e-6", r"line 3: `voltage` is 'high'"),
        ("3", r"line 3: `voltage` is 'empty'"),
        ("", r"line 3: `device` is 'empty'"),
    ],
)
def test_a_gap_is_named_by_its_line(tmp_path, line, words):
    path = tmp_path / "data.csv"
    path.write_text(f"device,voltage,current\n3,0.1,1e-6\n{line}\n3,0.3,3e-6\n")
    with pytest.raises(InputError, match=words):
        fit_card(path, "iv", "mine")


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        ("device,voltage\n1,2\n", "iv", "no column `current`"),
        ("", "iv", "no column `device`"),
        ("target,conductance\n", "programmed", "no rows"),
        ("target,conductance\n1e-5,1e-5\n", "programmed", "at least 3"),
        ("device,voltage,current\n1,0.1,1e-6\n", "iv", "at least 4"),
        ("device,time,conductance\n1,0,1e-6\n", "drift", "line 2: `time` is 0"),
        ("device,voltage,current\n" + "1,0.1,-1e-6\n" * 4, "iv", "check the polarity"),
        ("device,time,conductance\n" + "1,5,1e-6\n" * 4, "drift", "one time only"),
        ("target,conductance\n1e-5,1e-5\n", "curves", "kind 'curves' is unknown"),
    ],
)
def test_measurements_that_cannot_be_fitted_are_refused(tmp_path, text, kind, words):
    path = tmp_path / "data.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        fit_card(path, kind, "mine")


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.csv: no such file"):
        fit_card(tmp_path / "nowhere.csv", "iv", "mine")
