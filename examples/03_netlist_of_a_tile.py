"""The netlist of a tile: from a specification to a deck that plain ngspice runs.

    python examples/03_netlist_of_a_tile.py

Every device, transistor, wire segment and driver is an element named after its row and column.
"""

import subprocess
from collections import Counter
from pathlib import Path

import numpy as np

from netlists.rules import check_deck
from netlists.specs import TileSpec
from netlists.testbench import operating_point_deck
from netlists.tile import tile_netlist


def main():
    tile = TileSpec.from_toml(Path(__file__).parent / "tile_32x32.toml")
    tile = tile.model_copy(update={"rows": 8, "cols": 4})
    G = np.linspace(5e-6, 150e-6, 32).reshape(8, 4)  # [rows, cols], S
    X = np.linspace(0.05, 0.2, 8)  # [rows], V

    deck = operating_point_deck(tile, G, X)
    print(f"findings of the electrical rules: {len(check_deck(deck))}")
    kinds = Counter(element[0] for element in tile_netlist(tile, G).elements)
    print(f"{kinds['r']} segments of wire, {kinds['x']} devices and transistors")

    Path("tile.cir").write_text(deck, encoding="utf-8")
    run = subprocess.run(
        ["ngspice", "-b", "tile.cir"], capture_output=True, text=True, check=True, timeout=60
    )
    table = next(line for line in run.stdout.splitlines() if line.startswith("0\t"))
    currents = [float(word) for word in table.split()[1:]]
    for col, current in enumerate(currents):
        print(f"column {col}: {current * 1e6:8.4f} uA in ngspice, {X @ G[:, col] * 1e6:8.4f} ideal")
    print(f"share that wires and transistors take: {1 - sum(currents) / (X @ G).sum():.4f}")


if __name__ == "__main__":
    main()
