from duskwatch.records.messages import Silence
from duskwatch.records.times import SECOND
from duskwatch.sources.bgp.live.messages import FeedSilence
from duskwatch.sources.bgp.live.silences import PIECE_US, Silences


def test_a_silence_is_told_in_pieces_that_touch_and_ends_when_the_collector_is_heard():
    silences, told = Silences(), []
    silences.begin("rrc00", 100 * SECOND, "gone")
    silences.begin("rrc00", 105 * SECOND, "still gone")
    for now in range(100, 131):
        told += silences.tell(now * SECOND)
    told += silences.end("rrc00", 133 * SECOND)
    assert told == [
        FeedSilence("rrc00", Silence(100 * SECOND, 110 * SECOND, "still gone")),
        FeedSilence("rrc00", Silence(110 * SECOND, 120 * SECOND, "still gone")),
        FeedSilence("rrc00", Silence(120 * SECOND, 130 * SECOND, "still gone")),
        FeedSilence("rrc00", Silence(130 * SECOND, 133 * SECOND, "still gone")),
    ]
    assert "rrc00" not in silences
    assert list(silences.tell(200 * SECOND)) == []


def test_what_was_told_is_not_told_again():
    silences = Silences()
    silences.begin("a", 100 * SECOND, "quiet")
    told = [*silences.tell(150 * SECOND), *silences.end_all(160 * SECOND)]
    silences.begin("a", 100 * SECOND, "still quiet")
    told += silences.tell(180 * SECOND)
    assert [(each.message.from_us // SECOND, each.message.until_us // SECOND) for each in told] == [
        (100, 150), (150, 160), (160, 180),
    ]  # fmt: skip


def test_no_piece_is_empty_or_goes_back():
    silences = Silences()
    silences.begin("a", 50 * SECOND, "x")
    assert list(silences.tell(50 * SECOND, all_of_it=True)) == []
    assert list(silences.tell(20 * SECOND, all_of_it=True)) == []
    assert list(silences.tell(50 * SECOND + PIECE_US - 1)) == []
    assert list(silences.end_all(40 * SECOND)) == []
