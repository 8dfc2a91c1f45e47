"""Spread of cells, on/off ratio, array size, converters, signed weights, and training for them.

    python examples/studies/device_variation.py --folder DATA

A small convolutional network on MNIST, one factor swept at a time. Every point is a row of a table:
interrupted, the study goes on where it was.
"""

from pathlib import Path

from cosim.studies import DeviceVariation, DeviceVariationStudy, finished, options, table_of


def main():
    given = options(__file__, __doc__)
    study = DeviceVariationStudy.read(Path(__file__).with_suffix(".toml"), quick=given.quick)
    rows = table_of(study, given, __file__, DeviceVariation.keys, DeviceVariation.values)
    run = DeviceVariation(study, study.images(given.folder), rows)
    print(finished(run))


if __name__ == "__main__":
    main()
