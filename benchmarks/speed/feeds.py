"""How many messages of live feeds are read in a second, by one core, and what memory a flood takes.

    python -m benchmarks.speed.feeds decode [--seconds S]
    python -m benchmarks.speed.feeds loopback bmp|ris [--rate N] [--seconds S]

The messages are those of a seeded workload's updates: as RIS Live's frames (with the message and with all that RIS
decodes of it), as frames without the message, as BMP route monitoring, and as OpenBMP's messages. ``decode`` reads them
from memory. ``loopback`` sends them from a second process at a rate, through the station or the client, and says how
many came, what processor time that took, and what memory.
"""

import argparse
import asyncio
import itertools
import json
import multiprocessing
import resource
import socket
import struct
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

from websockets.sync.server import ServerConnection, serve

from benchmarks.workloads import workload
from duskwatch.records.elems import PeerTable
from duskwatch.sources.bgp.formats.attributes import ORIGINS, SET, decode_attributes
from duskwatch.sources.bgp.formats.bmp import BmpOptions, BmpReader
from duskwatch.sources.bgp.formats.elem_text import address_text
from duskwatch.sources.bgp.formats.feed_counts import ClockRules
from duskwatch.sources.bgp.formats.feed_table import FeedBlock
from duskwatch.sources.bgp.formats.mrt import MrtReader
from duskwatch.sources.bgp.formats.openbmp import OpenBmpReader
from duskwatch.sources.bgp.formats.ris_live import RisLiveReader
from duskwatch.sources.bgp.live.bmp_station import BmpStation, StationSettings
from duskwatch.sources.bgp.live.messages import FeedMessage
from duskwatch.sources.bgp.live.ris_live import RisLive, RisLiveSettings
from duskwatch.sources.files.pieces import open_pieces

MESSAGES = 40_000
TAKE_OCTETS = 1 << 20  # that wait before they are read, as live feeds have it
COLLECTORS = 20


def messages() -> Iterator[tuple[int, int, bytes, bytes, dict[str, Any]]]:
    """Time, peer's AS number and address, the BGP message, and what RIS would decode of it."""
    path = workload("gz", 0.05, 0.5).of("updates")
    peers = PeerTable()
    for file in path:
        for block in MrtReader(open_pieces(file), peers):
            data = block.data.tobytes()
            first = 0
            for record, start in enumerate(block.record_start.tolist()):
                rows = first
                while first < len(block.record) and block.record[first] == record:
                    first += 1
                at, end = start + 12, start + int(block.record_length[record])
                six = data[at + 11] == 2
                body = data[at + 12 + (32 if six else 8) : end]
                peer = int(block.peer[rows])
                raw = data[at + 12 : at + 12 + (16 if six else 4)]
                yield int(block.time_us[rows]), peers.asn[peer], raw, body, decoded(block, data, range(rows, first))


def decoded(block: Any, data: bytes, rows: range) -> dict[str, Any]:
    """Fields of a frame of RIS Live."""
    out: dict[str, Any] = {"path": [], "community": [], "announcements": [], "withdrawals": []}
    for row in rows:
        address = address_text(int(block.afi[row]), int(block.prefix_hi[row]), int(block.prefix_lo[row]))
        prefix = f"{address}/{int(block.prefix_length[row])}"
        if block.kind[row] == 2:
            out["withdrawals"].append(prefix)
        elif block.kind[row] == 1:
            if not out["announcements"]:
                start = int(block.attr_start[row])
                found = decode_attributes(data[start : start + int(block.attr_length[row])], int(block.as_size[row]))
                for kind, members in found.as_path:
                    out["path"] += [list(members)] if kind == SET else members
                out["community"] = [[value >> 16, value & 65535] for value in found.communities]
                out["origin"] = ORIGINS.get(found.origin or 0, "IGP")
                hop = found.mp_next_hop[1] if found.mp_next_hop else found.next_hop
                out["announcements"] = [{"next_hop": hop, "prefixes": []}]
            out["announcements"][0]["prefixes"].append(prefix)
    return out


