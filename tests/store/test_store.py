"""Tables of the store: written again without doubling, by several at once, read back, refused with a reason."""

import multiprocessing
import pickle
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from duskwatch.records.entity import Entity
from duskwatch.records.report import InputFile
from duskwatch.records.signals import Gap
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND, iso
from duskwatch.store import Store, StoreError, level_frames
from duskwatch.store.frames import blocks_frame, change_frames, day_start
from duskwatch.store.location import locate
from duskwatch.store.readback import change_logs
from duskwatch.store.schemas import SIGNALS_TABLE
from duskwatch.store.tables import open_any
from tests.detection.build import history, lose
from tests.store.build import DAY1, DAY2, DAY3, FROM, KP, NET, STAR, block, put_day, two_days


@pytest.fixture
def store(tmp_path) -> Store:
    return Store.open(tmp_path / "store", create=True)


def frame_of(day: date, value: float, entities: int = 3) -> pl.DataFrame:
    one = block(np.full((2, 288), value), start_us=day_start(day), names=("bgp.a", "bgp.b"))
    return blocks_frame([(Entity("asn", f"AS{i}"), one) for i in range(entities)], day)


def test_a_history_of_two_days_comes_back(store):
    entries = [(STAR, two_days(7, 2)), (KP, two_days(4, 1)), (NET, two_days(1, 3))]
    for day in (DAY2, DAY1):
        put_day(store, day, entries)
    assert store.days() == [DAY1, DAY2]
    for entity, one in entries:
        back = store.history(entity, FROM, FROM + 2 * DAY)
        assert sorted(back.signals.names) == sorted(one.signals.names)
        for name in one.signals.names:
            np.testing.assert_array_equal(back.signals.series(name), one.signals.series(name))
        np.testing.assert_array_equal(back.changes.time_us, one.changes.time_us)
        np.testing.assert_array_equal(back.changes.state, one.changes.state)
        at = np.searchsorted(one.level.time_us, back.level.time_us, "right") - 1
        np.testing.assert_array_equal(back.level.slash24, one.level.slash24[at])
    assert store.signal_names() == sorted(entries[0][1].signals.names)


def test_outages_found_in_what_was_stored_are_those_of_the_history_itself(store):
    from duskwatch.detection import detect

    one = two_days()
    for day in (DAY1, DAY2):
        put_day(store, day, [(KP, one), (STAR, two_days(2, 9))])
    found = detect(store.history(KP, FROM, FROM + 2 * DAY))
    assert len(found) == 1
    assert found == detect(one)


def test_a_day_written_again_replaces_that_day_and_no_other(store):
    for value in (1.0, 2.0):
        for day in (DAY1, DAY2):
            assert store.write_signals(day, frame_of(day, value), source="bgp") == 6
    store.write_signals(DAY1, frame_of(DAY1, 3.0, entities=1), source="bgp")
    rows = store.signals().collect()
    assert rows.height == 6 * 288 + 2 * 288
    assert rows.group_by(pl.col("time").dt.date()).agg(pl.col("value").unique()).sort("time")["value"].to_list() == [
        [3.0],
        [2.0],
    ]


def test_a_day_without_rows_empties_it(store):
    store.write_signals(DAY1, frame_of(DAY1, 1.0), source="bgp")
    assert store.write_signals(DAY1, [], source="bgp") == 0
    assert store.days() == []


def test_sources_are_apart(store):
    store.write_signals(DAY1, frame_of(DAY1, 1.0), source="bgp")
    probe = blocks_frame([(KP, block(np.ones((1, 24)), bin_us=HOUR, names=("probe.up",)))], DAY1)
    store.write_signals(DAY1, probe, source="probing")
    store.write_signals(DAY1, frame_of(DAY1, 2.0), source="bgp")
    store.write_signals(DAY1, frame_of(DAY1, 3.0), source="bgp-oslo")
    assert store.signal_names() == ["bgp.a", "bgp.b", "probe.up"]
    assert store.signals(["probe.up"]).collect().height == 24
    assert (store.days("probing"), store.days("flows"), store.sources()) == ([DAY1], [], ["bgp", "bgp-oslo", "probing"])
    values = {name: store.signals(sources=[name]).collect()["value"].unique().to_list() for name in store.sources()}
    assert values == {"bgp": [2.0], "bgp-oslo": [3.0], "probing": [1.0]}


