"""Records into rows and back: nothing is lost, nothing is invented, cut at midnight and joined again."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.entity import Entity
from duskwatch.records.report import InputFile
from duskwatch.records.signals import Gap, SignalBlock
from duskwatch.records.times import DAY, HOUR, MINUTE, SECOND
from duskwatch.store import StoreError, readback, wide_from_long
from duskwatch.store.frames import (
    blocks_frame,
    change_frames,
    day_start,
    days_of,
    gap_frame,
    input_frame,
    level_frames,
    long_from_wide,
    signal_frames,
)
from duskwatch.store.schemas import BY_NAME, SIGNALS_TABLE
from duskwatch.store.tables import conform
from tests.store.build import DAY1, DAY2, DAY3, FROM, KP, NET, STAR, block, two_days


def together(frames):
    return pl.concat(list(frames))


def owned(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(source=pl.lit("bgp"), generation=pl.lit(1))


def block_of(frame: pl.DataFrame) -> SignalBlock:
    """The one block that rows of signals make."""
    ((source, found),) = readback.signal_blocks(frame.with_columns(source=pl.lit("bgp")))
    assert source == "bgp"
    return found


def assert_same_series(a: SignalBlock, b: SignalBlock) -> None:
    assert (a.start_us, a.bin_us) == (b.start_us, b.bin_us)
    assert set(a.names) == set(b.names)
    for name in a.names:
        np.testing.assert_array_equal(a.series(name), b.series(name))
        np.testing.assert_allclose(
            a.coverage[a.names.index(name)], b.coverage[b.names.index(name)], rtol=1e-7, atol=1e-7
        )


def test_days_of_a_window():
    assert days_of(FROM, FROM + DAY) == [DAY1]
    assert days_of(FROM + 1, FROM + DAY + 1) == [DAY1, DAY2]
    assert days_of(FROM, FROM) == []
    assert day_start(DAY1) == FROM == 1_419_206_400 * SECOND


def test_signals_of_two_days_come_back_as_they_were():
    one = two_days()
    frame = together(together(signal_frames([(KP, one)], day)) for day in (DAY1, DAY2))
    assert frame.height == 2 * len(one.signals.names)
    assert set(frame["values"].list.len()) == {288}
    back = block_of(frame)
    assert_same_series(one.signals, back)


def test_every_bin_equals_the_one_that_a_plain_loop_finds():
    entries = [(KP, two_days(4, 1)), (STAR, two_days(7, 2)), (NET, two_days(1, 3))]
    frame = together(signal_frames(entries, DAY2, at_once=2))
    conform(SIGNALS_TABLE, owned(frame))
    rows = long_from_wide(frame.lazy()).collect()
    found = {(row[1], row[2], row[3].timestamp()): (row[5], row[6]) for row in rows.iter_rows()}
    expected = {}
    for entity, one in entries:
        for s, name in enumerate(one.signals.names):
            for b, time_us in enumerate(one.signals.times_us.tolist()):
                if day_start(DAY2) <= time_us < day_start(DAY3):
                    value = one.signals.values[s, b]
                    expected[entity.code, name, time_us / SECOND] = (
                        None if np.isnan(value) else value,
                        pytest.approx(one.signals.coverage[s, b], abs=1e-7),
                    )
    assert found == expected


@settings(deadline=None, max_examples=40)
@given(
    bin_s=st.sampled_from([60, 300, 3600, 7, 86_400]),
    late=st.integers(-100_000, 100_000),
    bins=st.integers(1, 60),
    seed=st.integers(0, 99),
)
def test_bins_of_any_length_and_start_fall_into_the_day_they_begin_in(bin_s, late, bins, seed):
    rng = np.random.default_rng(seed)
    values = np.where(rng.random((2, bins)) < 0.2, np.nan, rng.random((2, bins)))
    one = block(values, start_us=FROM + late * SECOND, bin_us=bin_s * SECOND, names=("bgp.a", "bgp.b"))
    until = one.start_us + bins * one.bin_us
    frames = {day: blocks_frame([(KP, one)], day) for day in days_of(one.start_us, until)}
    for day, frame in frames.items():
        starts = long_from_wide(frame.lazy()).collect()["time"].cast(pl.Int64)
        assert all(day_start(day) <= start < day_start(day) + DAY for start in starts)
    long = long_from_wide(pl.concat(frames.values()).lazy()).collect()
    assert_same_series(one, block_of(pl.concat(frames.values())))
    again = wide_from_long(long)
    assert again.sort("signal", "day").equals(pl.concat(frames.values()).sort("signal", "day"))


def test_blocks_of_different_bins_share_a_frame():
    minute = block(np.arange(2880.0).reshape(2, 1440), bin_us=MINUTE, names=("bgp.a", "bgp.b"))
    hour = block(np.full((1, 30), np.nan), bin_us=HOUR, start_us=FROM - HOUR, names=("site.up",))
    frame = blocks_frame([(KP, minute), (STAR, hour)], DAY1)
    assert sorted(frame.select("entity", "signal", "bin_seconds").rows()) == [
        ("AS131279", "site.up", 3600),
        ("KP", "bgp.a", 60),
        ("KP", "bgp.b", 60),
    ]
    hours = frame.filter(pl.col("signal") == "site.up")
    assert hours["values"].to_list() == [[None] * 24]  # the hour before midnight belongs to the day before
    assert hours["coverage"].to_list() == [[0.0] * 24]


def test_a_day_without_bins_has_no_rows_and_a_part_of_a_second_is_refused():
    assert list(signal_frames([(KP, two_days())], DAY3)) == []
    odd = block(np.ones((1, 4)), bin_us=MINUTE + 1, names=("bgp.a",))
    with pytest.raises(StoreError, match="whole seconds"):
        blocks_frame([(KP, odd)], DAY1)


def test_changes_come_back_as_they_were():
    entries = [(KP, two_days(4, 1)), (STAR, two_days(7, 2))]
    frame = together(together(change_frames(entries, day)) for day in (DAY1, DAY2))
    conform(BY_NAME["changes"], owned(frame))
    for entity, one in entries:
        log, back = one.changes, readback.change_log(frame.filter(pl.col("entity") == entity.code))
        for name in ("time_us", "state", "votes", "voters", "origin", "upstream", "by_voters"):
            np.testing.assert_array_equal(getattr(log, name), getattr(back, name))
        names = [log.prefixes[i] for i in log.prefix]
        assert names == [back.prefixes[i] for i in back.prefix]
        np.testing.assert_array_equal(log.beyond, back.beyond)  # not recorded in these, so empty in both


def test_the_as_before_the_upstream_is_kept_where_it_was_recorded():
    one = two_days()
    beyond = np.arange(len(one.changes.time_us), dtype=np.uint32) + np.uint32(4_200_000_000)
    recorded = replace(one, changes=replace(one.changes, beyond=beyond))
    frame = together(change_frames([(KP, recorded), (STAR, one)], DAY1))
    back = readback.change_log(frame.filter(pl.col("entity") == "KP"))
    np.testing.assert_array_equal(back.beyond, beyond[: len(back.beyond)])
    assert len(back.beyond) == len(back.time_us) > 0
    assert frame.filter(pl.col("entity") != "KP")["beyond"].null_count() == frame.height - len(back.beyond)


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), first=st.integers(0, 3 * 1440), length=st.integers(1, 3 * 1440))
def test_a_level_read_over_any_window_tells_what_held_at_every_moment(seed, first, length):
    one = two_days(3, seed)
    frame = together(together(level_frames([(KP, one)], day)) for day in (DAY1, DAY2))
    from_us = FROM - 12 * HOUR + first * MINUTE
    until_us = from_us + length * MINUTE
    time, until = pl.col("time").cast(pl.Int64), pl.col("until").cast(pl.Int64)
    rows = frame.filter((time < until_us) & (until > from_us)).sort("time")
    back = readback.level(rows, from_us, until_us)
    assert back.time_us[0] == from_us
    assert back.until_us == until_us
    assert (np.diff(back.time_us) > 0).all()
    for moment in np.linspace(from_us, until_us - 1, 97).astype(int):
        at = np.searchsorted(back.time_us, moment, "right") - 1
        was = np.searchsorted(one.level.time_us, moment, "right") - 1
        inside = was >= 0 and moment < one.level.until_us
        for name in ("prefixes", "slash24", "slash48", "held_slash24", "held_slash48", "voters"):
            expected = getattr(one.level, name)[was] if inside else np.nan
            np.testing.assert_equal(getattr(back, name)[at], expected)


def test_a_level_of_whole_days_is_the_same_record():
    one = two_days()
    frame = together(together(level_frames([(KP, one)], day)) for day in (DAY1, DAY2))
    conform(BY_NAME["levels"], owned(frame))
    back = readback.level(frame, FROM, FROM + 2 * DAY)
    for name in ("time_us", "prefixes", "slash24", "slash48", "held_slash24", "held_slash48", "voters", "by_voters"):
        np.testing.assert_array_equal(getattr(back, name), getattr(one.level, name))
    starts = frame.filter(pl.col("day") == DAY2)["time"].cast(pl.Int64)
    assert starts[0] == day_start(DAY2)


def test_what_goes_on_over_midnight_is_no_step_of_the_voters():
    one = two_days()
    by_voters = np.ones_like(one.level.by_voters)
    told = replace(one, level=replace(one.level, by_voters=by_voters))
    frame = together(level_frames([(KP, told)], DAY2))
    assert frame["by_voters"].to_list() == [False, *[True] * (frame.height - 1)]
    assert frame.height > 1


def test_a_level_that_ended_before_the_day_has_no_rows_in_it():
    one = two_days()
    assert list(level_frames([(KP, one)], DAY3)) == []
    kept = one.level.time_us < day_start(DAY2)
    columns = {
        name: getattr(one.level, name)[kept]
        for name in ("time_us", "prefixes", "slash24", "slash48", "held_slash24", "held_slash48", "voters", "by_voters")
    }
    short = replace(one, level=replace(one.level, until_us=day_start(DAY2), **columns))
    assert list(level_frames([(KP, short)], DAY2)) == []
    assert list(change_frames([(KP, one)], DAY3)) == []


def test_gaps_are_cut_at_midnight_and_joined_again():
    gap = Gap("rrc97", FROM + 20 * HOUR, FROM + 30 * HOUR, "missing file", 3)
    other = Gap("rrc98", FROM + HOUR, FROM + 2 * HOUR, "session down")
    frame = pl.concat([gap_frame([gap, other], day) for day in (DAY1, DAY2, DAY3)])
    assert frame.height == 3
    assert set(readback.gaps(frame)) == {gap, other}


def test_inputs_keep_everything_even_names_that_are_no_text():
    file = InputFile("upd\udcff.gz", "ab" * 32, "mrt", FROM, None, 10, 1, "at byte 7", "rrc97", 99)
    row = conform(BY_NAME["inputs"], owned(input_frame([file], DAY1))).row(0, named=True)
    assert row["name"] == "upd\\udcff.gz"
    assert row["until"] is None
    assert (row["records"], row["bad_records"], row["size_bytes"], row["collector"]) == (10, 1, 99, "rrc97")


def test_one_row_per_bin_becomes_lists_and_what_is_missing_was_not_watched():
    frame = pl.DataFrame(
        {
            "entity_type": "country",
            "entity": "KP",
            "signal": "gtr.value",
            "time": [FROM, FROM + 2 * HOUR, FROM + 23 * HOUR, FROM + 24 * HOUR],
            "bin_seconds": 3600,
            "value": [1.0, float("nan"), 3.0, 4.0],
        }
    )
    wide = wide_from_long(frame).sort("day")
    assert wide["day"].to_list() == [DAY1, DAY2]
    assert wide["values"].to_list() == [[1.0, None, None, *[None] * 20, 3.0], [4.0]]
    assert wide["coverage"].to_list() == [[1.0, *[0.0] * 22, 1.0], [1.0]]


@pytest.mark.parametrize("times", [[FROM, FROM], [FROM, FROM + HOUR + 1]])
def test_a_bin_twice_or_off_the_grid_is_refused(times):
    row = {"entity_type": "country", "entity": "KP", "signal": "x.y", "bin_seconds": 3600, "value": 1.0}
    with pytest.raises(StoreError, match=r"KP x\.y: bin 2014-12-22"):
        wide_from_long(pl.DataFrame({**row, "time": times}))


def test_entities_may_be_many_and_alike():
    entities = [Entity("asn", f"AS{i}") for i in range(500)]
    block_ = block(np.ones((2, 288)), names=("bgp.a", "bgp.b"))
    frame = blocks_frame([(entity, block_) for entity in entities], DAY1)
    assert frame.height == 1000
    assert frame.unique(["entity", "signal"]).height == 1000
