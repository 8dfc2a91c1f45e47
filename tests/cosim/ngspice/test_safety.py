"""Nothing that a user gives as a value can become a command of the simulator."""

import pytest

from cosim.errors import InputError
from cosim.ngspice import OperatingPoint, Simulation, assert_plain_value


@pytest.mark.parametrize(
    ("value", "text"),
    [(1e-9, "1e-09"), (3, "3.0"), ("2.5k", "2.5k"), ("-1.5e-6", "-1.5e-6"), ("nmos_1", "nmos_1")],
)
def test_numbers_and_plain_names_pass(value, text):
    assert assert_plain_value(value, "gap_init") == text


@pytest.mark.wrong_input
@pytest.mark.parametrize(
    "value",
    [
        "1\n.control\nshell touch /tmp/x\n.endc",
        "1 shell",
        "`id`",
        "$(id)",
        "{exec}",
        "/etc/passwd",
        "../x",
        "1;quit",
        '"file"',
        "",
        float("nan"),
        float("inf"),
        True,
        None,
    ],
)
def test_everything_else_is_refused_with_its_name(value):
    with pytest.raises(InputError, match=r"`gap_init` = .* one finite number or one plain name"):
        assert_plain_value(value, "gap_init")


@pytest.mark.parametrize(
    "line",
    [
        ".control\nshell id\n.endc",
        "  .CONTROL",
        "\t.control",
        "*# shell id",
        "r1 1 0 `id`",
        "*ng_script",
    ],
)
def test_a_deck_with_commands_is_refused(line):
    with pytest.raises(InputError, match="a deck describes a circuit and has no commands"):
        Simulation(f"t\nv1 1 0 1\n{line}\n.end\n", OperatingPoint(), ("v(1)",))


@pytest.mark.parametrize(
    "line",
    [
        ".include /etc/passwd",
        ".INC x.cir",
        ".lib models.lib tt",
        '.model t table2d(file="x.table")',
        ".model s filesource(input_file=/etc/passwd)",
    ],
)
def test_a_generated_deck_names_no_files_and_a_persons_may(line):
    deck = f"t\nv1 1 0 1\n{line}\n.end\n"
    with pytest.raises(InputError, match=r"the deck names a file: `\.\w+"):
        Simulation(deck, OperatingPoint(), ("v(1)",))
    assert Simulation(deck, OperatingPoint(), ("v(1)",), reads_files=True).deck == deck


@pytest.mark.parametrize("output", ["v(1) `id`", "all", "v(1)\nquit", "i(v1);quit", ""])
def test_an_output_is_one_vector(output):
    with pytest.raises(InputError, match="is not a vector; write"):
        Simulation("t\nv1 1 0 1\n.end\n", OperatingPoint(), (output,))