def test_each_source_replaces_its_own_rows_alone(store):
    gaps = [Gap("rrc00", FROM, FROM + HOUR, "missing file")]
    files = [InputFile("updates.gz", "00" * 32, "mrt", FROM, FROM, collector="rrc00")]
    for source in ("bgp", "probing", "bgp"):
        store.write_gaps(DAY1, gaps, source=source)
        store.write_inputs(DAY1, files, source=source)
    store.write_gaps(DAY1, [], source="probing")
    assert store.rows("gaps").collect()["source"].to_list() == ["bgp"]
    assert store.rows("inputs").collect()["source"].to_list() == ["bgp", "probing"]
    assert store.rows("inputs", sources=["probing"]).collect().height == 1


@pytest.mark.parametrize("source", ["", "a b", "../x", "ü", "x" * 21, "a'b", "BGP", "bgp-", "bgp-a-b", "bgp/x"])
def test_a_source_is_a_plain_word(store, source):
    with pytest.raises(StoreError, match="a kind of measurement, such as bgp"):
        store.write_signals(DAY1, [], source=source)


def test_bins_of_several_lengths_lie_side_by_side_in_one_window(store):
    put_day(store, DAY1, [(KP, two_days())])
    wide = block(np.full((1, 144), 7.0), bin_us=600 * SECOND, names=("probing.up",))
    late = block(np.full((1, 24), 5.0), start_us=FROM + 60 * SECOND, bin_us=HOUR, names=("probing.rtt_ms",))
    store.write_signals(DAY1, blocks_frame([(KP, wide), (KP, late)], DAY1), source="probing")
    assert store.signals(entities=[KP]).collect()["bin_seconds"].unique().sort().to_list() == [300, 600, 3600]
    back = store.history(KP, FROM, FROM + DAY)
    assert (back.signals.bin_us, len(back.signals.names)) == (300 * SECOND, 3)
    assert [(one.names, one.bin_us, one.start_us, one.values.shape) for one in back.series] == [
        (("probing.up",), 600 * SECOND, FROM, (1, 144)),
        (("probing.rtt_ms",), HOUR, FROM + 60 * SECOND, (1, 24)),
    ]


def test_a_history_is_of_one_source_with_what_others_measured_beside_it(store):
    one, other = two_days(4, 1), two_days(2, 5)
    put_day(store, DAY1, [(KP, one)])
    put_day(store, DAY1, [(KP, other)], source="bgp-oslo")
    for source, mine in (("bgp", one), ("bgp-oslo", other)):
        back = store.history(KP, FROM, FROM + DAY, source=source)
        assert back.signals.series("bgp.visible_prefixes")[0] == mine.signals.series("bgp.visible_prefixes")[0]
        assert len(back.series) == 1
        assert set(back.changes.prefixes) == set(mine.changes.prefixes)


def test_what_a_day_was_learned_from_and_knows_comes_back(store):
    one = replace(two_days(), known_share=0.94117647058)
    with store.write_day(DAY1, source="bgp") as writer:
        writer.recorded(FROM, FROM + 18 * HOUR, learned=True)
        writer.levels(level_frames([(KP, one)], DAY1))
    back = store.history(KP, FROM, FROM + DAY)
    assert (back.learned, back.known_share) == (True, 0.94117647058)
    store.write_gaps(DAY1, [], source="bgp")  # says nothing of that
    assert store.history(KP, FROM, FROM + DAY).learned
    assert not store.history(KP, FROM + DAY, FROM + 2 * DAY).learned


def test_rows_of_another_day_are_refused_and_nothing_changes(store):
    store.write_signals(DAY1, frame_of(DAY1, 1.0), source="bgp")
    with pytest.raises(StoreError, match="rows of another day than 2014-12-22"):
        store.write_signals(DAY1, [frame_of(DAY1, 2.0), frame_of(DAY2, 2.0)], source="bgp")
    assert store.signals().collect()["value"].unique().to_list() == [1.0]


def test_what_the_maker_of_frames_raises_comes_out_and_nothing_changes(store):
    store.write_signals(DAY1, frame_of(DAY1, 1.0), source="bgp")

    def frames():
        yield frame_of(DAY1, 2.0)
        raise KeyError("my own fault")

    with pytest.raises(KeyError, match="my own fault"):
        store.write_signals(DAY1, frames(), source="bgp")
    assert store.signals().collect()["value"].unique().to_list() == [1.0]


