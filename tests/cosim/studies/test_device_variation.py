"""The study of device variation: its designs put onto tiles what theory speaks of."""

import math

import numpy as np
import pytest
import torch

from cosim.datasets import digits
from cosim.nn import analog_layers, program_chips
from cosim.studies import DeviceVariation, DeviceVariationStudy, Rows
from cosim.studies.device_variation import Design


@pytest.fixture(scope="module")
def run(resistive_tile, tmp_path_factory):
    study = DeviceVariationStudy(
        title="small",
        source="none",
        data="digits",
        network="small_cnn",
        tile=resistive_tile(64, 64),
        levels=65,
        spreads=(0.1,),
        on_offs=(10.0,),
        rows=(64,),
        bits=(4,),
        coverages=(1.0,),
        training_spreads=(0.1,),
        schedules=("constant",),
        epochs=1,
        tuning_epochs=1,
        chips=4,
    )
    path = tmp_path_factory.mktemp("study") / "rows.csv"
    keys, values = DeviceVariation.keys, DeviceVariation.values
    return DeviceVariation(study, Rows(path, "this test", "x", keys, values), digits(0))


@pytest.mark.parametrize(("spread", "on_off"), [(0.1, 10.0), (0.1, 2.0), (0.05, 10.0)])
def test_weights_of_zero_are_wrong_by_what_theory_says(run, spread, on_off):
    """The module's formulas; the cell of a reference column adds as much as that of a weight."""
    measured = {}
    for signed in ("pair", "reference"):
        design = Design("spread", signed, spread, on_off)
        network = run.network_of(design)
        (layer, *_) = analog_layers(network)
        with torch.no_grad():
            layer.weight.zero_()
            layer.weight[0, 0] = 1.0
        chips = program_chips(network, 12, run.devices_of(design), 1)
        weights = torch.stack(
            [layer.mapping.weights(chip.conductances[0])[1:] for chip in chips]
        ).numpy()
        measured[signed] = np.sqrt(np.mean(weights**2))
    pair = math.sqrt(2) * spread / (on_off - 1)
    reference = math.sqrt(2) * spread * (on_off + 1) / (on_off - 1)
    assert measured["pair"] == pytest.approx(pair, rel=0.1)
    assert measured["reference"] == pytest.approx(reference, rel=0.1)
