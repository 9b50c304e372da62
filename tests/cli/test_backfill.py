"""`duskwatch backfill`: what it prints, how it ends, what it refuses, and what it shows meanwhile."""

import json
import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from duskwatch.cli.app import app
from duskwatch.store import Store
from tests.days_archive import build, updates_of
from tests.small_archive import delegations
from tests.sources.downloads.server import serve

WINDOW = ("--from", "2020-03-02", "--until", "2020-03-03")
MAIN = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "backfill"]


@pytest.fixture(scope="module")
def given(tmp_path_factory) -> tuple[str, ...]:
    """Options that name a day of archives, and the delegations."""
    folder = tmp_path_factory.mktemp("given")
    return (*WINDOW, "--mrt", str(build(folder / "mrt", days=1)), "--geo", str(delegations(folder)))


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    """No store or cache of the machine's is touched, and nothing is fetched."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DUSKWATCH_CACHE", str(tmp_path / "cache"))
    (tmp_path / "mirror").mkdir()
    monkeypatch.setenv("DUSKWATCH_MIRROR", str(tmp_path / "mirror"))
    for name in ("DUSKWATCH_STORE", "DUSKWATCH_DATABASE"):
        monkeypatch.delenv(name, raising=False)


def run(*arguments: object, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["backfill", *map(str, arguments)])
    assert done.exit_code == code, done.output
    assert done.exception is None or isinstance(done.exception, SystemExit)
    if code == 2:
        assert not done.stdout
        (line,) = done.stderr.splitlines()
        assert line.startswith("duskwatch backfill: ")
        return line
    return done.stdout


def test_delegations_are_fetched_for_each_week_and_again_found_for_another_window(tmp_path, monkeypatch):
    """Days around a Monday, of which the registry's file says that addresses are another's."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    mrt = build(tmp_path / "mrt", days=8, collectors={"rrc00": 3})
    folder = tmp_path / "stats" / "apnic" / "2020"
    folder.mkdir(parents=True)
    text = delegations(tmp_path).read_text()
    for day, country in (("20200302", "KP"), ("20200309", "KR")):
        (folder / f"delegated-apnic-extended-{day}").write_text(text.replace("|KP|", f"|{country}|"))
    with serve(tmp_path) as place:
        window = ("--from", "2020-03-08", "--until", "2020-03-10")
        options = ("--mrt", mrt, "--reference-mirror", f"{place.url}/stats", "--store", "s", "--json")
        # The other registries have nothing: that is said, and the exit code tells.
        told = json.loads(run(*window, *options, code=1))
        assert (told["days"], told["failures"]) == (2, [])
        rows = Store.open("s").rows("levels").collect().filter(entity_type="country")
        assert set(rows.select(day=rows["day"].dt.day(), entity="entity").rows()) == {
            (8, "JP"), (8, "KP"), (9, "JP"), (9, "KR"),
        }  # fmt: skip
        told = json.loads(run("--from", "2020-03-07", "--until", "2020-03-09", *options, code=1))
        assert told["failures"] == []
        told = json.loads(run(*window, *options, code=1))
        assert (told["days"], told["days_reused"]) == (0, 2)


def test_it_says_what_it_did_and_next_time_that_it_was_there(given):
    assert (
        run(*given) == "1 days stored (0 were there), 3 parts folded (0 were there); "
        "up to 4 entities a day, 2 outages, 1 incidents\n"
    )
    assert Store.open("store").days()
    assert (
        run(*given) == "0 days stored (1 were there), 0 parts folded (0 were there); "
        "up to 4 entities a day, 2 outages, 1 incidents\n"
    )


def test_the_summary_as_json(given):
    document = json.loads(run(*given, "--json", "--prefix", "175.45.176.0/22", "--prefix", "175.45.176.0/22"))
    judged, unheard = document.pop("judged"), document.pop("not_judged")
    assert (judged[0]["from"], judged[-1]["until"]) == (judged[0]["from"], judged[-1]["until"])
    assert set(unheard) <= {"nothing-heard"}
    assert document == {
        "parts": 3, "reused": 0, "days": 1, "days_reused": 0, "outages": 3, "incidents": 1, "entities": 5,
        "failures": [], "warnings": [], "damaged": [], "reenactment": "",
    }  # fmt: skip


def test_files_named_from_another_folder_and_a_store_elsewhere(given, tmp_path, monkeypatch):
    """Workers may stand elsewhere: nothing that they are told depends on where the command was given."""
    mrt, geo = Path(given[5]), Path(given[7])
    monkeypatch.chdir(mrt.parent)
    run(
        *WINDOW,
        "--mrt",
        mrt.name,
        "--geo",
        geo.name,
        "--store",
        tmp_path / "s",
        "--work",
        os.path.relpath(tmp_path / "w"),
    )
    monkeypatch.chdir("/")
    assert "(1 were there)" in run(*given, "--store", tmp_path / "s", "--work", tmp_path / "w")


def test_one_collector_of_those_given(given):
    document = json.loads(run(*given, "--collector", "rrc01", "--json"))
    assert (document["parts"], document["days"]) == (1, 1)


