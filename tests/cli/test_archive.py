"""`duskwatch archive` and `analyze --collector` against a served archive: the answers that files give, clear words."""

import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from duskwatch.cases.build import BuiltCase, build_case
from duskwatch.cli.app import app
from tests.sources.downloads.server import Place, serve

WINDOW = ["--from", "2014-12-22T16:00Z", "--until", "2014-12-22T17:00Z"]
BOTH = ["--collector", "rrc97", "--collector", "route-views.stage"]


@dataclass(frozen=True)
class Done:
    """What a command said and how it ended."""

    returncode: int
    stdout: str
    stderr: str


def duskwatch(*arguments: str | Path) -> Done:
    """Run a command in this process: what it imports and compiles is there already."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Done(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("DUSKWATCH_CACHE", str(tmp_path / "cache"))
    for name in ("DUSKWATCH_MIRROR", "DUSKWATCH_REFERENCE_MIRROR", "DUSKWATCH_MAX_CACHE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> BuiltCase:
    return build_case("north-korea-2014", tmp_path_factory.mktemp("case"), seed=1, scale=0.2)


@pytest.fixture(scope="module")
def whole(case: BuiltCase) -> Iterator[Place]:
    """The case's archive as built, and its delegations under the names of a registry."""
    delegations = case.mrt.parent / "stats" / "apnic" / "2014"
    delegations.mkdir(parents=True, exist_ok=True)
    shutil.copy(case.geo, delegations / "delegated-apnic-extended-20141222")
    with serve(case.mrt.parent) as place:
        yield place


@pytest.fixture
def own(case: BuiltCase, tmp_path: Path) -> Iterator[Place]:
    """A copy of the day's files that a test may damage."""
    for file in case.mrt.rglob("*.20141222.*"):
        target = tmp_path / "own" / file.relative_to(case.mrt)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    with serve(tmp_path / "own") as place:
        yield place


def told(report: Path) -> dict:
    found = json.loads((report / "report.json").read_text())
    return {key: found[key] for key in ("entity", "window", "coverage", "outages", "transit")}


def test_an_analysis_of_a_fetched_archive_is_that_of_its_files(case, whole, tmp_path):
    mirror = f"{whole.url}/{case.mrt.name}"
    fetched = duskwatch(
        "analyze", "KP", *WINDOW, *BOTH, "--mirror", mirror, "--geo", case.geo, "--out", tmp_path / "fetched"
    )
    assert fetched.returncode == 0, fetched.stderr
    assert fetched.stderr == ""
    files = duskwatch(
        "analyze", "KP", *WINDOW, *BOTH, "--mrt", case.mrt, "--geo", case.geo, "--out", tmp_path / "files"
    )
    assert files.returncode == 0, files.stderr
    assert told(tmp_path / "fetched") == told(tmp_path / "files")
    assert len(told(tmp_path / "fetched")["outages"]) == 1
    before = len([asked for asked in whole.asked if asked.path.endswith((".gz", ".bz2"))])
    offline = duskwatch(
        "analyze", "KP", *WINDOW, *BOTH, "--mirror", mirror, "--geo", case.geo, "--out", tmp_path / "off", "--offline"
    )
    assert offline.returncode == 0, offline.stderr
    assert told(tmp_path / "off") == told(tmp_path / "files")
    assert len([asked for asked in whole.asked if asked.path.endswith((".gz", ".bz2"))]) == before


def test_a_country_needs_no_geo_file_where_there_is_a_network(case, whole, tmp_path):
    done = duskwatch(
        *("analyze", "KP", *WINDOW, "--collector", "rrc97", "--mirror", f"{whole.url}/{case.mrt.name}"),
        *("--reference-mirror", f"{whole.url}/stats", "--out", tmp_path / "out"),
    )
    # The other registries' files are not there: that is said, and the exit code tells.
    assert done.returncode == 1
    assert "duskwatch analyze: no delegations of arin: " in done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    assert len(report["outages"]) == 1
    assert any(entry["kind"] == "delegated" for entry in report["inputs"])
    assert any("no delegations of ripencc" in warning for warning in report["warnings"])


