"""`duskwatch feed`: recorded feeds and routers that connect, as a user calls it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from duskwatch.cli.app import main
from duskwatch.sources.bgp.formats.mrt_write import Peer, bgp4mp
from tests.conftest import ROOT
from tests.sources.bgp.formats.bmp_make import (
    KP,
    KP2,
    ROUTE,
    SECONDS,
    announce,
    initiation,
    peer_header,
    peer_up,
    routes,
    statistics,
    withdraw,
)
from tests.sources.bgp.formats.test_ris_live import raw

STREAM = initiation() + peer_up() + routes(announce(ROUTE, [KP, KP2])) + routes(withdraw([KP])) + statistics({7: 5})
STREAM += routes(announce(ROUTE, [KP]), header=peer_header(kind=3))


Feed = Callable[..., tuple[str, str]]


@pytest.fixture
def feed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Feed:
    """The command in this process: what it printed, and what it said beside."""

    def run(*words: str | Path, code: int = 0) -> tuple[str, str]:
        monkeypatch.setattr(sys, "argv", ["duskwatch", "feed", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        assert (ended.value.code or 0) == code, err
        return out, err

    return run


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT / "src")}


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("feed") / "r1"
    path.write_bytes(STREAM)
    return path


def test_elems_are_printed_as_bgpdump_prints_them(feed: Feed, stream: Path):
    out, err = feed("show", stream, "--rib", "adj-rib-in")
    assert out.splitlines() == [
        f"BGP4MP_ET|{SECONDS}.250000|STATE|192.0.2.1|64500|1|6",
        f"BGP4MP_ET|{SECONDS}.250000|A|192.0.2.1|64500|{KP}|64500 64501|IGP|192.0.2.1|0|0||NAG||",
        f"BGP4MP_ET|{SECONDS}.250000|A|192.0.2.1|64500|{KP2}|64500 64501|IGP|192.0.2.1|0|0||NAG||",
        f"BGP4MP_ET|{SECONDS}.250000|W|192.0.2.1|64500|{KP}",
    ]
    assert "6 messages (3 route monitoring" in err
    assert "left out as asked: 1 loc-rib" in err


def test_elems_are_those_of_the_same_messages_in_an_archive(feed: Feed, stream: Path, tmp_path: Path):
    """`bgpdump -m` prints the same for the messages in MRT records."""
    if shutil.which("bgpdump") is None:
        pytest.skip("bgpdump is not installed")
    peer, local = Peer(64500, "192.0.2.1", "10.0.0.1"), Peer(64511, "192.0.2.254", "10.0.0.2")
    records = [
        bgp4mp(SECONDS, peer, local, each, microseconds=250_000)
        for each in (announce(ROUTE, [KP, KP2]), withdraw([KP]))
    ]
    (tmp_path / "x.mrt").write_bytes(b"".join(records))
    expected = subprocess.run(["bgpdump", "-m", tmp_path / "x.mrt"], capture_output=True, check=True).stdout.decode()
    out, _ = feed("show", stream, "--rib", "adj-rib-in", "--type", "AW")
    assert out == expected


def test_json_is_one_document_and_jsonl_one_object_a_line(feed: Feed, stream: Path):
    one, _ = feed("show", stream, "--json")
    lines, _ = feed("show", stream, "--format", "jsonl")
    assert json.loads(one) == [json.loads(line) for line in lines.splitlines()]
    assert {each["collector"] for each in json.loads(one)} == {"r1", "r1/loc-rib"}
    none, _ = feed("show", stream, "--json", "--collector", "nobody")
    assert json.loads(none) == []


def test_events_are_printed_in_place_of_elems(feed: Feed, stream: Path):
    out, _ = feed("show", stream, "--events", "--format", "jsonl")
    found = [json.loads(line) for line in out.splitlines()]
    assert [each["type"] for each in found] == ["router", "session-up", "statistics"]
    assert found[2]["values"] == {"7": 5}
    assert found[1]["time"] == SECONDS + 0.25


@pytest.mark.parametrize(
    ("words", "lines"),
    [(["--prefix", "175.45.176.0/22", "--match", "more"], 4), (["--origin", "64501"], 3), (["--peer", "0.0.0.0"], 0),
     (["--type", "W"], 1), (["--collector", "r1/loc-rib"], 1)],
)  # fmt: skip
def test_filters_are_those_of_mrt(feed: Feed, stream: Path, words, lines):
    assert len(feed("show", stream, *words)[0].splitlines()) == lines


def test_standard_input_and_several_files_are_read(stream: Path):
    command = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "feed", "show", "-", stream]
    frame = raw(withdraw([KP]))
    done = subprocess.run(command, capture_output=True, check=True, timeout=60, input=frame, env=environment())
    assert len(done.stdout.splitlines()) == 1 + 5
    assert b"standard input: 1 messages (1 UPDATE), 1 elems" in done.stderr


def test_what_did_not_follow_its_form_is_named_and_the_exit_code_is_one(feed: Feed, tmp_path: Path):
    path = tmp_path / "x.jsonl"
    path.write_bytes(raw(withdraw([KP])) + b"\n{\n" + raw(withdraw([KP])))
    out, err = feed("show", path, code=1)
    assert len(out.splitlines()) == 2
    assert f"{path}: bad message at frame 2: no frame of RIS Live: Input data was truncated" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["show", "{folder}/none"], "none: no such file"), (["show", "{folder}"], "a folder; name files"),
        (["show", "{file}", "--format", "xml"], "--format xml: one of text, json, jsonl"),
        (["show", "{file}", "--events"], "--events needs --format json or jsonl"),
        (["show", "{file}", "--rib", "rib"], "--rib rib: one of adj-rib-in"),
        (["show", "{file}", "--prefix", "x"], "duskwatch feed show: --prefix: "),
        (["show", "{folder}/text"], "text: no recorded feed; RIS Live frames"),
        (["listen", "--bmp", "1790"], "--bmp 1790: write it like 127.0.0.1:1790"),
        (["listen", "--allow", "x"], "--allow: 'x' does not appear to be"),
        (["listen", "--json"], "--format json is one document"),
        (["listen", "--tls-key", "x"], "--tls-certificate and --tls-key go together"),
        (["listen", "--tls-key", "x", "--tls-certificate", "y"], "no certificate and key for TLS"),
        (["listen", "--bmp", "203.0.113.77:1790"], "203.0.113.77 port 1790: "),
    ],
)  # fmt: skip
def test_wrong_usage_is_one_line_and_exit_code_two(feed: Feed, stream: Path, tmp_path: Path, words, message):
    (tmp_path / "text").write_text("plain")
    out, err = feed(*(word.format(folder=tmp_path, file=stream) for word in words), code=2)
    assert message in err
    assert len(err.splitlines()) == 1
    assert out in ("", "[")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listening(*words: str) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    command = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "feed", "listen"]
    process = subprocess.Popen(
        [*command, "--bmp", f"127.0.0.1:{port}", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stderr is not None
    assert process.stderr.readline() == f"duskwatch feed listen: BMP on 127.0.0.1:{port}\n".encode()
    return process, port


def test_a_router_that_connects_is_printed_until_there_are_enough_lines():
    process, port = listening("--count", "3", "--seconds", "30", "--format", "jsonl")
    with socket.create_connection(("127.0.0.1", port)) as router:
        router.sendall(STREAM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert [json.loads(line)["type"] for line in out.splitlines()] == ["state", "announce", "announce"]
    assert b"127.0.0.1: 6 messages" in err


def test_it_ends_in_time_and_says_who_was_refused():
    process, port = listening("--seconds", "1.5", "--allow", "192.0.2.0/24", "--json")
    with socket.create_connection(("127.0.0.1", port)) as router:
        assert router.recv(1) == b""
    out, err = process.communicate(timeout=30)
    assert (process.returncode, json.loads(out)) == (0, [])
    assert b"127.0.0.1: refused 1 times; --allow names networks" in err


def test_an_interrupt_ends_it_well():
    process, port = listening("--format", "jsonl", "--events")
    with socket.create_connection(("127.0.0.1", port)) as router:
        router.sendall(STREAM)
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["type"] == "router"
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert b"Traceback" not in err


def test_whoever_read_enough_may_go(tmp_path: Path):
    path = tmp_path / "x"
    path.write_bytes(b"\n".join([raw(withdraw([KP]))] * 30_000))
    command = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "feed", "show", str(path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(30) == 0
    assert process.stderr is not None
    assert b"Error" not in process.stderr.read()
