"""Levels of RRAM cells, spreads of programming, wires, and training that knows of them.

    python examples/studies/rram_levels.py --folder DATA

A 197-100-10 and a 197-20-10 perceptron on 14x14 MNIST, with the level sets and spreads of an HfO2
array. Every case is a row of a table: interrupted, the study goes on where it was.
"""

from pathlib import Path

from cosim.studies import RramLevels, RramLevelsStudy, finished, options, table_of


def main():
    given = options(__file__, __doc__)
    study = RramLevelsStudy.read(Path(__file__).with_suffix(".toml"), quick=given.quick)
    rows = table_of(study, given, __file__, RramLevels.keys, RramLevels.values)
    run = RramLevels(study, study.images(given.folder), rows)
    print(finished(run))


if __name__ == "__main__":
    main()
