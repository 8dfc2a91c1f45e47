"""Published figures recomputed from the cards, and the laws and distributions they are made of."""

import numpy as np
import pytest

from compact_models import Device, available_cards, load_card, load_model
from compact_models.card import PublishedFigure
from compact_models.distributions import Distribution
from compact_models.errors import CardError
from compact_models.laws import Law
from compact_models.published import QUANTITIES, compare, unproven


CARDS = available_cards()
MEMORIES = [name for name in CARDS if load_card(name).conductance is not None]


def device_level(card):
    """The card with the figures that need no more than the device."""
    rows = tuple(row for row in card.published if row.quantity in QUANTITIES)
    return card.model_copy(update={"published": rows})


@pytest.mark.parametrize("name", CARDS)
def test_every_published_figure_follows_from_the_card(name):
    wrong = [
        f"{row.row.figure}: {row.row.value} published, {row.ours} ours"
        for row in compare(device_level(load_card(name)))
        if not row.holds
    ]
    assert not wrong


@pytest.mark.parametrize("name", CARDS)
def test_every_number_that_is_not_assumed_has_a_published_figure(name):
    assert unproven(load_card(name)) == []


@pytest.mark.parametrize("name", MEMORIES)
def test_a_memory_covers_the_conductances_that_its_card_claims(name):
    card = load_card(name)
    device = Device(load_model(card.model), card, temperature=card.temperature)
    wanted = np.geomspace(card.conductance.low, card.conductance.high, 23)
    got = device.conductance(device.parameter_for(wanted))
    assert np.abs(got / wanted - 1).max() < 1e-11


def test_a_wrong_number_is_noticed_by_its_published_figure():
    card = load_card("rram_gap__stanford_jiang2016")
    entry = card.entries["I0"].model_copy(update={"value": 1.2e-3})
    spoilt = card.model_copy(update={"entries": {**card.entries, "I0": entry}})
    wrong = [row for row in compare(spoilt) if not row.holds]
    assert {n for row in wrong for n in row.row.numbers} >= {"values.I0"}


def test_a_number_without_evidence_is_noticed():
    card = load_card("rram_gap__stanford_jiang2016")
    assert "values.I0" in unproven(card.model_copy(update={"published": ()}))


def test_an_unknown_quantity_lists_the_known_ones():
    card = load_card("rram_gap__stanford_jiang2016")
    row = card.published[0].model_copy(update={"quantity": "guess"})
    with pytest.raises(CardError, match=r"'guess'.*resistance.*correct"):
        compare(card.model_copy(update={"published": (row,)}))


def test_evidence_for_a_number_that_is_not_there_is_refused(tmp_path):
    from compact_models.catalog import ROOT

    text = (ROOT / "cards" / "rram_gap__stanford_jiang2016.toml").read_text()
    path = tmp_path / "card.toml"
    path.write_text(text.replace('"values.gap_min"]', '"values.gap_mid"]', 1))
    with pytest.raises(CardError, match=r"card\.toml.*names values\.gap_mid, which is not there"):
        load_card(path)


def test_a_card_in_other_units_than_its_model_is_refused(tmp_path):
    from compact_models.catalog import ROOT

    text = (ROOT / "cards" / "rram_gap__stanford_jiang2016.toml").read_text()
    path = tmp_path / "card.toml"
    path.write_text(text.replace('unit = "K/W"', 'unit = "W/K"', 1))
    with pytest.raises(CardError, match=r"Rth is given in 'W/K'.*'K/W'.*convert"):
        Device(load_model("rram_gap"), load_card(path))


@pytest.mark.parametrize(
    ("bound", "value", "holds"),
    [("equal", 1.0, True), ("equal", 1.2, False), ("at most", 2.0, True), ("at most", 0.5, False),
     ("at least", 0.5, True), ("at least", 2.0, False)],
)  # fmt: skip
def test_a_bound_holds_on_its_side_only(bound, value, holds):
    card = load_card("rram_gap__stanford_jiang2016")
    row = PublishedFigure(
        figure="alpha", quantity="value", arguments={"number": "gamma0"}, value=16.0 * value,
        unit="", tolerance=0.01, bound=bound, numbers=("values.gamma0",),
    )  # fmt: skip
    assert compare(card.model_copy(update={"published": (row,)}))[0].holds is holds


def law(shape, low=0.1, high=100.0):
    return Law(of="x", x="", unit="", low=low, high=high, shape=shape)


@pytest.mark.parametrize(
    ("shape", "x", "y"),
    [
        ({"kind": "polynomial", "coefficients": (1.0, 2.0, 3.0), "x_unit": 2.0}, 4.0, 17.0),
        ({"kind": "polynomial", "coefficients": (-5.0,), "floor": 0.0}, 4.0, 0.0),
        ({"kind": "clipped_logarithm", "slope": 2.0, "offset": 1.0, "high": 3.0}, 1.5, 1.81093),
        ({"kind": "clipped_logarithm", "slope": 2.0, "offset": 1.0, "high": 3.0}, 50.0, 3.0),
        ({"kind": "power", "factor": 2.0, "exponent": -0.5, "ceiling": 4.0}, 4.0, 1.0),
        ({"kind": "power", "factor": 2.0, "exponent": -0.5, "ceiling": 4.0}, 0.1, 4.0),
    ],
)
def test_the_shapes_of_laws(shape, x, y):
    assert law(shape)(x) == pytest.approx(y, rel=1e-4)


def test_a_piecewise_law_changes_at_its_border():
    shape = {
        "kind": "piecewise", "border": 2.0, "x_unit": 5.0,
        "below": {"kind": "polynomial", "coefficients": (1.0,)},
        "above": {"kind": "polynomial", "coefficients": (0.0, 1.0)},
    }  # fmt: skip
    assert law(shape)(np.array([9.9, 10.0, 20.0])) == pytest.approx([1.0, 2.0, 4.0])


def test_a_law_is_held_at_its_ends_and_says_so_when_asked_strictly():
    rule = law({"kind": "polynomial", "coefficients": (0.0, 1.0)})
    assert rule(1e6) == 100.0
    with pytest.raises(CardError, match=r"x of 1e\+06.*covers \[0\.1, 100\].*stay inside"):
        rule.strict(1e6)


@pytest.mark.parametrize(
    ("kind", "location", "scale", "limits", "mean"),
    [
        ("normal", 2.0, 0.5, (-10.0, 10.0), 2.0),
        ("lognormal", 2.0, 0.5, (1e-6, 1e3), 2.0 * np.exp(0.125)),
        ("exponential", 1.0, 0.5, (1.0, 50.0), 1.5),
        ("uniform", 1.0, 0.5, (1.0, 1.5), 1.25),
        ("normal", 0.0, 1.0, (0.0, 40.0), np.sqrt(2 / np.pi)),
    ],
)
def test_distributions_have_their_mean_and_keep_their_limits(kind, location, scale, limits, mean):
    rule = Distribution(
        kind=kind, location=location, scale=scale, unit="", low=limits[0], high=limits[1]
    )
    drawn = rule.draw(np.random.default_rng(0), 40_000)
    assert drawn.mean() == pytest.approx(mean, rel=0.01, abs=0.01)
    assert drawn.min() >= limits[0]
    assert drawn.max() <= limits[1]
    assert np.all(np.diff(rule.quantile(np.linspace(0, 1, 101))) >= 0)
