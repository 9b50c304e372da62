"""Files of flows, of any kind that is understood: their first bytes say which kind it is."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from duskwatch.records.flows import Export, Exporter, FlowBlock
from duskwatch.sources.files.pieces import open_pieces
from duskwatch.sources.flows.captures import PCAP, PCAPNG, CaptureReader, packet_exporter
from duskwatch.sources.flows.collector import Collector
from duskwatch.sources.flows.errors import FlowInputError
from duskwatch.sources.flows.nfdump_file import MAGIC, NfdumpReader
from duskwatch.sources.flows.raw import RawReader, begins_as_export
from duskwatch.sources.flows.text import TextReader

CSV_NAMES = (b"ts,", b"firstSeen,")
Progress = Callable[[int], None]


@dataclass(slots=True)
class FileReport:
    """What one file held, and what was wrong with it."""

    path: str
    kind: str  # what it was read as
    flows: int = 0
    units: int = 0  # datagrams, frames or lines
    faults: list[str] = field(default_factory=list)  # one sentence each: damage, bad lines; empty where all is well
    passed: dict[str, int] = field(default_factory=dict)  # what carried no flows, by reason


class FlowFiles:
    """Blocks of flows from files, one after the other; a block's ``exporter`` is a row of the collector's.

    packets  captures are read as the traffic itself, not as datagrams of exporters
    ports    only datagrams sent to these UDP ports; none: all that begin as an export does
    reports  one for each file, once it was begun
    """

    def __init__(
        self,
        paths: Iterable[str | Path],
        collector: Collector,
        *,
        packets: bool = False,
        ports: tuple[int, ...] = (),
        progress: Progress | None = None,
    ) -> None:
        self.reports: list[FileReport] = []
        self._paths = list(paths)
        self._collector = collector
        self._packets = packets
        self._ports = ports
        self._progress = progress

    def __iter__(self) -> Iterator[FlowBlock]:
        for path in self._paths:
            yield from self._file(path)

    def _file(self, path: str | Path) -> Iterator[FlowBlock]:
        name = "standard input" if str(path) == "-" else str(path)
        pieces = iter(open_pieces(path, piece_bytes=1 << 20))
        first = next(pieces, b"")
        report = FileReport(name, kind_of(first))
        self.reports.append(report)
        if not report.kind:
            said = f"its first bytes are {first[:8].hex(' ')}" if first else "it is empty"
            raise FlowInputError(
                f"{name}: {said}; what is read is pcap, pcapng, datagrams of NetFlow, IPFIX and sFlow, files of "
                "nfcapd, CSV of nfdump (with its line of names), and JSON lines of goflow2 and pmacct"
            )
        whole = chain([first], pieces)
        if self._progress is not None:
            whole = self._watched(whole)  # type: ignore[assignment]
        blocks = {
            "capture": self._capture,
            "datagrams": self._raw,
            "nfcapd": self._nfcapd,
            "CSV": self._text,
            "JSON": self._text,
        }[report.kind](whole, report)
        for block in blocks:
            report.flows += block.rows
            yield block

    def _watched(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        assert self._progress is not None
        for piece in pieces:
            yield piece
            self._progress(len(piece))

    def _capture(self, pieces: Iterable[bytes], report: FileReport) -> Iterator[FlowBlock]:
        reader = CaptureReader(pieces)
        if self._packets:
            row = self._collector.table.row(packet_exporter())
            mapping = np.array([row], np.int32)
            for block in reader.packets(inner=self._collector.settings.inner):
                yield self._collector.adopt(block, mapping)
        else:
            report.units = 0
            for batch in reader.datagrams(self._ports):
                yield from self._collector.decode(batch, report.path, report.units + 1)
                report.units += len(batch.start)
        report.units = report.units or reader.frames
        report.passed = dict(reader.passed)
        if reader.damage is not None:
            report.faults.append(f"damaged at {reader.damage}")

    def _raw(self, pieces: Iterable[bytes], report: FileReport) -> Iterator[FlowBlock]:
        reader = RawReader(pieces)
        for batch in reader:
            yield from self._collector.decode(batch, report.path, report.units + 1)
            report.units += len(batch.start)
        if reader.damage is not None:
            report.faults.append(f"damaged at {reader.damage}")

    def _nfcapd(self, pieces: Iterable[bytes], report: FileReport) -> Iterator[FlowBlock]:
        reader = NfdumpReader(pieces)
        yield from self._adopted(reader, reader.exporters)
        report.units = reader.flows + reader.other_records
        if reader.scaled:
            report.faults.append(
                f"{reader.scaled} flows were multiplied by a sampling rate that the file does not tell; they are taken "
                "as they are"
            )
        if reader.damage is not None:
            report.faults.append(f"damaged at {reader.damage}")

    def _text(self, pieces: Iterable[bytes], report: FileReport) -> Iterator[FlowBlock]:
        reader = TextReader(pieces, Export.JSON if report.kind == "JSON" else Export.CSV)
        yield from self._adopted(reader, reader.exporters)
        report.units = reader.flows + reader.bad_lines + reader.other_records
        if reader.other_records:
            report.passed["lines that are no flows"] = reader.other_records
        report.faults += [f"line {line}: {reason}" for line, reason in reader.bad]
        if reader.bad_lines > len(reader.bad):
            report.faults.append(f"{reader.bad_lines} lines of this kind in all")
        if reader.damage is not None:
            report.faults.append(f"damaged at {reader.damage}")

    def _adopted(self, blocks: Iterable[FlowBlock], exporters: list[Exporter]) -> Iterator[FlowBlock]:
        """Blocks whose exporters are rows of the file's own list, as rows of the collector's."""
        mapping: npt.NDArray[np.int32] = np.zeros(0, np.int32)
        for block in blocks:
            if len(mapping) < len(exporters):
                added = [self._collector.row_of(exporter) for exporter in exporters[len(mapping) :]]
                mapping = np.concatenate([mapping, np.array(added, np.int32)])
            yield self._collector.adopt(block, mapping)


def kind_of(first: bytes) -> str:
    """What a file that begins with these bytes is read as; empty where it is nothing that is known."""
    start = first[:4096].lstrip()
    if first[:4] in PCAP or first[:4] == PCAPNG:
        return "capture"
    if first[:2] == MAGIC:
        return "nfcapd"
    if begins_as_export(first):
        return "datagrams"
    if start[:1] == b"{":
        return "JSON"
    if start.startswith(CSV_NAMES):
        return "CSV"
    return ""
