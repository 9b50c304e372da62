"""What a live run counts, in Prometheus' text format."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from duskwatch.drivers.live.supervise import Supervised
from duskwatch.records.times import SECOND

if TYPE_CHECKING:
    from duskwatch.drivers.live.run import LiveRun

Sample = tuple[dict[str, str], float]


def metrics(run: "LiveRun") -> str:
    """All metrics of a run."""
    watch = run.watch
    out: list[str] = []

    def add(name: str, kind: str, help_: str, samples: Iterable[Sample]) -> None:
        out.append(f"# HELP duskwatch_{name} {help_}")
        out.append(f"# TYPE duskwatch_{name} {kind}")
        for labels, value in samples:
            inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            out.append(f"duskwatch_{name}{{{inside}}} {value:.15g}" if inside else f"duskwatch_{name} {value:.15g}")

    def of_sources(name: str, kind: str, help_: str, value: Callable[[Supervised], float]) -> None:
        add(name, kind, help_, [({"source": one.source.name}, value(one)) for one in watch.sources])

    def single(name: str, kind: str, help_: str, value: float) -> None:
        add(name, kind, help_, [({}, value)])

    of_sources("source_up", "gauge", "1 while the source runs.", lambda one: one.running)
    restarts = "How often the source failed and was begun again."
    of_sources("source_restarts_total", "counter", restarts, lambda one: one.restarts)
    of_sources("source_messages_total", "counter", "Messages that the source told.", lambda one: one.messages)
    behind = "How far the clock is ahead of what the source has told."
    of_sources(
        "source_behind_seconds", "gauge", behind,
        lambda one: max(0.0, (run.clock() - (one.reached_us or run.began_us)) / SECOND),
    )  # fmt: skip
    judged = "Event time up to which entities were judged."
    single("judged_timestamp_seconds", "gauge", judged, watch.judged_us / SECOND)
    single("judgements_total", "counter", "How often entities were judged.", watch.evaluations)
    single("judgement_seconds", "gauge", "How long the last judgement took.", watch.evaluation_s)
    lot = watch.lots[0]
    single("messages_total", "counter", "Messages folded.", lot.messages)
    single("elems_total", "counter", "Statements on prefixes folded.", lot.elems)
    single("collectors", "gauge", "Collectors and routing tables known.", len(lot.collectors))
    single("refused_messages_total", "counter", "Messages of collectors beyond the limit.", watch.refused)
    lasting = [(code, sum(one.end is None for one in found)) for code, found in sorted(watch.found.items())]
    add("outages_open", "gauge", "Outages of the entity that last.", [({"entity": code}, n) for code, n in lasting])
    single("write_failures_total", "counter", "Writes to the store that failed.", run.recorder.failed)
    single("checkpoint_failures_total", "counter", "Checkpoints that could not be written.", run.checkpoint_failures)
    single(
        "checkpoint_timestamp_seconds", "gauge", "When the last checkpoint was written.", run.checkpointed_us / SECOND
    )
    if run.alerts is not None:
        single("alerts_total", "counter", "Alerts made.", run.alerts.made)
        failing = [({"channel": name}, float(name in run.alerts.errors)) for name in sorted(run.alerts.channels)]
        add("channel_failing", "gauge", "1 while the receiver of the channel does not take alerts.", failing)
    return "\n".join(out) + "\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
