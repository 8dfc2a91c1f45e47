"""Samples of a tile in ngspice, and a surrogate fitted to them with a certificate.

    python examples/05_characterize_and_fit.py

Writes `data.zarr` and `surrogate/`; started again, it goes on with the samples that are missing.
"""

from pathlib import Path

from cosim.characterize import SamplingPlan, characterize, fit_dataset
from cosim.engine import NgspiceEngine
from cosim.ngspice import Workers
from cosim.surrogate import load, save
from netlists.specs import TileSpec


def main():
    tile = TileSpec.from_toml(Path(__file__).parent / "tile_32x32.toml")
    tile = tile.model_copy(update={"rows": 8, "cols": 8})
    plan = SamplingPlan(samples=60, inputs_per_matrix=3, seed=1)
    with Workers(1) as workers:
        data = characterize(NgspiceEngine(tile, workers), plan, Path("data.zarr"))
    print(data.arrays())

    result = fit_dataset(data)
    print(result.certificate.table())
    spec = tile.model_dump(mode="json")
    save("surrogate", result.surrogate, spec, tile.content_hash(), result.certificate)

    stored = load("surrogate", spec_hash=tile.content_hash())  # refused for another tile
    print(f"NRMSE before the fit: {100 * result.closed_form_nrmse:.5f} %")
    print(f"NRMSE on unseen matrices: {100 * stored.certificate.accuracy.nrmse:.5f} %")


if __name__ == "__main__":
    main()
