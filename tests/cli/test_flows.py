"""`duskwatch flows` as a user meets it: what it lists and sums, what it says of exporters, damage, wrong usage."""

import csv
import io
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import polars as pl
import pytest
from typer.testing import CliRunner

from duskwatch.cli.app import app
from tests.sources.flows.exports import (
    netflow5,
    netflow9,
    options_template,
    plain_record,
    plain_template,
    record5,
    set_of,
    tcp_packet,
    udp_packet,
    write_pcap,
)

PROGRAM = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "flows"]
TIME = 1_700_000_000_000_000
OPTIONS = [set_of(1, options_template(400, [(1, 4)], [(34, 4)], 9)), set_of(400, struct.pack("!II", 0, 100))]


class Done(NamedTuple):
    """What a command printed, and its exit code."""

    stdout: str
    stderr: str
    returncode: int


def flows(*arguments: str | Path) -> Done:
    """Run a command in this process: starting one of its own takes a second."""
    result = CliRunner().invoke(app, ["flows", *map(str, arguments)])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return Done(result.stdout, result.stderr, result.exit_code)


def rows(done: Done) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(done.stdout)))


def capture(path: Path, datagrams: list[bytes], sender: int = 0xC0000201) -> Path:
    frames = [(TIME + k * 1000, udp_packet(sender, 9, (40000, 2055), one)) for k, one in enumerate(datagrams)]
    return write_pcap(path, frames)


@pytest.fixture
def sampled(tmp_path: Path) -> Path:
    """A capture of an exporter that samples 1:100: three records to two targets, of which one lasts ten seconds."""
    records = [
        plain_record(src=1, dst=0xC6336407, bytes=1000, packets=10, start_ms=9_990_000, end_ms=10_000_000),
        plain_record(src=2, dst=0xC6336408, bytes=300, packets=3, start_ms=9_995_000, end_ms=9_995_000),
        plain_record(src=3, dst=0x0A000001, bytes=50, packets=1, start_ms=9_990_000, end_ms=9_990_000),
    ]
    datagrams = [
        netflow9([set_of(0, plain_template()), *OPTIONS], 3, sequence=1),
        netflow9([set_of(256, b"".join(records))], 3, sequence=2),
    ]
    return capture(tmp_path / "sampled.pcap", datagrams)


def test_list_gives_flows_as_exported_with_their_rate(sampled):
    done = flows("list", sampled, "--format", "csv")
    assert done.returncode == 0, done.stderr
    found = rows(done)
    assert [row["dst"] for row in found] == ["198.51.100.7", "198.51.100.8", "10.0.0.1"]
    assert found[0]["bytes"] == "1000"
    assert (found[0]["sampling_rate"], found[0]["rate_source"]) == ("100", "learned")
    assert (found[0]["exporter"], found[0]["export"]) == ("192.0.2.1", "netflow9")
    assert found[0]["end"] == "2023-11-14T22:13:20Z"


def test_targets_are_estimates_with_bounds_and_a_limit_is_told(sampled):
    done = flows("targets", sampled, "--format", "jsonl")
    assert done.returncode == 0
    first = json.loads(done.stdout.splitlines()[0])
    assert (first["target"], first["packets"], first["bytes"], first["seen_packets"]) == (
        "198.51.100.7",
        1000,
        100_000,
        10,
    )
    assert first["packets_low"] < 1000 < first["packets_high"]
    assert first["bytes_low"] < 100_000 < first["bytes_high"]
    assert "at 1:100 a flood of 60 s below 4.99 packets/s may leave no trace" in done.stderr


def test_targets_are_prefixes_where_asked(sampled):
    done = flows("targets", sampled, "--by", "/24", "--top", "1", "--format", "csv")
    (row,) = rows(done)
    assert (row["target"], row["flows"], row["bytes"]) == ("198.51.100.0/24", "2", "130000")


def test_rates_spread_flows_over_their_time(sampled):
    done = flows("rates", sampled, "--bin", "5", "--target", "198.51.100.7", "--format", "csv")
    found = rows(done)
    assert [row["start"] for row in found][:2] == ["2023-11-14T22:13:10Z", "2023-11-14T22:13:15Z"]
    assert [float(row["bits_s"]) for row in found][:2] == [80_000.0, 80_000.0]
    assert float(found[0]["packets_s_low"]) < 100 < float(found[0]["packets_s_high"])


def test_a_rate_of_the_user_wins(sampled):
    done = flows("targets", sampled, "--rate", "192.0.2.0/24=10", "--format", "jsonl")
    first = json.loads(done.stdout.splitlines()[0])
    assert (first["bytes"], first["rates"]) == (10_000, "overridden:1")


