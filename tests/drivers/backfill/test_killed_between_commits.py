"""A backfill that is killed before or after any commit of a day that it does again: the old day or the new one."""

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from duskwatch.drivers.backfill.run import run
from tests.days_archive import build, updates_of
from tests.drivers.backfill.backfilling import orphans_of, parts_of, plan_of, tables_of
from tests.small_archive import OWN, START, Archive, delegations, store_file

ROOT = Path(__file__).resolve().parents[3]
COLLECTORS = {"rrc00": 3, "rrc01": 3}
# Of a day that replaces another: its tables, the one that makes them count, the rows of before out (gaps had none).
COMMITS = 6 + 1 + 5

# Imports once, then forks a runner for each line it reads: at which moment of its work on tables it kills itself, two
# for each commit, before it and after. Answers with the exit code. Polars and delta-rs start their threads in the
# runner.
NURSERY = """
import os, signal, sys
from pathlib import Path
from duskwatch.drivers.backfill import run as running
from duskwatch.store import tables
from tests.drivers.backfill.backfilling import parts_of, plan_of

def deadly(call, left):
    def wrapped(*arguments, **named):
        for step in (lambda: None, lambda: call(*arguments, **named)):
            done = step()
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
        return done
    return wrapped

mrt, geo, store = map(Path, sys.argv[1:])
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        left = [int(line)]
        for name in ("append", "replace", "delete"):
            setattr(tables, name, deadly(getattr(tables, name), left))
        try:
            done = running.run(parts_of(mrt, 0, 1), plan_of(store, geo))
            os._exit(1 if done.failures else 0)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(3)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module")
def archives(tmp_path_factory) -> tuple[Path, Path, Path]:
    """A day of two collectors; the same without a file, and with less in a table dump; and the delegations."""
    folder = tmp_path_factory.mktemp("days")
    mrt = build(folder / "mrt", days=1, collectors=COLLECTORS)
    other = Path(shutil.copytree(mrt, folder / "other"))
    updates_of(other, "rrc00", 0, 22).unlink()
    for place, lacking in ((mrt, ()), (other, OWN[:1])):
        second = START + 8 * 3600
        store_file(place, "rrc00", "bview", second, Archive(COLLECTORS, hours=24).dump("rrc00", second, lacking))
    return mrt, other, delegations(folder)


def same(mine: dict[str, pl.DataFrame], other: dict[str, pl.DataFrame]) -> bool:
    """Whether two stores hold the same rows."""
    return all(mine[name].equals(other[name]) for name in other)


@pytest.fixture(scope="module")
def nursery(archives, tmp_path_factory) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """The nursery, and where the store lies that its runners write."""
    _, other, geo = archives
    store = tmp_path_factory.mktemp("killed") / "store"
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'src'}"}
    with subprocess.Popen(
        [sys.executable, "-c", NURSERY, *map(str, (other, geo, store))],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=ROOT,
    ) as process:  # fmt: skip
        try:
            yield process, store
        finally:
            process.kill()


def code_of(process: subprocess.Popen[str], moment: int) -> int:
    print(moment, file=process.stdin, flush=True)
    assert select.select([process.stdout], [], [], 120)[0], "no answer"
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_of_a_day_that_is_done_again_every_table_is_of_one_run(archives, nursery, tmp_path):
    mrt, other, geo = archives
    process, store = nursery
    run(parts_of(mrt, 0, 1), plan_of(store, geo))
    before = Path(shutil.copytree(store, tmp_path / "before"))
    old = tables_of(store)
    run(parts_of(other, 0, 1), plan_of(tmp_path / "after", geo))
    new = tables_of(tmp_path / "after")
    # All six tables tell them apart, or a mixture would not be seen.
    assert [name for name in old if not old[name].equals(new[name])] == list(old)
    seen = []
    for moment in range(1, 2 * COMMITS + 2):
        shutil.rmtree(store)
        shutil.copytree(before, store)
        code = code_of(process, moment)
        found = tables_of(store)
        assert same(found, old) or same(found, new), moment
        seen.append((code, same(found, new)))
    # The one to ``days`` is the seventh; the last moment is later than the work ends.
    assert seen == [(-9, False)] * 13 + [(-9, True)] * 11 + [(0, True)]
    assert not orphans_of(store)
    for moment in (3, 13, 14, 20):  # and the next run ends as if nothing had been
        shutil.rmtree(store)
        shutil.copytree(before, store)
        assert code_of(process, moment) == -9
        assert code_of(process, 1000) == 0
        assert same(tables_of(store), new)
        assert not orphans_of(store)
