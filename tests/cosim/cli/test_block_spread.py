"""`cosim block spread` from the command line."""

import pytest

from cosim.bench.tia import TiaBench
from cosim.cli.main import main
from netlists.circuits.tia import Tia


ARGUMENTS = ["block", "spread", "tia", "--draws", "8", "--workers", "1"]


def test_deviations_are_written_beside_those_of_the_twin(tmp_path):
    table = tmp_path / "spread.md"
    assert main([*ARGUMENTS, "-o", str(table)]) == 0
    (row,) = [line for line in table.read_text().splitlines() if "gain error" in line]
    assert row.startswith("| tia | gain error of a draw | 8 |")
    assert "| 0.2 % |" in row
    assert list(tmp_path.iterdir()) == [table]


def test_a_deviation_that_is_not_the_twins_ends_with_one(monkeypatch, capsys):
    class Flattered(Tia):
        def circuit(self, technology):
            return Tia(matching=10.0 * self.matching).circuit(technology)

    monkeypatch.setattr("cosim.cli.block.find_bench", lambda _: TiaBench(Flattered()))
    assert main(ARGUMENTS) == 1
    assert "1 deviations are not the twin's: tia, gain error of a draw" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["0", "1"])
def test_a_deviation_needs_two_draws(count, capsys):
    assert main(["block", "spread", "tia", "--draws", count]) == 2
    assert "draws" in capsys.readouterr().err
