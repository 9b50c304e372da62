"""The BMP station on loopback: many routers, who may connect, what each may do, and what is told when one is gone."""

import asyncio
import ipaddress
import shutil
import ssl
import subprocess
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from duskwatch.records.times import SECOND
from duskwatch.sources.bgp.formats.bmp import BmpOptions
from duskwatch.sources.bgp.formats.bmp_peers import Limits
from duskwatch.sources.bgp.formats.feed_counts import ClockRules
from duskwatch.sources.bgp.formats.feed_events import SessionDown
from duskwatch.sources.bgp.formats.feed_table import FeedBlock
from duskwatch.sources.bgp.live.bmp_router import Bucket, RouterLimits
from duskwatch.sources.bgp.live.bmp_station import BmpStation, StationError, StationSettings, server_tls
from duskwatch.sources.bgp.live.clock import now_us
from duskwatch.sources.bgp.live.messages import FeedMessage, FeedSilence
from tests.sources.bgp.formats.bmp_make import (
    KP,
    KP2,
    ROUTE,
    announce,
    initiation,
    peer_header,
    peer_up,
    routes,
    termination,
    withdraw,
)
from tests.sources.bgp.formats.said import said
from tests.sources.bgp.live.listening import gather, run, until

KEPT: list[asyncio.StreamWriter] = []  # a writer that nobody holds is closed


