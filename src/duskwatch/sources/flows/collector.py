"""Datagrams of NetFlow 5, NetFlow 9, IPFIX and sFlow 5 into blocks of flows."""

import struct
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_datagrams import Datagrams, scan
from duskwatch.records.flows import Exporter, ExporterCounts, FlowBlock
from duskwatch.records.prefix import Prefix, address_text
from duskwatch.records.times import DAY
from duskwatch.sources.flows.blocks import new_rows, to_block
from duskwatch.sources.flows.exporters import ExporterTable, Refused
from duskwatch.sources.flows.samplers import SamplerTable, read_options
from duskwatch.sources.flows.template_table import TemplateTable
from duskwatch.sources.flows.templates import Template, TemplateFault, parse_templates
from duskwatch.sources.flows.waiting import WaitingSet, WaitingSets, as_batch

REFUSALS_TOLD = 100
TEMPLATE_LIFE_US = DAY


class Refusal(NamedTuple):
    """A datagram that was refused, from some octet on."""

    place: str  # file or address that it was read from
    datagram: int  # the how many-th of that place, from 1
    octet: int  # of the datagram
    sender: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: datagram {self.datagram} from {self.sender}, octet {self.octet}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Settings:
    """How a collector reads.

    allowed           prefixes whose addresses may export; empty: all
    template_life_us  a template that came so long ago is forgotten; 0: never
    hold              whether sets whose template has not come yet are held for it
    inner             whether flows are of what is in tunnels (IP in IP, SRv6, GRE, VXLAN), where records tell
    """

    allowed: tuple[Prefix, ...] = ()
    template_life_us: int = TEMPLATE_LIFE_US
    hold: bool = True
    inner: bool = False


