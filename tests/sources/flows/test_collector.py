"""What a collector knows of exporters: templates, samplers, losses; and what it refuses to be told."""

import struct

import numpy as np
import pytest

from duskwatch.kernels import flow_layout as to
from duskwatch.records.flows import RateSource, TimeSource
from duskwatch.records.prefix import Prefix
from duskwatch.sources.flows import exporters, template_table, waiting
from duskwatch.sources.flows.collector import Collector, Settings
from tests.sources.flows.exports import (
    PLAIN,
    batch,
    decode,
    flow_sample,
    ipfix,
    netflow5,
    netflow9,
    options_template,
    plain_record,
    plain_template,
    raw_header,
    record5,
    set_of,
    sflow,
    tcp_packet,
    template,
)

HOUR = 3_600_000_000
TEMPLATE_9 = set_of(0, plain_template())
TEMPLATE_10 = set_of(2, plain_template())
FLOW = set_of(256, plain_record(src=1, dst=2, bytes=100, packets=2))


def test_a_flow_has_what_its_record_says():
    record = plain_record(
        src=0xC0000201, dst=0xC6336407, src_port=53, dst_port=4000, protocol=17, tcp_flags=0, bytes=1200, packets=3,
        start_ms=9_000_000, end_ms=9_990_000,
    )  # fmt: skip
    (flow,) = decode(Collector(), [netflow9([TEMPLATE_9, set_of(256, record)], 2)])
    assert flow["src"] == "192.0.2.1"
    assert flow["dst"] == "198.51.100.7"
    assert (flow["src_port"], flow["dst_port"], flow["protocol"]) == (53, 4000, 17)
    assert (flow["bytes"], flow["packets"]) == (1200, 3)
    assert flow["start_us"] == 1_700_000_000_000_000 - 1_000_000_000
    assert flow["end_us"] == 1_700_000_000_000_000 - 10_000_000
    assert flow["time_source"] == TimeSource.EXPORTED
    assert (flow["sampling_rate"], flow["rate_source"]) == (1, RateSource.ASSUMED)


def test_records_wait_for_a_template_that_comes_later_and_are_counted_until_then():
    collector = Collector()
    assert decode(collector, [netflow9([FLOW], 1, sequence=0)]) == []
    (counts,) = collector.counts()
    assert (counts.unknown_sets, counts.unknown_octets, counts.held_sets, counts.flows) == (1, len(FLOW), 1, 0)
    (flow,) = decode(collector, [netflow9([TEMPLATE_9], 1, sequence=1)])
    assert flow["bytes"] == 100
    (counts,) = collector.counts()
    assert (counts.unknown_sets, counts.unknown_octets, counts.held_sets, counts.flows) == (0, 0, 0, 1)
    assert (counts.datagrams, counts.lost_datagrams) == (2, 0)


