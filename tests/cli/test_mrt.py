"""`duskwatch mrt` as a user meets it: formats, filters, damage, wrong usage."""

import contextlib
import gzip
import json
import os
import resource
import signal
import struct
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from duskwatch.cases.build import BuiltCase, build_case


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> BuiltCase:
    return build_case("north-korea-2014", tmp_path_factory.mktemp("case"), seed=1)


@pytest.fixture(scope="module")
def update(case: BuiltCase) -> Path:
    return next(case.mrt.rglob("rrc97/**/updates.20141222.1610.gz"))


@pytest.fixture(scope="module")
def rib(case: BuiltCase) -> Path:
    return next(case.mrt.rglob("rrc97/**/bview.20141218.0000.gz"))


def mrt(*arguments: str | Path, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "mrt", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, **options)


def lines(*arguments: str | Path) -> list[list[str]]:
    done = mrt(*arguments)
    assert done.returncode == 0, done.stderr
    return [line.split("|") for line in done.stdout.splitlines()]


def test_text_needs_none_of_what_draws_or_writes_tables(update):
    code = (
        "import sys; from duskwatch.cli.app import main\n"
        "sys.argv = ['duskwatch', 'mrt', sys.argv[1]]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'rich', 'polars', 'altair', 'babel', 'httpx'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code, update], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == "[]\n"


def test_the_default_is_bgpdumps_format(update):
    found = lines(update)
    assert {line[0] for line in found} == {"BGP4MP"}
    assert {"A", "W"} <= {line[2] for line in found}


def test_prefixes_match_exactly_or_what_lies_in_or_covers_them(rib):
    def prefixes(*arguments):
        return {line[5] for line in lines(rib, *arguments)}

    inside = {f"175.45.{n}.0/24" for n in range(176, 180)}
    assert prefixes("--prefix", "175.45.176.0/22") == set()
    assert prefixes("--prefix", "175.45.176.0/22", "--match", "more") == inside
    assert prefixes("--prefix", "175.45.176.0/24") == {"175.45.176.0/24"}
    assert prefixes("--prefix", "175.45.176.128/25", "--match", "less") == {"175.45.176.0/24"}
    assert prefixes("--prefix", "175.45.176.0/23", "--match", "any") == {"175.45.176.0/24", "175.45.177.0/24"}
    assert prefixes("--prefix", "175.45.176.0/24", "--prefix", "175.45.177.0/24") == {
        "175.45.176.0/24",
        "175.45.177.0/24",
    }


def test_origin_path_peer_time_and_type_filter(update, rib):
    everything = lines(update)
    assert {line[6].split()[-1] for line in lines(rib, "--origin", "AS131279")} == {"131279"}
    assert all("4837" in line[6].split() for line in lines(rib, "--path-contains", "4837"))
    assert lines(rib, "--path-contains", "4837", "--origin", "4837") == [
        line for line in lines(rib, "--origin", "4837") if "4837" in line[6].split()
    ]
    peer = everything[0]
    assert lines(update, "--peer", peer[4]) == [line for line in everything if line[4] == peer[4]]
    assert lines(update, "--peer", peer[3]) == [line for line in everything if line[3] == peer[3]]
    assert lines(update, "--type", "W") == [line for line in everything if line[2] == "W"]
    middle = everything[len(everything) // 2][1]
    early, late = lines(update, "--until", middle), lines(update, "--from", middle)
    assert len(early) + len(late) == len(everything)
    assert max(line[1] for line in early) < middle <= min(line[1] for line in late)


def test_json_and_parquet_say_the_same_as_text(update, tmp_path):
    text = lines(update)
    objects = [json.loads(line) for line in mrt(update, "--format", "jsonl").stdout.splitlines()]
    table = tmp_path / "elems.parquet"
    assert mrt(update, "--format", "parquet", "--out", table).returncode == 0
    frame = pl.read_parquet(table)
    assert len(text) == len(objects) == len(frame)
    for line, found, row in zip(text, objects, frame.iter_rows(named=True), strict=True):
        assert {"A": "announce", "W": "withdraw", "S": "state"}[line[2][0]] == found["type"] == row["type"]
        assert float(line[1]) == found["time"] == row["time"].timestamp()
        assert (line[3], int(line[4])) == (found["peer_ip"], found["peer_asn"]) == (row["peer_ip"], row["peer_asn"])
        if line[2] != "STATE":
            assert line[5] == found["prefix"] == row["prefix"]
        if line[2] == "A":
            assert line[6] == " ".join(map(str, found["as_path"])) == row["as_path"]
            assert line[8] == found["next_hop"] == row["next_hop"]
    assert list(tmp_path.iterdir()) == [table]


def test_json_is_one_document_with_the_objects_of_jsonl(update, rib):
    objects = [json.loads(line) for line in mrt(rib, update, "--format", "jsonl").stdout.splitlines()]
    assert len(objects) > 4096  # more than are written at once
    document = mrt(rib, update, "--format", "json").stdout
    assert json.loads(document) == objects
    assert len(document.splitlines()) == len(objects) + 2
    assert mrt(rib, update, "--json").stdout == document


def test_json_of_nothing_is_an_empty_document(update):
    done = mrt(update, "--json", "--prefix", "203.0.113.0/24")
    assert (done.stdout, done.returncode) == ("[]\n", 0)
    assert mrt(update, "--format", "jsonl", "--prefix", "203.0.113.0/24").stdout == ""


def test_a_document_that_an_error_cut_short_is_not_closed(update, case):
    done = mrt(update, case.geo, "--json")
    assert done.returncode == 2
    with pytest.raises(json.JSONDecodeError):
        json.loads(done.stdout)
    assert json.loads(done.stdout + "]") == json.loads(mrt(update, "--json").stdout)


def test_standard_input_and_several_files_in_order(update, rib):
    with update.open("rb") as file:
        assert mrt("-", stdin=file).stdout == mrt(update).stdout
    assert mrt(rib, update).stdout == mrt(rib).stdout + mrt(update).stdout


def test_a_pipe_with_a_name_is_read_like_a_file(update):
    command = f"'{sys.executable}' -c 'from duskwatch.cli.app import main; main()' mrt <(zcat '{update}')"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == mrt(update).stdout


def test_nothing_is_left_of_a_table_that_was_not_finished(update, case, tmp_path):
    table = tmp_path / "elems.parquet"
    assert mrt(update, case.geo, "--format", "parquet", "--out", table).returncode == 2
    assert list(tmp_path.iterdir()) == []


def test_entries_that_bgpdump_has_no_line_for_are_counted(rib, tmp_path):
    raw = bytearray(gzip.decompress(rib.read_bytes()))
    index = 12 + int.from_bytes(raw[8:12], "big")
    assert raw[index + 6 : index + 8] == b"\x00\x02"
    raw[index + 7] = 3  # RIB_IPV4_MULTICAST
    multicast = tmp_path / "multicast.mrt"
    multicast.write_bytes(raw)
    done = mrt(multicast)
    missing = len(mrt(rib).stdout.splitlines()) - len(done.stdout.splitlines())
    assert missing > 0
    assert done.stderr.startswith(f"duskwatch mrt: {missing} entries of multicast tables")
    assert done.returncode == 0
    assert len(mrt(multicast, "--format", "jsonl").stdout.splitlines()) == len(mrt(rib).stdout.splitlines())


def test_before_a_damage_everything_comes_out_and_the_damage_is_named(update, tmp_path):
    raw = gzip.decompress(update.read_bytes())
    cut = tmp_path / "cut.mrt"
    cut.write_bytes(raw[:-5])
    done = mrt(cut)
    assert done.returncode == 1
    assert mrt(update).stdout.startswith(done.stdout)
    assert len(mrt(update).stdout.splitlines()) - len(done.stdout.splitlines()) <= 2
    assert f"{cut}: damaged at byte " in done.stderr
    assert "expected a whole MRT record, found the end of the file" in done.stderr


def test_a_file_cut_off_in_its_first_record_is_damaged_not_of_another_kind(update, tmp_path):
    cut = tmp_path / "cut.gz"
    cut.write_bytes(update.read_bytes()[:40])
    done = mrt(cut)
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"{cut}: damaged at byte " in done.stderr


@pytest.mark.parametrize("format_", ["bgpdump", "json", "jsonl"])
def test_a_file_that_is_written_holds_what_is_printed_and_takes_its_name_at_the_end(update, tmp_path, format_):
    out = tmp_path / "elems"
    out.write_text("older")
    out.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(out)
    done = mrt(update, "--format", format_, "--out", link)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert out.read_text() == mrt(update, "--format", format_).stdout
    assert out.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elems", "link"]


@pytest.mark.parametrize("format_", ["bgpdump", "json", "jsonl", "parquet"])
def test_of_a_damaged_file_the_file_that_is_written_holds_what_came_before(update, tmp_path, format_):
    raw = gzip.decompress(update.read_bytes())
    cut, out = tmp_path / "cut.mrt", tmp_path / "elems"
    cut.write_bytes(raw[:-5])
    done = mrt(cut, "--format", format_, "--out", out)
    assert done.returncode == 1
    shown = mrt(cut, "--format", "jsonl").stdout.splitlines()
    assert shown
    count = {"parquet": lambda: len(pl.read_parquet(out)), "json": lambda: len(json.loads(out.read_text()))}
    assert count.get(format_, lambda: len(out.read_text().splitlines()))() == len(shown)


@pytest.mark.parametrize("format_", ["bgpdump", "json", "jsonl", "parquet"])
def test_where_writing_fails_or_input_is_of_another_kind_nothing_half_written_has_the_name(
    update, case, tmp_path, format_
):
    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    old, new = tmp_path / "old", tmp_path / "new"
    old.write_bytes(b"older")
    done = mrt(update, "--format", format_, "--out", old, preexec_fn=limited)
    assert done.returncode == 2
    assert ("not written" if format_ == "parquet" else "File too large") in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert mrt(update, case.geo, "--format", format_, "--out", new).returncode == 2
    assert old.read_bytes() == b"older"
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("format_", ["bgpdump", "json", "jsonl", "parquet"])
def test_where_writing_is_interrupted_nothing_half_written_has_the_name(update, tmp_path, format_):
    pipe, out = tmp_path / "pipe", tmp_path / "elems"
    os.mkfifo(pipe)
    command = [sys.executable, "-c", "from duskwatch.cli.app import main; main()", "mrt", pipe, "--format", format_]
    running = subprocess.Popen([*command, "--out", out], stderr=subprocess.PIPE, text=True)
    with pipe.open("wb") as file:  # opened once it is read
        file.write(gzip.decompress(update.read_bytes())[:1000])
        file.flush()
        assert not out.exists()
        for _ in range(60):
            # One that comes just as a read begins is only seen when the read ends: people press again.
            running.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(1)
                break
        assert running.returncode == 130
    running.communicate()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_text_goes_to_a_device_as_it_is(update, tmp_path):
    assert mrt(update, "--out", "/dev/stdout").stdout == mrt(update).stdout
    done = mrt(update, "--out", "/dev/full")
    assert done.returncode == 2
    assert done.stderr == "duskwatch mrt: No space left on device\n"


@pytest.mark.parametrize("format_", ["bgpdump", "json", "jsonl", "parquet"])
def test_a_file_to_read_is_never_written_to(update, tmp_path, format_):
    mine = tmp_path / "mine.gz"
    mine.write_bytes(update.read_bytes())
    other = tmp_path / "other.gz"
    other.symlink_to(mine)
    done = mrt(update, mine, "--format", format_, "--out", other)
    assert done.returncode == 2
    assert "that is a file to read" in done.stderr
    assert mine.read_bytes() == update.read_bytes()


def test_records_that_are_not_read_are_counted_by_kind(update, tmp_path):
    raw = gzip.decompress(update.read_bytes())
    other = tmp_path / "other.mrt"
    ospf = [struct.pack("!IHHI", 1, 11, subtype, 4) + bytes(4) for subtype in (0, 0, 1, 2, 3, 4, 5, 6)]
    other.write_bytes(b"".join(ospf) + raw)
    done = mrt(other)
    assert done.returncode == 0
    assert done.stdout == mrt(update).stdout
    assert done.stderr.startswith(f"duskwatch mrt: {other}: records that are not read here: 2 OSPFv2/0, 1 OSPFv2/1, ")
    assert done.stderr.endswith(", 2 of other kinds\n")


def test_a_bad_record_is_named_and_the_others_come_out(update, tmp_path):
    raw = bytearray(gzip.decompress(update.read_bytes()))
    length = int.from_bytes(raw[8:12], "big")
    raw[12 + 10 : 12 + 12] = b"\x00\x09"  # the address family of the first record
    broken = tmp_path / "broken.mrt"
    broken.write_bytes(raw)
    done = mrt(broken)
    assert done.returncode == 1
    assert "bad record at byte 0: the address family is neither IPv4 nor IPv6" in done.stderr
    rest = tmp_path / "rest.mrt"
    rest.write_bytes(raw[12 + length :])
    assert done.stdout == mrt(rest).stdout


def test_a_reader_that_has_enough_ends_it_quietly(rib):
    command = f"'{sys.executable}' -c 'from duskwatch.cli.app import main; main()' mrt '{rib}' | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{tmp}/gone.gz"], "gone.gz: no such file"),
        (["{tmp}"], "a folder; name files"),
        (["{geo}"], "this is not an MRT file"),
        (["{tmp}/empty"], "the file is empty"),
        (["{update}", "--prefix", "1.2.3.4/16"], "--prefix: 1.2.3.4/16 has host bits set"),
        (["{update}", "--origin", "many"], "--origin many: not an AS number"),
        (["{update}", "--peer", "1.2.3"], "--peer: "),
        (["{update}", "--peer", "10.0.0.0/8"], "--peer 10.0.0.0/8: an address or an AS number"),
        (["{update}", "--format", "xml"], "--format xml: one of bgpdump, json, jsonl, parquet"),
        (["{update}", "--format", "parquet"], "--format parquet needs --out FILE"),
        (["{update}", "--json", "--format", "jsonl"], "--json and --format jsonl: give one of them"),
        (["{update}", "--match", "near"], "--match near: one of exact"),
        (["{update}", "--type", "AX"], "X is none of R, A, W, S"),
        (["{update}", "--type", ""], "--type: any of R, A, W, S"),
        (["{update}", "--from", "noon"], "'noon' is not a time"),
        (["{update}", "--from", "2015-01-02", "--until", "2015-01-01"], "is not after --from"),
        (["{update}", "--out", "{tmp}/no/such/folder/x"], "/no/such/folder/x: No such file or directory"),
        (["{update}", "--format", "parquet", "--out", "{tmp}/no/folder/x"], "/no/folder/x: No such file or directory"),
        (["{update}", "--out", "{tmp}"], "Is a directory"),
        (["{update}", "--format", "parquet", "--out", "/dev/null"], "not a regular file"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_exit_code_2(case, update, tmp_path, arguments, message):
    (tmp_path / "empty").touch()
    places = {"tmp": tmp_path, "geo": case.geo, "update": update}
    done = mrt(*(argument.format(**places) for argument in arguments))
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
