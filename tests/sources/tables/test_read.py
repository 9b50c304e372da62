import gzip
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from duskwatch.records.entity import Entity
from duskwatch.records.errors import DuskwatchError
from duskwatch.records.times import HOUR, MINUTE, SECOND, parse_time
from duskwatch.sources.tables import SeriesError, SeriesOptions, read_series

IQ = Entity("country", "IQ", "Iraq")
START = 1_692_493_200
SHARED = Path(__file__).parents[3].parent / "shared" / "data" / "series"


def read(tmp_path, text, name="in.csv", entity=IQ, **options):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_series([path], entity, SeriesOptions(**options))


def only(data):
    (block,) = data.blocks
    return block


@pytest.mark.parametrize(
    "times",
    [
        [str(START + 300 * k) for k in range(4)],
        [str(START * 1000 + 300_000 * k) for k in range(4)],
        [str((START + 300 * k) * 10**6) for k in range(4)],
        [str((START + 300 * k) * 10**9) for k in range(4)],
        [f"{START + 300 * k}.0" for k in range(4)],
        [f"2023-08-20T01:{5 * k:02}:00Z" for k in range(4)],
        [f"2023-08-20 01:{5 * k:02}:00" for k in range(4)],
        [f"2023-08-20 01:{5 * k:02}" for k in range(4)],
        [f"2023-08-20 01:{5 * k:02}:00+00:00" for k in range(4)],
        [f"2023-08-20T04:{5 * k:02}:00.000+03:00" for k in range(4)],
        [f"2023-08-20 01:{5 * k:02}:00 UTC" for k in range(4)],
        [f"2023/08/20 01:{5 * k:02}:00" for k in range(4)],
    ],
)
def test_times_in_the_common_spellings(tmp_path, times):
    block = only(read(tmp_path, "time,value\n" + "".join(f"{t},{k}\n" for k, t in enumerate(times))))
    assert block.start_us == START * SECOND
    assert block.bin_us == 5 * MINUTE
    assert block.values.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("header", ["timestamp,value", "Time (UTC);Value", "ts\tv", "DateTime|count", "epoch,reading"])
def test_columns_in_the_common_spellings(tmp_path, header):
    by = next(c for c in ",;\t|" if c in header)
    block = only(read(tmp_path, f"{header}\n" + "".join(f"{START + 300 * k}{by}{k}\n" for k in range(4))))
    assert block.names == ("in",)
    assert block.values.tolist() == [[0, 1, 2, 3]]


def test_long_rows_of_several_entities_and_signals(tmp_path):
    rows = [f"{START + 300 * k},{e},{s},{v + k}" for k in range(3) for e, v in (("IQ", 10), ("IR", 50)) for s in "ab"]
    data = read(tmp_path, "time,country,signal,value\n" + "\n".join(rows))
    assert only(data).names == ("a", "b")
    assert only(data).values.tolist() == [[10, 11, 12]] * 2
    assert any("6 rows of other entities left out" in note for note in data.notes)


@pytest.mark.parametrize(
    ("entity", "told"),
    [
        (IQ, "country/IQ"),
        (IQ, "iraq"),
        (Entity("asn", "AS64500"), "64500"),
        (Entity("asn", "AS64500"), "as64500"),
        (Entity("prefix", "192.0.2.0/24"), "192.0.2.0/24"),
    ],
)
def test_entities_as_others_spell_them(tmp_path, entity, told):
    text = "time,entity,value\n" + "".join(f"{START + 300 * k},{told},{k}\n" for k in range(3))
    assert only(read(tmp_path, text, entity=entity)).values.tolist() == [[0, 1, 2]]


def test_an_entity_that_is_not_there_is_named_with_those_that_are(tmp_path):
    with pytest.raises(SeriesError, match=r"in\.csv: no row of IQ in column 'country'; it holds ir, kp"):
        read(tmp_path, f"time,country,value\n{START},IR,1\n{START},KP,1\n")


