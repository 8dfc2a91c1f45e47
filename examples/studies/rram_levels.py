"""Levels of RRAM cells, spreads of programming, wires, and training that knows of them.

    python examples/studies/rram_levels.py --folder DATA

A 197-100-10 and a 197-20-10 perceptron on 14x14 MNIST, with the level sets and spreads of an HfO2
array. Every case is a row of a table: interrupted, the study goes on where it was.
"""

from cosim.studies import RramLevels, RramLevelsStudy, concluded


def main():
    print(concluded(__file__, __doc__, RramLevelsStudy, RramLevels))


if __name__ == "__main__":
    main()
