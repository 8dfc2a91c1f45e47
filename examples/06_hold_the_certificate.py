"""A certificate is a promise: hold it against fresh samples of the circuit.

    python examples/06_hold_the_certificate.py

The surrogate is fitted to the solver's samples and judged by ngspice on matrices that neither the
fit nor the certificate has seen. Then the circuit changes, and the same certificate must fail.
"""

from pathlib import Path

from cosim.characterize import SamplingPlan, characterize, fit_dataset, validate
from cosim.engine import NgspiceEngine, SolverEngine
from cosim.ngspice import Workers
from netlists.specs import TileSpec


def main():
    tile = TileSpec.from_toml(Path(__file__).parent / "tile_32x32.toml")
    tile = tile.model_copy(update={"rows": 8, "cols": 8})
    samples = SamplingPlan(samples=120, inputs_per_matrix=4, seed=1)
    fitted = fit_dataset(characterize(SolverEngine(tile), samples, Path("data.zarr")))
    for level, bound in fitted.certificate.bounds.items():
        print(f"errors stay within {bound * 1e12:.0f} pA in {100 * float(level):.0f} % of reads")

    fresh = SamplingPlan(samples=32, inputs_per_matrix=4, seed=2)
    wires = tile.wires.model_copy(update={"input_line_resistance": 3.0})
    with Workers(1) as workers:
        for name, spec in {
            "this tile": tile,
            "wires of 3 ohm": tile.model_copy(update={"wires": wires}),
        }.items():
            engine = NgspiceEngine(spec, workers)
            verdict = validate(fitted.surrogate, fitted.certificate, engine, fresh)
            inside = verdict.coverages[0].share
            print(f"{name}: holds {verdict.holds}, {100 * inside:.1f} % of outputs inside")


if __name__ == "__main__":
    main()