def test_held_records_are_bounded():
    collector = Collector()
    record = plain_record(src=1, dst=2)
    big = netflow9([set_of(256, record * 30)], 30)
    for _ in range(2 + waiting.WAITING_OF_ONE // len(big)):
        decode(collector, [big])
    (counts,) = collector.counts()
    assert counts.held_sets <= waiting.WAITING_OF_ONE // len(big)
    assert counts.unknown_sets > counts.held_sets


def test_records_that_waited_too_long_are_not_given_a_template_of_another_time():
    collector = Collector()
    decode(collector, [netflow9([FLOW], 1)])
    late = 1_700_000_000_000_000 + waiting.WAITING_US + 1
    assert decode(collector, [netflow9([TEMPLATE_9], 1)], received_us=late) == []


def test_a_template_is_forgotten_after_its_life_and_told_so():
    collector = Collector(Settings(template_life_us=HOUR, hold=False))
    now = 1_700_000_000_000_000
    assert len(decode(collector, [netflow9([TEMPLATE_9, FLOW], 2)], received_us=now)) == 1
    assert len(decode(collector, [netflow9([FLOW], 1, sequence=1)], received_us=now + HOUR)) == 1
    assert decode(collector, [netflow9([FLOW], 1, sequence=2)], received_us=now + HOUR + 1) == []
    assert collector.counts()[0].unknown_sets == 1
    assert len(decode(collector, [netflow9([TEMPLATE_9, FLOW], 2, sequence=3)], received_us=now + HOUR + 2)) == 1


def test_a_template_of_the_same_number_takes_the_place_of_the_former():
    collector = Collector()
    decode(collector, [netflow9([TEMPLATE_9], 1)])
    fields = [(12, 4), (8, 4), (1, 2)]
    other = set_of(256, (7).to_bytes(4, "big") + (8).to_bytes(4, "big") + (9).to_bytes(2, "big"))
    (flow,) = decode(collector, [netflow9([set_of(0, template(256, fields)), other], 2, sequence=1)])
    assert (flow["src"], flow["dst"], flow["bytes"], flow["packets"]) == ("0.0.0.8", "0.0.0.7", 9, 0)
    assert collector.counts()[0].templates == 1


@pytest.mark.parametrize("number", [256, 2])
def test_a_withdrawn_template_is_gone(number):
    collector = Collector(Settings(hold=False))
    assert len(decode(collector, [ipfix([TEMPLATE_10, FLOW])])) == 1
    withdrawal = set_of(2, struct.pack("!HH", number, 0))
    assert decode(collector, [ipfix([withdrawal, FLOW], sequence=1)]) == []
    assert collector.counts()[0].templates == 0


def test_templates_of_one_exporter_say_nothing_of_another():
    collector = Collector(Settings(hold=False))
    decode(collector, [netflow9([TEMPLATE_9], 1, domain=1)])
    assert decode(collector, [netflow9([FLOW], 1, domain=2)]) == []
    assert decode(collector, [netflow9([FLOW], 1, domain=1)], sender=0xC0000299) == []
    assert len(decode(collector, [netflow9([FLOW], 1, domain=1, sequence=1)], port=41000)) == 1
    assert len(collector.exporters) == 3


def test_a_template_bomb_is_refused_beyond_the_limits():
    collector = Collector()
    fields = [(8, 4), (12, 4)]
    wanted = template_table.PER_EXPORTER + 200
    numbers = list(range(256, 256 + wanted))
    datagrams = [
        netflow9([set_of(0, b"".join(template(n, fields) for n in numbers[k : k + 200]))], 200)
        for k in range(0, wanted, 200)
    ]
    decode(collector, datagrams)
    assert collector.counts()[0].templates == template_table.PER_EXPORTER
    assert collector.refused == {to.REASONS[to.MANY_TEMPLATES]: 200}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ([(8, 3), (12, 4)], to.BAD_ADDRESS),
        ([(27, 4)], to.BAD_ADDRESS),
        ([(8, 0)], to.ODD_TEMPLATE),
        ([(1, 60_000), (2, 60_000)], to.ODD_TEMPLATE),
        ([(1, 4)] * (to.FIELDS + 1), to.ODD_TEMPLATE),
    ],
)
def test_a_template_that_cannot_be_read_is_refused_with_a_reason(fields, reason):
    collector = Collector()
    decode(collector, [netflow9([set_of(0, template(256, fields))], 1)])
    assert collector.refused == {to.REASONS[reason]: 1}
    assert collector.counts()[0].templates == 0


def test_spoofed_exporters_are_bounded(monkeypatch):
    monkeypatch.setattr(exporters, "EXPORTERS", 50)
    collector = Collector()
    for sender in range(60):
        decode(collector, [netflow5([record5()])], sender=0x0A000000 + sender)
    assert len(collector.exporters) == 50
    assert collector.refused == {to.REASONS[to.MANY_EXPORTERS]: 10}
    assert len(decode(collector, [netflow5([record5()], sequence=1)], sender=0x0A000001)) == 1


def test_domains_of_one_address_are_bounded(monkeypatch):
    monkeypatch.setattr(exporters, "DOMAINS", 20)
    collector = Collector()
    decode(collector, [netflow9([TEMPLATE_9], 1, domain=k) for k in range(30)])
    assert len(collector.exporters) == 20
    assert collector.refused == {to.REASONS[to.MANY_EXPORTERS]: 10}


def test_an_exporter_that_sends_from_ever_new_ports_is_one():
    collector = Collector()
    for port in range(1000, 1100):
        decode(collector, [netflow9([TEMPLATE_9, FLOW], 2, sequence=port)], port=port)
    (counts,) = collector.counts()
    assert (counts.datagrams, counts.flows) == (100, 100)


def test_only_allowed_senders_are_heard():
    collector = Collector(Settings(allowed=(Prefix.parse("192.0.2.0/31"),)))
    assert len(decode(collector, [netflow5([record5()])], sender=0xC0000201)) == 1
    assert decode(collector, [netflow5([record5()])], sender=0xC0000202) == []
    assert collector.refused == {to.REASONS[to.NOT_ALLOWED]: 1}
    assert "192.0.2.2" in str(collector.refusals[0])


# What was lost


