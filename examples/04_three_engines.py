"""One multiplication by three engines: ngspice, the solver, and a surrogate in closed form.

    python examples/04_three_engines.py

All read the same specification and answer in the same units, so any two can be compared.
"""

from pathlib import Path

import numpy as np

from cosim.cell import TileCell
from cosim.engine import NgspiceEngine, SolverEngine, SurrogateEngine
from cosim.ngspice import Workers
from cosim.surrogate import IdealProduct, LineModeGalerkin, domain_of
from netlists.specs import TileSpec


def main():
    tile = TileSpec.from_toml(Path(__file__).parent / "tile_32x32.toml")
    tile = tile.model_copy(update={"rows": 16, "cols": 16})
    rng = np.random.default_rng(1)
    G = rng.uniform(5e-6, 150e-6, (tile.rows, tile.cols))  # S
    X = rng.uniform(0.0, 0.2, (4, tile.rows))  # V

    with Workers(1) as workers:
        circuit = NgspiceEngine(tile, workers).mvm(G, X)  # [samples, cols], A
    surrogate = LineModeGalerkin.from_spec(tile, TileCell(tile).current)
    engines = {
        "solver": SolverEngine(tile),
        "surrogate": SurrogateEngine(tile, surrogate),
        "ideal product": SurrogateEngine(tile, IdealProduct(16, 16, domain_of(tile))),
    }
    print("largest difference from ngspice, in parts of the largest current:")
    for name, engine in engines.items():
        difference = np.abs(engine.mvm(G, X) - circuit).max() / circuit.max()
        print(f"{name}: {difference:.2e}")


if __name__ == "__main__":
    main()
