import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.detection.incidents import incidents
from duskwatch.records.entity import Entity
from duskwatch.records.incidents import Share
from duskwatch.records.outages import Outage, When
from duskwatch.records.reason import NO_REASON
from duskwatch.records.times import HOUR, MINUTE

XX, YY = Entity("country", "XX"), Entity("country", "YY")
A, B, C = (Entity("asn", f"AS{number}") for number in (64500, 64501, 64502))
P, Q = Entity("prefix", "192.0.2.0/24"), Entity("prefix", "198.51.100.0/24")
SHARES = {A: Share(XX, 0.92), B: Share(XX, 0.05), C: Share(XX, 0.03), P: Share(A, 0.9), Q: Share(A, 0.1)}


def out(start, hours, depth=1.0, lasts=False):
    begin, end = int(start * HOUR), int((start + hours) * HOUR)
    return Outage(
        When(begin, begin, begin, NO_REASON), None if lasts else When(end, end, end, NO_REASON), None, None,
        end - begin, depth, (),
        0, None, True, ("bgp",), hours * depth, 0.9,
    )  # fmt: skip


def test_the_smallest_entity_that_explains_a_country_is_named():
    (incident,) = incidents({XX: [out(1, 2, 0.92)], A: [out(1, 2)]}, SHARES)
    assert incident.entity == XX
    assert [member.entity for member in incident.members] == [XX, A]
    assert [member.entity for member in incident.explained_by] == [A]
    assert incident.explained == pytest.approx(1)
    assert incident.explained_by[0].part == pytest.approx(0.92)
    assert incident.lost == pytest.approx(0.92)
    assert (incident.from_us, incident.until_us) == (HOUR, 3 * HOUR)


def test_it_goes_down_to_the_prefix_where_that_explains_the_network():
    (incident,) = incidents({XX: [out(1, 2, 0.83)], A: [out(1, 2, 0.9)], P: [out(1, 2)]}, SHARES)
    assert [member.entity for member in incident.explained_by] == [P]
    assert incident.explained_by[0].part == pytest.approx(0.92 * 0.9)
    (incident,) = incidents({XX: [out(1, 2, 0.92)], A: [out(1, 2)], Q: [out(1, 2)]}, SHARES)
    assert [member.entity for member in incident.explained_by] == [A]


def test_of_several_parts_the_one_that_explains_is_named():
    (incident,) = incidents({XX: [out(1, 2, 0.92)], A: [out(1, 2)], P: [out(1, 2)], Q: [out(1, 2)]}, SHARES)
    assert [member.entity for member in incident.explained_by] == [P]
    assert incident.explained_by[0].part == pytest.approx(0.92 * 0.9)


def test_a_prefix_that_is_all_of_a_network_is_not_smaller():
    (incident,) = incidents({XX: [out(1, 2, 0.92)], A: [out(1, 2)], P: [out(1, 2)]}, SHARES | {P: Share(A, 1)})
    assert [member.entity for member in incident.explained_by] == [A]


def test_several_parts_may_share_the_explanation_and_small_ones_explain_nothing():
    shares = {A: Share(XX, 0.5), B: Share(XX, 0.4), C: Share(XX, 0.1)}
    (incident,) = incidents({XX: [out(1, 2)], A: [out(1, 2)], B: [out(1, 2)], C: [out(1, 2)]}, shares)
    assert [member.entity for member in incident.explained_by] == [A, B]
    assert incident.explained == pytest.approx(0.9)
    assert [member.part for member in incident.explained_by] == pytest.approx([0.5, 0.4])
    (incident,) = incidents({XX: [out(1, 2)], C: [out(1, 2)]}, shares)
    assert len(incident.members) == 2
    assert (incident.explained_by, incident.explained) == ((), 0.0)


def test_what_fell_later_or_at_another_time_explains_nothing():
    (incident,) = incidents({XX: [out(1, 6, 0.92)], A: [out(3, 4)]}, SHARES)
    assert incident.explained_by == ()
    apart = incidents({XX: [out(1, 2)], A: [out(9, 2)]}, SHARES)
    assert [len(one.members) for one in apart] == [1, 1]
    assert [one.entity for one in apart] == [XX, A]


