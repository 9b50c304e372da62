"""Every command that the pages print is run, or says above itself why it cannot be.

A block of shell commands may follow one of these lines, which a reader of the page does not see:

    <!-- not run: REASON -->     it needs what a test has not: the public archives, a cluster, files of the reader's own
    <!-- heavy: REASON -->       it runs under make test-all alone

All other blocks run, those of one page in one folder, from top to bottom, with the files that FILES puts there.
"""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from duskwatch.cases.build import BuiltCase

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- (?P<mark>not run|heavy): (?P<why>[^\n]+?) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```", re.M | re.S
)
SHELL = ("sh", "bash", "console")
LONGEST_S = 900
ALL = os.environ.get("DUSKWATCH_ALL_FILES") == "1"


@dataclass(frozen=True, slots=True)
class Block:
    """One block of commands, and whether it is run."""

    page: Path
    line: int
    text: str
    mark: str
    kind: str


def blocks(page: Path, kinds: tuple[str, ...] = SHELL) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, text[: found.start()].count("\n") + 1, found["text"], found["mark"] or "", found["kind"])
        for found in BLOCK.finditer(text)
        if found["kind"] in kinds
    ]


def real(name: str) -> Path:
    """A file or folder beside the project; the test is skipped where it is absent."""
    path = ROOT.parent / "shared" / "data" / name
    if not path.exists():
        pytest.skip(f"../shared/data/{name} is not here")
    return path


def _archives(folder: Path, case: BuiltCase) -> None:
    for path in case.mrt.rglob("updates.20141222.16*.gz"):
        if "rrc97" in path.parts:
            shutil.copy(path, folder / path.name)
    dump = sorted(case.mrt.rglob("rib.20141222.*"))[0]
    shutil.copy(dump, folder / "rib.bz2")


def _demo(folder: Path, case: BuiltCase) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "demo").symlink_to(case.out)


def _series(folder: Path, case: BuiltCase) -> None:
    (folder / "odd.csv").write_text("when_seen,blocks,power demand\n" + "".join(
        f"2014-12-{day:02d}T{hour:02d}:00:00Z,{900 - hour},{50 + hour}\n" for day in range(1, 20) for hour in range(24)
    ))  # fmt: skip
    page = ROOT / "docs" / "how-to" / "detect-in-other-measurements.md"
    maker = next(block.text for block in blocks(page, ("python",)) if "probing.csv" in block.text)
    subprocess.run([sys.executable, "-c", maker], cwd=folder, check=True)
    if ALL:
        shutil.copy(real("series/ioda-iraq-2023/ioda_country_IQ_iraq.csv"), folder)


def _articles(folder: Path, case: BuiltCase) -> None:
    if ALL:
        run(folder, "duskwatch demo --out out/demo")
    head = "title: {title}\ndate: 2014-12-23T12:00Z\noutlet: Test Wire\n\n"
    text = "North Korea was offline for nine hours and 31 minutes, a company that watches routes said. It is back."
    for name, title in (("report-a.txt", "North Korea is back online"), ("report-b.txt", "Nine hours of silence")):
        (folder / name).write_text(head.format(title=title) + text + "\n")


def _djibouti(folder: Path, case: BuiltCase) -> None:
    if not ALL:
        return
    (folder / "route-views2").symlink_to(real("mrt/route-views2-2008-02-19"))
    for registry in ("afrinic", "apnic"):
        source = real(f"reference/delegated-2016/delegated-{registry}-extended-latest")
        shutil.copy(source, folder / f"delegated-{registry}-extended-20160130")


def _store(folder: Path, case: BuiltCase) -> None:
    _djibouti(folder, case)
    if ALL:
        geo = "--geo delegated-afrinic-extended-20160130"
        run(folder, f"duskwatch backfill --from 2008-02-19 --until 2008-02-19T18:15Z --mrt route-views2/ {geo}")


def _vantage(folder: Path, case: BuiltCase) -> None:
    """Files of the test of these commands: a network that leaves at noon, a site that one network cannot reach."""
    from tests.cli.vantage_files import write_connections, write_list, write_measurements

    write_connections(folder / "connections.jsonl")
    write_measurements(folder / "measurements.jsonl")
    write_list(folder / "kp.csv")


FILES: dict[str, Callable[[Path, BuiltCase], None]] = {
    "check-news.md": _articles,
    "first-outage.md": _demo,
    "read-mrt-files.md": _archives,
    "detect-in-other-measurements.md": _series,
    "analyze-your-own-archives.md": _djibouti,
    "incidents.md": _djibouti,
    "transit.md": _djibouti,
    "read-vantage-points.md": _vantage,
    "query-signals.md": _store,
}


def run(folder: Path, script: str) -> str:
    """What a script prints; the test fails where a command of it does."""
    programs = folder.parent / f"{folder.name}-bin"
    programs.mkdir(exist_ok=True)
    shim = programs / "duskwatch"
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "from duskwatch.cli.app import main; main()" "$@"\n')
    shim.chmod(0o755)
    (programs / "python").unlink(missing_ok=True)
    (programs / "python").symlink_to(sys.executable)
    env = os.environ | {"PATH": f"{programs}:{os.environ['PATH']}", "XDG_CACHE_HOME": str(folder / "cache")}
    env["PYTHONPATH"] = str(ROOT / "src")
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", script], cwd=folder, env=env, capture_output=True, text=True,
        timeout=LONGEST_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{script}\n{done.stderr[-3000:]}"
    return done.stdout


WITH_COMMANDS = [page for page in PAGES if blocks(page)]


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_commands_of_a_page_run_as_they_are_printed(page: Path, tmp_path: Path, case: BuiltCase) -> None:
    mine = [block for block in blocks(page) if not block.mark or (ALL and block.mark == "heavy")]
    if not mine:
        pytest.skip("no command of this page is run here; each says why above it")
    folder = tmp_path / "page"
    folder.mkdir()
    FILES.get(page.name, lambda *_: None)(folder, case)
    for block in mine:
        run(folder, block.text)


def test_a_mark_gives_a_reason_and_stands_above_commands() -> None:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        marks = re.findall(r"^<!-- (?:not run|heavy): (.*) -->$", text, re.M)
        assert len(marks) == sum(bool(block.mark) for block in blocks(page)), page
        assert all(len(why.split()) >= 3 for why in marks), page


def test_only_what_is_not_here_is_not_run() -> None:
    """What is marked as not run names an archive, a network, a service, or files that only the reader has."""
    needs = re.compile(
        r"fetch|--collector|http|wss://|\$URL|dask|make |\.venv/bin|benchmarks|store of|rrc00|--incident|--bmp|nfcapd"
        r"|\.pcap|flows listen|sysctl|ke\.dat|ooni_|--config|alerts"
    )
    for page in PAGES:
        for block in blocks(page):
            if block.mark == "not run":
                assert needs.search(block.text) or "query" in block.text, (page, block.line)


def test_the_check_of_the_tutorial_gives_what_it_says(tmp_path: Path, case: BuiltCase) -> None:
    page = ROOT / "docs" / "tutorials" / "first-outage.md"
    _demo(tmp_path, case)
    check = next(block for block in blocks(page) if "duskwatch mrt" in block.text)
    lines = run(tmp_path, check.text).splitlines()
    text = " ".join(page.read_text().split())
    assert len({line.split("|")[3] for line in lines}) == len(lines) == 17
    assert "17 lines" in text
    ninth = lines[8]
    assert f"`{ninth}`" in text
    assert int(ninth.split("|")[1]) == 1419264888
    assert "16:14:48" in text


def test_a_report_says_how_to_make_it_again(tmp_path: Path, case: BuiltCase) -> None:
    """The command that a report prints, run as it says, gives the same report."""
    window = "--from 2014-12-22T12:00Z --until 2014-12-22T18:00Z"
    first = tmp_path / "first"
    first.mkdir()
    run(first, f"duskwatch analyze KP {window} --mrt {case.mrt} --geo {case.geo} --as-names {case.as_names} --quiet")
    document = json.loads((first / "out" / "report.json").read_text())
    page = (first / "out" / "report.html").read_text()
    printed = html.unescape(re.search(r'id="reproduce".*?<pre><code>(.*?)</code>', page, re.S)[1])
    assert printed in (first / "out" / "report.md").read_text()
    again = tmp_path / "files"
    again.mkdir()
    for name in document["coverage"]["collector_names"]:
        (again / name).mkdir()
        for path in (case.mrt / name).rglob("*.*z*"):
            (again / name / path.name).symlink_to(path)
    for path in (case.geo, case.as_names):
        shutil.copy(path, again)
    run(again, f"{printed} --quiet")
    assert json.loads((again / "again" / "report.json").read_text()) == document
    assert document["reenactment"] == case.statement