def test_wide_rows_have_a_signal_in_each_column_of_numbers(tmp_path):
    text = "timestamp,bgp,datetime,ping,LABEL,comment\n" + "".join(
        f"{START + 300 * k},{k},2023-08-20 0{k}:00,{10 * k},0,x\n" for k in range(4)
    )
    data = read(tmp_path, text)
    assert only(data).names == ("bgp", "ping")
    assert any("LABEL" in note for note in data.notes)


def test_columns_that_cannot_be_told_are_asked_for(tmp_path):
    text = "wann,was,wert\n" + "".join(f"{START + 300 * k},bgp,{k}\n" for k in range(4))
    with pytest.raises(SeriesError, match="no column of times among 'wann', 'was', 'wert'; name it with --time-column"):
        read(tmp_path, text)
    block = only(read(tmp_path, text, time="wann", signal="was", value="wert"))
    assert (block.names, block.values.tolist()) == (("bgp",), [[0, 1, 2, 3]])
    with pytest.raises(SeriesError, match=r"no column 'wo' \(--time-column\)"):
        read(tmp_path, text, time="wo")


def test_empty_negative_and_wrong_values_are_counted_and_left_out(tmp_path):
    values = ["1", "", "null", "NaN", "-5", "many", "inf", "8"]
    data = read(tmp_path, "time,value\n" + "".join(f"{START + 300 * k},{v}\n" for k, v in enumerate(values)))
    block = only(data)
    np.testing.assert_array_equal(block.values[0], [1, *[np.nan] * 6, 8])
    np.testing.assert_array_equal(block.coverage[0], [1, 0, 0, 0, 0, 0, 0, 1])
    assert data.inputs[0].bad_records == 2
    assert any("1 negative values left out" in note for note in data.notes)
    assert any("2 values that are no number left out" in note for note in data.notes)


def test_rows_out_of_order_and_twice_are_sorted_and_counted(tmp_path):
    order = [3, 0, 1, 1, 2, 2]
    values = [3, 0, 1, 1, 2, 4]
    data = read(
        tmp_path, "time,value\n" + "".join(f"{START + 300 * k},{v}\n" for k, v in zip(order, values, strict=True))
    )
    assert only(data).values.tolist() == [[0, 1, 3, 3]]
    assert any("time goes back 1 time " in note for note in data.notes)
    assert any("2 repeated rows, 1 times with values that differ" in note for note in data.notes)


def test_a_file_given_twice_changes_nothing(tmp_path):
    text = "time,value\n" + "".join(f"{START + 300 * k},{k}\n" for k in range(4))
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(text)
    data = read_series([tmp_path / "a.csv", tmp_path / "b.csv"], IQ)
    assert data.inputs[1].kind == "doubled"
    assert only(data).values.tolist() == [[0, 1, 2, 3]]


def test_files_that_follow_each_other_are_one_signal(tmp_path):
    for name, first in (("a.csv", 0), ("b.csv", 4)):
        rows = "".join(f"{START + 300 * k},bgp,{k}\n" for k in range(first, first + 4))
        (tmp_path / name).write_text("time,signal,value\n" + rows)
    for order in (["a.csv", "b.csv"], ["b.csv", "a.csv"]):
        assert only(read_series([tmp_path / name for name in order], IQ)).values.tolist() == [list(range(8))]


def test_signals_of_different_steps_are_blocks_of_their_own(tmp_path):
    rows = [f"{START + 300 * k},{k},{k if k % 6 == 0 else ''}" for k in range(24)]
    data = read(tmp_path, "time,fast,slow\n" + "\n".join(rows))
    assert [(block.names, block.bin_us) for block in data.blocks] == [(("fast",), 5 * MINUTE), (("slow",), 30 * MINUTE)]


def test_a_missing_stretch_stays_missing(tmp_path):
    data = read(tmp_path, "time,value\n" + "".join(f"{START + 300 * k},7\n" for k in [*range(10), *range(30, 40)]))
    block = only(data)
    assert block.bin_us == 5 * MINUTE
    assert block.values.shape == (1, 40)
    assert np.isnan(block.values[0, 10:30]).all()