def bmp(time_us: int, asn: int, address: bytes, message: bytes) -> bytes:
    """A route monitoring message."""
    flags = 0x80 if len(address) == 16 else 0
    head = struct.pack("!BB8x16sI4s", 0, flags, address.rjust(16, b"\0"), asn, b"\n\0\0\1")
    head += struct.pack("!II", time_us // 10**6, time_us % 10**6)
    return struct.pack("!BIB", 3, 48 + len(message), 0) + head + message


def frame(time_us: int, asn: int, address: bytes, fields: dict[str, Any], raw: bytes | None) -> bytes:
    """A frame of RIS Live."""
    peer = address_text(1 if len(address) == 4 else 2, *_halves(address))
    data: dict[str, Any] = {
        "timestamp": time_us / 1e6, "peer": peer, "peer_asn": str(asn), "id": f"{peer}-0196d5f4c2b60000",
        "host": f"rrc{asn % COLLECTORS:02}.ripe.net", "type": "UPDATE", **fields,
    }  # fmt: skip
    if raw is not None:
        data["raw"] = raw.hex().upper()
    return json.dumps({"type": "ris_message", "data": data}, separators=(",", ":")).encode()


def _halves(address: bytes) -> tuple[int, int]:
    value = int.from_bytes(address.ljust(16, b"\0"), "big")
    return value >> 64, value & (1 << 64) - 1


def openbmp(message: bytes, time_us: int) -> bytes:
    """One message of a raw topic."""
    head = struct.pack("!BBHIBBII", 1, 7, 80, len(message), 0x80, 12, time_us // 10**6, 0)
    head += struct.pack("!16sH1s16s16sH1sI", b"", 1, b"c", b"", b"\xc0\0\2\1", 1, b"g", 1)
    return b"OBMP" + head + message


def rate(name: str, take: Callable[[], int], count: int, octets: int, seconds: float) -> None:
    """Run again and again for some time; print messages for each second of processor time."""
    take()
    best, ends, elems = 0.0, time.monotonic() + seconds, 0
    while time.monotonic() < ends:
        begun = time.process_time()
        elems = take()
        best = max(best, count / (time.process_time() - begun))
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    each = f"{elems / count:.2f} elems and {octets / count:.0f} octets each"
    print(f"{name:34} {best:10,.0f} messages/s  {each}; {most:.0f} MB")


def decode(seconds: float) -> None:
    """Each form of feed from memory."""
    made = list(itertools.islice(messages(), MESSAGES))
    now = made[-1][0] + 10**6
    whole = [frame(at, asn, address, fields, body) for at, asn, address, body, fields in made]
    bare = [frame(at, asn, address, fields, None) for at, asn, address, body, fields in made]
    routes = [bmp(at, asn, address, body) for at, asn, address, body, _ in made]
    kafka = [openbmp(each, made[k][0]) for k, each in enumerate(routes)]
    stream = b"".join(routes)
    ris, station, topics = (
        RisLiveReader(ClockRules(old_is_now=False)),
        BmpReader("r", BmpOptions(clock=ClockRules())),
        OpenBmpReader(),
    )

    def read_frames(frames: list[bytes]) -> int:
        before, waiting = ris.counts.elems, 0
        for text in frames:
            ris.frame(text, now)
            waiting += len(text)
            if waiting > TAKE_OCTETS:
                ris.take()
                waiting = 0
        ris.take()
        return ris.counts.elems - before

    def read_stream() -> int:
        before = station.counts.elems
        for at in range(0, len(stream), 1 << 16):
            station.feed(stream[at : at + (1 << 16)], now)
            if station.waiting > TAKE_OCTETS:
                station.take()
        station.take()
        return station.counts.elems - before

    def read_topic() -> int:
        before = topics.counts.elems
        for k, each in enumerate(kafka):
            topics.message(each, now)
            if k % 10_000 == 9999:
                topics.take()
        topics.take()
        return topics.counts.elems - before

    rate("RIS Live, with the message", lambda: read_frames(whole), len(made), sum(map(len, whole)), seconds)
    rate("RIS Live, without the message", lambda: read_frames(bare), len(made), sum(map(len, bare)), seconds)
    rate("BMP route monitoring", read_stream, len(made), len(stream), seconds)
    rate("OpenBMP raw messages", read_topic, len(made), sum(map(len, kafka)), seconds)
    assert ris.counts.bad == station.counts.bad == topics.counts.bad == 0


def paced(send: Callable[[bytes], None], texts: list[bytes], per_s: int, seconds: float) -> int:
    """Send at a rate, a hundredth of a second at a time; how many."""
    step, sent, begun = max(1, per_s // 100), 0, time.monotonic()
    while (gone := time.monotonic() - begun) < seconds:
        if sent > gone * per_s:
            time.sleep(0.002)
            continue
        at = sent % (len(texts) - step)
        send(b"".join(texts[at : at + step]))
        sent += step
    return sent


def send_bmp(port: int, per_s: int, seconds: float, result: Connection) -> None:
    made = list(itertools.islice(messages(), MESSAGES))
    texts = [bmp(at, asn, address, body) for at, asn, address, body, _ in made]
    with socket.create_connection(("127.0.0.1", port)) as connection:
        result.send(paced(connection.sendall, texts, per_s, seconds))
        time.sleep(3600)


def send_ris(per_s: int, seconds: float, result: Connection) -> None:
    made = list(itertools.islice(messages(), MESSAGES))
    texts = [frame(at, asn, address, fields, body) for at, asn, address, body, fields in made]
    # Frames as they stand on the wire (RFC 6455 section 5.2): the library's server is slower than our client.
    wire = [
        b"\x81" + (bytes([len(each)]) if len(each) < 126 else b"\x7e" + struct.pack("!H", len(each))) + each
        for each in texts
    ]

    def handler(connection: ServerConnection) -> None:
        connection.recv()

        def send(data: bytes) -> None:
            with connection.protocol_mutex:  # the library answers pings meanwhile
                connection.socket.sendall(data)

        result.send(paced(send, wire, per_s, seconds))
        time.sleep(3600)

    with serve(handler, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        result.send(server.socket.getsockname()[1])
        server.serve_forever()


async def loopback(feed: str, per_s: int, seconds: float) -> None:
    """Through the socket, at a rate."""
    here, there = multiprocessing.Pipe()
    settings = BmpOptions(clock=ClockRules(behind_us=10**18))
    station = BmpStation(StationSettings(port=0, reader=settings))
    if feed == "bmp":
        await station.start()
        sender = multiprocessing.Process(target=send_bmp, args=(station.port, per_s, seconds, there), daemon=True)
        sender.start()
        coming = station.messages()
    else:
        sender = multiprocessing.Process(target=send_ris, args=(per_s, seconds, there), daemon=True)
        sender.start()
        port = await asyncio.to_thread(here.recv)
        client = RisLive(RisLiveSettings("a benchmark", url=f"ws://127.0.0.1:{port}/"))
        coming = client.messages()

    def counted() -> int:
        if feed == "ris":
            return client.reader.counts.messages
        return sum(router.reader.counts.messages for router in station.routers.values())

    def waiting() -> int:
        if feed == "ris":
            return client.reader.waiting
        return sum(router.reader.waiting for router in station.routers.values())

    elems = 0

    async def take() -> None:
        nonlocal elems
        async for message in coming:
            elems += _elems(message)

    task = asyncio.create_task(take())
    while counted() < MESSAGES:  # by then everything is compiled and every table made
        await asyncio.sleep(0.05)
    begun, used, before, most = time.monotonic(), time.process_time(), counted(), 0
    resident, sampled, sent = [_resident()], begun, None
    while sent is None or counted() < sent:
        await asyncio.sleep(0.05)
        most = max(most, waiting())
        if sent is None and here.poll():
            sent = here.recv()
        if time.monotonic() - sampled > seconds / 5:
            sampled = time.monotonic()
            resident.append(_resident())
    wall, used, count = time.monotonic() - begun, time.process_time() - used, counted() - before
    print(
        f"{feed}: {sent:,} sent, {counted():,} read, {elems:,} elems in blocks; {count / wall:,.0f} messages/s for "
        f"{wall:.0f} s, {count / used:,.0f} for each second of a core; at most {most / 1e6:.1f} MB waited; resident "
        + ", ".join(f"{each:.0f}" for each in [*resident, _resident()])
        + " MB"
    )
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await station.close()
    sender.terminate()


def _elems(message: FeedMessage) -> int:
    return len(message.message.time_us) if isinstance(message, FeedBlock) else 0


def _resident() -> float:
    """Megabytes of this process now."""
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * resource.getpagesize() / 1e6


def main() -> None:
    """Measure what is asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_subparsers(dest="what", required=True)
    what.add_parser("decode").add_argument("--seconds", type=float, default=5)
    through = what.add_parser("loopback")
    through.add_argument("feed", choices=("bmp", "ris"))
    through.add_argument("--rate", type=int, default=50_000)
    through.add_argument("--seconds", type=float, default=60)
    options = parser.parse_args()
    if options.what == "decode":
        decode(options.seconds)
    else:
        asyncio.run(loopback(options.feed, options.rate, options.seconds))


if __name__ == "__main__":
    main()
