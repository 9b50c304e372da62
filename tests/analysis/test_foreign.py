"""Signals of others from files to reports: alone, and beside routes; real shutdowns as they were labelled."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from rich.console import Console

from duskwatch.analysis.foreign import analyze_series, with_series
from duskwatch.cli.analyze import command
from duskwatch.detection import detect
from duskwatch.publication.finding import finding
from duskwatch.publication.html import to_html
from duskwatch.publication.report_json import schema, to_json
from duskwatch.publication.terminal import print_summary
from duskwatch.publication.words import paragraphs
from duskwatch.records.entity import Entity
from duskwatch.records.report import Report
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, iso, parse_time
from duskwatch.sources.tables import SeriesError
from tests.detection.series import START, at, daily, flat, time_of
from tests.publication.build import DOWN, UP, history

SHARED = Path(__file__).parents[2].parent / "shared" / "data" / "series"
IRAQ = SHARED / "ioda-iraq-2023" / "ioda_country_IQ_iraq.csv"
IRAN = SHARED / "ioda-iran-2026" / "ioda-iran-2026-01-normalized.csv"


def write(path, **signals):
    bins = len(next(iter(signals.values())))
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["time", *signals])
        for k in range(bins):
            out.writerow([iso(time_of(k)), *("" if np.isnan(values[k]) else values[k] for values in signals.values())])
    return path


def lost(values, first, after, share):
    values[first:after] *= 1 - share
    return values


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    first, after = at(7, 9), at(7, 13)
    path = write(
        tmp_path_factory.mktemp("series") / "xy.csv",
        bgp=lost(flat(9, 2900, 0.001), first, after, 0.6),
        probing=lost(flat(9, 600, 0.02, seed=2), first, after, 0.9),
        telescope=daily(9, 40, noise=0.2),
    )
    return analyze_series(Entity("country", "IQ"), [path])


def test_a_report_from_series_alone_says_so_everywhere(report):
    (outage,) = report.outages
    assert abs(outage.onset.best_us - time_of(at(7, 9))) <= MINUTE
    assert abs(outage.end.best_us - time_of(at(7, 13))) <= MINUTE
    text = " ".join(paragraphs(report))
    assert "three signals that others measured: bgp, probing and telescope in bins of 5 min" in text
    assert "(probing: from " in finding(report).lead
    assert finding(report).headline.startswith("Nearly all connectivity in Iraq was lost for 4 hours")
    assert "full-feed peer" not in text
    document = to_json(report)
    jsonschema.validate(document, schema())
    assert [len(block["names"]) for block in document["other_series"]] == [3]
    page = to_html(report)
    assert "Which signals fell, which stayed" in page
    assert "full-feed peers:" not in page
    assert "duskwatch analyze IQ \\\n    --from 2023-01-01T00:00:00Z" in page
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    print_summary(report, console, [])
    assert "measured by others: bgp, probing and telescope" in console.export_text()


def test_a_total_loss_in_series_alone_says_nothing_of_routes_or_peers(tmp_path):
    values = flat(9, 600, 0.02, seed=2)
    values[at(7, 9) : at(7, 12)] = 0
    values[at(7, 12) : at(7, 13)] *= 0.5
    (outage,) = (told := analyze_series(Entity("country", "IQ"), [write(tmp_path / "xy.csv", probing=values)])).outages
    assert outage.dark_from is not None
    text = " ".join(paragraphs(told))
    assert "The first signs of life came back at" in text
    assert finding(told).headline.startswith("Nearly all connectivity in Iraq was lost for 4 hours")
    assert "For 3 h of that nothing was left" in text
    assert "route" not in text
    assert "peer" not in text
    assert "observer" not in text


def test_a_quiet_report_tells_the_range_of_the_signal(tmp_path):
    path = write(tmp_path / "xy.csv", ping=flat(3, 600, 0.01))
    told = finding(analyze_series(Entity("country", "IQ"), [path])).lead
    assert "No outage of Iraq (IQ) was found" in told
    assert "Signal ping was between" in told
    assert "mostly about 600" in told


def test_the_window_cuts_what_is_told_and_not_what_is_learned(tmp_path):
    values = lost(daily(12, 300, seed=3), at(10, 14), at(10, 15), 1.0)
    path = write(tmp_path / "xy.csv", probing=values)
    whole = analyze_series(Entity("country", "IQ"), [path])
    part = analyze_series(Entity("country", "IQ"), [path], START + 10 * DAY, START + 11 * DAY)
    assert part.outages[0].onset == whole.outages[0].onset
    assert part.history.series[0].values.shape == (1, 288)
    before = analyze_series(Entity("country", "IQ"), [path], START, START + 9 * DAY)
    assert before.outages == ()
    with pytest.raises(ValueError, match="no data from 2024-01-01T00:00:00Z on; the data span 2023-01-01T00:00:00Z to"):
        analyze_series(Entity("country", "IQ"), [path], parse_time("2024-01-01"))


def test_series_and_routes_are_told_as_one(tmp_path):
    down, back = 9 * HOUR + 7 * MINUTE, 12 * HOUR
    changes = [(START + down, p, DOWN) for p in range(4)] + [(START + back, p, UP) for p in range(4)]
    own = history(START, START + 14 * HOUR, ("10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24", "10.0.3.0/24"), changes)
    outages = detect(own)
    routes = Report(Entity("country", "IQ", "Iraq"), START, START + 14 * HOUR, own, outages, (), ("rrc00",))
    path = write(tmp_path / "ping.csv", probing=lost(flat(1, 600, 0.01)[: 14 * 12], at(0, 9) + 2, at(0, 12), 1.0))
    both = with_series(routes, [path])
    (main,), (alone,) = both.outages, routes.outages
    assert (main.onset, main.end) == (alone.onset, alone.end)
    assert main.signals == ("bgp.visible_slash24", "probing", "bgp.visible_prefixes")  # those that decide come first
    assert main.confidence > alone.confidence
    assert main.score == pytest.approx(alone.score, rel=0.02)
    text = " ".join(paragraphs(both))
    assert "one signal that others measured was read: probing" in text
    assert "and on signals that others measured" in text
    assert "BGP) alone" not in text
    jsonschema.validate(to_json(both), schema())
    with pytest.raises(ValueError, match="the series have no data between"):
        with_series(replace(routes, from_us=START - 9 * DAY, until_us=START - 8 * DAY), [path])


def run(capsys, *arguments, **options):
    entity, *series = arguments
    with pytest.raises(SystemExit) as done:
        command(entity, series=[Path(path) for path in series] or None, **{"from_": None, "until": None} | options)
    return done.value.code, capsys.readouterr().err


def test_what_is_wrong_is_said_in_one_line(capsys, tmp_path):
    good = write(tmp_path / "xy.csv", ping=flat(1))
    (tmp_path / "text.md").write_text("# no table\n")
    out = {"out": tmp_path / "out"}
    for arguments, options, says in (
        (["IQ"], {}, "--series"),
        (["IQ", tmp_path / "no.csv"], {}, "no such file"),
        (["IQ", tmp_path], {}, "is a folder"),
        (["IQ", tmp_path / "text.md"], {}, "no header of a table"),
        (["XX", good], {}, "'XX' is not a country"),
        (["IQ", good], {"time_column": "when"}, "no column 'when'"),
        (["IQ", good], {"from_": "2023-02-01"}, "no data from"),
        (["IQ", good], {"from_": "2023-02-01", "until": "2023-01-01"}, "is not after"),
        (["IQ"], {"mrt": [good], "value_column": "x"}, "are for --series"),
        (["IQ"], {"mrt": [good], "signal": ["ping=none"]}, "--signal is for --series"),
        (["IQ", good], {"signal": ["ping=up"]}, "no role 'up'; roles are reach, arriving, passive, updates, none"),
        (["IQ", good], {"signal": ["pong=none"]}, "--signal pong: no such signal in the series; they hold 'ping'"),
        (["IQ", good], {"mrt": [good]}, "archives need a window"),
    ):
        code, said = run(capsys, *arguments, **out, **options)
        assert code == 2, says
        assert says in said
        assert said.count("\n") == 1
        assert not (tmp_path / "out").exists()


def test_the_command_writes_both_files(capsys, tmp_path):
    path = write(tmp_path / "xy.csv", ping=lost(flat(5, 600, 0.01), at(3), at(3, 2), 1.0))
    command("IQ", series=[path], out=tmp_path / "out", json_=True, from_=None, until=None)
    document = json.loads(capsys.readouterr().out)
    assert document["outages"][0]["onset"]["best"][:16] == "2023-01-04T00:00"
    assert (tmp_path / "out" / "report.html").exists()
    assert json.loads((tmp_path / "out" / "report.json").read_text()) == document


def test_the_user_says_what_a_fall_means(capsys, tmp_path):
    path = write(tmp_path / "xy.csv", demand=lost(flat(5, 600, 0.01), at(3), at(3, 2), 1.0), ping=flat(5, 600, 0.01))
    given = {"out": tmp_path / "out", "json_": True, "from_": None, "until": None}
    command("IQ", series=[path], **given)
    guessed = json.loads(capsys.readouterr().out)
    assert len(guessed["outages"]) == 1
    assert any("'demand': each was taken for a measure of reach" in warning for warning in guessed["warnings"])
    command("IQ", series=[path], signal=["demand=none"], **given)
    said = json.loads(capsys.readouterr().out)
    assert said["outages"] == []
    assert "demand: taken for a signal of role 'none', as --signal says" in said["warnings"]
    assert not any("taken for a measure of reach" in warning for warning in said["warnings"])


def test_iraq_2023_every_labelled_shutdown_within_two_bins_and_nothing_else():
    if not IRAQ.exists():
        pytest.skip("shared data are not here")
    with IRAQ.open() as file:
        rows = [(int(row["timestamp"]) * 1_000_000, row["LABEL"] == "1") for row in csv.DictReader(file)]
    label = np.array([row[1] for row in rows])
    edge = np.flatnonzero(np.diff(np.concatenate([[False], label, [False]]).astype(int)))
    truth = [(rows[a][0], rows[b - 1][0] + 5 * MINUTE) for a, b in edge.reshape(-1, 2)]
    assert len(truth) == 8
    report = analyze_series(Entity("country", "IQ"), [IRAQ])
    assert len(report.outages) == 8
    for (start, end), outage in zip(truth, report.outages, strict=True):
        assert abs(outage.onset.best_us - start) <= 10 * MINUTE
        assert abs(outage.end.best_us - end) <= 10 * MINUTE
        assert outage.relapse_of is None
        assert outage.confidence > 0.75


def test_iran_2026_is_one_outage_that_routes_hardly_show_and_the_weeks_before_are_quiet():
    if not IRAN.exists():
        pytest.skip("shared data are not here")
    report = analyze_series(Entity("country", "IR"), [IRAN])
    (outage,) = report.outages
    assert abs(outage.onset.best_us - parse_time("2026-01-08T16:30Z")) <= HOUR
    assert parse_time("2026-01-27") <= outage.end.best_us < parse_time("2026-01-28")
    assert outage.signals[0] == "Active Probing (#/24s Up)"
    assert outage.depth == pytest.approx(0.97, abs=0.01)


def test_signals_of_which_less_is_no_loss_never_say_that_there_was_no_outage(tmp_path):
    path = write(tmp_path / "attacks.csv", **{"attacks.ntp_gbps": lost(flat(9, 40, 0.02), at(7, 9), at(7, 13), 1.0)})
    report = analyze_series(Entity("country", "IQ"), [path])
    found = finding(report)
    assert (report.outages, found.kind) == ((), "not judged")
    assert "a fall of attacks.ntp_gbps shows no loss" in found.lead
    document = to_json(report)
    jsonschema.validate(document, schema())
    assert document["coverage"]["watched_share"] == 0
    assert [one["reason"] for one in document["coverage"]["unjudged"]] == ["no signal shows a loss"]
    assert "No outage" not in to_html(report)


def test_that_there_was_no_outage_is_told_by_a_signal_that_would_show_it(tmp_path):
    probing = flat(9, 600, 0.02)
    probing[at(4) :] = np.nan
    path = write(tmp_path / "both.csv", **{"attacks.ntp_gbps": flat(9, 40, 0.02), "probing": probing})
    report = analyze_series(Entity("country", "IQ"), [path])
    assert "in the 44 % of the time that was watched" in finding(report).headline


def test_a_signal_that_begins_late_or_reports_no_more_leaves_a_gap(tmp_path):
    bgp, probing = flat(9, 2900, 0.001), flat(9, 600, 0.02)
    probing[: at(1)] = probing[at(8) :] = np.nan
    paths = [write(tmp_path / "bgp.csv", bgp=bgp), write(tmp_path / "probing.csv", probing=probing)]
    rows = paths[1].read_text().splitlines()
    paths[1].write_text("\n".join(row for row in rows if not row.endswith(",")))
    report = analyze_series(Entity("country", "IQ"), paths)
    assert [(gap.source, gap.from_us, gap.until_us) for gap in report.history.gaps] == [
        ("probing", time_of(0), time_of(at(1))),
        ("probing", time_of(at(8)), time_of(at(9))),
    ]


def test_a_window_between_two_bins_is_named(tmp_path):
    path = write(tmp_path / "probing.csv", probing=flat(9, 600, 0.02))
    with pytest.raises(SeriesError, match="no data between 2023-01-02T00:00:01Z and"):
        analyze_series(Entity("country", "IQ"), [path], time_of(at(1)) + SECOND, time_of(at(1)) + 2 * SECOND)
