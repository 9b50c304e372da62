"""Times as people write them, to microseconds since 1970."""

import polars as pl

from duskwatch.records.times import SECOND, calendar_time

EARLIEST_US, LATEST_US = 0, 4_102_444_800 * SECOND  # 1970 to 2100: what lies outside is no time of a measurement
_WITH_OFFSET = ("%Y-%m-%d %H:%M:%S%.f%:z", "%Y-%m-%d %H:%M:%S%.f%z", "%Y-%m-%d %H:%M%:z")
_WITHOUT = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S%.f", "%Y/%m/%d %H:%M", "%Y%m%d %H%M%S")
_DATES = ("%Y-%m-%d", "%Y/%m/%d")


def times_us(column: pl.Series) -> tuple[pl.Series, int]:
    """Microseconds since 1970 of each item (Int64, null where it is no time), and how many are none.

    Numbers are seconds, milliseconds, microseconds or nanoseconds, by their size; text is what
    ``records.times.calendar_time`` reads, so that files and the command line follow one rule.
    """
    if column.dtype == pl.Date or isinstance(column.dtype, pl.Datetime):
        moment = column.cast(pl.Datetime("us"))
        if isinstance(column.dtype, pl.Datetime) and column.dtype.time_zone:
            moment = column.dt.convert_time_zone("UTC").dt.cast_time_unit("us").dt.replace_time_zone(None)
        time = moment.cast(pl.Int64)
    elif column.dtype.is_numeric():
        time = _from_number(column.cast(pl.Float64), column)
    else:
        text = column.cast(pl.String).str.strip_chars()
        number = text.cast(pl.Float64, strict=False)
        time = _from_number(number, text.cast(pl.Int64, strict=False))
        if time.null_count():
            time = _from_text(text).zip_with(time.is_null(), time)
        if time.null_count():
            time = _one_by_one(text.filter(time.is_null()), text).zip_with(time.is_null(), time)
    time = time.set((time < EARLIEST_US) | (time > LATEST_US), None)
    return time.alias("time_us"), int(time.null_count())


def _from_number(number: pl.Series, exact: pl.Series) -> pl.Series:
    """Epoch times by their size; whole numbers are kept exact."""
    whole = exact.cast(pl.Int64, strict=False)
    frame = pl.DataFrame({"f": number, "i": whole})
    size = pl.col("f").abs()
    seconds = (
        pl.when(pl.col("f") == pl.col("i"))
        .then(pl.col("i") * SECOND)
        .otherwise((pl.col("f") * 1e6).round().cast(pl.Int64, strict=False))
    )
    return frame.select(
        pl.when(size < 1e5)  # a day in 1970, or no epoch time at all
        .then(None)
        .when(size < 1e11)
        .then(seconds)
        .when(size < 1e14)
        .then((pl.col("f") * 1e3).round().cast(pl.Int64, strict=False))
        .when(size < 1e17)
        .then(pl.col("i"))
        .otherwise(pl.col("i") // 1000)
        .alias("t")
    )["t"]


def _one_by_one(odd: pl.Series, text: pl.Series) -> pl.Series:
    """Times in forms that few files have, each looked at once; null where it is none."""
    time_of = {word: calendar_time(word) for word in odd.drop_nulls().unique().to_list()}
    return text.replace_strict(list(time_of), list(time_of.values()), default=None, return_dtype=pl.Int64)


def _from_text(text: pl.Series) -> pl.Series:
    clean = text.str.replace(r"^(\d{4}[-/]\d{2}[-/]\d{2})T", "${1} ").str.replace(r"\s*(?:Z|UTC|GMT)$", "")
    frame = pl.DataFrame({"s": clean})
    aware = [
        pl.col("s").str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC").dt.replace_time_zone(None)
        for form in _WITH_OFFSET
    ]
    naive = [pl.col("s").str.to_datetime(form, strict=False, time_unit="us") for form in _WITHOUT]
    dates = [pl.col("s").str.to_date(form, strict=False).cast(pl.Datetime("us")) for form in _DATES]
    return frame.select(pl.coalesce(*aware, *naive, *dates).cast(pl.Int64).alias("t"))["t"]
