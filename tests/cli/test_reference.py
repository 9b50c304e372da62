"""`duskwatch reference fetch` against a served archive."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_archive import duskwatch
from tests.sources.downloads.server import Place, serve

LINE = "2|{0}|20141222|1|19830613|20141222|+0000\n{0}|KP|ipv4|175.45.176.0|1024|20091221|assigned|A1\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("DUSKWATCH_CACHE", str(tmp_path / "cache"))
    for registry in ("apnic", "arin"):
        folder = tmp_path / "stats" / registry
        folder.mkdir(parents=True)
        (folder / f"delegated-{registry}-extended-20141222").write_text(LINE.format(registry))
    with serve(tmp_path / "stats") as serving:
        yield serving


def test_files_of_the_day_are_fetched_and_named(place, tmp_path):
    done = duskwatch(
        *("reference", "fetch", "--date", "2014-12-22", "--registry", "apnic", "--registry", "arin"),
        *("--mirror", place.url),
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [["apnic", "2014-12-22"], ["arin", "2014-12-22"]]
    assert len(list((tmp_path / "cache" / "reference").rglob("delegated-*"))) == 2


def test_an_earlier_day_is_told_and_a_registry_without_one_is_a_failure(place):
    done = duskwatch("reference", "fetch", "--date", "2014-12-24", "--mirror", place.url, "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["notes"][0] == "apnic: no file of 2014-12-24; that of 2014-12-22 was taken, 2 d before"
    assert [each["registry"] for each in found["failures"]] == ["afrinic", "lacnic", "ripencc"]
    assert done.stderr.count("\n") == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "which day? give --date"),
        (["--date", "2999-01-01"], "has not come yet"),
        (["--date", "christmas"], "'christmas' is not a time"),
        (["--date", "2014-12-22", "--registry", "ripe"], "no registry 'ripe'; there are afrinic,"),
        (["--date", "2014-12-22", "--jobs", "0"], "--jobs 0: 1 to 16"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_exit_code_2(place, arguments, words):
    done = duskwatch("reference", "fetch", *arguments, "--mirror", place.url)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
