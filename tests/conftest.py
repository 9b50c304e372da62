"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from duskwatch.cases.build import BuiltCase, build_case

# How long an example takes depends on what else the machine does; bounds on time are tests of their own.
# Continuous integration draws the same examples each time: what breaks there was broken by the change. Everybody else
# draws new ones.
settings.register_profile(
    "duskwatch",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.load_profile("duskwatch")

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real files beside the project; tests that need it are skipped where it is absent."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder of real files (../shared/data) is not here")
    return folder


@pytest.fixture(scope="session")
def case(tmp_path_factory: pytest.TempPathFactory) -> BuiltCase:
    """The files of the re-enactment."""
    return build_case("north-korea-2014", tmp_path_factory.mktemp("case"), seed=1)