def test_pieces_of_many_entities_come_in_order(store, monkeypatch):
    monkeypatch.setattr("duskwatch.store.reading.SORTED_TOGETHER", 3)
    kinds = [Entity("asn", f"AS{i}") for i in range(10)] + [KP, NET, Entity("country", "AA")]
    one = block(np.ones((1, 24)), bin_us=HOUR, names=("bgp.a",))
    store.write_signals(DAY1, [blocks_frame([(entity, one)], DAY1) for entity in kinds[::-1]], source="bgp")
    keys = store.signals().collect().select("entity_type", "entity", "time")
    assert keys.height == 24 * len(kinds)
    assert keys.equals(keys.sort("entity_type", "entity", "time"))


def test_columns_that_are_missing_or_strange_are_named(store):
    frame = frame_of(DAY1, 1.0)
    with pytest.raises(StoreError, match="missing column values; unknown column valeus"):
        store.write_signals(DAY1, frame.rename({"values": "valeus"}), source="bgp")
    with pytest.raises(StoreError, match=r"table signals: .*bin_seconds"):
        store.write_signals(DAY1, frame.with_columns(bin_seconds=pl.lit("five")), source="bgp")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (
            "coverage",
            pl.lit([1.0]),
            "as many values as coverages are needed: asn, AS0, bgp.a, bgp, 300, 2014-12-22 00:00",
        ),
        ("values", pl.lit(None), "as many values as coverages are needed"),
        ("start", pl.col("start") + timedelta(days=1), "begins on another day"),
        ("start", pl.lit(None), "begins on another day"),
        ("bin_seconds", pl.lit(0), "bins last a second to a day"),
    ],
)
def test_rows_that_could_not_be_read_back_are_refused(store, column, value, message):
    with pytest.raises(StoreError, match=message):
        store.write_signals(DAY1, frame_of(DAY1, 1.0).with_columns(value.alias(column)), source="bgp")
    assert store.days() == []


def test_windows_entities_and_names_select(store):
    entries = [(STAR, two_days(7, 2)), (KP, two_days(4, 1))]
    for day in (DAY1, DAY2):
        put_day(store, day, entries)
    one = entries[1][1].signals
    rows = store.signals(
        ["bgp.visible_slash24"], entities=[KP], from_us=FROM + 23 * HOUR, until_us=FROM + 25 * HOUR + MINUTE
    ).collect()
    assert rows["time"].is_sorted()
    times = rows["time"].cast(pl.Int64).to_list()
    assert (times[0], times[-1], len(times)) == (FROM + 23 * HOUR, FROM + 25 * HOUR, 25)
    expected = one.series("bgp.visible_slash24")[23 * 12 : 25 * 12 + 1]
    np.testing.assert_array_equal(rows["value"].fill_null(np.nan).to_numpy(), expected)
    assert store.signals(["bgp.nothing"]).collect().height == 0


def test_all_entities_come_day_by_day_and_sorted(store):
    for day in (DAY2, DAY1):
        store.write_signals(day, frame_of(day, 1.0), source="bgp")
    rows = store.signals().collect()
    keys = rows.select(pl.col("time").dt.date().alias("day"), "entity", "signal", "time")
    assert keys.equals(keys.sort("day", "entity", "signal", "time"))


def test_steps_and_gaps_are_found_by_what_they_span(store):
    one = two_days()
    for day in (DAY1, DAY2):
        put_day(store, day, [(KP, one)])
        store.write_gaps(day, [Gap("rrc97", FROM + 20 * HOUR, FROM + 30 * HOUR, "missing file")], source="bgp")
    # Nothing happens at noon of the second day; the level of then is known all the same.
    noon = FROM + 36 * HOUR
    assert store.rows("levels", entities=[KP], from_us=noon, until_us=noon + SECOND).collect().height == 1
    assert store.rows("gaps", from_us=FROM + 29 * HOUR, until_us=noon).collect().height == 1
    assert store.rows("gaps", from_us=FROM + 30 * HOUR, until_us=noon).collect().height == 0
    assert store.rows("changes", entities=[KP], from_us=noon, until_us=noon + SECOND).collect().height == 0


