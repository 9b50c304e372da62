"""UDP on loopback: what comes is decoded, what is lost is counted."""

import socket
import time

import pytest

from duskwatch.sources.flows.collector import Collector
from duskwatch.sources.flows.errors import FlowInputError
from duskwatch.sources.flows.listen import Bind, Listener, parse_bind
from duskwatch.sources.flows.receive import SLOTS, Receiver
from tests.sources.flows.exports import netflow5, netflow9, plain_record, plain_template, record5, rows, set_of

SECONDS = 10.0  # that anything may take


def send(port: int, datagrams: list[bytes], host: str = "127.0.0.1") -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        for datagram in datagrams:
            sock.sendto(datagram, (host, port))


def received(listener: Listener, collector: Collector, wanted: int) -> list[dict[str, int | str]]:
    """The flows of so many datagrams."""
    flows, until = [], time.monotonic() + SECONDS
    while sum(one.datagrams for one in listener.sockets) < wanted and time.monotonic() < until:
        for batch in listener.receive(0.2):
            flows += [flow for block in collector.decode(batch, "UDP") for flow in rows(block)]
    return flows


def test_datagrams_are_received_with_sender_and_time():
    collector = Collector()
    with Listener([Bind("127.0.0.1", 0)], buffer=1 << 20) as listener:
        before = time.time_ns() // 1000
        send(listener.sockets[0].bind.port, [netflow5([record5(src=k)], sequence=k) for k in range(3)])
        flows = received(listener, collector, 3)
        after = time.time_ns() // 1000
    assert [flow["src"] for flow in flows] == ["0.0.0.0", "0.0.0.1", "0.0.0.2"]
    assert all(before - 1000 <= int(flow["received_us"]) <= after for flow in flows)
    (exporter,) = collector.exporters
    assert (exporter.afi, exporter.hi >> 32) == (1, 0x7F000001)
    assert collector.counts()[0].lost_records == 0


def test_several_sockets_are_served_of_both_families():
    collector = Collector()
    binds = [Bind("127.0.0.1", 0)]
    if socket.has_ipv6:
        binds.append(Bind("::1", 0))
    try:
        listener = Listener(binds)
    except FlowInputError:
        pytest.skip("there is no IPv6 loopback here")
    with listener:
        for one in listener.sockets:
            send(one.bind.port, [netflow5([record5()])], one.bind.host)
        flows = received(listener, collector, len(binds))
    assert len(flows) == len(binds)
    assert {exporter.afi for exporter in collector.exporters} == set(range(1, len(binds) + 1))
    assert collector.exporters[-1].lo == (1 if len(binds) == 2 else 0)


def test_a_burst_beyond_the_buffer_is_counted_exactly():
    record = plain_record(src=1, dst=2)
    count = 4000
    datagrams = [
        netflow9([set_of(0, plain_template()), set_of(256, record * 20)], 21, sequence=k) for k in range(count)
    ]
    collector, flows = Collector(), 0
    exporter = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)  # one port: its sequence numbers are one stream
    with exporter, Listener([Bind("127.0.0.1", 0)], buffer=1 << 16) as listener:
        address = ("127.0.0.1", listener.sockets[0].bind.port)
        for datagram in datagrams:
            exporter.sendto(datagram, address)
        for batch in listener.drain():
            flows += sum(block.rows for block in collector.decode(batch))
        # One more, so that the gap behind the last one that was kept is seen.
        exporter.sendto(netflow9([set_of(256, record)], 1, sequence=count), address)
        flows += len(received(listener, collector, listener.sockets[0].datagrams + 1))
        (counts,), (sock,) = collector.counts(), listener.sockets
    assert 0 < sock.datagrams < count
    assert counts.lost_datagrams == count + 1 - counts.datagrams
    assert sock.dropped in (0, count + 1 - sock.datagrams)  # 0 where the system does not tell
    assert flows == 20 * (counts.datagrams - 1) + 1


def test_the_way_of_systems_without_recvmmsg_gives_the_same():
    receiver = Receiver()
    receiver._call = None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        sock.setblocking(False)
        assert receiver.receive(sock) == (None, None)
        send(sock.getsockname()[1], [netflow5([record5()], sequence=k) for k in range(SLOTS + 3)])
        batch, dropped = receiver.receive(sock)
        assert batch is not None
        assert dropped is None
        assert len(batch.start) <= SLOTS
        assert set(batch.hi.tolist()) == {0x7F000001 << 32}
        collector = Collector()
        assert sum(block.rows for block in collector.decode(batch)) == len(batch.start)
        assert len(collector.exporters) == 1


def test_a_port_that_is_taken_is_an_error_with_its_place():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        with pytest.raises(FlowInputError, match=rf"127\.0\.0\.1:{port}: cannot listen there"):
            Listener([Bind("127.0.0.1", port)])


@pytest.mark.parametrize(
    ("text", "bind"),
    [
        ("127.0.0.1", Bind("127.0.0.1", 2055)), ("127.0.0.1:9995", Bind("127.0.0.1", 9995)),
        ("::1", Bind("::1", 2055)), ("[::1]:6343", Bind("::1", 6343)), ("[::1]", Bind("::1", 2055)),
    ],
)  # fmt: skip
def test_addresses_to_listen_on_are_read(text, bind):
    assert parse_bind(text) == bind
    assert bind.is_loopback
    assert not parse_bind("192.0.2.1:2055").is_loopback


@pytest.mark.parametrize(
    "text", ["", "localhost:2055", "127.0.0.1:", "127.0.0.1:70000", "[::1]x", "1.2.3.4:-1", "::1:2:3:4:5:6:7:8:9"]
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(FlowInputError, match="write 127"):
        parse_bind(text)
