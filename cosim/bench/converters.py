"""The converters that the catalog measures: of ideal parts, and of transistors."""

from __future__ import annotations

from cosim.bench.adc import AdcBench, Limits
from netlists.circuits.comparator import Comparator
from netlists.circuits.sar_adc import SarAdc


# Of transistors a transition is where charge injection, kickback and leakage leave it.
TRANSISTORS = Limits(twin=0.5)

CONVERTERS = (
    AdcBench("sar_adc", "6-bit SAR converter, ideal comparator and switches", SarAdc()),
    AdcBench(
        "sar_adc_transistors",
        "6-bit SAR converter with StrongARM latch and CMOS switches",
        SarAdc(comparator=Comparator(kind="strongarm"), switches="transistor"),
        steps=2,
        limits=TRANSISTORS,
    ),
)