def check_rows(collector: str, held: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "collector": collector, "peer_asn": [64500, 64501], "peer_address": "192.0.2.1",
            "time": FROM + 8 * HOUR, "held": held, "matched": held, "missing": 0, "rate": 0.0,
        }
    )  # fmt: skip


def write_checks(store: Store, source: str, frame: pl.DataFrame) -> None:
    with store.write_day(DAY1, source=source) as writer:
        writer.checks(frame)


def test_sources_written_at_the_same_time_are_all_there(store):
    def write(n: int) -> None:
        for held in (1, 2):
            write_checks(store, f"bgp-{n}", check_rows(f"rrc{n:02}", held))

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = store.rows("dump_checks").collect()
    assert rows.select("collector", "held").rows() == [(f"rrc{n:02}", 2) for n in range(4) for _ in (0, 1)]


def test_inputs_say_what_went_in(store):
    files = [InputFile(f"updates.{i}.gz", "00" * 32, "mrt", FROM, FROM + i, i, 0, "", "rrc00", 5) for i in range(3)]
    store.write_inputs(DAY1, files, source="bgp")
    store.write_inputs(DAY1, files[:2], source="bgp")
    store.write_inputs(DAY2, files[2:], source="bgp")
    rows = store.rows("inputs", from_us=FROM, until_us=FROM + DAY).collect()
    assert rows["name"].to_list() == ["updates.0.gz", "updates.1.gz"]


def test_tables_and_entities_that_are_not_there(store):
    with pytest.raises(StoreError, match="no table 'nothing'; there are changes, dump_checks"):
        store.rows("nothing")
    with pytest.raises(StoreError, match="not about entities"):
        store.rows("gaps", entities=[KP])


def test_where_there_is_no_store(tmp_path):
    for place in (tmp_path / "absent", tmp_path):
        with pytest.raises(StoreError, match="no store there"):
            Store.open(place)
    assert not (tmp_path / "absent").exists()
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(OSError, match="exists"):
        Store.open(file, create=True)


def test_a_url_of_a_folder_is_that_folder(tmp_path):
    place = tmp_path / "with space"
    url = place.as_uri()
    Store.open(url, create=True).write_signals(DAY1, frame_of(DAY1, 1.0), source="bgp")
    assert "%20" in url
    assert Store.open(place).days() == [DAY1]
    assert Store.open(url).signals().collect().height == 6 * 288


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("ftp://host/x", "begin with file://, s3://"),
        ("file://elsewhere/x", "names no folder of this machine"),
        ("s3:///x", "names no bucket"),
        ("per%20cent", "cannot hold any of"),
        ("file:///brackets[1]", "cannot hold any of"),
    ],
)
def test_places_that_are_none(where, message):
    with pytest.raises(StoreError, match=message):
        locate(where)


def test_object_stores_keep_their_url_and_options():
    place = locate("S3://bucket/folder/", {"AWS_REGION": "x"})
    assert (place.table("signals"), place.folder, dict(place.options)) == (
        "S3://bucket/folder/signals",
        None,
        {"AWS_REGION": "x"},
    )


def test_opening_again_with_create_keeps_what_is_there(tmp_path):
    Store.open(tmp_path / "s", create=True).write_signals(DAY1, frame_of(DAY1, 1.0), source="bgp")
    assert Store.open(tmp_path / "s", create=True).days() == [DAY1]
    assert pickle.loads(pickle.dumps(Store.open(tmp_path / "s"))).days() == [DAY1]


def _write_days(where, worker: int) -> int:
    store = Store.open(where, create=True)
    return sum(
        store.write_signals(day, frame_of(day, float(worker)), source="bgp")
        for day in (DAY1 + timedelta(days=10 * worker + i) for i in range(4))
    )


def test_processes_that_make_a_store_and_write_other_days_all_succeed(tmp_path):
    context = multiprocessing.get_context("spawn")  # delta-rs has threads; a fork would not take them along
    with ProcessPoolExecutor(3, mp_context=context) as pool:
        counts = list(pool.map(_write_days, [tmp_path / "s"] * 3, range(3)))
    assert counts == [24] * 3
    rows = Store.open(tmp_path / "s").signal_rows().collect()
    assert rows.height == 3 * 24
    assert rows.unique(["day", "entity", "signal"]).height == rows.height


