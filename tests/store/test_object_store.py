"""A store in an S3 bucket, on a server of this machine."""

import threading
from datetime import timedelta

import pytest

from duskwatch.records.times import DAY
from duskwatch.store import Store, StoreError, maintenance
from tests.store.build import DAY1, DAY2, DAY3, FROM, KP, STAR, put_day, two_days
from tests.store.test_store import frame_of


def test_a_store_in_a_bucket_does_what_one_in_a_folder_does(bucket, tmp_path):
    database = str(tmp_path / "events.sqlite")
    store = Store.open("s3://bucket/a folder/store", create=True, storage_options=bucket, database=database)
    one = two_days()
    for _ in range(2):
        for day in (DAY1, DAY2):
            put_day(store, day, [(KP, one), (STAR, two_days(2, 5))])
    back = Store.open("s3://bucket/a folder/store", storage_options=bucket).history(KP, FROM, FROM + 2 * DAY)
    assert back.signals.values.shape == one.signals.values.shape
    assert store.outages() == []
    assert maintenance.retain(store.location, DAY2)["signals"] == 6
    maintenance.vacuum(store.location, timedelta(0))
    assert store.days() == [DAY2]
    assert store.signals().collect().height == 2 * 3 * 288


def test_writers_at_the_same_time_in_a_bucket(bucket):
    store = Store.open("s3://bucket/many", create=True, storage_options=bucket)
    errors = []

    def write(n: int) -> None:
        try:
            store.write_signals(DAY3, frame_of(DAY3, float(n)), source="bgp")
            day = DAY1.replace(day=n + 1)
            store.write_signals(day, frame_of(day, float(n)), source="bgp")
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    rows = store.signal_rows().collect()
    assert rows.height == 4 * 6
    assert rows.unique(["day", "entity", "signal"]).height == rows.height


def test_a_bucket_that_is_not_there_is_named_in_one_line(bucket):
    for create in (False, True):
        with pytest.raises(StoreError, match=r"404 Not Found|no store there") as caught:
            Store.open("s3://absent/store", storage_options=bucket, create=create)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 500
