import pytest

from duskwatch.detection.incidents import incidents
from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Share
from duskwatch.records.outages import Outage, When
from duskwatch.records.times import HOUR, MINUTE

XX, YY = Entity("country", "XX"), Entity("country", "YY")
A, B, C = (Entity("asn", f"AS{number}") for number in (64500, 64501, 64502))
P, Q = Entity("prefix", "192.0.2.0/24"), Entity("prefix", "198.51.100.0/24")
SHARES = {A: Share(XX, 0.92), B: Share(XX, 0.05), C: Share(XX, 0.03), P: Share(A, 0.9), Q: Share(A, 0.1)}


def out(start, hours, depth=1.0, lasts=False):
    begin, end = int(start * HOUR), int((start + hours) * HOUR)
    return Outage(
        When(begin, begin, begin, ""), None if lasts else When(end, end, end, ""), None, None, end - begin, depth, (),
        0, None, True, ("bgp",), hours * depth, 0.9,
    )  # fmt: skip


def test_the_smallest_entity_that_explains_a_country_is_named():
    (told,) = incidents({XX: [out(1, 2, 0.92)], A: [out(1, 2)]}, SHARES)
    assert told.entity == XX
    assert [member.entity for member in told.members] == [XX, A]
    assert [member.entity for member in told.explained_by] == [A]
    assert told.explained == pytest.approx(1)
    assert told.because == "AS64500, which is 92% of XX"
    assert (told.from_us, told.until_us) == (HOUR, 3 * HOUR)


def test_it_goes_down_to_the_prefix_where_that_explains_the_network():
    (told,) = incidents({XX: [out(1, 2, 0.83)], A: [out(1, 2, 0.9)], P: [out(1, 2)]}, SHARES)
    assert [member.entity for member in told.explained_by] == [P]
    assert told.explained_by[0].part == pytest.approx(0.92 * 0.9)
    (told,) = incidents({XX: [out(1, 2, 0.92)], A: [out(1, 2)], Q: [out(1, 2)]}, SHARES)
    assert [member.entity for member in told.explained_by] == [A]


def test_several_parts_may_share_the_explanation_and_small_ones_explain_nothing():
    shares = {A: Share(XX, 0.5), B: Share(XX, 0.4), C: Share(XX, 0.1)}
    (told,) = incidents({XX: [out(1, 2)], A: [out(1, 2)], B: [out(1, 2)], C: [out(1, 2)]}, shares)
    assert [member.entity for member in told.explained_by] == [A, B]
    assert told.explained == pytest.approx(0.9)
    assert told.because == "AS64500, which is 50% of XX and AS64501, which is 40% of XX"
    (told,) = incidents({XX: [out(1, 2)], C: [out(1, 2)]}, shares)
    assert len(told.members) == 2
    assert (told.explained_by, told.explained, told.because) == ((), 0.0, "")


def test_what_fell_later_or_at_another_time_explains_nothing():
    (told,) = incidents({XX: [out(1, 6, 0.92)], A: [out(3, 4)]}, SHARES)
    assert told.explained_by == ()
    apart = incidents({XX: [out(1, 2)], A: [out(9, 2)]}, SHARES)
    assert [len(one.members) for one in apart] == [1, 1]
    assert [one.entity for one in apart] == [XX, A]


def test_parts_that_fall_together_are_one_incident_of_the_whole():
    (told,) = incidents({B: [out(1, 2)], C: [out(1 + 5 / 60, 3)]}, SHARES)
    assert told.entity == XX
    assert {member.entity for member in told.explained_by} == {B, C}
    apart = incidents({B: [out(1, 2)], C: [out(1.5, 3)]}, SHARES)
    assert [one.entity for one in apart] == [B, C]


def test_countries_and_networks_without_a_whole_stay_apart():
    told = incidents({XX: [out(1, 2)], YY: [out(1, 2)], Entity("asn", "AS1"): [out(1, 2)]}, SHARES)
    assert [len(one.members) for one in told] == [1, 1, 1]
    assert all(one.explained_by == () for one in told)


def test_every_outage_is_in_one_incident_and_numbers_say_which():
    found = {XX: [out(1, 2), out(30, 2)], A: [out(1, 2), out(30, 1), out(60, 1)], P: [out(60, 1)]}
    told = incidents(found, SHARES)
    numbers = sorted((m.entity.code, m.number) for one in told for m in one.members)
    assert numbers == sorted((entity.code, k) for entity, own in found.items() for k in range(len(own)))
    assert [one.from_us // HOUR for one in told] == [1, 30, 60]
    assert told[2].entity == A


def test_what_lasts_has_no_end():
    (told,) = incidents({XX: [out(1, 2)], A: [out(1, 2, lasts=True)]}, SHARES)
    assert told.until_us is None


def test_the_order_of_what_is_given_does_not_matter():
    found = {XX: [out(1, 2, 0.92)], A: [out(1, 2)], P: [out(1 + MINUTE / HOUR, 2)]}
    assert incidents(found, SHARES) == incidents(dict(reversed(found.items())), dict(reversed(SHARES.items())))


def test_wrong_shares_are_refused():
    with pytest.raises(ValueError, match="AS64500 is a part of itself"):
        incidents({A: [out(1, 2)]}, {A: Share(B, 0.5), B: Share(A, 0.5)})
    with pytest.raises(ValueError, match="must be above 0 and at most 1"):
        Share(XX, 1.2)
