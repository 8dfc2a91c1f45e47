"""Stuck cells and variation, and what training, teaching and a little digital memory make of them.

    python examples/studies/inaccurate_devices.py --folder DATA

LeNet-5 on MNIST with 4-bit weights. Every case is a row of a table: interrupted, the study goes on
where it was.
"""

from pathlib import Path

from cosim.studies import (
    InaccurateDevices,
    InaccurateDevicesStudy,
    finished,
    options,
    table_of,
)


def main():
    given = options(__file__, __doc__)
    study = InaccurateDevicesStudy.read(Path(__file__).with_suffix(".toml"), quick=given.quick)
    rows = table_of(study, given, __file__, InaccurateDevices.keys, InaccurateDevices.values)
    run = InaccurateDevices(study, study.images(given.folder), rows)
    print(finished(run))


if __name__ == "__main__":
    main()
