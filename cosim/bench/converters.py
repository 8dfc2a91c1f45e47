"""The converters and drivers that the catalog measures: of ideal parts, and of transistors."""

from __future__ import annotations

from cosim.bench.adc import AdcBench, Limits
from cosim.bench.base import Bench
from cosim.bench.bit_serial import BitSerialBench
from cosim.bench.line_driver import LineDriverBench
from cosim.bench.pulse_width import PulseWidthBench
from cosim.bench.voltage_dac import VoltageDacBench
from cosim.bench.wordline_decoder import WordlineDecoderBench
from netlists.circuits.comparator import Comparator
from netlists.circuits.flash_adc import FlashAdc
from netlists.circuits.line_driver import LineDriver
from netlists.circuits.pulse_width import PulseWidthDriver
from netlists.circuits.ramp_adc import RampAdc
from netlists.circuits.sar_adc import SarAdc
from netlists.circuits.voltage_dac import VoltageDac


# Of transistors a transition is where charge injection, kickback and leakage leave it, and a ramp
# of two steps per code places it to half an LSB only: what is 0.6 LSB may read as 1.1.
TRANSISTORS = Limits(nonlinearity=1.0, drawn=1.5, twin=0.5)

STRONGARM = Comparator(kind="strongarm")

CONVERTERS: tuple[AdcBench, ...] = (
    AdcBench("sar_adc", "6-bit SAR converter, ideal comparator and switches", SarAdc()),
    AdcBench(
        "sar_adc_transistors",
        "6-bit SAR converter with StrongARM latch and CMOS switches",
        SarAdc(comparator=STRONGARM, switches="transistor"),
        steps=2,
        limits=TRANSISTORS,
    ),
    AdcBench("flash_adc", "4-bit flash converter, ideal comparators", FlashAdc()),
    AdcBench(
        "flash_adc_transistors",
        "3-bit flash converter with StrongARM latches",
        FlashAdc(bits=3, unit_resistance=50.0, comparator=STRONGARM),
        steps=2,
        limits=TRANSISTORS,
    ),
    AdcBench("ramp_adc", "6-bit ramp converter, ideal comparators", RampAdc(), 2, columns=True),
    AdcBench(
        "ramp_adc_transistors",
        "3-bit ramp converter with StrongARM latches",
        RampAdc(bits=3, comparator=STRONGARM),
        steps=2,
        limits=TRANSISTORS,
        columns=True,
    ),
)

DRIVERS: tuple[Bench, ...] = (
    VoltageDacBench("voltage_dac", "6-bit R-2R input converter, ideal switches", VoltageDac()),
    VoltageDacBench(
        "voltage_dac_transistors",
        "6-bit R-2R input converter with CMOS switches",
        VoltageDac(switches="transistor"),
        twin=0.5,
    ),
    BitSerialBench("bit_serial", "4-bit serial driver, NAND gates and line driver"),
    PulseWidthBench("pulse_width", "4-bit pulse-width driver, ideal switches", PulseWidthDriver()),
    PulseWidthBench(
        "pulse_width_transistors",
        "4-bit pulse-width driver with line driver",
        PulseWidthDriver(driver=LineDriver(pull_up="n")),
    ),
    LineDriverBench("wordline_driver", "tapered buffer to the supply, 500 fF", LineDriver()),
    LineDriverBench(
        "input_line_driver",
        "tapered buffer to a read level of 0.3 V, 500 fF",
        LineDriver(pull_up="n"),
        level=0.3,
    ),
    WordlineDecoderBench("wordline_decoder", "decoder of 8 word lines, static CMOS"),
)