class Collector:
    """Blocks of flows from datagrams, and what is known of those who sent them.

    exporters   who exported, in the order first met; a block's ``exporter`` is a row here
    refused     datagrams, and parts of them, that were refused, by reason
    refusals    the first REFUSALS_TOLD of them

    No bytes, however broken, raise an exception here. What is kept of any number of senders is bounded; see the limits
    in exporters, template_table, samplers and held.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.refused: Counter[str] = Counter()
        self.refusals: list[Refusal] = []
        self.table = ExporterTable(self.settings.allowed)
        self.templates = TemplateTable(inner=self.settings.inner)
        self.samplers = SamplerTable()
        self._held = WaitingSets()
        self._due: list[WaitingSet] = []
        self._out = new_rows()
        self._cursor = np.zeros(to.CURSOR, np.int64)
        self._key = np.zeros(4, np.uint64)
        self._reasons = np.zeros(len(to.REASONS), np.int64)
        self._places = np.zeros((to.REFUSALS_KEPT, 3), np.int64)

    @property
    def exporters(self) -> list[Exporter]:
        """Who exported, in the order first met."""
        return self.table.exporters

    def counts(self) -> list[ExporterCounts]:
        """What is counted of each exporter, in the same order."""
        return [
            self.table.counts(row, self.samplers.of(row), self.templates.count(row), self._held.count(row))
            for row in range(len(self.exporters))
        ]

    def decode(self, batch: Datagrams, place: str = "", first: int = 1) -> Iterator[FlowBlock]:
        """The flows of a batch. ``first`` is the number of its first datagram in the place that it comes from."""
        yield from self._scan(batch, place, first, again=False)
        while self._due:
            due, self._due = self._due, []
            yield from self._scan(as_batch(due), place, first, again=True)

    def row_of(self, exporter: Exporter) -> int:
        """The row of an exporter that a file names; of one for all others, where there are too many."""
        try:
            return self.table.row(exporter)
        except Refused:
            self.refused[to.REASONS[to.MANY_EXPORTERS]] += 1
            return self.table.others(exporter.export)

    def adopt(self, block: FlowBlock, mapping: npt.NDArray[np.int32]) -> FlowBlock:
        """A block that was not decoded here, with exporters that are rows here, and counted as if it were.

        mapping  int32[E] row here of each exporter that the block has
        """
        exporter = mapping[block.exporter]
        self.table.count(exporter, block)
        return block._replace(exporter=exporter)

    def _scan(self, batch: Datagrams, place: str, first: int, *, again: bool) -> Iterator[FlowBlock]:
        cursor, out = self._cursor, self._out
        cursor[:] = 0
        cursor[to.AGAIN] = again
        cursor[to.INNER] = self.settings.inner
        cursor[to.LIFE_US] = self.settings.template_life_us
        while True:
            cursor[to.QUIET] = not self.settings.hold or self._held.full
            cursor[to.SOURCES_FULL] = self.table.sources_full
            cursor[to.ALL_KEPT] = self.table.full
            ended = scan(
                batch, self.table.streams, self.templates.arrays, self.samplers.arrays, self.table.arrays, out,
                self._reasons, self._places, cursor, self._key,
            )  # fmt: skip
            if ended == to.FULL:
                yield to_block(out, int(cursor[to.ROWS]))
                cursor[to.ROWS] = 0
            elif ended == to.NEW_STREAM:
                self._new_stream(batch)
            elif ended == to.TEMPLATE_SET:
                self._templates(batch)
            elif ended == to.OPTIONS_SET:
                self._options(batch)
            elif ended == to.UNKNOWN_SET:
                self._unknown(batch)
            else:
                break
        if cursor[to.ROWS]:
            yield to_block(out, int(cursor[to.ROWS]))
        self._note(batch, place, first)

    def _new_stream(self, batch: Datagrams) -> None:
        cursor = self._cursor
        row = int(cursor[to.DATAGRAM])
        if int(self._key[2]) >> 48 == to.SFLOW_SOURCE:
            self.table.add_source(self._key, int(cursor[to.WHOSE]))
            return
        sender = Prefix(int(batch.afi[row]), int(batch.hi[row]), int(batch.lo[row]), 128 if batch.afi[row] == 2 else 32)
        try:
            self.table.add_stream(self._key, sender)
        except Refused as refused:
            self._refuse(refused.reason, 0)
            cursor[to.DATAGRAM] += 1

    def _templates(self, batch: Datagrams) -> None:
        cursor = self._cursor
        row, exporter = int(cursor[to.DATAGRAM]), int(cursor[to.WHOSE])
        received = int(batch.received_us[row])
        options = int(cursor[to.SET_ID]) in (1, 3)
        found, withdrawn, reason = parse_templates(self._set(batch), int(cursor[to.VERSION]), options)
        for number in withdrawn:
            self.templates.withdraw(exporter, number, options)
        for template in found:
            try:
                self.templates.put(exporter, template, received)
            except TemplateFault as fault:
                self._refuse(fault.reason, int(cursor[to.SET_AT] - batch.start[row]))
                continue
            for held in self._held.release(exporter, template.number, received):
                counts = self.table.arrays.counts[exporter]
                counts[to.UNKNOWN_SETS] -= 1
                counts[to.UNKNOWN_OCTETS] -= len(held.datagram) - HEADERS[int(cursor[to.VERSION])]
                if template.options:  # rates of the flows that come next
                    self._take_options(exporter, template, held.datagram[HEADERS[int(cursor[to.VERSION])] + 4 :])
                else:
                    self._due.append(held)
        if reason:
            self._refuse(reason, int(cursor[to.SET_AT] - batch.start[row]))

    def _options(self, batch: Datagrams) -> None:
        cursor = self._cursor
        exporter = int(cursor[to.WHOSE])
        template = self.templates.get(exporter, int(cursor[to.SET_ID]))
        assert template is not None
        records, whole = self._take_options(exporter, template, self._set(batch))
        cursor[to.COUNTED] += records
        cursor[to.OPTIONED] += records
        if not whole:
            self._refuse(to.LONG_FIELD, int(cursor[to.SET_AT] - batch.start[cursor[to.DATAGRAM]]))
            cursor[to.UNCOUNTED] += 1

    def _take_options(self, exporter: int, template: Template, data: bytes) -> tuple[int, bool]:
        """Learn what the records of a set say; how many there are, and whether none runs past the set."""
        records = 0
        for announced in read_options(template, data):
            if announced is None:
                return records, False
            records += 1
            self.table.arrays.counts[exporter, to.OPTION_RECORDS] += 1
            self.samplers.tell(exporter, self.table.arrays.words[exporter], announced)
        return records, True

    def _unknown(self, batch: Datagrams) -> None:
        """Hold a set with the header of its datagram, so that both can be read as one."""
        cursor = self._cursor
        row, version = int(cursor[to.DATAGRAM]), int(cursor[to.VERSION])
        header = batch.data[batch.start[row] : batch.start[row] + HEADERS[version]].tobytes()
        records = batch.data[cursor[to.SET_AT] - 4 : cursor[to.LEFT]].tobytes()
        if version == to.NETFLOW9:
            header = header[:2] + b"\0\1" + header[4:]
        if version == to.IPFIX:
            header = header[:2] + struct.pack("!H", len(header) + len(records)) + header[4:]
        self._held.hold(
            int(cursor[to.WHOSE]),
            int(cursor[to.SET_ID]),
            WaitingSet(
                header + records,
                int(batch.received_us[row]),
                int(batch.afi[row]),
                int(batch.hi[row]),
                int(batch.lo[row]),
                int(batch.port[row]),
            ),
        )

    def _set(self, batch: Datagrams) -> bytes:
        data: bytes = batch.data[self._cursor[to.SET_AT] : self._cursor[to.LEFT]].tobytes()
        return data

    def _refuse(self, reason: int, octet: int) -> None:
        cursor = self._cursor
        self._reasons[reason] += 1
        if cursor[to.REFUSALS] < to.REFUSALS_KEPT:
            self._places[cursor[to.REFUSALS]] = cursor[to.DATAGRAM], octet, reason
            cursor[to.REFUSALS] += 1
        if cursor[to.WHOSE] >= 0:
            self.table.arrays.counts[cursor[to.WHOSE], to.REFUSED] += 1

    def _note(self, batch: Datagrams, place: str, first: int) -> None:
        for reason in np.flatnonzero(self._reasons):
            self.refused[to.REASONS[reason]] += int(self._reasons[reason])
        self._reasons[:] = 0
        for row, octet, reason in self._places[: int(self._cursor[to.REFUSALS])].tolist():
            if len(self.refusals) >= REFUSALS_TOLD:
                return
            sender = (
                address_text(int(batch.afi[row]), int(batch.hi[row]), int(batch.lo[row])) if batch.afi[row] else "-"
            )
            self.refusals.append(Refusal(place, first + row, octet, sender, to.REASONS[reason]))


HEADERS = {to.NETFLOW9: 20, to.IPFIX: 16}
