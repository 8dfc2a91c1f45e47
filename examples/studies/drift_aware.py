"""Phase-change cells from a second to a week: training that knows of drift, and cells that undo it.

    python examples/studies/drift_aware.py --folder DATA

LeNet-5 on CIFAR-10 with cells of four levels. Every case is a row of a table: interrupted, the
study goes on where it was.
"""

from cosim.studies import DriftAware, DriftAwareStudy, concluded


def main():
    print(concluded(__file__, __doc__, DriftAwareStudy, DriftAware))


if __name__ == "__main__":
    main()