def test_bins_of_two_widths_are_told_in_the_wider(tmp_path):
    times = [*range(0, 36000, 300), *range(36000, 72000, 1800)]
    data = read(tmp_path, "time,value\n" + "".join(f"{START + t},{t}\n" for t in times))
    assert only(data).bin_us == 30 * MINUTE
    assert only(data).values[0, 0] == np.mean(np.arange(0, 1800, 300))
    assert any("bins of several widths" in note for note in data.notes)


def test_irregular_times_are_told_in_means(tmp_path):
    times = np.cumsum(np.random.default_rng(1).integers(20, 200, 200))
    data = read(tmp_path, "time,value\n" + "".join(f"{START + t},5\n" for t in times))
    block = only(data)
    assert block.bin_us == 5 * MINUTE
    assert np.nanmin(block.values) == np.nanmax(block.values) == 5
    assert any("irregular" in note for note in data.notes)


def ioda(values, step=300, **more):
    series = {"entityType": "country", "entityCode": "IQ", "datasource": "bgp", "from": START, "until": START + 1500}
    series |= {"step": step, "nativeStep": step, "values": values, **more}
    return {"type": "signals", "metadata": {}, "requestParameters": {}, "error": None, "data": [[series]]}


def test_answers_of_ioda_as_they_come(tmp_path):
    block = only(read(tmp_path, json.dumps(ioda([4, 4, None, 0, 0])), "answer.json"))
    assert block.names == ("bgp",)
    np.testing.assert_array_equal(block.values, [[4, 4, np.nan, 0, 0]])


def test_nested_values_of_ioda_are_a_signal_each(tmp_path):
    nested = [
        [{"agg_values": {"loss_pct": 2.5, "probe_count": 20}}],
        None,
        [{"agg_values": {"loss_pct": 3, "probe_count": 20}}],
    ]
    block = only(read(tmp_path, json.dumps(ioda(nested, datasource="ping-slash24-loss")), "answer.json"))
    assert block.names == ("ping-slash24-loss.agg_values.loss_pct", "ping-slash24-loss.agg_values.probe_count")
    np.testing.assert_array_equal(block.values[0], [2.5, np.nan, 3])


@pytest.mark.parametrize(
    ("document", "says"),
    [
        (
            {"type": "outages.alerts", "data": [{"datasource": "bgp", "level": "critical"}]},
            "alerts or events, not of signals",
        ),
        ({"type": "signals", "error": "no such entity", "data": []}, "answered with an error: no such entity"),
        (ioda([1, 2], step=0), "does not say its 'from' and 'step'"),
        ({"type": "signals", "data": []}, "holds no series"),
    ],
)
def test_other_answers_of_ioda_are_refused_by_name(tmp_path, document, says):
    with pytest.raises(SeriesError, match=says):
        read(tmp_path, json.dumps(document), "answer.json")


def test_json_rows_columns_and_lines(tmp_path):
    rows = [{"time": START + 300 * k, "signal": "bgp", "value": k} for k in range(4)]
    columns = {"time": [r["time"] for r in rows], "bgp": [0, 1, 2, 3]}
    lines = "\n".join(json.dumps(row) for row in rows[:2]) + "\n{broken\n" + "\n".join(map(json.dumps, rows[2:]))
    for text, bad in ((json.dumps(rows), 0), (json.dumps({"rows": rows}), 0), (json.dumps(columns), 0), (lines, 1)):
        data = read(tmp_path, text, "in.json")
        assert only(data).values.tolist() == [[0, 1, 2, 3]]
        assert only(data).names == ("bgp",)
        assert data.inputs[0].bad_records == bad


