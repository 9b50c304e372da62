"""The short form of the faults; ``python -m tests.drivers.live.faults`` does all."""

import asyncio

import pytest

from tests.drivers.live.faults import FAULTS, SHORT, done


@pytest.mark.slow
def test_a_run_survives_faults_and_tells_the_outage_that_follows(tmp_path):
    assert set(SHORT) <= set(FAULTS)
    seen = asyncio.run(done(SHORT, tmp_path))
    assert len(seen) == len(SHORT) + 1
