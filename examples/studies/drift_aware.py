"""Phase-change cells from a second to a week: training that knows of drift, and cells that undo it.

    python examples/studies/drift_aware.py --folder DATA

LeNet-5 on CIFAR-10 with cells of four levels. Every case is a row of a table: interrupted, the
study goes on where it was.
"""

from pathlib import Path

from cosim.studies import DriftAware, DriftAwareStudy, finished, options, table_of


def main():
    given = options(__file__, __doc__)
    study = DriftAwareStudy.read(Path(__file__).with_suffix(".toml"), quick=given.quick)
    rows = table_of(study, given, __file__, DriftAware.keys, DriftAware.values)
    run = DriftAware(study, study.images(given.folder), rows)
    print(finished(run))


if __name__ == "__main__":
    main()
