"""Cards and the catalog: what is accepted, and the one clear message for what is not."""

import pytest

from compact_models import Device, available_cards, load_card, load_model
from compact_models.catalog import ROOT
from compact_models.errors import CardError, InputError


GOOD = (ROOT / "cards" / "rram_gap__stanford_jiang2016.toml").read_text()


def card_from(tmp_path, text):
    path = tmp_path / "card.toml"
    path.write_text(text)
    return load_card(path)


@pytest.mark.parametrize("name", available_cards())
def test_every_card_of_the_package_fits_its_model(name):
    card = load_card(name)
    assert card.name == name
    model = load_model(card.model)
    model.check_values(card.values)
    for parameter, unit in card.units.items():
        assert unit == model.parameters[parameter].unit


def test_the_memory_card_covers_the_promised_conductances():
    found = load_card("rram_gap__stanford_jiang2016").conductance
    assert found.parameter == "gap_init"
    assert found.low <= 5e-6
    assert found.high >= 225e-6
    assert found.read_voltage == 0.2


def test_an_unknown_model_lists_the_available_ones():
    with pytest.raises(InputError, match=r"'rram_gab'.*nmos_ekv, .*rram_gap.*use one of"):
        load_model("rram_gab")


def test_an_unknown_card_lists_the_available_ones():
    with pytest.raises(CardError, match=r"nmos_ekv__generic_130nm.*use one of"):
        load_card("nothing")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('doi = "10.1109/TED.2016.2545412"', "", ["doi", "nothing", "required", "add the field"]),
        ('unit = "A",  ', "", ["values.I0.unit", "required", "add the field"]),
        ("value = 1e-3,", "value = 7.0,", ["values.I0", "outside of [1e-06, 1]", "change"]),
        ("value = 1e-3,", 'value = "big",', ["values.I0.value", "'big'", "number", "correct"]),
        ("temperature = 298.0", "temprature = 298.0", ["temperature", "required"]),
        ("low = 5e-6", "low = 5e-3", ["conductance", "not below", "change the value"]),
    ],
)
def test_a_faulty_card_gives_one_message_with_three_parts(tmp_path, old, new, words):
    assert old in GOOD
    with pytest.raises(CardError) as caught:
        card_from(tmp_path, GOOD.replace(old, new, 1))
    for word in ["card.toml", *words]:
        assert word in str(caught.value)
    assert str(caught.value).count(";") >= 2


def test_a_card_that_is_not_toml_is_refused(tmp_path):
    with pytest.raises(CardError, match="cannot be read as TOML"):
        card_from(tmp_path, "I0 = = 3")


def test_a_card_for_another_model_is_refused():
    with pytest.raises(CardError, match=r"card for the model 'nmos_ekv'.*load the model"):
        Device(load_model("rram_gap"), load_card("nmos_ekv__generic_130nm"))


def test_a_conductance_outside_of_the_card_is_refused():
    device = Device(load_model("rram_gap"), load_card("rram_gap__stanford_jiang2016"))
    with pytest.raises(CardError, match=r"0\.01 S was asked for.*covers.*scale"):
        device.parameter_for([1e-5, 1e-2])


@pytest.mark.parametrize(
    ("values", "words"),
    [({"g0": -1.0}, "g0 = -1 m is outside of its range"), ({"gap": 1.0}, "no parameter 'gap'")],
)
def test_a_value_that_the_model_does_not_allow_is_refused(values, words):
    with pytest.raises(CardError, match=words):
        load_model("rram_gap").to_ngspice(values=values)


OWN = (
    '`include "disciplines.vams"\nmodule own(p, n);\n inout p, n;\n electrical p, n;\n'
    " parameter real G = 1e-5 from (0:inf);\n analog I(p, n) <+ G * V(p, n);\nendmodule\n"
)
OWN_CARD = (
    'name = "own__mine"\nmodel = "own.va"\nsource = "ours"\ndoi = ""\ntemperature = 300.15\n'
    '[conductance]\nparameter = "G"\nlow = 1e-6\nhigh = 1e-3\nread_voltage = 0.2\n'
    '[values]\nG = { value = 2e-5, unit = "", low = 0.0, high = 1.0 }\n'
)


def test_a_model_beside_its_card_is_found_from_any_folder(tmp_path, monkeypatch):
    (tmp_path / "own.va").write_text(OWN)
    (tmp_path / "own__mine.toml").write_text(OWN_CARD)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    card = load_card("../own__mine.toml")

    current, _ = Device(load_model(card.model), card).current(0.5, 2e-5)

    assert card.model_name == "own"
    assert current == pytest.approx(1e-5, rel=1e-12)


def test_a_card_whose_model_has_another_name_than_its_file_is_refused(tmp_path):
    (tmp_path / "own.va").write_text(OWN.replace("module own", "module other"))
    (tmp_path / "own__mine.toml").write_text(OWN_CARD)
    card = load_card(tmp_path / "own__mine.toml")

    with pytest.raises(CardError, match=r"'own', given to 'other'.*call its module as its file"):
        Device(load_model(card.model), card)