def test_exporters_say_what_came_and_what_was_lost(tmp_path):
    path = capture(tmp_path / "lossy.pcap", [netflow5([record5()] * 3, sequence=k) for k in (0, 3, 12)])
    done = flows("exporters", path, "--json")
    assert done.returncode == 0
    said = json.loads(done.stdout)
    assert said["schema"] == "duskwatch.flows.exporters/1"
    (exporter,) = said["rows"]
    assert (exporter["datagrams"], exporter["flows"], exporter["lost_records"]) == (3, 9, 6)
    assert exporter["lost_share"] == pytest.approx(0.4)
    assert exporter["rates"] == "1:1 assumed"
    assert "40.0% of what it sent did not arrive" in done.stderr
    assert "the sampling rate of 9 flows is not known and taken as 1:1" in done.stderr
    assert said["inputs"][0]["kind"] == "capture"


@pytest.mark.parametrize("format_", ["table", "csv", "json", "jsonl", "parquet"])
def test_every_format_has_the_same_rows(sampled, tmp_path, format_):
    out = tmp_path / "out"
    done = flows("targets", sampled, "--format", format_, "--out", out)
    assert done.returncode == 0, done.stderr
    if format_ == "parquet":
        found = pl.read_parquet(out)["target"].to_list()
    elif format_ == "json":
        found = [row["target"] for row in json.loads(out.read_text())["rows"]]
    elif format_ == "jsonl":
        found = [json.loads(line)["target"] for line in out.read_text().splitlines()]
    elif format_ == "csv":
        found = [row["target"] for row in csv.DictReader(out.open())]
    else:
        found = [line.split()[0] for line in out.read_text().splitlines()[1:]]
    assert found == ["198.51.100.7", "198.51.100.8", "10.0.0.1"]


def test_an_empty_input_is_a_whole_document(tmp_path):
    path = capture(tmp_path / "empty.pcap", [])
    for command in ("list", "targets", "rates", "exporters"):
        done = flows(command, path, "--json")
        assert json.loads(done.stdout)["rows"] == []
        assert done.returncode == 0


def test_refused_datagrams_are_named_and_the_exit_code_is_1(tmp_path):
    path = capture(tmp_path / "bad.pcap", [netflow5([record5()], count=9), netflow5([record5()])])
    done = flows("list", path, "--format", "csv")
    assert done.returncode == 1
    assert len(rows(done)) == 1
    assert (
        "bad.pcap: datagram 1 from 192.0.2.1, octet 0: NetFlow 5: it counts more records than it holds" in done.stderr
    )


def test_damage_is_named_with_its_place(sampled, tmp_path):
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(sampled.read_bytes()[:-10])
    done = flows("exporters", cut)
    assert done.returncode == 1
    assert "cut.pcap: damaged at byte" in done.stderr


def test_a_capture_of_traffic_says_how_to_read_it(tmp_path):
    path = write_pcap(tmp_path / "attack.pcap", [(TIME + k, tcp_packet(k, 0xC6336407)) for k in range(50)])
    done = flows("targets", path)
    assert "no flows in it, but 50 TCP segments" in done.stderr
    assert "--packets" in done.stderr
    done = flows("targets", path, "--packets", "--format", "csv")
    assert [(row["target"], row["packets"]) for row in rows(done)] == [("198.51.100.7", "50")]


def test_only_allowed_exporters_and_ports_are_read(sampled):
    assert flows("list", sampled, "--allow", "198.51.100.0/24").returncode == 1
    assert len(rows(flows("list", sampled, "--allow", "192.0.2.1", "--format", "csv"))) == 3
    assert rows(flows("list", sampled, "--port", "9995", "--format", "csv")) == []


def test_a_window_keeps_flows_with_a_part_in_it(sampled):
    done = flows("list", sampled, "--from", "2023-11-14T22:13:16Z", "--format", "csv")
    assert [row["dst"] for row in rows(done)] == ["198.51.100.7"]


