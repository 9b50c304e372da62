"""An id never changes what it holds; the noise is that of real series."""

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from duskwatch.evaluation.scenarios import recorded
from duskwatch.evaluation.scenarios.library import held_out, library, present, select
from duskwatch.evaluation.scenarios.mixed import EACH, MIXES, SIZES
from duskwatch.evaluation.scenarios.quiet import KINDS, quiet_values
from duskwatch.evaluation.scenarios.scenario import content_hash
from duskwatch.evaluation.scenarios.synthetic import ARTEFACTS
from duskwatch.records.times import DAY

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
PINNED = json.loads((Path(__file__).parent / "content.json").read_text())


def sets(prefixes: tuple[str, ...]) -> dict[str, str]:
    """A hash over the contents of each set: the ids that differ in their number alone."""
    digests: dict[str, hashlib._Hash] = {}
    for entry in library().values():
        if entry.id.startswith(prefixes):
            name = re.sub(r"-\d\d$", "", entry.id)
            content = content_hash(entry.build(DATA if entry.needs else None))
            digests.setdefault(name, hashlib.sha256()).update(f"{entry.id} {content}\n".encode())
    return {name: digest.hexdigest()[:16] for name, digest in digests.items()}


def test_contents_never_change() -> None:
    """A failure means that an id holds something else than it did: give the new content a new id instead."""
    got = sets(("synthetic/", "quiet/", "artefact/", "mixed/"))
    assert {name for name in PINNED if not name.startswith("recorded/")} == set(got)
    assert {name for name, digest in got.items() if PINNED[name] != digest} == set()


def test_contents_cut_from_real_series_never_change() -> None:
    if not (DATA / recorded.IRAN).exists() or not (DATA / recorded.IRAQ).exists():
        pytest.skip("no ../shared/data/series here")
    got = sets(("recorded/",))
    assert {name: digest for name, digest in PINNED.items() if name.startswith("recorded/")} == got


def test_building_twice_and_in_any_order_gives_the_same() -> None:
    entries = [library()[f"synthetic/{name}-01"] for name in ("flapping-medium", "total-2h-faint", "daily-tiny")]
    first = [content_hash(entry.build(None)) for entry in entries]
    again = [content_hash(entry.build(None)) for entry in reversed(entries)]
    assert first == again[::-1]
    assert len(set(first)) == 3


def test_every_group_is_large_enough_for_its_figure() -> None:
    """0.05 false outages a month and a recall of 0.99 need so many months and losses to be told at all."""
    groups: Counter[str] = Counter()
    quiet_us = 0
    for entry in library().values():
        if not entry.needs:
            scenario = entry.build(None)
            groups.update(scenario.groups)
            quiet_us += scenario.watched_us if "quiet" in scenario.groups else 0
    assert quiet_us >= 100 * 30 * DAY
    assert groups["total"] >= 100
    assert groups["partial"] >= 100
    assert groups["timing"] >= 400
    assert groups["mixed"] == len(MIXES) * len(SIZES) * EACH
    assert groups["artefact"] == len(ARTEFACTS) * len(KINDS)
    assert groups["faint"] < groups["timing"] / 4
    assert groups["few"] >= 100
    assert groups["few-quiet"] >= 12


def test_every_scenario_is_well_formed() -> None:
    for entry in library().values():
        if entry.needs:
            continue
        scenario = entry.build(None)
        block = scenario.block
        assert scenario.id == entry.id
        assert scenario.shape_name == entry.shape_name
        assert block.values.shape == block.coverage.shape
        assert np.nanmin(block.values) >= 0
        assert ((block.coverage >= 0) & (block.coverage <= 1)).all()
        assert np.isnan(block.values[block.coverage == 0]).all() or entry.shape_name == "silent-zeros"
        history = int(entry.id.split("-")[1].removesuffix("d")) if entry.shape_name == "few" else 28
        for event in scenario.events:
            assert block.start_us + history * DAY <= event.onset.earliest_us
            assert event.end is None or event.end.latest_us <= scenario.until_us - 2 * DAY
        lossy = entry.id.startswith(("synthetic/", "mixed/")) and not entry.id.startswith("mixed/quiet")
        assert bool(scenario.events) == lossy


@pytest.mark.parametrize(("kind", "noise"), [("large", 0.002), ("probing", 0.02), ("huge", 0.002)])
def test_noise_is_of_the_size_that_real_series_have(kind: str, noise: float) -> None:
    """Of routes and of blocks that answer, as measured on Iraq (August 2023) and Iran (December 2025)."""
    values = quiet_values(kind, 1, 28)
    spread = np.percentile(np.abs(values / np.median(values) - 1), 90)
    assert noise / 4 < spread < noise * 4


def test_a_select_pattern_is_a_shell_pattern() -> None:
    entries = library().values()
    assert [entry.id for entry in select(entries, ["quiet/tiny-0[12]"])] == ["quiet/tiny-01", "quiet/tiny-02"]
    assert len(select(entries, [])) == len(library())
    assert select(entries, ["nothing"]) == ()
    assert len(select(entries, ["quiet/tiny-01", "artefact/leak-*"])) == 1 + len(KINDS)


def test_recorded_scenarios_are_absent_without_their_files(tmp_path: Path) -> None:
    entry = library()["recorded/iraq-2023-bgp-01"]
    assert not present(entry, None)
    assert not present(entry, tmp_path)
    with pytest.raises(ValueError, match="folder"):
        entry.build(None)


def test_held_out_sets_share_nothing_with_the_library_or_each_other() -> None:
    entries = held_out()
    assert len({entry.id for entry in entries}) == len(entries)
    assert not {entry.id for entry in entries} & set(library())
    few = select(entries, ["quiet/tiny-*", "synthetic/total-2h-large-*", "artefact/doubled-large-*"])
    own = select(library().values(), ["quiet/tiny-*", "synthetic/total-2h-large-*", "artefact/doubled-large-*"])
    series = [entry.build(None).block.values.tobytes() for entry in (*few, *own)]
    assert len(set(series)) == len(series) == 4 * (12 + 3 + 1)