def test_what_the_archive_lacks_is_a_gap_and_what_fails_is_named_too(case, own, tmp_path):
    (own.root / "rrc97" / "2014.12" / "updates.20141222.1640.gz").unlink()
    own.always["/rrc97/2014.12/updates.20141222.1650.gz"] = "status:403"
    done = duskwatch(
        *("analyze", "KP", *WINDOW, "--collector", "rrc97", "--mirror", own.url, "--geo", case.geo),
        *("--out", tmp_path / "out"),
    )
    assert done.returncode == 1
    assert f"{own.url}/rrc97/2014.12/updates.20141222.1650.gz was not fetched: HTTP 403 Forbidden" in done.stderr
    assert "1640" not in done.stderr
    report = json.loads((tmp_path / "out" / "report.json").read_text())
    missing = [(gap["from"], gap["until"]) for gap in report["coverage"]["gaps"] if gap["reason"] == "missing file"]
    assert ("2014-12-22T16:40:00Z", "2014-12-22T16:45:00Z") in missing
    assert ("2014-12-22T16:50:00Z", "2014-12-22T16:55:00Z") in missing
    assert any("missing in the archive, so gaps: updates.20141222.1640.gz" in text for text in report["warnings"])
    assert len(report["outages"]) == 1


def test_a_collector_that_has_nothing_is_told_and_the_others_count(case, whole, tmp_path):
    done = duskwatch(
        *("analyze", "KP", *WINDOW, *BOTH, "--collector", "rrc90", "--mirror", f"{whole.url}/{case.mrt.name}"),
        *("--geo", case.geo, "--out", tmp_path / "out"),
    )
    assert done.returncode == 1
    assert "duskwatch analyze: rrc90: no file of this window to be had" in done.stderr
    assert (tmp_path / "out" / "report.html").exists()