def now_header(**more: Any) -> bytes:
    return peer_header(seconds=now_us() // SECOND, **more)


@asynccontextmanager
async def station(**settings: Any):
    listening = BmpStation(StationSettings(**({"port": 0, "batch_s": 0.02} | settings)))
    await listening.start()
    try:
        yield listening
    finally:
        await listening.close()
        while KEPT:
            KEPT.pop().close()


async def router(
    listening: BmpStation, *messages: bytes, local: str = "127.0.0.1", **more: Any
) -> asyncio.StreamWriter:
    _, writer = await asyncio.open_connection("127.0.0.1", listening.port, local_addr=(local, 0), **more)
    writer.write(b"".join(messages))
    KEPT.append(writer)
    return writer


def blocks(found: list[FeedMessage]) -> list[FeedBlock]:
    return [each for each in found if isinstance(each, FeedBlock)]


def elems(found: list[FeedMessage]) -> int:
    return sum(len(each.message.time_us) for each in blocks(found))


def test_routers_are_heard_each_under_its_own_name():
    async def test() -> None:
        async with station(names={"127.0.0.3": "ams1"}) as listening:
            header = now_header()
            for k, local in enumerate(("127.0.0.2", "127.0.0.3", "127.0.0.4")):
                prefix = (KP, KP2, KP)[k]
                await router(
                    listening,
                    initiation(),
                    peer_up(header),
                    routes(announce(ROUTE, [prefix]), header=header),
                    local=local,
                )
            found = await gather(listening.messages(), lambda found: elems(found) == 6)
            assert {(each.collector, each.about) for each in said(blocks(found)) if each.kind == "A"} == {
                ("127.0.0.2", str(KP)), ("ams1", str(KP2)), ("127.0.0.4", str(KP)),
            }  # fmt: skip
            assert (listening.connected, listening.accepted) == (3, 3)
            assert listening.routers["ams1"].reader.info is not None

    run(test())


def test_a_router_that_is_not_allowed_is_refused_and_counted():
    async def test() -> None:
        allow = (ipaddress.ip_network("127.0.0.2/32"),)
        async with station(allow=allow) as listening:
            reader, writer = await asyncio.open_connection("127.0.0.1", listening.port, local_addr=("127.0.0.9", 0))
            assert await reader.read() == b""
            writer.close()
            await router(listening, routes(withdraw([KP]), header=now_header()), local="127.0.0.2")
            found = await gather(listening.messages(), lambda found: elems(found) == 1)
            assert {each.collector for each in said(blocks(found))} == {"127.0.0.2"}
            assert listening.refused == {"127.0.0.9": 1}

    run(test())


def test_loopback_alone_may_connect_where_nothing_is_said():
    listening = BmpStation(StationSettings())
    assert [listening._allowed(text) for text in ("127.0.0.1", "::1", "192.0.2.1", "::2")] == [True, True, False, False]


def test_a_lost_connection_is_a_silence_and_takes_its_peers_down_until_the_router_is_back():
    async def test() -> None:
        async with station() as listening:
            messages = listening.messages()
            header = now_header()
            writer = await router(listening, peer_up(header), routes(announce(ROUTE, [KP]), header=header))
            found: list[FeedMessage] = []
            async with asyncio.timeout(20):
                while elems(found) < 2:
                    found.append(await anext(messages))
                writer.transport.abort()
                while not any(isinstance(each, SessionDown) for each in found):
                    found.append(await anext(messages))
                await asyncio.sleep(0.2)
                header = now_header()
                await router(listening, peer_up(header), routes(announce(ROUTE, [KP]), header=header))
                while elems(found) < 5:
                    found.append(await anext(messages))
            assert [(each.kind, each.about) for each in said(blocks(found))] == [
                ("S", "6"), ("A", str(KP)), ("S", "1"), ("S", "6"), ("A", str(KP)),
            ]  # fmt: skip
            silent = [each for each in found if isinstance(each, FeedSilence)]
            assert [each.collector for each in silent] == ["127.0.0.1"]
            assert silent[0].message.until_us - silent[0].message.from_us >= 200_000
            order = [type(each).__name__ for each in found]
            assert order.index("FeedSilence") > order.index("SessionDown")
            peers = {id(each.message.peers) for each in blocks(found)}
            assert len(peers) == 1  # the same table goes on
            await messages.aclose()

    run(test())


def test_a_second_connection_of_a_router_ends_the_first():
    """A router that lost its connection without our knowing comes back."""

    async def test() -> None:
        async with station() as listening:
            header = now_header()
            await router(listening, peer_up(header))
            await until(
                lambda: "127.0.0.1" in listening.routers and listening.routers["127.0.0.1"].reader.counts.messages == 1
            )
            await router(listening, peer_up(header), routes(announce(ROUTE, [KP]), header=header))
            found = await gather(listening.messages(), lambda found: elems(found) == 4)
            assert [(each.kind, each.about) for each in said(blocks(found))] == [
                ("S", "6"), ("S", "1"), ("S", "6"), ("A", str(KP)),
            ]  # fmt: skip
            assert listening.connected == 1
            assert list(listening.routers) == ["127.0.0.1"]

    run(test())


def test_several_connections_of_an_address_are_several_routers_where_that_is_allowed():
    async def test() -> None:
        async with station(connections_per_router=2) as listening:
            for _ in range(2):
                await router(listening, routes(withdraw([KP]), header=now_header()))
                await until(lambda: len(listening.routers) > 0)
            found = await gather(listening.messages(), lambda found: elems(found) == 2)
            assert {each.collector for each in said(blocks(found))} == {"127.0.0.1", "127.0.0.1#2"}

    run(test())


def test_no_more_connections_than_the_limit():
    async def test() -> None:
        async with station(connections=2) as listening:
            for k in range(4):
                await router(listening, initiation(), local=f"127.0.0.{10 + k}")
                await asyncio.sleep(0.02)
            await until(lambda: listening.refused.total() == 2)
            assert listening.connected == 2

    run(test())


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "what the router sent is no BMP"),
        (b"\3\x7f\xff\xff\xff\0", "what the router sent is no BMP"),
        (termination(2), "the router ended its reports: out of resources"),
        (b"", "the router closed the connection"),
    ],
)
def test_why_a_connection_ended_is_kept(sent, reason):
    async def test() -> None:
        async with station() as listening:
            writer = await router(listening, initiation(), sent)
            if not sent:
                writer.close()
            await until(lambda: listening.accepted == 1 and listening.connected == 0)
            assert listening.routers["127.0.0.1"].ended.startswith(reason)

    run(test())


def test_a_router_that_sends_too_fast_is_slowed_down_and_loses_nothing():
    count = 3000

    async def test() -> None:
        limits = RouterLimits(messages_per_s=5000, burst_s=0.1)
        async with station(limits=limits) as listening:
            header = now_header()
            began = time.monotonic()
            writer = await router(listening, routes(withdraw([KP]), header=header) * count)
            await gather(listening.messages(), lambda found: elems(found) == count)
            assert time.monotonic() - began > 0.8 * (count - 500) / 5000
            assert listening.routers["127.0.0.1"].slowed_s > 0
            writer.close()

    run(test())


