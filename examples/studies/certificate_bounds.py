"""How often the bounds of certificates hold on fresh matrices and inputs, over twenty refits.

    python examples/studies/certificate_bounds.py

Draws everything from the solver, for the tile of `examples/tile_32x32.toml` and for one of 16 x 16
with five times its wires. Every refit is a case of the table: interrupted, the study goes on where
it was. Takes three minutes on one core; `--quick` takes seconds.
"""

from cosim.studies import Bounds, BoundsStudy, concluded


def main():
    print(concluded(__file__, __doc__, BoundsStudy, Bounds))


if __name__ == "__main__":
    main()