def test_parts_that_fall_together_are_one_incident_of_the_whole():
    shares = {B: Share(XX, 0.1), C: Share(XX, 0.05)}
    (incident,) = incidents({B: [out(1, 2)], C: [out(1 + 5 / 60, 3)]}, shares)
    assert incident.entity == XX
    assert incident.lost == pytest.approx(0.15)
    assert {member.entity for member in incident.explained_by} == {B, C}
    apart = incidents({B: [out(1, 2)], C: [out(1.5, 3)]}, shares)
    assert [one.entity for one in apart] == [B, C]


def test_parts_that_fall_together_and_matter_little_are_no_story():
    """Where thousands of networks are, some fall every few minutes: they must not chain into one incident."""
    small = [Entity("asn", f"AS{number}") for number in range(1, 201)]
    found = {entity: [out(0.1 * k, 0.3)] for k, entity in enumerate(small)}
    all_incidents = incidents(found, {entity: Share(XX, 0.004) for entity in small})
    assert [len(one.members) for one in all_incidents] == [1] * 200
    many = incidents(found, {entity: Share(XX, 0.004) for entity in small} | {small[0]: Share(XX, 0.2)})
    assert [len(one.members) for one in many] == [2] + [1] * 198


def test_countries_and_networks_without_a_whole_stay_apart():
    all_incidents = incidents({XX: [out(1, 2)], YY: [out(1, 2)], Entity("asn", "AS1"): [out(1, 2)]}, SHARES)
    assert [len(one.members) for one in all_incidents] == [1, 1, 1]
    assert all(one.explained_by == () for one in all_incidents)


