"""What exporters have announced of themselves, kept over restarts: templates, sampling rates, when they started.

Exporters of NetFlow 9 and IPFIX repeat their templates every few minutes. Without this file, flows that come before
that cannot be read after each start.
"""

import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from duskwatch.kernels import flow_layout as to
from duskwatch.records.flows import Export, Exporter
from duskwatch.records.prefix import Prefix, address_text
from duskwatch.records.times import iso
from duskwatch.sources.flows.collector import Collector
from duskwatch.sources.flows.errors import FlowInputError
from duskwatch.sources.flows.exporters import Refused
from duskwatch.sources.flows.samplers import AnnouncedRate
from duskwatch.sources.flows.templates import SCOPE, Field, Template, TemplateFault

FORMAT = "duskwatch.flow-exporters/1"
LARGEST = 256 << 20  # octets of such a file


def save_state(collector: Collector, path: Path) -> None:
    """Write what is known of all exporters; the file is replaced once the new one is whole. OSError where it cannot."""
    exporters = _exporters(collector)
    state = {"format": FORMAT, "sha256": _digest(exporters), "written": iso(_now_us()), "exporters": exporters}
    waiting = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        waiting.write_text(json.dumps(state, separators=(",", ":")) + "\n", encoding="ascii")
        waiting.replace(path)
    finally:
        waiting.unlink(missing_ok=True)


def load_state(collector: Collector, path: Path) -> int:
    """Take over what a file has; how many exporters that are.

    Raises OSError where it cannot be read, FlowInputError where it is no such file, of another version, or changed.
    """
    advice = "remove it, or name another"
    if path.stat().st_size > LARGEST:
        raise FlowInputError(f"{path}: larger than any file of exporters' state; {advice}")
    try:
        state = json.loads(path.read_bytes())
    except (ValueError, RecursionError):
        raise FlowInputError(f"{path}: not a file of exporters' state (it is no JSON); {advice}") from None
    said = state.get("format") if isinstance(state, dict) else None
    if said != FORMAT:
        raise FlowInputError(f"{path}: not a file of exporters' state of this version ({FORMAT}); {advice}")
    exporters = state.get("exporters")
    if state.get("sha256") != _digest(exporters):
        raise FlowInputError(f"{path}: its checksum does not fit, it was cut or changed; {advice}")
    try:
        for one in exporters:
            _take(collector, one)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, TemplateFault):
            raise FlowInputError(f"{path}: a template in it cannot be read: {error}; {advice}") from None
        raise FlowInputError(f"{path}: not a file of exporters' state (a part is missing or odd); {advice}") from None
    except Refused as refused:
        raise FlowInputError(f"{path}: {refused}; {advice}") from None
    return len(exporters)


def _now_us() -> int:
    return int(datetime.now(UTC).timestamp() * 1_000_000)


def _digest(exporters: Any) -> str:
    text = json.dumps(exporters, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def _exporters(collector: Collector) -> list[dict[str, Any]]:
    templates: dict[int, list[dict[str, Any]]] = {}
    for row, template, refreshed_us in collector.templates.items():
        fields = [[field.enterprise, field.number, field.octets] for field in template.fields]
        templates.setdefault(row, []).append(
            {
                "number": template.number,
                "options": template.options,
                "scopes": template.scopes,
                "refreshed_us": refreshed_us,
                "fields": fields,
            }
        )
    found = []
    for row, exporter in enumerate(collector.exporters):
        words = collector.table.arrays.words[row]
        samplers = [
            {"sampler": one.sampler, "interface": one.interface, "rate": one.rate} for one in collector.samplers.of(row)
        ]
        general, boot_us = int(words[to.GENERAL_RATE]), int(words[to.BOOT_US])
        if row in templates or samplers or general or boot_us:
            found.append(
                {
                    "export": exporter.export.name,
                    "address": address_text(exporter.afi, exporter.hi, exporter.lo) if exporter.afi else None,
                    "domain": exporter.domain,
                    "general_rate": general,
                    "boot_us": boot_us,
                    "samplers": samplers,
                    "templates": templates.get(row, []),
                }
            )
    return found


def _take(collector: Collector, one: dict[str, Any]) -> None:
    address = Prefix.parse(one["address"]) if one["address"] else Prefix(0, 0, 0, 0)
    exporter = Exporter(Export[one["export"]], address.afi, address.hi, address.lo, _whole(one["domain"], 32))
    row = collector.table.row(exporter)
    words = collector.table.arrays.words[row]
    general, boot_us = _whole(one["general_rate"], 32), _whole(one["boot_us"], 61)
    collector.samplers.tell(row, words, AnnouncedRate(None, None, general or None, boot_us or None))
    for sampler_state in one["samplers"]:
        sampler = None if sampler_state["sampler"] is None else _whole(sampler_state["sampler"], 64)
        interface = None if sampler_state["interface"] is None else _whole(sampler_state["interface"], 32)
        collector.samplers.tell(row, words, AnnouncedRate(sampler, interface, _whole(sampler_state["rate"], 32), None))
    for kept in one["templates"]:
        fields = tuple(
            Field(owner if owner == SCOPE else _whole(owner, 32), _whole(number, 16), _whole(octets, 16))
            for owner, number, octets in kept["fields"]
        )
        template = Template(_whole(kept["number"], 16), fields, _whole(kept["scopes"], 16), bool(kept["options"]))
        collector.templates.put(row, template, _whole(kept["refreshed_us"], 62))


def _whole(value: Any, bits: int) -> int:
    if not isinstance(value, int) or not 0 <= value < 1 << bits:
        raise ValueError("not a number that can be there")
    return value