def test_templates_are_kept_from_one_run_to_the_next(tmp_path):
    state = tmp_path / "state.json"
    first = capture(tmp_path / "a.pcap", [netflow9([set_of(0, plain_template()), *OPTIONS], 3)])
    second = capture(tmp_path / "b.pcap", [netflow9([set_of(256, plain_record(src=1, dst=2))], 1, sequence=1)])
    assert rows(flows("list", second, "--format", "csv")) == []
    assert flows("list", first, "--state", state).returncode == 0
    (row,) = rows(flows("list", second, "--state", state, "--format", "csv"))
    assert (row["sampling_rate"], row["rate_source"]) == ("100", "learned")
    state.write_text(state.read_text().replace("256", "257"))
    done = flows("list", second, "--state", state)
    assert done.returncode == 2
    assert "its checksum does not fit" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["list", "absent.pcap"], "absent.pcap: no such file"),
        (["list", "."], "a folder; name files"),
        (["list", "X", "--format", "xml"], "one of table, csv, json, jsonl, parquet"),
        (["list", "X", "--format", "parquet"], "give --out FILE"),
        (["list", "X", "--format", "csv", "--json"], "two formats"),
        (["list", "X", "--rate", "lots"], "write a rate such as 1000"),
        (["list", "X", "--rate", "nowhere=5"], "--rate"),
        (["list", "X", "--assume-rate", "0"], "at least 1"),
        (["list", "X", "--target", "everyone"], "--target"),
        (["list", "X", "--port", "70000"], "not a UDP port"),
        (["list", "X", "--from", "yesterday"], "not a time"),
        (["targets", "X", "--by", "/33"], "at most /32"),
        (["targets", "X", "--by", "town"], "host, /24"),
        (["rates", "X", "--bin", "0"], "from 0.001"),
        (["listen", "--show", "all"], "one of targets, rates, exporters, list"),
        (["listen", "--bind", "somewhere"], "no address to listen on"),
        (["listen", "--seconds", "0"], "more than 0"),
        (["listen", "--count", "0"], "at least 1"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(sampled, arguments, said):
    done = flows(*[str(sampled) if word == "X" else word for word in arguments])
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("duskwatch flows")


def test_a_file_of_another_kind_is_one_line_and_exit_code_2(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("hello")
    done = flows("list", path)
    assert done.returncode == 2
    assert "notes.txt: its first bytes are 68 65 6c 6c 6f; what is read is pcap" in done.stderr


class Listening:
    """A running `flows listen` on a free port of loopback."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*PROGRAM, "listen", "--bind", "127.0.0.1:0", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )  # fmt: skip
        assert self.process.stderr is not None
        line = self.process.stderr.readline()
        assert "listening on 127.0.0.1:" in line, line
        self.port = int(line.rpartition(":")[2])

    def send(self, datagrams: list[bytes]) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            for datagram in datagrams:
                sock.sendto(datagram, ("127.0.0.1", self.port))

    def end(self) -> tuple[str, str, int]:
        out, err = self.process.communicate(timeout=120)
        return out, err, self.process.returncode


def test_listen_ends_after_so_many_datagrams():
    listening = Listening("--count", "3", "--format", "csv", "--seconds", "100")
    listening.send([netflow5([record5(dst=0xC6336407, bytes=100)] * 2, sequence=2 * k) for k in range(4)])
    out, err, code = listening.end()
    assert code == 0, err
    (row,) = list(csv.DictReader(io.StringIO(out)))
    assert (row["target"], row["flows"], row["bytes"]) == ("198.51.100.7", "6", "600")


def test_listen_shows_flows_as_they_come_and_keeps_templates(tmp_path):
    state = tmp_path / "state.json"
    listening = Listening(
        "--count", "2", "--show", "list", "--format", "jsonl", "--state", str(state), "--seconds", "100"
    )
    listening.send([netflow9([set_of(0, plain_template()), set_of(256, plain_record(src=1, dst=2))], 2)])
    assert listening.process.stdout is not None
    assert json.loads(listening.process.stdout.readline())["dst"] == "0.0.0.2"
    listening.send([netflow9([], 0, sequence=1)])
    _, err, code = listening.end()
    assert code == 0, err
    assert json.loads(state.read_text())["exporters"][0]["templates"][0]["number"] == 256


def test_listen_ends_on_ctrl_c_with_what_came():
    listening = Listening("--show", "exporters", "--json")
    listening.send([netflow5([record5()])])
    time.sleep(0.3)
    listening.process.send_signal(signal.SIGINT)
    out, err, code = listening.end()
    assert code == 0, err
    said = json.loads(out)
    assert said["rows"][0]["flows"] == 1
    assert said["sockets"][0]["datagrams"] == 1
    assert said["sockets"][0]["dropped"] == 0


def test_help_needs_none_of_what_computes():
    code = (
        "import sys; from duskwatch.cli.app import main\n"
        "sys.argv = ['duskwatch', 'flows', 'targets', '--help']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'numpy', 'numba', 'polars'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == "[]\n"
