"""A device and its card: the current of an RRAM cell, from published numbers.

    python examples/01_device_and_card.py

A compact model is equations in Verilog-A; a card is one set of its parameters with their sources.
Together they are a device, whose state is chosen by the conductance that a read would see.
"""

import numpy as np

from compact_models import Device, load_card, load_model


def main():
    card = load_card("rram_gap__stanford_jiang2016")
    device = Device(load_model(card.model), card)
    print(f"{card.name}: {card.source}")

    conductances = np.array([5e-6, 50e-6, 150e-6])  # S, at the card's read voltage
    gaps = device.parameter_for(conductances)  # m, the length of the gap in the filament
    for conductance, gap in zip(conductances, gaps, strict=True):
        print(f"{conductance * 1e6:5.0f} uS: gap {gap * 1e9:.3f} nm")

    voltages = np.array([0.1, 0.2, 0.4])  # V
    currents, _ = device.current(voltages[:, None], gaps)  # the other is dI/dV
    print("I [uA] at 0.1, 0.2 and 0.4 V, one column per conductance:")
    print(np.round(currents * 1e6, 3))
    # A resistor would give 4: the cell conducts by sinh(V), so reads are kept at low voltages.
    bend = currents[2, 1] / currents[0, 1]
    print(f"current at 0.4 V over current at 0.1 V: {bend:.4f}")


if __name__ == "__main__":
    main()
