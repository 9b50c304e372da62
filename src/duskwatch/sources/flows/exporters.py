"""Who exports: rows for exporters and for the streams of their datagrams, bounded, as the kernels find them."""

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_tables import Exporters, Streams, place_stream
from duskwatch.records.flows import Export, Exporter, ExporterCounts, FlowBlock, RateSource, Sampler
from duskwatch.records.prefix import Prefix

EXPORTERS = 16_384  # a sender of spoofed datagrams can make up no more
DOMAINS = 1024  # of one address
PORTS = 16  # that one exporter sends from, before they are no longer kept apart
STREAMS = 65_536
SPARE = 8  # rows beside these, each for all others of one kind
ALL_OTHERS = 0xFFFFFFFF
FIRST_ROWS = 64

PORT_SHIFT, VERSION_SHIFT, NO_PORT = 32, 48, ~(0xFFFF << 32) & (1 << 64) - 1


class Refused(Exception):
    """A sender that gets no row, with the index of the reason in REASONS."""

    def __init__(self, reason: int) -> None:
        super().__init__(to.REASONS[reason])
        self.reason = reason


class ExporterTable:
    """Exporters in the order first met; a block's ``exporter`` is a row here.

    An exporter is an address, a version and a domain. Its streams, one for each port that it sends from, have sequence
    numbers of their own.
    """

    def __init__(self, allowed: tuple[Prefix, ...] = ()) -> None:
        self.exporters: list[Exporter] = []
        self.arrays = _exporters(FIRST_ROWS)
        self.streams = _streams(FIRST_ROWS)
        self._allowed = allowed
        self._rows: dict[Exporter, int] = {}
        self._domains: dict[tuple[int, int, int], int] = {}
        self._ports: dict[int, int] = {}
        self._stream_count = 0

    @property
    def full(self) -> bool:
        """Whether no further exporter gets a row."""
        return len(self.exporters) >= EXPORTERS or self._stream_count >= STREAMS

    @property
    def sources_full(self) -> bool:
        """Whether no further source of samples gets a row; half of the streams are kept for exporters."""
        return self._stream_count >= STREAMS // 2

    @property
    def flows(self) -> int:
        """Flows of all exporters."""
        return int(self.arrays.counts[:, to.FLOWS].sum())

    def row(self, exporter: Exporter) -> int:
        """Its row, a new one where there is none. Raises Refused where there are too many."""
        row = self._rows.get(exporter)
        if row is not None:
            return row
        address = (exporter.afi, exporter.hi, exporter.lo)
        if len(self.exporters) >= EXPORTERS or self._domains.get(address, 0) >= DOMAINS:
            raise Refused(to.MANY_EXPORTERS)
        self._domains[address] = self._domains.get(address, 0) + 1
        return self._new_row(exporter)

    def _new_row(self, exporter: Exporter) -> int:
        if exporter in self._rows:
            return self._rows[exporter]
        row = len(self.exporters)
        if row == len(self.arrays.counts):
            old, self.arrays = self.arrays, _exporters(2 * row)
            self.arrays.counts[:row] = old.counts
            self.arrays.words[:row] = old.words
        self.exporters.append(exporter)
        self._rows[exporter] = row
        return row

    def others(self, export: Export) -> int:
        """A row for exporters that get none of their own; the first row where there is no room even for that."""
        everyone = Exporter(export, 0, 0, 0, ALL_OTHERS)
        return self._rows.get(everyone, 0) if len(self.exporters) >= EXPORTERS + SPARE else self._new_row(everyone)

    def count(self, exporter: npt.NDArray[np.int32], block: FlowBlock) -> None:
        """Count the flows of a block that was not decoded by the kernels. ``exporter`` int32[F] is their row here."""
        rows = len(self.exporters)
        counts, words = self.arrays.counts[:rows], self.arrays.words[:rows]
        counts[:, to.FLOWS] += np.bincount(exporter, minlength=rows)
        np.maximum.at(counts[:, to.LONGEST_US], exporter, block.end_us - block.start_us)
        for source, column in enumerate((to.BY_ASSUMED, to.BY_DECLARED, to.BY_LEARNED)):
            words[:, column] += np.bincount(exporter[block.rate_source == source], minlength=rows)
        received = block.received_us > 0
        if received.any():
            when, whose = block.received_us[received], exporter[received]
            first = counts[:, to.FIRST_US]
            first[first == 0] = to.MOST_US
            np.minimum.at(first, whose, when)
            first[first == to.MOST_US] = 0
            np.maximum.at(counts[:, to.LAST_US], whose, when)

    def add_stream(self, key: npt.NDArray[np.uint64], sender: Prefix) -> None:
        """Make a stream known, and its exporter. Raises Refused where it is not allowed, or there are too many.

        key     uint64[4]: address, version << 48 | port << 32 | domain, afi
        sender  where the datagram came from; an sFlow agent may have another address
        """
        if self._allowed and not any(prefix.contains(sender) for prefix in self._allowed):
            raise Refused(to.NOT_ALLOWED)
        if self.full:
            raise Refused(to.MANY_EXPORTERS)
        meta = int(key[2])
        version, domain = meta >> VERSION_SHIFT, meta & 0xFFFFFFFF
        row = self.row(Exporter(Export(version), int(key[3]), int(key[0]), int(key[1]), domain))
        self._ports[row] = self._ports.get(row, 0) + 1
        if self._ports[row] > PORTS:
            meta &= NO_PORT
        self._add(int(key[0]), int(key[1]), meta, row)

    def add_source(self, key: npt.NDArray[np.uint64], row: int) -> None:
        """Make a source of sFlow samples known, whose sequence numbers are its own."""
        self._add(int(key[0]), int(key[1]), int(key[2]), row)

    def _add(self, hi: int, lo: int, meta: int, row: int) -> None:
        at = self._stream_count
        if at == len(self.streams.keys):
            old, self.streams = self.streams, _streams(2 * at)
            self.streams.keys[:at] = old.keys
            self.streams.words[:at] = old.words
            self.streams.exporter[:at] = old.exporter
            for k in range(at):
                place_stream(self.streams, k)
        self.streams.keys[at] = hi, lo, meta
        self.streams.exporter[at] = row
        self._stream_count += 1
        place_stream(self.streams, at)

    def counts(self, row: int, samplers: tuple[Sampler, ...], templates: int, held: int) -> ExporterCounts:
        """What is counted of one exporter."""
        counts, words = self.arrays.counts[row].tolist(), self.arrays.words[row].tolist()
        sampling = list(samplers)
        if words[to.GENERAL_RATE]:
            sampling.insert(0, Sampler(None, None, words[to.GENERAL_RATE], RateSource.LEARNED))
        if words[to.DECLARED_RATE]:
            declared = words[to.DECLARED_RATE], RateSource.DECLARED, words[to.DECLARED_CHANGES]
            sampling.insert(0, Sampler(None, None, *declared))
        return ExporterCounts(
            exporter=self.exporters[row],
            datagrams=counts[to.DATAGRAMS],
            octets=counts[to.OCTETS],
            flows=counts[to.FLOWS],
            other_records=counts[to.OTHERS],
            option_records=counts[to.OPTION_RECORDS],
            templates=templates,
            unknown_sets=counts[to.UNKNOWN_SETS],
            unknown_octets=counts[to.UNKNOWN_OCTETS],
            held_sets=held,
            lost_datagrams=counts[to.LOST_DATAGRAMS],
            lost_records=counts[to.LOST_RECORDS],
            late=counts[to.LATE],
            repeated=counts[to.REPEATED],
            restarts=counts[to.RESTARTS],
            refused=counts[to.REFUSED],
            miscounted=counts[to.MISCOUNTED],
            first_us=counts[to.FIRST_US],
            last_us=counts[to.LAST_US],
            longest_us=counts[to.LONGEST_US],
            samplers=tuple(sampling),
            by_source=(words[to.BY_ASSUMED], words[to.BY_DECLARED], words[to.BY_LEARNED]),
        )


def _exporters(rows: int) -> Exporters:
    return Exporters(np.zeros((rows, to.COUNT_WORDS), np.int64), np.zeros((rows, to.EXPORTER_WORDS), np.int64))


def _streams(rows: int) -> Streams:
    return Streams(
        np.full(4 * rows, -1, np.int32),
        np.zeros((rows, 3), np.uint64),
        np.zeros((rows, to.STREAM_WORDS), np.int64),
        np.zeros(rows, np.int32),
    )
