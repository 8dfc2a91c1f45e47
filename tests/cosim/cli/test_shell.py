"""What every command has in common: help with an example, --json, --quiet, completion."""

import json
import subprocess
import sys

import click
import numpy as np
import pytest
from click.shell_completion import ShellComplete

from cosim.cli import main as main_module
from cosim.cli.files import check_folder, print_json
from cosim.cli.main import COMMANDS, cli, main
from cosim.errors import InputError


# What these print is a document of its own, or they are not of this kind.
DOCUMENTS = {"compile", "netlist", "schema", "completion", "block deck"}


def commands():
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        if isinstance(command, click.Group):
            for inner, found in command.commands.items():
                yield f"{name} {inner}", found
        else:
            yield name, command


ALL = dict(commands())


@pytest.mark.parametrize("name", list(ALL))
def test_help_has_an_example_of_the_command(name, capsys):
    assert f"Example: cosim {name}" in ALL[name].help.replace("\n", " ")
    assert main([*name.split(), "--help"]) == 0
    assert "Usage: cosim" in capsys.readouterr().out


@pytest.mark.parametrize("name", list(ALL))
def test_every_command_can_be_quiet_and_those_with_a_result_give_json(name):
    options = {text for parameter in ALL[name].params for text in parameter.opts}
    assert "--quiet" in options
    assert ("--json" in options) == (name not in DOCUMENTS)
    for parameter in ALL[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize(
    "line",
    [
        "card list",
        "card show rram_gap__hfo2_milo2021",
        "card check wire__65nm_neurosim2020",
        "block list",
    ],
)
def test_json_is_one_object(line, capsys):
    assert main([*line.split(), "--json"]) == 0
    assert isinstance(json.loads(capsys.readouterr().out), dict)


def test_json_holds_plain_values_and_null_for_what_is_no_number(capsys):
    print_json({"a": np.arange(2.0), "b": float("nan"), "c": np.int64(3), "d": {1: (None, True)}})
    found = json.loads(capsys.readouterr().out)
    assert found == {"a": [0.0, 1.0], "b": None, "c": 3, "d": {"1": [None, True]}}


def test_a_failed_check_in_json_is_still_one_object_and_exit_code_1(tmp_path, capsys):
    deck = tmp_path / "deck.cir"
    deck.write_text("floating\nv1 a 0 1\nr1 b c 1k\n.end\n")
    assert main(["check", str(deck), "--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["findings"]
    assert told.err.count("error:") == 1


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts_call_the_command(shell, capsys):
    assert main(["completion", shell]) == 0
    assert "_COSIM_COMPLETE" in capsys.readouterr().out


def test_commands_are_completed_without_importing_them(monkeypatch):
    def refused(*_):
        raise AssertionError("imported")

    monkeypatch.setattr(main_module.importlib, "import_module", refused)
    complete = ShellComplete(cli, {}, "cosim", "_COSIM_COMPLETE")
    found = [item.value for item in complete.get_completions([], "sim")]
    assert found == ["simulate"]


def test_options_of_a_command_are_completed():
    complete = ShellComplete(cli, {}, "cosim", "_COSIM_COMPLETE")
    found = [item.value for item in complete.get_completions(["simulate"], "--con")]
    assert found == ["--conductances"]
    found = [item.value for item in complete.get_completions(["compile", "--to"], "ng")]
    assert found == ["ngspice"]


def test_an_interrupt_is_exit_code_130(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "main", interrupted)
    assert main(["doctor"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


LONG = """
import sys
from cosim.cli.main import cli, main
cli.main = lambda **_: print("x" * 10**6)
sys.exit(main([]))
"""


def test_a_reader_that_has_enough_is_no_error():
    with subprocess.Popen(
        [sys.executable, "-c", LONG], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        run.stdout.read(10)
        run.stdout.close()
        assert run.stderr.read() == b""
        assert run.wait() == 0


def test_an_output_folder_is_new_or_its_own(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "points.csv").write_text("")
    (tmp_path / "yours").mkdir()
    (tmp_path / "yours" / "letter").write_text("")
    check_folder(tmp_path / "new" / "deep", "points.csv")
    check_folder(tmp_path / "mine", "points.csv")
    with pytest.raises(InputError, match="holds other things, such as letter"):
        check_folder(tmp_path / "yours", "points.csv")
    with pytest.raises(InputError, match="is a file"):
        check_folder(tmp_path / "yours" / "letter")