def sequences(version: int, numbers: list[int], records: int = 3) -> Collector:
    """A collector that got datagrams of so many records with these sequence numbers."""
    collector = Collector()
    body = set_of(256, plain_record(src=1, dst=2) * records)
    if version == 5:
        datagrams = [netflow5([record5()] * records, sequence=number) for number in numbers]
    elif version == 9:
        datagrams = [netflow9([TEMPLATE_9, body], records + 1, sequence=number) for number in numbers]
    else:
        datagrams = [ipfix([TEMPLATE_10, body], sequence=number) for number in numbers]
    decode(collector, datagrams)
    return collector


@pytest.mark.parametrize(
    ("version", "numbers", "datagrams", "records"),
    [
        (5, [100, 103, 106], 0, 0),
        (5, [100, 103, 112], 0, 6),
        (9, [100, 101, 102], 0, 0),
        (9, [100, 101, 104], 2, 0),
        (10, [100, 103, 106], 0, 0),
        (10, [100, 103, 118], 0, 12),
        (5, [0xFFFFFFFE, 1, 4], 0, 0),  # the numbers wrap
        (9, [0xFFFFFFFF, 0, 3], 2, 0),
        (5, [100, 101, 102, 103], 0, 0),  # an exporter that counts datagrams where it should count records
        (10, [100, 101, 102, 103], 0, 0),
        (9, [100, 104, 108, 112], 0, 0),  # and the reverse
        (10, [100, 101, 102, 103, 109, 110], 5, 0),
    ],
)
def test_gaps_in_sequence_numbers_are_counted_exactly(version, numbers, datagrams, records):
    (counts,) = sequences(version, numbers).counts()
    assert (counts.lost_datagrams, counts.lost_records) == (datagrams, records)
    assert counts.restarts == 0


def test_a_late_datagram_was_not_lost():
    (counts,) = sequences(9, [100, 101, 103, 102, 104]).counts()
    assert (counts.lost_datagrams, counts.late) == (0, 1)
    (counts,) = sequences(5, [100, 103, 109, 106, 112]).counts()
    assert (counts.lost_records, counts.late) == (0, 1)


def test_a_repeated_number_is_told_and_is_no_loss():
    (counts,) = sequences(9, [100, 101, 101, 102]).counts()
    assert (counts.lost_datagrams, counts.repeated) == (0, 1)


def test_a_restart_is_no_loss():
    (counts,) = sequences(9, [90_000, 90_001, 0, 1, 2]).counts()
    assert (counts.lost_datagrams, counts.restarts) == (0, 1)
    collector = Collector()
    decode(collector, [netflow9([TEMPLATE_9], 1, sequence=500, uptime=9_000_000)])
    decode(collector, [netflow9([TEMPLATE_9], 1, sequence=700, uptime=1_000)])
    (counts,) = collector.counts()
    assert (counts.lost_datagrams, counts.restarts) == (0, 1)


def test_numbers_begun_anew_just_below_are_taken_for_late_only_for_a_while():
    collector = sequences(9, [1000, *range(500, 600)])
    (counts,) = collector.counts()
    assert counts.late == to.LATE_IN_A_ROW
    assert counts.restarts == 1


def test_losses_of_ipfix_are_not_guessed_where_records_could_not_be_counted():
    collector = Collector()
    decode(collector, [ipfix([set_of(300, bytes(40))], sequence=10), ipfix([set_of(300, bytes(40))], sequence=55)])
    (counts,) = collector.counts()
    assert (counts.lost_datagrams, counts.lost_records) == (0, 0)


def test_losses_of_sflow_are_counted_by_datagrams_and_by_samples():
    collector = Collector()
    header = raw_header(bytes(12) + b"\x08\x00" + tcp_packet(1, 2), 64)
    for datagram, sample in ((1, 1), (2, 2), (4, 5)):
        decode(collector, [sflow([flow_sample([header], sequence=sample)], sequence=datagram)])
    (counts,) = collector.counts()
    assert (counts.lost_datagrams, counts.lost_records, counts.flows) == (1, 2, 3)


# Sampling rates

OPTIONS = {
    "9 by system": (9, [(1, 4)], [(34, 4), (35, 1)], struct.pack("!IIB", 0, 500, 2)),
    "9 by sampler": (9, [(1, 4)], [(48, 1), (49, 1), (50, 4)], struct.pack("!IBBI", 0, 7, 2, 500)),
    "9 by interface": (9, [(2, 4)], [(34, 4)], struct.pack("!II", 3, 500)),
    "10 by interval and space": (10, [(149, 4)], [(305, 4), (306, 4)], struct.pack("!III", 0, 1, 499)),
    "10 by selector": (10, [(302, 8)], [(304, 2), (305, 4)], struct.pack("!QHI", 7, 1, 500)),
    "10 size out of population": (10, [(302, 4)], [(309, 4), (310, 4)], struct.pack("!III", 7, 2, 1000)),
    "10 by probability": (10, [(302, 4)], [(311, 8)], struct.pack("!Id", 7, 0.002)),
}
SAMPLED = [(element, octets) for _, element, octets in PLAIN] + [(48, 1), (10, 4)]