def test_a_damaged_file_is_named_and_the_exit_code_says_so(given, tmp_path):
    shutil.copytree(given[5], tmp_path / "mrt")
    path = updates_of(tmp_path / "mrt", "rrc00", 0, 4)
    path.write_bytes(path.read_bytes()[:-300])
    (tmp_path / "mrt" / "README").write_text("not MRT")
    out = run(*WINDOW, "--mrt", tmp_path / "mrt", "--geo", given[7], code=1)
    assert f"damaged, read up to there: 2020-03-02: rrc00 {path.name}: byte " in out
    assert "note: 1 other file is no MRT and was passed over: README" in out


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"--until": "2020-03-02"}, "--until 2020-03-02 is not after --from 2020-03-02"),
        ({"--from": "soon"}, "soon"),
        ({"--from": "2021-03-02", "--until": "2021-03-03"}, "no MRT file covers 2021-03-02"),
        ({"--mrt": None}, "no input: give --mrt"),
        ({"--mrt": "nowhere"}, "nowhere: no such file or folder"),
        ({"--mrt": "empty"}, "no MRT file in this folder"),
        ({"--mrt": "text"}, "this is not an MRT file"),
        ({"--geo": "nothing"}, "nothing: no such file or folder"),
        ({"--geo": "text"}, "text"),
        ({"--collector": "rrc07"}, "no file of collector rrc07 among those given"),
        ({"--mrt": None, "--collector": "rrc999"}, "rrc999"),
        ({"--kind": "site"}, "--kind site: country or asn"),
        ({"--prefix": "KP"}, "--prefix KP is a country, not a prefix"),
        ({"--prefix": "1.2.3/99"}, "1.2.3/99"),
        ({"--workers": "0"}, "--workers 0: at least 1"),
        ({"--memory": "much"}, "much"),
        ({"--bin": "30"}, "--bin 30: bins last 60 to 3600 seconds"),
        ({"--bin": "700"}, "--bin 700: a day must be a whole number of bins"),
        ({"--storage-option": "key"}, "--storage-option key: write KEY=VALUE"),
        ({"--store": "s3://bucket/x"}, "name one for unfinished work with --work"),
        ({"--store": "gopher://x", "--work": "w"}, "gopher://x"),
        ({"--store": "text"}, "text"),
        ({"--work": "text"}, "text"),
        ({"--database": "mysql://x/y"}, "mysql"),
        ({"--scheduler": "tcp://127.0.0.1:9"}, "no Dask scheduler at tcp://127.0.0.1:9"),
        ({"--scheduler": "nonsense://x"}, "no Dask scheduler at nonsense://x"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, dict) else "",
)
def test_wrong_usage_is_told_in_one_line(given, tmp_path, monkeypatch, changed, said):
    monkeypatch.setattr("duskwatch.drivers.backfill.workers.ANSWER_S", 0.5)
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("just text\n")
    options = dict(zip(given[::2], given[1::2], strict=True)) | changed
    line = run(*(word for pair in options.items() if pair[1] is not None for word in pair), code=2)
    assert said in line


def test_without_dask_it_says_what_to_install(given, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert "pip install 'duskwatch[cluster]'" in run(*given, "--scheduler", "tcp://127.0.0.1:9", code=2)


def test_help_has_examples_and_every_option(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    done = CliRunner().invoke(app, ["backfill", "--help"])
    assert done.exit_code == 0
    for word in ("duskwatch backfill --from", "--scheduler", "--redo", "--memory", "--work", "--workers"):
        assert word in done.stdout


def test_a_terminal_sees_rate_and_time_left(given, tmp_path):
    mrt = build(tmp_path / "mrt")
    words = ["--from", "2020-03-02", "--until", "2020-03-05", "--mrt", mrt, "--geo", given[7], "--workers", "2"]
    lead, follow = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen([*MAIN, *words], stdout=subprocess.PIPE, stderr=follow, env=environment)
    os.close(follow)
    shown = b""
    while True:
        try:
            shown += os.read(lead, 4096)
        except OSError:
            break
    out, _ = process.communicate(timeout=60)
    os.close(lead)
    assert process.returncode == 0
    assert out.startswith(b"3 days stored")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert re.search(r"\r(rrc0\d|route-views2|day) 2020-03-0\d ", text)
    assert re.search(r" [1-9]\d*\.\d/\d+\.\d kB \d+\.\d [kM]B/s 0:00:\d\d", text)  # done of all, rate, time left


def left(group: int) -> list[str]:
    """Processes of a group that still run."""
    told = subprocess.run(["ps", "-e", "-o", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = (line.split(maxsplit=2) for line in told.splitlines())
    return [row[2] for row in rows if row[0] == str(group) and not row[1].startswith("Z")]


@pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps")
def test_ctrl_c_ends_it_and_its_workers_and_the_same_command_goes_on(given, tmp_path):
    process = subprocess.Popen(
        [*MAIN, *given, "--workers", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.joinpath("store", "work", "parts").glob("*.pickle")) and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    assert err.decode() == "duskwatch backfill: stopped; the same command goes on where it was\n"
    while left(process.pid):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert run(*given).startswith("1 days stored")


def test_a_re_enactment_is_said_to_be_one_by_whatever_reads_the_store(case, tmp_path, monkeypatch):
    """The archives of a case, by a command that knows nothing of cases."""
    monkeypatch.chdir(tmp_path)
    window = ("--from", "2014-12-22T15:00", "--until", "2014-12-22T18:00")
    told = run(*window, "--mrt", case.mrt, "--geo", case.geo, "--collector", case.collectors[0], "--store", "s")
    assert told.splitlines()[1].startswith("This is a re-enactment: ")
    for command in (["query", "outages"], ["query", "bgp.visible_slash24", "--entity", "KP"], ["incidents"]):
        done = CliRunner().invoke(app, [*command, "--json", "--store", "s"])
        assert "This is a re-enactment: " in done.stderr
    outages = json.loads(
        CliRunner().invoke(app, ["query", "outages", "--entity", "KP", "--json", "--store", "s"]).stdout
    )
    assert outages[0]["reenactment"].startswith("This is a re-enactment: ")
    shown = CliRunner().invoke(app, ["incidents", "show", "1", "--store", "s"]).stdout
    assert shown.splitlines()[1].startswith("This is a re-enactment: ")
