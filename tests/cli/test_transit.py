"""`duskwatch transit` as a user meets it: every format says the same, and what cannot be answered is one line."""

import csv
import io
import json
from shutil import copytree

import polars as pl
import pytest
from typer.testing import CliRunner

from duskwatch.cli.app import app
from duskwatch.cli.transit import SHOWN

AT = ("--at", "2014-12-22T12:00Z")
WINDOW = ("--from", "2014-12-22T15:00Z", "--until", "2014-12-23T03:00Z")


@pytest.fixture(scope="module")
def transit(case):
    def run(entity, *arguments, code: int = 0, geo: bool = True) -> str:
        options = ["--mrt", str(case.mrt), *(("--geo", str(case.geo)) if geo else ()), "--quiet"]
        done = CliRunner().invoke(app, ["transit", entity, *map(str, arguments), *options])
        assert done.exit_code == code, done.output
        if code == 2:
            assert done.stdout == ""
            assert len(done.stderr.strip().splitlines()) == 1
            return done.stderr
        return done.stdout

    return run


def test_all_of_north_korea_hangs_on_one_neighbour_and_every_format_says_so(transit, tmp_path):
    text = transit("KP", *AT)
    assert "KP at 2014-12-22T12:00:00Z: 4 /24s visible; 16 of 16 peer ASes reach it" in text
    document = json.loads(transit("KP", *AT, "--json"))
    assert document["schema"] == "duskwatch.transit/1"
    assert document["moments"] == [{"time": "2014-12-22T12:00:00Z", "visible": 4.0, "peers": 16, "reaching": 16}]
    assert [(row["asn"], row["hegemony"]) for row in document["hegemony"][:2]] == [(4837, 1.0), (131279, 1.0)]
    (failure,) = document["failures"]
    assert (failure["asn"], failure["lost"], failure["only"], failure["share"]) == (4837, 4.0, 4.0, 1.0)
    (link,) = document["links"]
    assert (link["outside"], link["inside"], link["share"], link["reached"], link["peers"]) == (4837, 131279, 1, 4, 16)
    rows = list(csv.DictReader(io.StringIO(transit("KP", *AT, "--format", "csv"))))
    assert [(int(row["asn"]), float(row["hegemony"])) for row in rows] == [
        (row["asn"], row["hegemony"]) for row in document["hegemony"]
    ]
    lines = [json.loads(line) for line in transit("KP", *AT, "--format", "jsonl", "--show", "links").splitlines()]
    assert lines == document["links"]
    out = tmp_path / "networks.parquet"
    transit("KP", *AT, "--format", "parquet", "--show", "networks", "--out", out)
    assert pl.read_parquet(out)["weight"].unique().to_list() == [4.0]
    transit("KP", *AT, "--json", "--out", tmp_path / "all.json")
    assert json.loads((tmp_path / "all.json").read_text()) == document


def test_country_network_and_prefix_agree_where_they_are_the_same_addresses(transit):
    told = [
        json.loads(transit(entity, *AT, "--json", "--transit-only", geo=entity == "KP"))
        for entity in ("KP", "AS131279", "175.45.176.0/22")
    ]
    assert told[0]["hegemony"] == told[1]["hegemony"] == told[2]["hegemony"]
    assert 131279 not in [row["asn"] for row in told[0]["hegemony"]]
    assert told[0]["links"] == told[1]["links"] == told[2]["links"]
    assert told[0]["failures"] == told[1]["failures"] == told[2]["failures"]


def test_the_whole_table_and_every_network_in_it(transit):
    rows = list(csv.DictReader(io.StringIO(transit("table", *AT, "--format", "csv", geo=False))))
    assert {row["origin"] for row in rows} == {"0"}
    assert all(0 < float(row["hegemony"]) <= 1 for row in rows)
    every = list(csv.DictReader(io.StringIO(transit("origins", *AT, "--format", "csv", geo=False))))
    own = json.loads(transit("AS131279", *AT, "--json", geo=False))["hegemony"]
    mine = [(int(row["asn"]), float(row["hegemony"])) for row in every if row["origin"] == "131279"]
    assert mine == [(row["asn"], row["hegemony"]) for row in own]
    assert len({row["origin"] for row in every}) > 50
    assert "131279" in transit("origins", *AT, geo=False)


