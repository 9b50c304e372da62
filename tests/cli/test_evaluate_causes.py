"""`duskwatch evaluate causes` as a user meets it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.evaluation.causes.made import by_chance

SHORT = ["--parts", "2", "--repeats", "1"]


def evaluate(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "evaluate", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def events(tmp_path_factory):
    path = tmp_path_factory.mktemp("labels") / "events.csv"
    path.write_text(by_chance(each=8))
    return path


def test_it_prints_a_table_and_writes_weights_figures_and_the_plot(events, tmp_path):
    done = evaluate("causes", "--labels", events, *SHORT, "--out", tmp_path / "o", "--write", tmp_path / "w.toml")
    assert done.returncode == 0, done.stderr
    assert "| question | forecaster | events | countries | log score | by country | calibration error |" in done.stdout
    assert "are left undetermined" in done.stdout
    assert json.loads((tmp_path / "o" / "causes.json").read_text())["schema"] == "duskwatch.causes/1"
    assert (tmp_path / "o" / "reliability.svg").read_text().startswith("<svg")
    again = evaluate("causes", "--labels", events, *SHORT, "--weights", tmp_path / "w.toml", "--json")
    assert json.loads(again.stdout)["events"] == 96


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--labels", "absent.csv"], "absent.csv: cannot be read"),
        (["--labels", __file__], "no column 'begin time'"),
    ],
)
def test_wrong_input_is_one_line_and_exit_code_2(arguments, words):
    done = evaluate("causes", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


def test_evaluate_alone_still_scores_detectors():
    done = evaluate("--list")
    assert done.returncode == 0
    assert "synthetic/total-2h-large-01" in done.stdout
    assert "causes" in evaluate("--help").stdout
