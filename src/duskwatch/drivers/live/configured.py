"""A live run as a configuration says it: its sources, store, alerts, checkpoints."""

import logging
from pathlib import Path

from duskwatch.analysis.rolling import Watched, watched_lots
from duskwatch.drivers.live.alerting import Alerts
from duskwatch.drivers.live.checkpoint import read
from duskwatch.drivers.live.concluding import Recorder
from duskwatch.drivers.live.feeds import BmpSource, KafkaSource, RisLiveSource
from duskwatch.drivers.live.polling import Polling, at_publishers, in_folder
from duskwatch.drivers.live.run import LiveRun, checked_entities, reference_of_all
from duskwatch.drivers.live.settings import (
    VIEWS,
    Settings,
    SourceTable,
    channel_of,
    entities_of,
    host_port,
    network,
    rule_of,
)
from duskwatch.drivers.live.source import LiveSource
from duskwatch.drivers.live.supervise import Supervised
from duskwatch.drivers.live.watch import AHEAD_US, begin_watch
from duskwatch.records.times import HOUR, SECOND
from duskwatch.sources.bgp.formats.bmp import BmpOptions
from duskwatch.sources.bgp.formats.feed_counts import ClockRules
from duskwatch.sources.bgp.live.bmp_station import LOOPBACK, StationSettings, server_tls
from duskwatch.sources.bgp.live.clock import Clock, now_us
from duskwatch.sources.bgp.live.kafka import KafkaSettings
from duskwatch.sources.bgp.live.ris_live import URL, RisLiveSettings, Subscription
from duskwatch.store import Store

log = logging.getLogger("duskwatch.live")


def configured_run(settings: Settings, folder: Path, *, clock: Clock = now_us) -> LiveRun:
    """The run, going on from its checkpoint where there is one. Paths are taken from ``folder`` on.

    Raises InputError, ReferenceDataError, StoreError or OSError, each with what to do.
    """
    now = clock()
    lots = watched_of(settings, folder, now)
    lateness_us = int(settings.watch.lateness_seconds * SECOND)
    where = settings.store.path if "://" in settings.store.path else folder / settings.store.path
    store = Store.open(where, create=True, database=settings.store.database)
    recorder = Recorder(store, settings.store.source)
    bin_us = settings.watch.bin_seconds * SECOND
    watch = begin_watch(lots, now // bin_us * bin_us, lambda reports, window: None, lambda: clock() + AHEAD_US)
    watch.sources += [Supervised(source_of(table, folder, lateness_us, clock)) for table in settings.source]
    run = LiveRun(watch, recorder, clock, lateness_us)
    watch.conclude = run.conclude
    channels = {table.name: channel_of(table, folder) for table in settings.channel}
    if channels:
        rules = tuple(rule_of(table) for table in settings.rule)
        run.alerts = Alerts(store, settings.store.source, rules, channels, clock)
    if settings.http is not None:
        run.http = host_port(settings.http.address)
    if settings.checkpoint.path:
        run.checkpoints, run.checkpoint_s = folder / settings.checkpoint.path, settings.checkpoint.every_seconds
        found, faults = read(run.checkpoints, tuple(watch.lots), lots[0].ranges)
        for fault in faults:
            log.error("checkpoint not used", extra={"why": fault})
        if found is not None:
            watch.resume(found)
            log.info("going on from a checkpoint", extra={"age_s": round((now - found.made_us) / SECOND, 1)})
    return run


def watched_of(settings: Settings, folder: Path, at_us: int) -> tuple[Watched, ...]:
    """What is watched, with whose addresses are whose at a time."""
    entities = checked_entities(entities_of(settings))
    ranges = reference_of_all(entities, at_us, [folder / path for path in settings.watch.geo])
    return watched_lots(entities, ranges, settings.watch.bin_seconds * SECOND, int(settings.watch.keep_hours * HOUR))


def source_of(
    table: SourceTable, folder: Path, lateness_us: int, clock: Clock = now_us, from_us: int | None = None
) -> LiveSource:
    """One source. ``from_us``: what archives tell of times before only builds up the state; None: now."""
    name = table.name or table.kind
    if table.kind == "archive":
        if table.path:
            paths = in_folder(folder / table.path)
        else:
            paths = at_publishers(table.collectors, folder / table.cache, table.mirror, clock)
        patience_us = int(table.patience_seconds * SECOND)
        begin_us = clock() if from_us is None else from_us
        return Polling(name, paths, begin_us, clock=clock, poll_s=table.poll_seconds, patience_us=patience_us)
    views = frozenset(table.views or VIEWS)
    if table.kind == "ris-live":
        wanted = tuple(Subscription(host=host) for host in table.collectors) or (Subscription(),)
        ris = RisLiveSettings(table.client, wanted, table.url or URL)
        return RisLiveSource(name, ris, lateness_us=lateness_us, clock=clock)
    if table.kind == "bmp":
        host, port = host_port(table.listen)
        tls = None
        if table.tls_certificate:
            authority = folder / table.tls_authority if table.tls_authority else None
            tls = server_tls(folder / table.tls_certificate, folder / table.tls_key, authority)
        station = StationSettings(
            host=host,
            port=port,
            allow=tuple(network(text) for text in table.allow) or LOOPBACK,
            names=table.names,
            reader=BmpOptions(views, ClockRules()),
            tls=tls,
        )
        return BmpSource(name, station, lateness_us=lateness_us, clock=clock)
    reader = BmpOptions(views, ClockRules())
    kafka = KafkaSettings(table.brokers, tuple(table.topics), table.group, reader=reader, more=dict(table.settings))
    return KafkaSource(name, kafka, lateness_us=lateness_us, clock=clock)
