"""The DC form of the conductance-ratio multiplier in ngspice."""

from cosim.bench import CORNERS, NOMINAL, draws
from cosim.bench.ratio_dc import RatioDcBench
from netlists.circuits.ratio_dc import RatioDc


def test_figures_are_kept_over_temperature_and_draws(kept):
    figures = kept(RatioDcBench(), NOMINAL, CORNERS[7], CORNERS[8], *draws(2))
    assert max(figures["SPICE from twin"]) < 1e-3


def test_inputs_that_bend_the_characteristic_are_caught(outside):
    assert "INL, all inputs swept" in outside(RatioDcBench(RatioDc(input_voltage=0.3)), NOMINAL)
