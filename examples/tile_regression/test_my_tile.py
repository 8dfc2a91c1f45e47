"""Regressions of a designer's own macro: the behavioural model still follows the circuit.

    pytest examples/tile_regression

simulates the netlist in ngspice. After a change of the circuit that is meant:

    pytest examples/tile_regression --update-goldens
"""

import pytest


MACRO = "../own_macro.toml"  # relative to this file


@pytest.mark.tile(MACRO, tolerance=0.01, samples=24, matrices=6, seed=1)
def test_closed_form(tile_regression):
    tile_regression.check()


@pytest.mark.tile(MACRO, samples=12, seed=2)
def test_same_currents_as_ever(tile_regression):
    tile_regression.check_golden()


@pytest.mark.tile(MACRO, tolerance=0.005, samples=12, seed=3)
def test_my_own_model(tile_regression):
    def my_mvm(conductances, inputs):
        """Two ohm in every row, 16 mS of transistor in every cell."""
        cells = 1 / (1 / conductances + 1 / 15.6e-3)
        return (inputs / (1 + 2.0 * cells.sum(axis=1))) @ cells

    tile_regression.check_against_golden(my_mvm)
