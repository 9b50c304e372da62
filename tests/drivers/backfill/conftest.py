"""Three days of a small archive, and the store of an undisturbed run over them."""

import shutil
from pathlib import Path

import pytest

from duskwatch.drivers.backfill.run import run
from tests.days_archive import build
from tests.drivers.backfill.backfilling import (
    parts_of,
    plan_of,
)
from tests.small_archive import delegations


@pytest.fixture(scope="session")
def archive(tmp_path_factory) -> tuple[Path, Path]:
    """Folder of files, and the delegations."""
    folder = tmp_path_factory.mktemp("days")
    return build(folder / "mrt"), delegations(folder)


@pytest.fixture(scope="session")
def whole(archive, tmp_path_factory) -> Path:
    """The store of an undisturbed run in one process."""
    mrt, geo = archive
    folder = tmp_path_factory.mktemp("whole") / "store"
    summary = run(parts_of(mrt), plan_of(folder, geo))
    assert (summary.parts, summary.days, summary.failures, summary.damaged) == (9, 3, [], [])
    assert summary.entities == 5  # two countries, two networks, a prefix
    return folder


@pytest.fixture
def mine(archive, tmp_path) -> tuple[Path, Path]:
    """The archive, to be spoiled."""
    mrt, geo = archive
    shutil.copytree(mrt, tmp_path / "mrt")
    return tmp_path / "mrt", geo