def test_every_outage_is_in_one_incident_and_numbers_say_which():
    found = {XX: [out(1, 2), out(30, 2)], A: [out(1, 2), out(30, 1), out(60, 1)], P: [out(60, 1)]}
    all_incidents = incidents(found, SHARES)
    numbers = sorted((m.entity.code, m.number) for one in all_incidents for m in one.members)
    assert numbers == sorted((entity.code, k) for entity, own in found.items() for k in range(len(own)))
    assert [one.from_us // HOUR for one in all_incidents] == [1, 30, 60]
    assert all_incidents[2].entity == A


def test_what_was_back_long_before_the_whole_explains_nothing():
    (incident,) = incidents({XX: [out(1, 6, 0.92)], A: [out(1, 0.2)]}, SHARES)
    assert len(incident.members) == 2
    assert incident.explained_by == ()
    (incident,) = incidents({XX: [out(1, 6, 0.92)], A: [out(1, 2), out(3.1, 2)]}, SHARES)
    assert [member.entity for member in incident.explained_by] == [A]


def test_a_share_may_differ_from_outage_to_outage():
    shares = {A: Share(XX, 0.5, (0.95, 0.2)), B: Share(XX, 0.5, (0.8,))}
    first, second = incidents({XX: [out(1, 2), out(30, 2)], A: [out(1, 2), out(30, 2)], B: [out(30, 2)]}, shares)
    assert [(member.entity, member.part) for member in first.explained_by] == [(A, 0.95)]
    assert [(member.entity, member.part) for member in second.explained_by] == [(B, 0.8)]


def test_what_lasts_has_no_end():
    (incident,) = incidents({XX: [out(1, 2)], A: [out(1, 2, lasts=True)]}, SHARES)
    assert incident.until_us is None


def test_the_order_of_what_is_given_does_not_matter():
    found = {XX: [out(1, 2, 0.92)], A: [out(1, 2)], P: [out(1 + MINUTE / HOUR, 2)]}
    assert incidents(found, SHARES) == incidents(dict(reversed(found.items())), dict(reversed(SHARES.items())))


@st.composite
def stories(draw):
    """Outages of three countries, their networks and prefixes of these, and whose each is."""
    shares, entities = {}, []
    for c in range(draw(st.integers(1, 3))):
        country = Entity("country", f"X{'ABC'[c]}")
        entities.append(country)
        for a in range(draw(st.integers(0, 4))):
            network = Entity("asn", f"AS{10 * c + a + 1}")
            shares[network] = Share(country, draw(st.sampled_from([0.03, 0.2, 0.6])))
            entities.append(network)
            if draw(st.booleans()):
                prefix = Entity("prefix", f"10.{c}.{a}.0/24")
                shares[prefix] = Share(network, draw(st.sampled_from([0.1, 0.9])))
                entities.append(prefix)
    found = {
        entity: [
            out(start / 60, length / 60, depth, lasts)
            for start, length, depth, lasts in draw(
                st.lists(
                    st.tuples(
                        st.integers(0, 300), st.integers(0, 120), st.sampled_from([0.2, 0.5, 1.0]), st.booleans()
                    ),
                    max_size=3,
                )
            )
        ]
        for entity in entities
    }
    return found, shares


def grouped_slowly(found, shares):
    """Groups of (code, number): every pair is looked at, and groups are merged until nothing changes."""
    items = sorted(
        ((outage.onset.best_us, entity.code, number, entity, outage) for entity, own in found.items()
         for number, outage in enumerate(own)), key=lambda item: item[:3],
    )  # fmt: skip

    def above(entity):
        return [] if entity not in shares else [shares[entity].parent, *above(shares[entity].parent)]

    def end(outage):
        return outage.end.best_us if outage.end else outage.onset.best_us + outage.duration_us

    def belong(x, y):
        (*_, a, first), (*_, b, second) = x, y
        if a not in above(b) and b not in above(a):
            return False
        shared = min(end(first), end(second)) - max(first.onset.best_us, second.onset.best_us)
        return shared >= 0.5 * min(end(first) - first.onset.best_us, end(second) - second.onset.best_us)

    groups = [{(code, number)} for _, code, number, *_ in items]
    for x in items:
        for y in items:
            if x is not y and belong(x, y):
                groups.append({x[1:3], y[1:3]})
    for parent in {share.parent for share in shares.values()}:
        left = [item for item in items if item[3] in shares and shares[item[3]].parent == parent]
        while left:
            near = [item for item in left if item[0] <= left[0][0] + 10 * MINUTE]
            worst = {e: max(i[4].depth * shares[e].part for i in near if i[3] == e) for e in {i[3] for i in near}}
            if len(worst) > 1 and sum(worst.values()) >= 0.1:
                groups.append({item[1:3] for item in near})
            left = left[len(near) :]
    merged = True
    while merged:
        merged = False
        for one in groups:
            for other in groups:
                if one is not other and one & other:
                    one |= other
                    groups.remove(other)
                    merged = True
                    break
            if merged:
                break
    return {frozenset(group) for group in groups}


@settings(max_examples=60, deadline=None)
@given(stories())
def test_groups_are_those_of_a_slow_search(story):
    found, shares = story
    all_incidents = incidents(found, shares)
    assert {frozenset((m.entity.code, m.number) for m in one.members) for one in all_incidents} == grouped_slowly(
        found, shares
    )
    assert [one.from_us for one in all_incidents] == sorted(one.from_us for one in all_incidents)
    for one in all_incidents:
        assert 0 <= one.lost <= 1
        assert 0 <= one.explained <= 1
        assert all(member in one.members for member in one.explained_by)
        made = sum(member.part * member.outage.depth for member in one.explained_by)
        assert one.explained == 0 or made >= 0.8 * 0.8 * one.lost - 1e-9


def test_the_cost_does_not_grow_with_the_square():
    rng = random.Random(1)
    networks = {Entity("asn", f"AS{n}"): Share(XX, 0.0005) for n in range(1, 5001)}
    found = {entity: [out(rng.uniform(0, 700), rng.uniform(0.1, 20), lasts=rng.random() < 0.2) for _ in range(4)]
             for entity in networks}  # fmt: skip
    begun = time.process_time()
    all_incidents = incidents(found, networks)
    assert time.process_time() - begun < 5
    assert sum(len(one.members) for one in all_incidents) == 20_000


def test_wrong_shares_are_refused():
    with pytest.raises(ValueError, match="AS64500 is a part of itself"):
        incidents({A: [out(1, 2)]}, {A: Share(B, 0.5), B: Share(A, 0.5)})
    with pytest.raises(ValueError, match="must be above 0 and at most 1"):
        Share(XX, 1.2)


def test_each_of_several_parts_is_told_by_what_explains_it():
    """Two networks make up the loss; one of them went with a single prefix, the other as a whole."""
    shares = {A: Share(XX, 0.5), B: Share(XX, 0.5), P: Share(A, 0.9), Q: Share(A, 0.1)}
    found = {XX: [out(1, 2, 0.95)], A: [out(1, 2, 0.9)], B: [out(1, 2)], P: [out(1, 2)]}
    (incident,) = incidents(found, shares)
    assert [member.entity for member in incident.explained_by] == [B, P]
    assert incident.explained == pytest.approx(1)
