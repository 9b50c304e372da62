"""Options records: which sampler looks at one packet in how many, and when the exporter started."""

import struct
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_tables import Samplers, place_sampler
from duskwatch.records.flows import RateSource, Sampler
from duskwatch.sources.flows.elements import INTERFACES, RATES, SAMPLER_IDS, SCOPE_INTERFACE
from duskwatch.sources.flows.templates import SCOPE, Template

PER_EXPORTER = 4096  # samplers
MOST_RATE = (1 << 32) - 1
FIRST_ROWS = 256


class AnnouncedRate(NamedTuple):
    """What one options record says. ``sampler`` and ``interface`` are None where the record is of all flows."""

    sampler: int | None
    interface: int | None
    rate: int | None  # None where it says none, or 0
    boot_us: int | None


def read_options(template: Template, data: bytes) -> Iterator[AnnouncedRate | None]:
    """What each record of a set says, without its header; a last None where a field runs past the set."""
    least = sum(1 if field.octets == to.VARIABLE else field.octets for field in template.fields)
    at = 0
    while at + least <= len(data):
        values: dict[tuple[int, int], bytes] = {}
        for field in template.fields:
            octets = field.octets
            if octets == to.VARIABLE:
                octets, at = _length(data, at)
            if at + octets > len(data):
                yield None
                return
            values.setdefault((field.enterprise, field.number), data[at : at + octets])
            at += octets
        yield _announced(values)


def _length(data: bytes, at: int) -> tuple[int, int]:
    """Octets of a field of variable length, and where they begin; past the end where the length itself is."""
    if at >= len(data):
        return 1, at
    if data[at] < 255:
        return data[at], at + 1
    if at + 3 > len(data):
        return len(data), at
    return int.from_bytes(data[at + 1 : at + 3], "big"), at + 3


def _announced(values: dict[tuple[int, int], bytes]) -> AnnouncedRate:
    numbers = {
        number: int.from_bytes(value, "big") for (owner, number), value in values.items() if owner == 0 and value
    }
    sampler = next((numbers[number] & (1 << 64) - 1 for number in SAMPLER_IDS if number in numbers), None)
    interface = next((numbers[number] for number in INTERFACES if number in numbers), None)
    if interface is None and (SCOPE, SCOPE_INTERFACE) in values:
        interface = int.from_bytes(values[SCOPE, SCOPE_INTERFACE], "big")
    boot_ms = numbers.get(160, 0)
    return AnnouncedRate(
        sampler,
        interface & 0xFFFFFFFF if interface is not None else None,
        _rate(numbers, values.get((0, 311), b"")) if any(number in numbers for number in RATES) else None,
        boot_ms * 1000 if 0 < boot_ms < to.MOST_US // 1000 else None,
    )


def _rate(numbers: dict[int, int], probability: bytes) -> int | None:
    """One packet in so many: of any of the ways to say it; None where it says 0."""
    interval = numbers.get(34) or numbers.get(50) or numbers.get(305, 0)
    rate = interval
    if numbers.get(309) and numbers.get(310):
        rate = numbers[310] // numbers[309]
    elif interval and numbers.get(306):
        rate = (interval + numbers[306]) // interval
    elif not interval and len(probability) in (4, 8):
        (chance,) = struct.unpack("!f" if len(probability) == 4 else "!d", probability)
        rate = round(1 / chance) if 1 / MOST_RATE <= chance <= 1 else 0
    return min(rate, MOST_RATE) if rate > 0 else None


class SamplerTable:
    """Rates by exporter and sampler, as the kernels find them."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int, int], int] = {}
        self._of: dict[int, list[int]] = {}
        self._changed: list[int] = []
        self.arrays = _arrays(FIRST_ROWS)

    def tell(self, exporter: int, words: npt.NDArray[np.int64], announced: AnnouncedRate) -> None:
        """Take over what a record says; more than PER_EXPORTER samplers of one exporter are not kept.

        words  int64[EXPORTER_WORDS] of the exporter
        """
        if announced.boot_us is not None:
            words[to.BOOT_US] = announced.boot_us
        if announced.rate is None:
            return
        if announced.sampler is not None:
            self._set(exporter, announced.sampler, announced.rate)
        elif announced.interface is not None:
            self._set(exporter, announced.interface | to.INTERFACE_SAMPLER, announced.rate)
            words[to.BY_INTERFACE] = 1
        else:
            words[to.GENERAL_RATE] = announced.rate
            return
        rates = {int(self.arrays.rate[row]) for row in self._of.get(exporter, ())}
        words[to.SHARED_RATE] = rates.pop() if len(rates) == 1 else 0

    def _set(self, exporter: int, sampler: int, rate: int) -> None:
        row = self._rows.get((exporter, sampler))
        if row is not None:
            self._changed[row] += int(self.arrays.rate[row]) != rate
            self.arrays.rate[row] = rate
            return
        of = self._of.setdefault(exporter, [])
        if len(of) >= PER_EXPORTER:
            return
        row = len(self._rows)
        if row == len(self.arrays.rate):
            self._grow()
        self._rows[exporter, sampler] = row
        of.append(row)
        self._changed.append(0)
        self.arrays.exporter[row] = exporter
        self.arrays.sampler[row] = sampler
        self.arrays.rate[row] = rate
        place_sampler(self.arrays, row)

    def _grow(self) -> None:
        old, self.arrays = self.arrays, _arrays(2 * len(self.arrays.rate))
        for was, now in zip(old[1:], self.arrays[1:], strict=True):
            now[: len(was)] = was
        for row in range(len(old.rate)):
            place_sampler(self.arrays, row)

    def of(self, exporter: int) -> tuple[Sampler, ...]:
        """The samplers of one exporter that are known by options records."""
        found = []
        for row in self._of.get(exporter, ()):
            name, rate = int(self.arrays.sampler[row]), int(self.arrays.rate[row])
            interface = name & 0xFFFFFFFF if name & to.INTERFACE_SAMPLER else None
            sampler = None if interface is not None else name
            found.append(Sampler(sampler, interface, rate, RateSource.LEARNED, self._changed[row]))
        return tuple(found)


def _arrays(rows: int) -> Samplers:
    return Samplers(
        np.full(4 * rows, -1, np.int32), np.zeros(rows, np.int64), np.zeros(rows, np.uint64), np.zeros(rows, np.int64)
    )