WRONG = {
    "no collector of the public archives": (["analyze", "KP", *WINDOW, "--collector", "rrc99"], "no collector 'rrc99'"),
    "no country": (["analyze", "XX", *WINDOW, "--collector", "rrc00"], "'XX' is not a country"),
    "no mirror": (["analyze", "KP", *WINDOW, "--collector", "rrc00", "--mirror", "gopher://x"], "is not spoken here"),
    "nothing offline": (
        ["analyze", "AS1", *WINDOW, "--collector", "rrc00", "--offline"],
        "no file of rrc00 from 2014-12-22T16:00:00Z to 2014-12-22T17:00:00Z in the cache (--offline)",
    ),
    "no delegations offline": (["analyze", "KP", *WINDOW, "--collector", "rrc00", "--offline"], "give --geo FILE"),
    "list: no collector named": (["archive", "list", *WINDOW], "give --collector"),
    "fetch: no collector named": (["archive", "fetch", *WINDOW], "give --collector"),
    "fetch: no window": (["archive", "fetch", "--collector", "rrc00"], "give --from and --until"),
    "fetch: reversed": (
        ["archive", "fetch", "--collector", "rrc00", "--from", "2014-12-23", "--until", "2014-12-22"],
        "is not after --from",
    ),
    "fetch: no time": (
        ["archive", "fetch", "--collector", "rrc00", "--from", "then", "--until", "2014-12-22"],
        "'then' is not a time",
    ),
    "fetch: text only": (["archive", "fetch", "--collector", "oix-route-views", *WINDOW], "is text, not MRT"),
    "fetch: too many jobs": (["archive", "fetch", "--collector", "rrc00", *WINDOW, "--jobs", "99"], "--jobs 99: 1 to"),
    "fetch: no size": (
        ["archive", "fetch", "--collector", "rrc00", *WINDOW, "--max-cache", "much"],
        "'much' is not a size",
    ),
    "fetch: a cache that is none": (
        ["archive", "fetch", "--collector", "rrc00", *WINDOW, "--cache", "{full}"],
        "holds other files",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_usage_is_one_clear_line_and_exit_code_2(tmp_path, what):
    arguments, words = WRONG[what]
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("years of work")
    done = duskwatch(*(argument.format(full=tmp_path / "full") for argument in arguments))
    assert done.returncode == 2, done.stdout
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_list_names_every_collector():
    done = duskwatch("archive", "list")
    assert done.returncode == 0
    lines = done.stdout.splitlines()
    assert len(lines) == len(json.loads(duskwatch("archive", "list", "--json").stdout)) > 80
    assert any(line.startswith("rrc02") and "withdrawn" in line for line in lines)


def test_list_shows_files_and_sizes_and_dry_run_the_total(case, whole, tmp_path):
    mirror = f"{whole.url}/{case.mrt.name}"
    listed = duskwatch("archive", "list", "--collector", "rrc97", *WINDOW, "--mirror", mirror)
    assert listed.returncode == 0, listed.stderr
    assert f"{mirror}/rrc97/2014.12/bview.20141222.1600.gz" in listed.stdout
    assert "\x1b" not in listed.stdout
    found = json.loads(duskwatch("archive", "list", *BOTH, *WINDOW, "--mirror", mirror, "--json").stdout)
    assert found["schema"] == "duskwatch.archive-list/1"
    files = [file for each in found["collectors"] for file in each["files"]]
    assert [file["kind"] for file in files].count("dump") == 2
    assert len(files) == 2 + 12 + 4
    assert found["to_fetch_bytes"] == sum(file["size_bytes"] for file in files)
    dry = duskwatch("archive", "fetch", *BOTH, *WINDOW, "--mirror", mirror, "--dry-run")
    assert dry.returncode == 0
    assert "18 files; to fetch: 18 files, " in dry.stdout
    assert [path for path in (tmp_path / "cache" / "archives").rglob("*") if path.is_file()] == []


def test_fetch_fills_the_cache_once(case, whole, tmp_path):
    mirror = f"{whole.url}/{case.mrt.name}"
    first = duskwatch("archive", "fetch", *BOTH, *WINDOW, "--mirror", mirror)
    assert first.returncode == 0, first.stderr
    assert "rrc97: 13 files fetched" in first.stdout
    assert first.stderr == ""
    second = duskwatch("archive", "fetch", *BOTH, *WINDOW, "--mirror", mirror, "--json")
    found = json.loads(second.stdout)
    assert {file["state"] for each in found["collectors"] for file in each["files"]} == {"cached"}
    for each in found["collectors"]:
        for file in each["files"]:
            source = next(case.mrt.rglob(f"{each['collector']}/**/{file['name']}"))
            assert Path(file["path"]).read_bytes() == source.read_bytes()
    assert tmp_path / "cache" in Path(found["collectors"][0]["files"][0]["path"]).parents


def test_fetch_names_what_it_could_not_get_and_what_is_missing(own):
    (own.root / "rrc97" / "2014.12" / "updates.20141222.1640.gz").unlink()
    own.always["/rrc97/2014.12/updates.20141222.1650.gz"] = "says:99999999999"
    done = duskwatch("archive", "fetch", "--collector", "rrc97", *WINDOW, "--mirror", own.url)
    assert done.returncode == 1
    assert "missing there, so gaps: updates.20141222.1640.gz" in done.stdout
    assert "11 files fetched" in done.stdout
    assert "1 failed" in done.stdout
    assert done.stderr.count("\n") == 1
    assert "updates.20141222.1650.gz was not fetched: it says it has 99999999999 bytes" in done.stderr


def test_a_window_without_any_file_is_told(whole, case):
    done = duskwatch(
        *("archive", "fetch", "--collector", "rrc97", "--from", "2013-01-01", "--until", "2013-01-02"),
        *("--mirror", f"{whole.url}/{case.mrt.name}"),
    )
    assert done.returncode == 1
    assert "rrc97 has no file in this window" in done.stderr


def test_the_environment_names_mirror_and_cache(case, whole, tmp_path, monkeypatch):
    monkeypatch.setenv("DUSKWATCH_MIRROR", f"{whole.url}/{case.mrt.name}")
    monkeypatch.setenv("DUSKWATCH_CACHE", str(tmp_path / "elsewhere"))
    assert duskwatch("archive", "fetch", "--collector", "rrc97", *WINDOW).returncode == 0
    assert len(list((tmp_path / "elsewhere" / "archives").rglob("*.gz"))) == 13


def test_bars_are_for_terminals(case, whole, tmp_path):
    """With a terminal as stderr there are bars; standard output stays plain."""
    lead, follow = pty.openpty()
    command = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "archive", "fetch", *BOTH, *WINDOW]
    process = subprocess.Popen(
        [*command, "--mirror", f"{whole.url}/{case.mrt.name}"],
        stdout=subprocess.PIPE,
        stderr=follow,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100"},
    )
    os.close(follow)
    shown = b""
    while True:
        try:
            piece = os.read(lead, 4096)
        except OSError:
            break
        if not piece:
            break
        shown += piece
    out, _ = process.communicate(timeout=60)
    os.close(lead)
    assert process.returncode == 0
    assert b"18 files" in shown
    assert b"\x1b" not in out
