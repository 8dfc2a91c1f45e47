"""`cosim compare`: a table of surrogates that a user can read, and files that programs can."""

import csv
from pathlib import Path

import numpy as np
import pytest

from cosim.characterize import Dataset
from cosim.characterize.comparing import KINDS, OF_STRUCTURE, compare_dataset, usual_kinds
from cosim.characterize.fitting import fit_dataset, samples_of
from cosim.cli.main import main
from cosim.surrogate import IdealProduct, accuracy_of, domain_of, pareto_front, save
from netlists.specs import TileSpec


TILE = Path(__file__).parents[3] / "examples" / "tile_32x32.toml"


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Samples of an 8 x 6 tile with 20 ohm per segment."""
    folder = tmp_path_factory.mktemp("compare")
    text = TILE.read_text().replace("rows = 32", "rows = 8").replace("cols = 32", "cols = 6")
    (folder / "tile.toml").write_text(text.replace("resistance = 1.0 ", "resistance = 20.0 "))
    path = folder / "data.zarr"
    arguments = ["characterize", str(folder / "tile.toml"), "--samples", "72", "--quiet"]
    arguments += ["--inputs-per-matrix", "6", "--engine", "solver", "-o", str(path)]
    assert main(arguments) == 0
    return path


@pytest.fixture(scope="module")
def compared(data):
    return compare_dataset(Dataset.open(data), repeats=3)


def test_every_kind_is_a_row_and_the_errors_are_in_the_order_of_the_physics(compared):
    error = {row.name: row.accuracy.nrmse for row in compared.rows}
    assert set(error) == set(OF_STRUCTURE)
    ranked = ["ideal", "alpha_beta", "line_mode_galerkin", "line_mode_fields"]
    assert sorted(ranked, key=error.__getitem__, reverse=True) == ranked


def test_the_errors_are_those_of_held_out_matrices(data, compared):
    dataset = Dataset.open(data)
    fitted = fit_dataset(dataset)
    rows = {row.name: row for row in compared.rows}
    assert rows["line_mode_galerkin"].accuracy == fitted.certificate.accuracy

    unseen = samples_of(dataset).split(0.7, 0)[1]
    spec = dataset.spec
    ideal = IdealProduct(spec.rows, spec.cols, domain_of(spec))
    assert rows["ideal"].accuracy == accuracy_of(ideal, unseen)
    assert (compared.held_out, compared.matrices) == (len(unseen), unseen.matrices)


def test_rows_run_from_fast_to_slow_and_say_which_are_on_the_front(compared):
    both = [row.both_ms for row in compared.rows]
    assert both == sorted(both)
    points = [(row.accuracy.nrmse, row.both_ms) for row in compared.rows]
    assert [row.front for row in compared.rows] == pareto_front(points)
    assert min(compared.rows, key=lambda row: row.accuracy.nrmse).front


def test_the_front_is_what_nothing_else_beats_in_both():
    points = [(1.0, 5.0), (2.0, 2.0), (3.0, 3.0), (5.0, 1.0), (2.0, 4.0)]
    assert pareto_front(points) == [True, True, False, True, False]
    assert pareto_front([(1.0, 1.0), (1.0, 1.0)]) == [True, True]


def test_the_command_prints_a_table_and_writes_it(data, tmp_path, capsys):
    chosen = ["alpha_beta", "ideal"]
    for ending in (".csv", ".md"):
        arguments = ["compare", str(data), *chosen, "--repeats", "1"]
        assert main([*arguments, "-o", str(tmp_path / f"table{ending}")]) == 0
    printed = capsys.readouterr().out
    assert "unseen matrices" in printed

    with (tmp_path / "table.csv").open() as file:
        rows = {row["model"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(chosen)
    unseen = samples_of(Dataset.open(data)).split(0.7, 0)[1]
    spec = Dataset.open(data).spec
    error = accuracy_of(IdealProduct(spec.rows, spec.cols, domain_of(spec)), unseen)
    assert np.isclose(float(rows["ideal"]["nrmse"]), error.nrmse, rtol=1e-4)
    assert np.isclose(float(rows["ideal"]["max_error"]), error.max_error, rtol=1e-4)
    assert float(rows["ideal"]["forward_ms"]) > 0

    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0].startswith("| model | fit | NRMSE % |")
    assert {line.split(" | ")[0] for line in lines[2:4]} == {"| alpha_beta", "| ideal"}


def test_a_stored_surrogate_is_a_row_that_says_what_it_has_seen(data, tmp_path, capsys):
    dataset = Dataset.open(data)
    spec = dataset.spec
    stored = []
    for seed in (0, 5):
        result = fit_dataset(dataset, seed=seed)
        folder = tmp_path / f"split_{seed}"
        about = (spec.model_dump(mode="json"), spec.content_hash(), result.certificate)
        stored.append(save(folder, result.surrogate, *about))
    found = compare_dataset(dataset, ["line_mode_galerkin"], repeats=1, stored=stored)
    same, other = (found.fits[str(folder)] for folder in stored)
    assert (same, other) == ("stored", "stored, may have seen them")
    error = {row.name: row.accuracy for row in found.rows}
    assert error[str(stored[0])] == error["line_mode_galerkin"]

    assert main(["compare", str(data), "ideal", str(stored[1]), "--repeats", "1"]) == 0
    assert "stored, may have seen them" in capsys.readouterr().out


def test_a_surrogate_of_another_tile_is_no_row(data, tmp_path, capsys):
    other = IdealProduct(8, 6, domain_of(Dataset.open(data).spec))
    save(tmp_path / "other", other, {}, "another tile")
    assert main(["compare", str(data), str(tmp_path / "other")]) == 2
    assert "it is of the tile another tile" in capsys.readouterr().err


def test_kinds_from_samples_alone_are_usual_where_the_inside_is_unknown(data):
    assert usual_kinds(Dataset.open(data).spec) == OF_STRUCTURE
    macro = TileSpec.from_toml(TILE.parent / "own_macro.toml")
    assert set(usual_kinds(macro)) == set(KINDS)
    found = compare_dataset(Dataset.open(data), ["low_rank", "ideal"], repeats=1)
    assert found.fits["low_rank"] == "samples"
    error = {row.name: row.accuracy.nrmse for row in found.rows}
    assert error["low_rank"] < 0.1 * error["ideal"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["wires"], "'wires' is not one of"), (["-o", "table.txt"], "must end in .csv or .md")],
)
def test_what_it_does_not_know_is_refused(data, arguments, message, capsys):
    assert main(["compare", str(data), *arguments]) == 2
    assert message in capsys.readouterr().err
