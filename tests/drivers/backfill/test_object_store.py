"""A backfill whose store is a bucket (S3, on a server of this machine), also one that is killed on the way."""

import os
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from duskwatch.drivers.backfill.plan import Plan
from duskwatch.drivers.backfill.run import run
from duskwatch.store import Store
from duskwatch.store.schemas import DATA, SIGNALS_TABLE
from tests.drivers.backfill.backfilling import parts_of, tables_of

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import pickle, sys
from pathlib import Path
from duskwatch.drivers.backfill.run import run
from tests.drivers.backfill.backfilling import parts_of

done = run(parts_of(Path(sys.argv[1])), pickle.loads(bytes.fromhex(sys.argv[2])))
sys.exit(bool(done.failures))
"""


def plan_in(bucket: dict[str, str], name: str, folder: Path, geo: Path) -> Plan:
    return Plan(
        f"s3://bucket/{name}", folder / "work", f"{folder / 'events.sqlite'}", tuple(bucket.items()), (geo,),
        prefixes=("175.45.176.0/22",),
    )  # fmt: skip


def tables_in(plan: Plan) -> dict[str, pl.DataFrame]:
    """What :func:`tables_of` gives of a folder."""
    store = Store.open(plan.store, database=plan.database, storage_options=dict(plan.storage_options))
    rows: dict[str, Any] = {spec.name: store.rows(spec.name) for spec in DATA if spec is not SIGNALS_TABLE}
    rows[SIGNALS_TABLE.name] = store.signal_rows()
    return {spec.name: rows[spec.name].collect().sort(*spec.sort_by, maintain_order=True) for spec in DATA}


def objects_in(bucket: dict[str, str], name: str) -> int:
    """How many objects have a name that begins so."""
    query = urllib.parse.urlencode({"list-type": "2", "prefix": f"{name}/"})
    with urllib.request.urlopen(f"{bucket['AWS_ENDPOINT_URL']}/bucket?{query}", timeout=10) as answer:
        return answer.read().count(b"<Key>")


def assert_same(plan: Plan, whole: Path) -> None:
    mine, theirs = tables_in(plan), tables_of(whole)
    assert list(mine) == list(theirs)
    for name, frame in mine.items():
        assert_frame_equal(frame, theirs[name], check_exact=True)
        assert frame.height > 0 or theirs[name].height == 0
    told, expected = (
        [
            (one.entity, one.newest.state, one.newest.outage)
            for one in Store.open(where, database=database, storage_options=options).outages()
        ]
        for where, database, options in (
            (plan.store, plan.database, dict(plan.storage_options)),
            (str(whole), "", None),
        )
    )
    assert repr(told) == repr(expected)
    assert told


def test_a_bucket_holds_what_a_folder_holds(bucket, archive, whole, tmp_path):
    mrt, geo = archive
    plan = plan_in(bucket, "whole", tmp_path, geo)
    done = run(parts_of(mrt), plan)
    assert (done.failures, done.days) == ([], 3)
    assert_same(plan, whole)
    again = run(parts_of(mrt), plan)
    assert (again.failures, again.parts) == ([], 0)  # nothing is left to do
    assert_same(plan, whole)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_killed_in_the_middle_it_goes_on_and_nothing_is_lost_or_doubled(bucket, archive, whole, tmp_path, share):
    import pickle

    mrt, geo = archive
    full = plan_in(bucket, "measured", tmp_path / "measured", geo)
    (tmp_path / "measured").mkdir()
    if not objects_in(bucket, "measured"):
        assert run(parts_of(mrt), full).failures == []
    # Objects are added and none is removed while a backfill runs: their number tells how far it is.
    limit = max(1, int(share * objects_in(bucket, "measured")))
    name = f"killed-{share}"
    plan = plan_in(bucket, name, tmp_path, geo)
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    command = [sys.executable, "-c", PROGRAM, str(mrt), pickle.dumps(plan).hex()]
    with subprocess.Popen(command, env=environment, cwd=ROOT, start_new_session=True) as child:
        deadline = time.monotonic() + 120
        while objects_in(bucket, name) < limit:
            assert child.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < deadline, "it does not come on"
            time.sleep(0.002)
        os.killpg(child.pid, signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
    done = run(parts_of(mrt), plan)
    assert done.failures == []
    assert_same(plan, whole)
