"""Fixtures that several test folders share."""

from collections.abc import Callable

import pytest

from netlists.specs import TileSpec


@pytest.fixture(scope="session")
def resistive_tile() -> Callable[..., TileSpec]:
    """A maker of tiles with ideal resistors as cells."""

    def make(rows: int, cols: int, **changes: dict) -> TileSpec:
        data = {
            "name": "resistive",
            "rows": rows,
            "cols": cols,
            "cell": {
                "topology": "1R",
                "device": "resistor",
                "conductance_min": 5e-6,
                "conductance_max": 150e-6,
            },
            "wires": {"input_line_resistance": 1.0, "output_line_resistance": 1.5},
            "drivers": {"read_voltage": 0.2, "source_resistance": 10.0},
            "sensing": {"input_resistance": 3.0},
        }
        for table, values in changes.items():
            data[table] = {**data.get(table, {}), **values}
        return TileSpec.from_dict(data)

    return make


@pytest.fixture(scope="session")
def rram_tile() -> Callable[..., TileSpec]:
    """A maker of 1T1R tiles with the shipped RRAM and access transistor."""

    def make(rows: int, cols: int, **changes: dict) -> TileSpec:
        data = {
            "name": "rram",
            "rows": rows,
            "cols": cols,
            "cell": {
                "topology": "1T1R",
                "device": "rram_gap__stanford_jiang2016",
                "access_transistor": "nmos_ekv__generic_130nm",
                "gate_voltage": 1.2,
                "conductance_min": 5e-6,
                "conductance_max": 150e-6,
            },
            "wires": {"input_line_resistance": 1.0, "output_line_resistance": 1.0},
            "drivers": {"read_voltage": 0.2, "source_resistance": 10.0},
        }
        for table, values in changes.items():
            data[table] = {**data.get(table, {}), **values}
        return TileSpec.from_dict(data)

    return make
