"""Stuck cells and variation, and what training, teaching and a little digital memory make of them.

    python examples/studies/inaccurate_devices.py --folder DATA

LeNet-5 on MNIST with 4-bit weights. Every case is a row of a table: interrupted, the study goes on
where it was.
"""

from cosim.studies import InaccurateDevices, InaccurateDevicesStudy, concluded


def main():
    print(concluded(__file__, __doc__, InaccurateDevicesStudy, InaccurateDevices))


if __name__ == "__main__":
    main()