def test_threads_that_write_the_same_day_leave_one_of_them(store):
    errors = []

    def write(value: float) -> None:
        try:
            for _ in range(4):
                store.write_signals(DAY1, frame_of(DAY1, value), source="bgp")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(float(i),)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    rows = store.signal_rows().collect()
    assert rows.height == 6
    assert rows["values"].list.first().n_unique() == 1


def test_of_two_that_write_a_day_the_one_that_ends_later_stands(store):
    with store.write_day(DAY1, source="bgp") as writer:
        writer.signals(frame_of(DAY1, 1.0))
        store.write_signals(DAY1, frame_of(DAY1, 2.0), source="bgp")
        assert store.signals().collect()["value"].unique().to_list() == [2.0]
    assert store.signals().collect()["value"].unique().to_list() == [1.0]


def test_tables_of_a_day_are_seen_together_or_not_at_all(store):
    put_day(store, DAY1, [(KP, two_days(4))])
    before = store.current()
    with store.write_day(DAY1, source="bgp") as writer:
        writer.changes(change_frames([(KP, two_days(2))], DAY1))
        assert store.rows("changes").collect()["prefix"].n_unique() == 4
        writer.levels(level_frames([(KP, two_days(2))], DAY1))
        assert store.rows("levels").collect()["prefixes"].max() == 4
    assert store.rows("changes").collect()["prefix"].n_unique() == 2
    assert store.rows("levels").collect()["prefixes"].max() == 2
    # Who began to read before goes on with what was there then.
    assert store.rows("levels", current=before).collect()["prefixes"].max() == 4
    assert store.rows("changes", current=before).collect()["prefix"].n_unique() == 4
    with pytest.raises(StoreError, match="missing column"), store.write_day(DAY1, source="bgp") as writer:
        writer.changes(change_frames([(KP, two_days(3))], DAY1)) and writer.levels(pl.DataFrame())
    assert store.rows("changes").collect()["prefix"].n_unique() == 2


def test_a_partition_is_one_file_and_comes_sorted(store):
    entities = sorted((Entity("asn", f"AS{i}") for i in range(3000)), key=lambda entity: entity.code)
    one = block(np.ones((1, 24)), bin_us=HOUR, names=("bgp.a",))
    frames = [blocks_frame([(entity, one) for entity in entities[at : at + 700]], DAY1) for at in range(0, 3000, 700)]
    store.write_signals(DAY1, frames, source="bgp")
    files = open_any(store.location, SIGNALS_TABLE.name).file_uris()
    assert len(files) == 1
    rows = store.signal_rows().collect()["entity"]
    assert rows.to_list() == [entity.code for entity in entities]
    assert store.signal_rows(entities=[Entity("asn", "AS77")]).collect().height == 1


def test_changes_of_one_moment_keep_their_order(store):
    """What is detected must not hang on the order in which a sort of several days leaves equal rows."""
    networks = sorted((Entity("asn", f"AS{i}") for i in range(100)), key=lambda entity: entity.code)
    losses = [e for at in (3600, 90_000) for p in range(200) for e in lose(p, at, 600)]
    told = history(200, losses, until=2 * DAY / SECOND, origin_us=FROM)
    for day in (DAY1, DAY2):
        with store.write_day(day, source="bgp") as writer:
            writer.changes(change_frames([(one, told) for one in networks], day))
    rows = store.rows("changes", entities=networks).collect()
    for _, log in change_logs(rows):
        assert log.prefixes == told.changes.prefixes
        assert log.prefix.tolist() == told.changes.prefix.tolist()


def test_times_of_a_window_are_half_open(store):
    store.write_signals(DAY1, frame_of(DAY1, 1.0, 1), source="bgp")
    rows = store.signals(["bgp.a"], from_us=FROM, until_us=FROM + DAY)
    assert rows.collect().height == 288
    last = store.signals(["bgp.a"], from_us=FROM + DAY - 1).collect()
    assert last.height == 0
    assert iso(FROM + DAY) == "2014-12-23T00:00:00Z"
    assert store.signals(["bgp.a"], until_us=FROM).collect().height == 0
    assert DAY3 not in store.days()
