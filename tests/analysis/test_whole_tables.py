"""Every entity of a window in one pass, on the files of a case and on real ones, against a run on each alone."""

import subprocess
from dataclasses import replace
from shutil import which

import numpy as np
import pytest

from duskwatch.analysis.entity import analyze
from duskwatch.analysis.whole_tables import measure_all
from duskwatch.records.entity import parse_entity
from duskwatch.records.prefix import Prefix
from duskwatch.records.times import MINUTE, parse_time, to_datetime
from duskwatch.signals.bgp.votes import merge_votes
from duskwatch.sources.reference.geo import load_geo
from tests.analysis.many import replay_all
from tests.signals.bgp.test_entities import same

DAY = parse_time("2014-12-22T08:00Z"), parse_time("2014-12-23T08:30Z")
JINX = "mrt/jinx-rrc06-2014-05-30"
EVENING = parse_time("2014-05-30T22:00Z"), parse_time("2014-05-30T23:59Z")


def alone(code, span, mrt, geo=()):
    """What a run on one entity measures."""
    return replace(analyze(parse_entity(code), *span, mrt, geo=geo).history, transit=(), carriers=())


def test_what_is_told_of_an_entity_is_the_same_in_company_and_alone(case):
    ranges = load_geo([case.geo], to_datetime(DAY[0]).date())
    replay, votes = replay_all(*DAY, [case.mrt])
    wanted = Prefix.parse("175.45.176.0/22")
    found = {entity.code: history for entity, history in measure_all(votes, ranges, replay.bin_us, prefixes=[wanted])}
    countries = [code for code in found if len(code) == 2]
    networks = [code for code in found if code.startswith("AS")]
    assert countries == sorted(countries)
    assert len(countries) > 40
    assert len(networks) > 100
    for code in ("KP", countries[0], "AS131279", networks[0], networks[-1], str(wanted)):
        geo = [case.geo] if len(code) == 2 else []
        assert same(alone(code, DAY, [case.mrt], geo), found[code]) == [], code


@pytest.fixture(scope="module")
def jinx(shared_data):
    return replay_all(*EVENING, [shared_data / JINX])


def test_networks_of_a_real_table_are_the_same_in_company_and_alone(jinx, shared_data):
    replay, votes = jinx
    assert len(np.unique(votes.origin_of)) > 40_000
    several = np.unique(votes.origin_of[~votes.any_origin])
    wanted = [131279, 3356, *several[:3].tolist()]
    some = replace(votes, origin_of=np.where(np.isin(votes.origin_of, wanted), votes.origin_of, -1))
    found = {entity.code: history for entity, history in measure_all(some, None, replay.bin_us)}
    assert sorted(found) == sorted(f"AS{asn}" for asn in wanted)
    for code in found:
        assert same(alone(code, EVENING, [shared_data / JINX]), found[code]) == [], code


def test_prefixes_and_slash24s_of_every_origin_equal_those_counted_from_bgpdumps_text(shared_data):
    """The table at the start, by an independent program and sets; jinx has one full-feed peer of IPv4, two of IPv6."""
    if not which("bgpdump"):
        pytest.skip("bgpdump is not installed (make test-system)")
    (dump,) = [path for path in (shared_data / JINX).iterdir() if ".ribs." in path.name]
    span = EVENING[0], EVENING[0] + 5 * MINUTE
    replay, _ = replay_all(*span, [dump])
    # A dump alone leaves a gap, since no updates follow; here only its own moment is asked for.
    parts = [replace(part, gaps=()) for part in replay.parts]
    votes = merge_votes(parts, *span, all_origins_bin_us=5 * MINUTE)
    text = subprocess.run(["bgpdump", "-m", str(dump)], capture_output=True, check=True).stdout.decode("latin-1")
    tables: dict[tuple[str, str], dict[str, int]] = {}
    for line in text.splitlines():
        field = line.split("|")
        path = field[6].split()
        origin = path[-1] if path else ""
        if origin.startswith("{"):
            members = origin.strip("{}").split(",")
            origin = members[0] if len(members) == 1 else "0"
        tables.setdefault((field[4], field[3]), {})[field[5]] = int(origin or 0)
    prefixes: dict[int, int] = {}
    slash24: dict[int, set[int]] = {}
    voters_of = {}
    for six in (False, True):
        # Votes count peer ASes: an AS votes for an origin where any session of it with a full table has it.
        own = {key: {p: o for p, o in table.items() if (":" in p) == six} for key, table in tables.items()}
        largest = max(len(table) for table in own.values())
        full = {key: table for key, table in own.items() if len(table) >= 0.75 * largest}
        voters = voters_of[six] = {asn for asn, _ in full}
        votes_for: dict[tuple[str, int], set[str]] = {}
        for (asn, _), table in full.items():
            for text_prefix, origin in table.items():
                votes_for.setdefault((text_prefix, origin), set()).add(asn)
        for (text_prefix, origin), holders in votes_for.items():
            if 2 * len(holders) <= len(voters):
                continue
            prefix = Prefix.parse(text_prefix)
            prefixes[origin] = prefixes.get(origin, 0) + 1
            if not six:
                first = prefix.hi >> 40
                slash24.setdefault(origin, set()).update(range(first, first + (1 << max(0, 24 - prefix.length))))
    assert (len(voters_of[False]), len(voters_of[True])) == (1, 2)
    found = {
        entity.asn: tuple(np.nan_to_num([history.level.prefixes[0], history.level.slash24[0]]).astype(int).tolist())
        for entity, history in measure_all(votes, None, 5 * MINUTE, kinds=["asn"])
    }
    counted = {asn: (prefixes[asn], len(slash24.get(asn, ()))) for asn in prefixes if asn}
    assert len(counted) > 40_000
    assert {asn: seen for asn, seen in found.items() if seen != (0, 0)} == counted
