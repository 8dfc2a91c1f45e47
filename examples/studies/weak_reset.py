"""Binary networks on pairs of imperfect cells that only weak RESET changes.

    python examples/studies/weak_reset.py --folder DATA

A binary 784-3000-10 perceptron on MNIST, trained without latent weights: ideal, with equal devices,
and with telegraph noise, 1/f noise, differences between devices, and all of them. Every training is
a row of a table: interrupted, the study goes on where it was.
"""

from cosim.studies import WeakResetArms, WeakResetStudy, concluded


def main():
    print(concluded(__file__, __doc__, WeakResetStudy, WeakResetArms))


if __name__ == "__main__":
    main()