@pytest.mark.parametrize("case", OPTIONS)
def test_a_rate_that_options_records_tell_is_learned(case):
    version, scopes, fields, body = OPTIONS[case]
    options = set_of(1 if version == 9 else 3, options_template(400, scopes, fields, version))
    sampled = set_of(0 if version == 9 else 2, template(256, SAMPLED))
    record = plain_record(src=1, dst=2) + struct.pack("!BI", 7, 3)
    sets = [options, set_of(400, body), sampled, set_of(256, record)]
    collector = Collector()
    (flow,) = decode(collector, [netflow9(sets, 4) if version == 9 else ipfix(sets)])
    assert (flow["sampling_rate"], flow["rate_source"]) == (500, RateSource.LEARNED)
    (sampler,) = collector.counts()[0].samplers
    assert (sampler.rate, sampler.source) == (500, RateSource.LEARNED)


def test_several_samplers_of_one_exporter_are_kept_apart():
    options = set_of(1, options_template(400, [(1, 4)], [(48, 1), (50, 4)], 9))
    told = set_of(400, struct.pack("!IBI", 0, 1, 100) + struct.pack("!IBI", 0, 2, 1000))
    sampled = set_of(0, template(256, SAMPLED))
    records = b"".join(plain_record(src=1, dst=2) + struct.pack("!BI", sampler, 9) for sampler in (1, 2, 3, 0))
    flows = decode(Collector(), [netflow9([options, told, sampled, set_of(256, records)], 8)])
    assert [flow["sampling_rate"] for flow in flows] == [100, 1000, 1, 1]
    assert [flow["rate_source"] for flow in flows] == [2, 2, 0, 0]


def test_one_rate_that_all_samplers_share_is_that_of_records_that_name_none():
    options = set_of(1, options_template(400, [(1, 4)], [(48, 1), (50, 4)], 9))
    told = set_of(400, struct.pack("!IBI", 0, 1, 100) + struct.pack("!IBI", 0, 2, 100))
    (flow,) = decode(Collector(), [netflow9([options, told, TEMPLATE_9, FLOW], 5)])
    assert (flow["sampling_rate"], flow["rate_source"]) == (100, RateSource.LEARNED)


def test_a_rate_that_changes_is_told():
    options = set_of(1, options_template(400, [(1, 4)], [(48, 1), (50, 4)], 9))
    collector = Collector()
    for sequence, rate in enumerate((100, 100, 200)):
        decode(collector, [netflow9([options, set_of(400, struct.pack("!IBI", 0, 1, rate))], 2, sequence=sequence)])
    (sampler,) = collector.counts()[0].samplers
    assert (sampler.rate, sampler.changed) == (200, 1)


@pytest.mark.parametrize(("sampling", "rate", "source"), [(0, 1, 0), (0x4064, 100, 1), (1000, 1000, 1)])
def test_netflow5_declares_its_rate_in_the_header(sampling, rate, source):
    (flow,) = decode(Collector(), [netflow5([record5()], sampling=sampling)])
    assert (flow["sampling_rate"], flow["rate_source"]) == (rate, source)


def test_times_of_ipfix_that_count_from_the_start_need_to_know_it():
    collector = Collector()
    (flow,) = decode(collector, [ipfix([TEMPLATE_10, FLOW])])
    assert flow["time_source"] == TimeSource.ASSUMED
    assert flow["start_us"] == flow["end_us"] == 1_700_000_000_000_000
    options = set_of(3, options_template(400, [(143, 4)], [(160, 8)], 10))
    booted = set_of(400, struct.pack("!IQ", 0, 1_699_990_000_000))
    (flow,) = decode(collector, [ipfix([options, booted, FLOW], sequence=1)])
    assert flow["time_source"] == TimeSource.EXPORTED
    assert flow["start_us"] == 1_699_999_000_000_000
    assert flow["end_us"] == 1_699_999_500_000_000


