"""The periphery in numbers: codes to voltages, currents to codes, each convention by itself."""

from __future__ import annotations

import numpy as np
import pytest

from compact_models.errors import ShapeError, SpecError
from netlists.readout_spec import InputSpec, ReadoutSpec
from netlists.signal_chain import SignalChain


READOUT = {
    "sensing": {
        "kind": "tia",
        "resistance": 1e3,
        "common_mode": 0.9,
        "amplifier": {"kind": "linear", "gain": 1e9},
    },
    "adc": {"kind": "sar", "bits": 6, "low": 0.1, "high": 0.9},
}


def chain(resistive_tile, cols: int = 2, **tables) -> SignalChain:
    """The periphery of a 3-row tile with a read voltage of 0.2 V."""
    spec = resistive_tile(3, cols, **tables)
    assert spec.drivers.read_voltage == pytest.approx(0.2)
    return SignalChain(spec)


def test_a_tile_without_periphery_passes_volts_and_amperes(resistive_tile):
    plain = chain(resistive_tile)
    np.testing.assert_array_equal(plain.voltages([[0.1, 0.0, 0.2]]), [[[0.1, 0.0, 0.2]]])
    np.testing.assert_array_equal(plain.read_out(np.array([[[1e-6, 2e-6]]])), [[1e-6, 2e-6]])
    assert (plain.outputs, plain.reads, plain.unit) == (2, 1, "A")


def test_a_dac_has_equal_steps_up_to_the_read_voltage(resistive_tile):
    dac = chain(resistive_tile, inputs={"coding": "dac", "bits": 2})
    np.testing.assert_allclose(dac.voltages([[0, 1, 3]]), [[[0.0, 0.2 / 3, 0.2]]])


def test_bit_serial_inputs_come_most_significant_first(resistive_tile):
    serial = chain(resistive_tile, inputs={"coding": "bit_serial", "bits": 3})
    expected = [[[0.0, 0.2, 0.0], [0.2, 0.0, 0.0], [0.2, 0.0, 0.2]]]  # 3 = 011, 4 = 100, 1 = 001
    np.testing.assert_allclose(serial.voltages([[3, 4, 1]]), expected)
    currents = np.array([[[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]]])
    np.testing.assert_allclose(serial.read_out(currents), [[4.0 + 2.0, 2.0]])


def test_pulses_last_as_many_unit_times_as_the_code(resistive_tile):
    pulses = chain(resistive_tile, inputs={"coding": "pulse_width", "bits": 2})
    assert pulses.reads == 3
    volts = pulses.voltages([[0, 2, 3]])[0]
    np.testing.assert_allclose(volts, [[0, 0.2, 0.2], [0, 0.2, 0.2], [0, 0, 0.2]])
    # The mean of the reads: a linear tile gives what a DAC of the same code would give.
    np.testing.assert_allclose(volts.mean(axis=0), [0.0, 0.2 * 2 / 3, 0.2])


def test_every_coding_gives_the_same_sum_on_a_linear_tile(resistive_tile):
    G = np.array([[1e-5, 2e-5], [3e-5, 1e-5], [2e-5, 5e-5]])
    codes = np.array([[5, 0, 7], [1, 6, 2]])
    sums = []
    for coding, scale in (("dac", 7.0), ("bit_serial", 1.0), ("pulse_width", 7.0)):
        one = chain(resistive_tile, inputs={"coding": coding, "bits": 3})
        sums.append(one.read_out(one.voltages(codes) @ G) * scale)
    np.testing.assert_allclose(sums[1], sums[0])
    np.testing.assert_allclose(sums[2], sums[0])
    np.testing.assert_allclose(sums[0], 0.2 * codes @ G)


def test_a_larger_current_is_a_larger_code_and_beyond_full_scale_the_last(resistive_tile):
    read = chain(resistive_tile, readout=READOUT)
    lsb = 0.8e-3 / 64
    currents = np.array([[[0.5 * lsb, 10.5 * lsb]], [[63.5 * lsb, 2e-3]]])
    np.testing.assert_array_equal(read.read_out(currents), [[0, 10], [63, 63]])
    assert read.unit == "LSB"


def test_differential_lines_are_subtracted_after_conversion(resistive_tile):
    read = chain(resistive_tile, cols=4, readout={**READOUT, "weights": "differential"})
    lsb = 0.8e-3 / 64
    codes = np.array([[[7.5, 3.5, 1.5, 20.5]]]) * lsb
    np.testing.assert_array_equal(read.read_out(codes), [[4, -19]])
    assert read.outputs == 2


def test_the_last_line_is_the_offset_of_all_others(resistive_tile):
    read = chain(resistive_tile, cols=3, readout={**READOUT, "weights": "offset"})
    lsb = 0.8e-3 / 64
    np.testing.assert_array_equal(read.read_out(np.array([[[7.5, 3.5, 5.5]]]) * lsb), [[2, -2]])


def test_the_amplifier_loads_the_line(resistive_tile):
    bare, read = resistive_tile(3, 2), resistive_tile(3, 2, readout=READOUT)
    assert read.output_line_end > bare.output_line_end
    poor = {
        **READOUT,
        "sensing": {
            "kind": "tia",
            "resistance": 1e3,
            "amplifier": {"kind": "linear", "gain": 99.0},
        },
    }
    loaded = resistive_tile(3, 2, readout=poor)
    assert loaded.output_line_end - bare.output_line_end == pytest.approx((1e3 + 100) / 100)


@pytest.mark.parametrize("codes", [[[0, 1, 4]], [[0.5, 1, 1]], [[-1, 0, 0]], [[1, 1]]])
def test_what_is_no_code_is_refused(resistive_tile, codes):
    with pytest.raises(ShapeError):
        chain(resistive_tile, inputs={"coding": "dac", "bits": 2}).voltages(codes)


def test_lines_that_make_no_outputs_are_refused(resistive_tile):
    with pytest.raises(SpecError, match="even number of lines"):
        resistive_tile(3, 3, readout={"weights": "differential"})
    with pytest.raises(SpecError, match="one more column"):
        resistive_tile(3, 1, readout={"weights": "offset"})


def test_what_the_specification_names_is_part_of_its_hash(resistive_tile):
    bare = resistive_tile(3, 2).content_hash()
    hashes = {bare}
    hashes.add(resistive_tile(3, 2, readout=READOUT).content_hash())
    hashes.add(resistive_tile(3, 2, inputs={"coding": "dac", "bits": 2}).content_hash())
    assert len(hashes) == 3
    assert InputSpec(coding="dac", bits=3).largest == 7
    assert ReadoutSpec().level == ReadoutSpec().sensing.common_mode


def test_dummy_columns_are_no_outputs(resistive_tile):
    read = SignalChain(resistive_tile(3, 4).model_copy(update={"dummy_columns": (0, 3)}))
    np.testing.assert_array_equal(read.read_out(np.array([[[1.0, 2.0, 3.0, 4.0]]])), [[2.0, 3.0]])
    assert read.outputs == 2