def test_what_waits_is_bounded_while_nobody_takes_it_and_none_of_it_is_lost():
    """Ten times what may wait is sent at once."""
    count = 40_000

    async def test() -> None:
        limits = RouterLimits(waiting_octets=300_000, batch_octets=100_000)
        async with station(limits=limits) as listening:
            writer = await router(listening, routes(withdraw([KP]), header=now_header()) * count)
            await until(lambda: "127.0.0.1" in listening.routers and listening.routers["127.0.0.1"].full)
            await asyncio.sleep(0.2)
            reader = listening.routers["127.0.0.1"].reader
            assert 300_000 <= reader.waiting < 500_000
            await gather(listening.messages(), lambda found: elems(found) == count)
            assert reader.counts.messages == count
            writer.close()

    run(test())


def test_all_routers_together_are_bounded_too():
    async def test() -> None:
        async with station(waiting_octets=200_000) as listening:
            message = routes(withdraw([KP]), header=now_header()) * 4000
            for k in range(3):
                await router(listening, message, local=f"127.0.0.{20 + k}")
            await until(lambda: listening._waiting() > 200_000)
            await asyncio.sleep(0.2)
            assert listening._waiting() < 600_000
            await gather(listening.messages(), lambda found: elems(found) == 12_000)

    run(test())


def test_limits_of_the_reader_hold_for_each_router():
    async def test() -> None:
        options = BmpOptions(clock=ClockRules(), limits=Limits(message_octets=200))
        async with station(reader=options) as listening:
            await router(listening, initiation("x" * 300))
            await until(lambda: listening.accepted == 1 and listening.connected == 0)
            assert "no BMP" in listening.routers["127.0.0.1"].ended

    run(test())


def test_an_address_that_is_taken_is_an_error_that_names_it():
    async def test() -> None:
        async with station() as listening:
            other = BmpStation(StationSettings(port=listening.port))
            with pytest.raises(OSError, match="in use") as caught:
                await other.start()
            assert caught.value.filename == f"127.0.0.1 port {listening.port}"

    run(test())


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that is its own authority, and another one."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    for name in ("one", "other"):
        subprocess.run(
            [
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-subj",
                f"/CN={name}",
                "-addext",
                "subjectAltName=IP:127.0.0.1",
                "-keyout",
                folder / f"{name}.key",
                "-out",
                folder / f"{name}.pem",
            ],
            check=True,
            capture_output=True,
        )
    return folder


def test_routers_may_speak_tls_and_may_have_to_show_a_certificate(certificates: Path):
    async def test() -> None:
        tls = server_tls(certificates / "one.pem", certificates / "one.key", certificates / "one.pem")
        async with station(tls=tls) as listening:
            known = ssl.create_default_context(cafile=str(certificates / "one.pem"))
            known.load_cert_chain(certificates / "one.pem", certificates / "one.key")
            stranger = ssl.create_default_context(cafile=str(certificates / "one.pem"))
            stranger.load_cert_chain(certificates / "other.pem", certificates / "other.key")
            message = routes(withdraw([KP]), header=now_header())
            await router(listening, message, ssl=known, server_hostname="127.0.0.1", local="127.0.0.2")
            with suppress(ssl.SSLError, ConnectionError):
                await router(listening, message, ssl=stranger, server_hostname="127.0.0.1", local="127.0.0.3")
            await router(listening, message, local="127.0.0.4")  # no TLS at all
            found = await gather(listening.messages(), lambda found: elems(found) == 1)
            assert {each.collector for each in said(blocks(found))} == {"127.0.0.2"}
            await until(lambda: listening.refused["127.0.0.3"] == 1)
            await until(lambda: listening.refused["127.0.0.4"] == 1)

    run(test())


def test_a_certificate_that_is_none_is_an_error_that_names_it(tmp_path: Path):
    with pytest.raises(StationError, match=r"none\.pem"):
        server_tls(tmp_path / "none.pem", tmp_path / "none.key")


def test_a_bucket_lets_a_burst_through_and_then_keeps_the_rate():
    bucket = Bucket(rate=100, burst=50, now=0)
    assert bucket.take(50, 0) == 0
    assert bucket.take(10, 0) == pytest.approx(0.1)
    assert bucket.take(0, 0.1) == 0
    assert bucket.take(10, 10.0) == 0
    assert bucket.take(100, 10.0) == pytest.approx(0.6)
