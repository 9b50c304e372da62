"""The program as a user meets it: help, versions, and one clear line for whatever is wrong."""

import gzip
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from duskwatch.cases.build import BuiltCase, build_case
from duskwatch.cli.app import COMMANDS
from tests.conftest import ROOT

WINDOW = ["--from", "2014-12-22T15:00Z", "--until", "2014-12-22T17:00Z"]


def duskwatch(*arguments: str | Path, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, **options)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> BuiltCase:
    return build_case("north-korea-2014", tmp_path_factory.mktemp("case"), seed=1)


def test_help_lists_the_commands_without_loading_any_of_them():
    code = (
        "import sys; from duskwatch.cli.app import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "slow = {'numba', 'numpy', 'altair', 'polars', 'babel', 'rich', 'pydantic', 'duskwatch.analysis.replay'}\n"
        "loaded = slow & set(sys.modules)\n"
        "print('loaded:', sorted(loaded))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert "loaded: []" in done.stdout
    for name in ("demo", "analyze", "mrt", "case"):
        assert re.search(rf"\b{name}\b", done.stdout)
    assert "..." not in done.stdout.split("Commands:")[1]  # each command is told by its whole line


@pytest.mark.parametrize("command", ["demo", "analyze", "mrt", "case"])
def test_each_command_teaches_with_help(command):
    done = duskwatch(command, "--help")
    assert done.returncode == 0
    assert len(done.stdout) > 400


def test_the_version_is_told():
    assert duskwatch("--version").stdout.startswith("duskwatch 0.")


def test_an_unknown_command_is_wrong_usage():
    assert duskwatch("analyse").returncode == 2


def test_analyze_writes_the_report_and_prints_a_summary_that_pastes(case, tmp_path):
    done = duskwatch("analyze", "KP", *WINDOW, "--mrt", case.mrt, "--geo", case.geo, "--out", tmp_path, "--png")
    assert done.returncode == 0, done.stderr
    assert "North Korea (KP)" in done.stdout
    assert "\x1b" not in done.stdout
    assert done.stdout.isascii()
    assert {path.name for path in tmp_path.iterdir()} == {
        "report.html", "report.json", "report.md", "outages.csv", "prefixes.csv", "inputs.csv", "timeline.png",
    }  # fmt: skip
    assert (tmp_path / "timeline.png").read_bytes()[:4] == b"\x89PNG"
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["schema"] == "duskwatch.report/1"
    assert report["outages"][0]["end"] is None


def test_json_goes_to_standard_output_alone(case, tmp_path):
    done = duskwatch("analyze", "AS131279", *WINDOW, "--mrt", case.mrt, "--out", tmp_path, "--json")
    assert json.loads(done.stdout)["entity"]["code"] == "AS131279"
    assert done.stderr == ""


WRONG = {
    "an entity that is none": (["nowhere", *WINDOW], "'nowhere' is not a country"),
    "a code that is no country": (["XX", *WINDOW, "--mrt", "{mrt}", "--geo", "{geo}"], "'XX' is not a country"),
    "a code people use": (["UK", *WINDOW, "--mrt", "{mrt}", "--geo", "{geo}"], "write GB"),
    "reversed times": (["KP", "--from", "2014-12-23", "--until", "2014-12-22"], "is not after --from"),
    "a time that is none": (["KP", "--from", "yesterday", "--until", "2014-12-22"], "'yesterday' is not a time"),
    "no input": (["KP", *WINDOW], "give --mrt"),
    "no geo file": (["KP", *WINDOW, "--mrt", "{mrt}", "--offline", "--cache", "{tmp}/cache"], "give --geo FILE"),
    "a geo file of the wrong kind": (["KP", *WINDOW, "--mrt", "{mrt}", "--geo", "{update}"], "an MRT file"),
    "a country the geo file lacks": (["TV", *WINDOW, "--mrt", "{mrt}", "--geo", "{geo}"], "delegates no address to TV"),
    "no file in the window": (
        ["KP", "--from", "2013-01-01", "--until", "2013-01-02", "--mrt", "{mrt}", "--geo", "{geo}"],
        "no MRT file covers",
    ),
    "a path that is not there": (["KP", *WINDOW, "--mrt", "{tmp}/gone", "--geo", "{geo}"], "no such file or folder"),
    "a folder without MRT": (["KP", *WINDOW, "--mrt", "{empty}", "--geo", "{geo}"], "no MRT file in this folder"),
    "a file that is no MRT": (["KP", *WINDOW, "--mrt", "{geo}", "--geo", "{geo}"], "this is not an MRT file"),
    "a bin too short": (["KP", *WINDOW, "--mrt", "{mrt}", "--geo", "{geo}", "--bin", "5"], "bins last 60 to 3600"),
    "a collector not there": (
        ["KP", *WINDOW, "--mrt", "{mrt}", "--geo", "{geo}", "--collector", "rrc01"],
        "no file of collector rrc01",
    ),
    "an out folder that is a file": (
        ["KP", *WINDOW, "--mrt", "{mrt}", "--geo", "{geo}", "--out", "{geo}"],
        "is a file; name a folder",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_usage_is_one_clear_line_and_exit_code_2(case, tmp_path, what):
    arguments, message = WRONG[what]
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "README.txt").write_text("nothing of use")
    places = {
        "mrt": case.mrt,
        "geo": case.geo,
        "tmp": tmp_path,
        "empty": tmp_path / "empty",
        "update": next(case.mrt.rglob("updates.20141222.1615.gz")),
    }
    done = duskwatch("analyze", *(argument.format(**places) for argument in arguments), cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_file_that_may_not_be_read_is_named(case, tmp_path):
    secret = tmp_path / "updates.20141222.1500.gz"
    secret.mkdir()
    (secret / "x").symlink_to(tmp_path / "nowhere")
    done = duskwatch("analyze", "KP", *WINDOW, "--mrt", secret / "x", "--geo", case.geo)
    assert done.returncode == 2
    assert "x: no such file or folder" in done.stderr


def test_a_damaged_input_still_gives_a_report_and_exit_code_1(case, tmp_path):
    file = next(case.mrt.rglob("updates.20141222.1615.gz"))
    broken = tmp_path / "rrc97" / file.name
    broken.parent.mkdir()
    broken.write_bytes(gzip.compress(gzip.decompress(file.read_bytes())[:-7]))
    done = duskwatch("analyze", "KP", *WINDOW, "--mrt", broken, "--geo", case.geo, "--out", tmp_path / "out")
    assert done.returncode == 1
    assert "is damaged at byte" in " ".join(done.stdout.split())
    assert (tmp_path / "out" / "report.html").exists()


def test_the_demo_tells_of_nine_hours_and_thirty_one_minutes(tmp_path):
    done = duskwatch("demo", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "re-enactment" in done.stdout
    assert "9 h 31 min" in done.stdout
    assert "re-enactment" in (tmp_path / "report.html").read_text()
    assert "re-enactment" in json.loads((tmp_path / "report.json").read_text())["reenactment"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["analyse", "KP"], "duskwatch: no such command 'analyse'; did you mean analyze?; duskwatch --help shows how"),
        (["xyzzy"], "duskwatch: no such command 'xyzzy'; duskwatch --help lists them"),
        (["analyze"], "duskwatch analyze: missing argument 'entity'; duskwatch analyze --help shows how"),
        (["analyze", "KP", "--form", "x"], "duskwatch analyze: no such option: --form (Possible options: --from); "),
        (["archive", "lst"], "duskwatch archive: no such command 'lst'. Did you mean 'list'?; "),
    ],
)
def test_a_usage_error_is_one_line(words, said):
    done = duskwatch(*words)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1


def test_without_arguments_help_is_shown():
    done = duskwatch()
    assert "analyze" in done.stdout + done.stderr
    assert "Usage: duskwatch" in done.stdout + done.stderr


def test_no_color_leaves_no_escape():
    for words in ((), ("--help",), ("analyze", "--help"), ("xyzzy",)):
        done = duskwatch(*words, env={**os.environ, "NO_COLOR": "1", "FORCE_COLOR": "", "TERM": "xterm-256color"})
        assert "\x1b" not in done.stdout + done.stderr


def test_the_contract_that_keeps_commands_apart_names_each() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts = pyproject["tool"]["importlinter"]["contracts"]
    (apart,) = [one for one in contracts if one["name"] == "Commands do not import each other"]
    assert apart["modules"] == sorted({module.split(":")[0] for module, _ in COMMANDS.values()})
