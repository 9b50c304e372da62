"""What a plan depends on: the keys by which a day is done again, and the store that it names."""

from dataclasses import replace
from datetime import date

import pytest

from duskwatch.detection import DetectionConfig
from duskwatch.detection.detectors.loss_area import LossArea
from duskwatch.drivers.backfill.plan import DETECTOR, Plan, day_key
from duskwatch.drivers.backfill.run import run
from duskwatch.records.times import MINUTE
from duskwatch.store import Store
from tests.days_archive import build
from tests.drivers.backfill.backfilling import parts_of, plan_of
from tests.small_archive import delegations

DAY = date(2020, 3, 2)
PARTS = ["one", "another"]
USUAL = DetectionConfig()
# Calls losses of a twentieth, half of what is called by the usual thresholds.
SENSITIVE = replace(
    USUAL,
    trailing=replace(USUAL.trailing, band=0.05, exit_band=0.02),
    detectors=(LossArea("deep-loss", 0.04, 1.0, MINUTE),),
)


def key(plan: Plan) -> str:
    return day_key(DAY, PARTS, plan)


@pytest.fixture
def plan(tmp_path) -> Plan:
    return plan_of(tmp_path / "store", delegations(tmp_path))


def test_a_changed_threshold_is_another_detector_and_where_a_day_holds_less_for_it_another_day(plan):
    usual = USUAL
    assert plan.detector == DETECTOR
    changed = [
        replace(plan, detection=SENSITIVE),
        replace(plan, detection=replace(usual, known_share=usual.known_share / 2)),
        replace(plan, detection=replace(usual, fuse=replace(usual.fuse, join_us=usual.fuse.join_us + 1))),
    ]
    names = {one.detector for one in changed}
    assert len(names | {DETECTOR}) == len(changed) + 1
    # The first calls smaller losses outages: of those the day kept no witnesses.
    assert changed[0].dip < plan.dip
    assert [key(one) != key(plan) for one in changed] == [True, False, False]
    assert replace(plan, detection=DetectionConfig()).detector == plan.detector


def test_a_day_depends_on_its_parts_entities_store_source_and_delegations(plan, tmp_path):
    geo = delegations(tmp_path / "other")
    geo.write_text(geo.read_text() + "\n")
    others = [
        replace(plan, kinds=("country",)),
        replace(plan, prefixes=()),
        replace(plan, store=f"{plan.store}2"),
        replace(plan, source="bgp-oslo"),
        replace(plan, geo=(geo,)),
        replace(plan, geo=(), geo_from=((date(2020, 1, 1), (geo,)),)),
    ]
    assert len({key(plan), *map(key, others)}) == len(others)  # the last two read the same file
    assert key(others[-1]) == key(others[-2])
    assert day_key(DAY, [*PARTS, "a third"], plan) != key(plan)
    assert day_key(DAY, PARTS[::-1], plan) == key(plan)


def test_of_delegations_of_several_days_those_of_the_day_count(plan, tmp_path):
    first, second = delegations(tmp_path / "first"), delegations(tmp_path / "second")
    several = replace(plan, geo=(), geo_from=((date(2020, 3, 1), (first,)), (date(2020, 3, 3), (second,))))
    assert [several.geo_of(DAY.replace(day=n)) for n in (2, 3, 9)] == [(first,), (second,), (second,)]
    assert several.geo_of(date(2020, 2, 1)) == ()


def test_the_storage_options_of_a_plan_reach_the_store(plan, monkeypatch):
    opened = []
    real = Store.open

    def counted(where, **options):
        opened.append((where, options))
        return real(where, create=options["create"])

    monkeypatch.setattr(Store, "open", counted)
    told = (("AWS_REGION", "eu-north-1"), ("AWS_ALLOW_HTTP", "true"))
    replace(plan, storage_options=told, database="x.sqlite").open_store(create=True)
    assert opened == [(plan.store, {"create": True, "database": "x.sqlite", "storage_options": dict(told)})]


def test_what_another_threshold_finds_supersedes_what_was_found_before(plan, tmp_path):
    """The same files with the same days of the store: detection alone is done again, under another name."""
    mrt = build(tmp_path / "mrt")
    run(parts_of(mrt), plan)
    store = plan.open_store()
    before = store.outages()
    usual = plan.detection
    other = replace(plan, detection=replace(usual, fuse=replace(usual.fuse, join_us=usual.fuse.join_us + 1)))
    again = run(parts_of(mrt), other)
    assert (again.days, again.days_reused) == (0, 3)
    after = store.outages()
    assert {one.detector for one in before} == {DETECTOR}
    assert {one.detector for one in after} == {other.detector}
    assert [one.newest.outage for one in after] == [one.newest.outage for one in before]
    assert len(store.outages(states=("superseded",))) == len(before) > 0
    # Deeper witnesses are needed for smaller losses: the days are done again.
    assert run(parts_of(mrt), replace(plan, detection=SENSITIVE)).days == 3
