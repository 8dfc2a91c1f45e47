"""Binary networks on pairs of imperfect cells that only weak RESET changes.

    python examples/studies/weak_reset.py --folder DATA

A binary 784-3000-10 perceptron on MNIST, trained without latent weights: ideal, with equal devices,
and with telegraph noise, 1/f noise, differences between devices, and all of them. Every training is
a row of a table: interrupted, the study goes on where it was.
"""

from pathlib import Path

from cosim.studies import WeakResetArms, WeakResetStudy, finished, options, table_of


def main():
    given = options(__file__, __doc__)
    study = WeakResetStudy.read(Path(__file__).with_suffix(".toml"), quick=given.quick)
    rows = table_of(study, given, __file__, WeakResetArms.keys, WeakResetArms.values)
    run = WeakResetArms(study, study.images(given.folder), rows)
    print(finished(run))


if __name__ == "__main__":
    main()
