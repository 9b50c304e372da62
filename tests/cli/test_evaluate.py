"""`duskwatch evaluate` as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FEW = ["--scenarios", "synthetic/total-2h-large-01", "--scenarios", "quiet/tiny-01"]


def evaluate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "evaluate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def test_it_prints_tables_that_paste_and_writes_what_they_rest_on(tmp_path):
    done = evaluate(*FEW, "--out", tmp_path / "new")
    assert done.returncode == 0, done.stderr
    assert "| total losses of a bin or more: found | 1 | 100.0 % | 100.0 % | 100.0 % |" in done.stdout
    assert "\x1b" not in done.stdout
    said = json.loads((tmp_path / "new" / "evaluation.json").read_text())
    assert said["schema"] == "duskwatch.evaluation/1"
    assert said["scenarios"] == 2
    rows = json.loads((tmp_path / "new" / "scenarios.json").read_text())
    assert {row["detector"] for row in rows} == {"duskwatch", "ioda-median", "nearest-days"}
    assert (tmp_path / "new" / "evaluation.svg").read_text().startswith("<svg")


def test_json_is_the_same_document_and_nothing_else(tmp_path):
    done = evaluate(*FEW, "--detector", "ioda-median", "--json", "--out", tmp_path)
    assert json.loads(done.stdout) == json.loads((tmp_path / "evaluation.json").read_text())
    assert list(json.loads(done.stdout)["figures"]["total"]) == ["ioda-median"]


def test_a_broken_bound_is_exit_code_1_and_only_where_asked_for(tmp_path):
    bounds = tmp_path / "bounds.toml"
    bounds.write_text(
        '[[bound]]\nname = "never"\nover = "total"\nfigure = "true"\nat_most = 0\ndetector = "ioda-median"\n'
    )
    options = [*FEW, "--detector", "ioda-median", "--tolerances", bounds]
    done = evaluate(*options, "--check")
    assert done.returncode == 1
    assert "| never | at most 0 | 1 | BROKEN (bound 0) |" in done.stdout
    assert evaluate(*options).returncode == 0
    bounds.write_text(bounds.read_text().replace("at_most = 0", "at_most = 1"))
    assert evaluate(*options, "--check").returncode == 0


def test_ids_are_listed_with_what_they_need():
    done = evaluate("--list", "--scenarios", "recorded/iraq-*", "--scenarios", "quiet/tiny-01")
    assert done.stdout.splitlines()[0] == "quiet/tiny-01"
    assert "recorded/iraq-2023-bgp-01  (needs series/ioda-iraq-2023/ioda_country_IQ_iraq.csv)" in done.stdout


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--scenarios", "synthetic/nothing-*"], "no id matches"),
        (["--detector", "prophet"], "there are duskwatch, ioda-median, nearest-days"),
        (["--data", "/nonexistent"], "no such file or folder"),
        (["--tolerances", "/nonexistent"], "no such file or folder"),
        (["--scenarios", "recorded/iraq-2023-bgp-01"], "--data"),
        (["--scenarios", "quiet/tiny-01", "--detector", "ioda-median", "--check"], "no figure that has a bound"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(options, says):
    done = evaluate(*options)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_wrong_files_are_one_line_and_exit_code_2(tmp_path):
    file = tmp_path / "file"
    file.write_text("nonsense")
    for options, says in (
        (["--out", file], "is a file"),
        (["--data", file], "is a file"),
        (["--tolerances", file], "not a file of bounds"),
        (["--tolerances", tmp_path], "is a folder"),
    ):
        done = evaluate(*options)
        assert done.returncode == 2, options
        assert says in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


def test_a_data_folder_with_a_file_of_another_kind_is_named(tmp_path):
    path = tmp_path / "series" / "ioda-iraq-2023" / "ioda_country_IQ_iraq.csv"
    path.parent.mkdir(parents=True)
    path.write_text("timestamp,bgp\n1692493200,1\n")
    done = evaluate("--data", tmp_path, "--scenarios", "recorded/iraq-2023-bgp-01")
    assert done.returncode == 2
    assert "ioda_country_IQ_iraq.csv: no column" in done.stderr