def test_parquet_with_its_own_types(tmp_path):
    times = pl.datetime_range(
        pl.datetime(2023, 8, 20, 1), pl.datetime(2023, 8, 20, 4), "1h", time_zone="UTC", eager=True
    )
    path = tmp_path / "in.parquet"
    pl.DataFrame({"time": times.dt.convert_time_zone("Asia/Baghdad"), "value": [1.0, None, -1.0, 4.0]}).write_parquet(
        path
    )
    block = only(read_series([path], IQ))
    assert (block.start_us, block.bin_us) == (START * SECOND, HOUR)
    np.testing.assert_array_equal(block.values[0], [1, np.nan, np.nan, 4])


def test_packed_csv(tmp_path):
    text = "time,value\n" + "".join(f"{START + 300 * k},{k}\n" for k in range(4))
    assert only(read(tmp_path, gzip.compress(text.encode()), "in.csv.gz")).values.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"hello\n", "no header of a table"),
        (b"time,value\n", "it holds no rows|no column of numbers"),
        (b"time,value\nsoon,1\nlater,2\n", "no time in column 'time' can be read .the first is 'soon'"),
        (b"time,value\n1692493200,x\n1692493500,y\n", "no column of numbers"),
        (b"time,value\n1692493200,-1\n1692493500,-2\n", "none of its values is a number"),
        (b"\x00\x01\x02,\x00", "neither text nor Parquet"),
        (b"PAR1 and no more", "cannot be read as a table"),
        (b"\x1f\x8b\x08broken", "cannot be read as a table|no header"),
        (b'{"a": 1', "JSON that cannot be read"),
        (b'{"a": {"b": 1}}', "neither rows, nor columns"),
        (b"[1, 2, 3]", "holds no rows"),
        (b"[" * 100_000, "JSON that cannot be read"),
    ],
)
def test_what_is_no_series_is_refused_in_one_line(tmp_path, content, says):
    with pytest.raises(SeriesError, match=says) as error:
        read(tmp_path, content, "in.dat")
    assert "\n" not in str(error.value)


def test_a_span_of_too_many_bins_is_refused(tmp_path):
    rows = [*(f"{START + 10 * k},1" for k in range(100)), f"{START + 10**9},1"]
    with pytest.raises(SeriesError, match=r"span .* bins"):
        read(tmp_path, "time,value\n" + "\n".join(rows))


def test_iraq_2023_as_it_comes():
    path = SHARED / "ioda-iraq-2023" / "ioda_country_IQ_iraq.csv"
    if not path.exists():
        pytest.skip("shared data are not here")
    data = read_series([path], IQ)
    assert [(block.names, block.bin_us // MINUTE) for block in data.blocks] == [
        (("gtr-norm", "merit-nt", "bgp", "ping-slash24"), 5),
        (("gtr",), 30),
    ]
    assert data.blocks[0].start_us == parse_time("2023-08-20T01:00Z")
    assert data.blocks[0].series("bgp")[0] == 2917
    assert any("LABEL" in note for note in data.notes)


def test_iran_2026_as_it_comes():
    path = SHARED / "ioda-iran-2026" / "ioda-iran-2026-01-normalized.csv"
    if not path.exists():
        pytest.skip("shared data are not here")
    data = read_series([path], Entity("country", "IR"))
    assert [(len(block.names), block.bin_us // MINUTE) for block in data.blocks] == [(4, 30), (1, 60)]
    assert data.blocks[0].start_us == parse_time("2025-12-01")


@pytest.mark.parametrize("where", ["times_us", "blocks_of"])
def test_a_fault_of_the_program_is_not_told_as_one_of_the_file(tmp_path, monkeypatch, where):
    """NumPy raises ValueError where shapes do not fit: that is nothing a person at the command line can put right."""
    monkeypatch.setattr(f"duskwatch.sources.tables.read.{where}", lambda *_: np.zeros(2) + np.zeros(3))
    with pytest.raises(ValueError, match="broadcast") as raised:
        read(tmp_path, "time,value\n1692493200,1\n1692493500,2\n")
    assert not isinstance(raised.value, DuskwatchError)