def test_a_window_tells_what_was_lost_when_and_by_whom(transit):
    document = json.loads(transit("KP", *WINDOW, "--json", "--others"))
    lost = [row for row in document["changes"] if row["kind"] == "lost" and row["prefixes"] == 4]
    (outage,) = [row for row in lost if row["when"] == "during outage 1"]
    assert (outage["from"], outage["from_name"], outage["slash24"]) == (4837, "", 4)
    assert outage["time"] >= "2014-12-22T16:1"
    assert outage["until"] <= "2014-12-22T16:16"
    back = [row for row in document["changes"] if row["kind"] == "back" and row["time"] > outage["time"]]
    assert back[0]["time"][:13] == "2014-12-23T01"
    assert back[0]["to"] == 4837
    gone = [row for row in document["withdrawals"] if row["loss"] == outage["time"]]
    assert [row["order"] for row in gone] == list(range(1, len(gone) + 1))
    assert [row["first"] for row in gone] == sorted(row["first"] for row in gone)
    assert all(row["last_path"].endswith("4837 131279") for row in gone)
    assert {row["back"] for row in gone} == {back[0]["time"]}
    assert document["others_behind"] == 4837
    assert [one["time"] for one in document["moments"]][1] == "2014-12-23T03:00:00Z"
    dark = [row for row in document["series"] if row["time"].startswith("2014-12-22T20")]
    assert {row["hegemony"] for row in dark} == {0.0}
    text = transit("KP", *WINDOW)
    assert "What changed" in text
    assert "Who let go" in text
    assert transit("KP", *WINDOW, "--show", "changes", "--format", "csv").count("\n") == len(document["changes"]) + 1
    assert transit("KP", *WINDOW, "--format", "csv").startswith("time,asn,name,hegemony\n2014-12-22T15:00:00Z,")


def said_of(transit, users):
    return json.loads(transit("KP", *AT, "--json", "--weights", "users", "--users", users))["warnings"]


def test_a_whole_table_tells_what_was_wrong_with_its_files(case, tmp_path):
    mrt = tmp_path / "rrc97"
    copytree(case.mrt / "rrc97", mrt)
    (dump, *_) = sorted(path for path in mrt.rglob("*20141222.0800*"))
    dump.write_bytes(dump.read_bytes()[:-200])
    done = CliRunner().invoke(app, ["transit", "table", *AT, "--mrt", str(tmp_path)])
    assert done.exit_code == 1
    assert dump.name in done.stderr


def test_networks_of_a_country_weigh_as_one_asks(transit, tmp_path):
    users = tmp_path / "users.csv"
    users.write_text("as,cc,users\n131279,KP,1000\n")
    document = json.loads(transit("KP", *AT, "--json", "--weights", "users", "--users", users))
    assert {row["weight"] for row in document["networks"]} == {1000.0}
    assert document["weights"] == "users"
    equal = json.loads(transit("KP", *AT, "--json", "--weights", "equal"))
    assert {row["weight"] for row in equal["networks"]} == {1.0}
    assert equal["hegemony"] == document["hegemony"]
    users.write_text("as,cc,users\n131279,KP,1000\n131279,KP,-5\nx,KP,1\n")
    (text,) = (text for text in said_of(transit, users) if "users.csv" in text)
    assert text == "users.csv: 2 rows left out: not readable, or a second number for one network"
    users.write_text("as,cc,users\n7,XX,1000\n")
    assert "no users of networks of KP" in transit("KP", *AT, "--weights", "users", "--users", users, code=2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["KP"], "when? give --at, or --from and --until"),
        (["KP", *AT, *WINDOW], "take one"),
        (["KP", "--from", "2014-12-23", "--until", "2014-12-22"], "is not after"),
        (["KP", *AT, "--show", "links", "--show", "failures", "--format", "csv"], "holds one table"),
        (["KP", *AT, "--show", "nonsense"], ", ".join(SHOWN)),
        (["KP", *AT, "--show", "changes"], "is of a window"),
        (["KP", *AT, "--others"], "--others is for a window"),
        (["AS131279", *AT, "--show", "networks"], "there is none of AS131279"),
        (["table", *AT, "--show", "links"], "there is none of table"),
        (["origins", *WINDOW], "is told of a moment"),
        (["KP", *AT, "--weights", "people"], "addresses, users, equal"),
        (["KP", *AT, "--weights", "users"], "go together"),
        (["KP", *AT, "--family", "5"], "4 or 6"),
        (["KP", *AT, "--format", "parquet"], "give --out FILE"),
        (["KP", *WINDOW, "--bin", "10"], "60 to 3600"),
        (["KP", *WINDOW, "--show", "others"], "needs --others"),
        (["nonsense", *AT], "nonsense"),
        (["AS131279", "--at", "2001-01-01"], "no MRT file covers"),
    ],
)
def test_what_cannot_be_asked_is_said_in_one_line(transit, arguments, said):
    assert said in transit(*arguments, code=2)


def test_what_nobody_reaches_is_not_told_to_be_fine(transit):
    assert transit("AS64999", *AT, code=1, geo=False).startswith(
        "AS64999 at 2014-12-22T12:00:00Z: 0 /24s visible; 0 of 16"
    )
    document = json.loads(transit("AS64999", *AT, "--json", code=1, geo=False))
    assert document["hegemony"] == document["failures"] == []
    assert "no route of AS64999 was heard" in document["warnings"][-1]
