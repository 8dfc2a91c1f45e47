"""Spread of cells, on/off ratio, array size, converters, signed weights, and training for them.

    python examples/studies/device_variation.py --folder DATA

A small convolutional network on MNIST, one factor swept at a time. Every point is a row of a table:
interrupted, the study goes on where it was.
"""

from cosim.studies import DeviceVariation, DeviceVariationStudy, concluded


def main():
    print(concluded(__file__, __doc__, DeviceVariationStudy, DeviceVariation))


if __name__ == "__main__":
    main()
