"""Files of real series: what is read, what is refused, and the labels of those in the data folder."""

from pathlib import Path

import numpy as np
import pytest

from duskwatch.evaluation.scenarios import recorded
from duskwatch.evaluation.scenarios.library import library
from duskwatch.evaluation.scenarios.recorded import IRAN, IRAQ, IRAQ_2023, labelled_events, read
from duskwatch.records.times import HOUR, iso

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
HEAD = "timestamp,merit-nt,bgp,ping-slash24,LABEL\n"


def written(folder: Path, text: str) -> Path:
    path = folder / IRAQ
    path.parent.mkdir(parents=True)
    path.write_text(text)
    recorded._read.cache_clear()
    return folder


def test_rows_go_to_their_bins_and_runs_of_labels_become_events(tmp_path: Path) -> None:
    rows = ["1692493200,4,10,20,0", "1692493500,,0,1,1", "1692494100,3,0,1,1", "1692494400,2,10,20,0"]
    columns = read(written(tmp_path, HEAD + "\n".join(rows) + "\n"), IRAQ_2023)
    np.testing.assert_array_equal(columns.values["bgp.visible_slash24"], [10, 0, np.nan, 0, 10])
    np.testing.assert_array_equal(columns.values["telescope.sources"], [4, np.nan, np.nan, 3, 2])
    first, second = labelled_events(columns)  # a bin without a row is not labelled
    assert first.onset.earliest_us == columns.start_us + 300_000_000
    assert first.end is not None
    assert first.end.latest_us - first.onset.earliest_us == 300_000_000
    assert second.onset.earliest_us == columns.start_us + 900_000_000


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "no column"),
        ("timestamp,bgp\n1692493200,1\n", "no column 'ping-slash24'"),
        (HEAD, "no rows"),
        (HEAD + "1692493200,1,2,3,0\n1692493250,1,2,3,0\n", "outside of the bins"),
        (HEAD + "1692493200,1,2,3,0\n1692400000,1,2,3,0\n", "ascend"),
        (HEAD + "1692493200,1,2,3,0\n9992493200,1,2,3,0\n", "ascend"),
        (HEAD + "1692493200,1,x,3,0\n", "'x'"),
        (HEAD + "yesterday,1,2,3,0\n", "yesterday"),
    ],
)
def test_what_is_no_such_file_is_refused_with_its_name(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as told:
        read(written(tmp_path, text), IRAQ_2023)
    assert "ioda_country_IQ" in str(told.value)


def test_a_row_that_is_cut_off_measured_nothing_more(tmp_path: Path) -> None:
    columns = read(written(tmp_path, HEAD + "1692493200,1\n"), IRAQ_2023)
    assert columns.values["telescope.sources"].tolist() == [1.0]
    assert np.isnan(columns.values["bgp.visible_slash24"]).all()


def needs(file: str) -> None:
    if not (DATA / file).exists():
        pytest.skip(f"no ../shared/data/{file} here")


def test_iraq_has_eight_exam_shutdowns_of_four_hours() -> None:
    needs(IRAQ)
    scenario = library()["recorded/iraq-2023-all-01"].build(DATA)
    onsets = [iso(event.onset.earliest_us) for event in scenario.events]
    assert [onset[8:10] for onset in onsets] == ["21", "22", "23", "24", "26", "27", "28", "29"]
    assert {onset[11:] for onset in onsets} == {"01:00:00Z", "01:05:00Z"}  # the label of the 22nd begins a bin late
    assert all(
        event.end and 3.9 * HOUR < event.end.latest_us - event.onset.latest_us <= 4 * HOUR for event in scenario.events
    )
    assert scenario.block.names == ("bgp.visible_slash24", "probing.slash24_up", "telescope.sources")


def test_iran_is_one_shutdown_that_routes_hardly_show() -> None:
    needs(IRAN)
    scenario = library()["recorded/iran-2026-all-01"].build(DATA)
    (event,) = scenario.events
    assert event.end is not None
    start = (event.onset.latest_us - scenario.block.start_us) // scenario.block.bin_us
    stop = (event.end.earliest_us - scenario.block.start_us) // scenario.block.bin_us
    assert np.nanpercentile(scenario.block.series("probing.slash24_up")[start + 2 : stop - 2], 99) < 5
    assert np.nanmin(scenario.block.series("bgp.visible_slash24")) > 86
