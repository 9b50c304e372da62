"""Countries nearby, by the places of the tz database."""

from duskwatch.sources.reference.nearby import nearby


def test_the_nearest_come_first_and_none_is_far() -> None:
    korea = nearby("KP")
    assert [code for code, _ in korea[:3]] == ["KR", "RU", "CN"]
    assert 180 < korea[0][1] < 210  # Pyongyang to Seoul
    distances = [km for _, km in korea]
    assert distances == sorted(distances)
    assert max(distances) <= 2000
    assert all(code != "KP" for code, _ in korea)


def test_nearness_is_mutual_and_crosses_water() -> None:
    assert "YE" in dict(nearby("DJ"))
    assert dict(nearby("YE"))["DJ"] == dict(nearby("DJ"))["YE"]
    assert dict(nearby("FJ"))["TO"] < 1000


def test_a_code_without_places_has_no_neighbour() -> None:
    assert nearby("ZZ") == ()
    assert nearby("EU") == ()
