"""The response of the conductance-ratio cell, measured in ngspice for networks to look up.

    python examples/studies/ratio_response.py

Simulates a tile of eight inputs and four signed columns, for reference cells that have faded to a
quarter of their conductance in steps, without and with drawn errors of the periphery. Completes the
table that `cosim.nn.RatioCell` uses: interrupted, it goes on where it was. Takes five minutes.
"""

import argparse
from pathlib import Path

from cosim.bench import write_ratio_response


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("-o", "--output", type=Path, help="instead of the package's own table")
    options.add_argument("--draws", type=int, default=6, help="of the periphery's errors")
    given = options.parse_args()
    if given.output is None:
        write_ratio_response(draws=given.draws)
    else:
        write_ratio_response(given.output, given.draws)


if __name__ == "__main__":
    main()