def test_uptimes_wrap_after_fifty_days():
    record = plain_record(src=1, dst=2, start_ms=0xFFFFF000, end_ms=1000)
    (flow,) = decode(Collector(), [netflow9([TEMPLATE_9, set_of(256, record)], 2, uptime=2000)])
    assert flow["end_us"] == 1_700_000_000_000_000 - 1_000_000
    assert flow["start_us"] == 1_700_000_000_000_000 - (2000 + 4096) * 1000


def test_a_record_of_both_directions_is_two_flows():
    fields = [(8, 4), (12, 4), (7, 2), (11, 2), (231, 8), (232, 8)]
    body = struct.pack("!IIHHQQ", 1, 2, 1000, 80, 500, 90_000)
    there, back = decode(Collector(), [netflow9([set_of(0, template(256, fields)), set_of(256, body)], 2)])
    assert (there["src"], there["dst"], there["bytes"]) == ("0.0.0.1", "0.0.0.2", 500)
    assert (back["src"], back["dst"], back["bytes"]) == ("0.0.0.2", "0.0.0.1", 90_000)
    assert (back["src_port"], back["dst_port"]) == (80, 1000)


def test_a_set_of_many_records_is_given_in_several_blocks():
    fields = [(12, 4)]
    count = 15_000
    body = np.arange(count, dtype=">u4").tobytes()
    collector = Collector()
    datagram = netflow9([set_of(0, template(256, fields)), set_of(256, body)], 2)
    blocks = list(collector.decode(batch([datagram])))
    assert [block.rows for block in blocks] == [8192, count - 8192]
    found = np.concatenate([block.dst_hi for block in blocks]) >> np.uint64(32)
    assert (found == np.arange(count)).all()


@pytest.mark.parametrize(
    ("datagram", "reason"),
    [
        (b"", to.SHORT),
        (b"\0\x09\0", to.SHORT),
        (b"\0\x07" + bytes(40), to.BAD_VERSION),
        (netflow9([], 0)[:19], to.SHORT),
        (netflow5([record5()], count=0), to.BAD_COUNT),
        (netflow5([record5()] * 31), to.BAD_COUNT),
        (netflow5([record5()], count=2), to.LYING_COUNT),
        (b"\0\x0a\xff\xff" + bytes(20), to.BAD_LENGTH),
        (b"\0\x0a\0\x0f" + bytes(20), to.BAD_LENGTH),
        (netflow9([b"\x01\x00\xff\xff"], 1), to.LONG_SET),
        (netflow9([b"\x01\x00\x00\x03"], 1), to.SHORT_SET),
        (netflow9([b"\x00\x64\x00\x04"], 1), to.RESERVED_SET),
        (netflow9([set_of(0, b"\x01\x00\x00\x09\x00\x08\x00\x04")], 1), to.BAD_TEMPLATE),
        (ipfix([set_of(2, template(300, [(82, 65535)])), b"\x01\x2c\x00\x08\xff\xff\xff\x00"]), to.LONG_FIELD),
        (struct.pack("!IIIIIII", 5, 9, 1, 0, 0, 0, 0), to.BAD_AGENT),
        (sflow([])[:-4] + b"\xff\xff\xff\xff", to.MANY_SAMPLES),
        (sflow([b"\0\0\0\1\xff\xff\xff\xff"]), to.LONG_SAMPLE),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_reason(datagram, reason):
    collector = Collector()
    decode(collector, [datagram])
    assert collector.refused == {to.REASONS[reason]: 1}
    assert to.REASONS[reason] in str(collector.refusals[0])


def test_what_stands_before_a_fault_is_kept():
    datagram = netflow9([TEMPLATE_9, FLOW, b"\x01\x00\xff\xff"], 3)
    collector = Collector()
    assert len(decode(collector, [datagram])) == 1
    assert sum(collector.refused.values()) == 1


def test_padding_of_datagrams_of_one_size_is_no_fault():
    collector = Collector()
    assert len(decode(collector, [netflow9([TEMPLATE_9, FLOW, bytes(700)], 2)])) == 1
    assert not collector.refused


def test_an_exporter_that_counts_a_message_before_its_number_loses_nothing():
    collector, sequence = Collector(), 0
    for records in (24, 32, 32, 7, 15):
        sequence += records
        record = plain_record(src=1, dst=2)
        decode(collector, [ipfix([TEMPLATE_10, set_of(256, record * records)], sequence=sequence)])
    (counts,) = collector.counts()
    assert (counts.lost_records, counts.lost_datagrams, counts.late, counts.restarts) == (0, 0, 0, 0)
    decode(collector, [ipfix([set_of(256, plain_record(src=1, dst=2) * 3)], sequence=sequence + 3 + 50)])
    assert collector.counts()[0].lost_records == 50
