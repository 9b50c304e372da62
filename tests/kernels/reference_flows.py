"""Flows out of datagrams, slowly: one record at a time, one field at a time, straight from the descriptions."""

import ipaddress
import struct
from typing import Any

from tests.kernels.reference_packets import packet

Row = dict[str, Any]
MOST_US = 1 << 61
FIELDS_5 = (
    (8, 4), (12, 4), (15, 4), (10, 2), (14, 2), (2, 4), (1, 4), (22, 4), (21, 4), (7, 2), (11, 2), (210, 1), (6, 1),
    (4, 1), (5, 1), (16, 2), (17, 2), (9, 1), (13, 1), (210, 2),
)  # fmt: skip


class Reject(Exception):
    """The rest of a datagram makes no sense."""


class SlowCollector:
    """Rows from datagrams of one sender; ``refused`` counts datagrams that were refused from somewhere on."""

    def __init__(self) -> None:
        self.templates: dict[tuple[int, int, int], tuple[int, list[tuple[int, int, int]]]] = {}
        self.samplers: dict[tuple[int, int, Any], int] = {}
        self.boot: dict[tuple[int, int], int] = {}
        self.refused = 0
        self.unknown = 0
        self.due: list[tuple[int, bytes, dict[str, int]]] = []
        self.waiting: dict[tuple[int, int, int], list[tuple[bytes, dict[str, int]]]] = {}

    def decode(self, data: bytes, received_us: int) -> list[Row]:
        rows: list[Row] = []
        try:
            self._datagram(data, received_us, rows)
        except Reject:
            self.refused += 1
        return rows

    def finish(self) -> list[Row]:
        """Rows of sets whose template came after them; they are read when the batch is over."""
        rows: list[Row] = []
        for number, held, then in self.due:
            if (then["version"], then["domain"], number) in self.templates:
                self._data(number, held, then, rows)
        self.due = []
        return rows

    def _datagram(self, data: bytes, received_us: int, rows: list[Row]) -> None:
        if len(data) < 4:
            raise Reject
        version = int.from_bytes(data[:2], "big")
        if version == 5:
            self._five(data, received_us, rows)
        elif version == 9:
            if len(data) < 20:
                raise Reject
            _, count, uptime, seconds, _, domain = struct.unpack("!HHIIII", data[:20])
            about = {
                "version": 9,
                "domain": domain,
                "uptime": uptime,
                "export": seconds * 10**6,
                "received": received_us,
            }
            self._sets(data[20:], len(data), about, count, rows)
        elif version == 10:
            if len(data) < 16:
                raise Reject
            _, length, seconds, _, domain = struct.unpack("!HHIII", data[:16])
            if not 16 <= length <= len(data):
                raise Reject
            about = {"version": 10, "domain": domain, "uptime": -1, "export": seconds * 10**6, "received": received_us}
            self._sets(data[16:], length - 16, about, -1, rows)
        else:
            raise Reject

    def _five(self, data: bytes, received_us: int, rows: list[Row]) -> None:
        if len(data) < 24:
            raise Reject
        _, count, uptime, seconds, nanoseconds, _, domain, sampling = struct.unpack("!HHIIIIHH", data[:24])
        if not 1 <= count <= 30 or len(data) < 24 + 48 * count:
            raise Reject
        export = seconds * 10**6 + min(nanoseconds // 1000, 999_999)
        about = {"version": 5, "domain": domain, "uptime": uptime, "export": export, "received": received_us}
        fields = [(0, number, octets) for number, octets in FIELDS_5]
        for k in range(count):
            record = data[24 + 48 * k : 72 + 48 * k]
            values = _values(fields, record)[0]
            values[0, 34] = (sampling & 0x3FFF).to_bytes(2, "big")
            rows += self._rows(values, about)

    def _sets(self, data: bytes, length: int, about: dict[str, int], count: int, rows: list[Row]) -> None:
        version = about["version"]
        at = 0
        while at + 4 <= min(length, len(data)):
            number, size = struct.unpack("!HH", data[at : at + 4])
            if size < 4 or at + size > len(data):
                if number == 0 and size == 0 and not any(data[at:length]):
                    return
                raise Reject
            body = data[at + 4 : at + size]
            at += size
            count -= 1
            if number == (0 if version == 9 else 2):
                self._templates(body, about, False, rows)
            elif number == (1 if version == 9 else 3):
                self._templates(body, about, True, rows)
            elif number < 256:
                self.refused += 1
            elif (version, about["domain"], number) in self.templates:
                self._data(number, body, about, rows)
            else:
                self.unknown += 1
                self.waiting.setdefault((version, about["domain"], number), []).append((body, dict(about)))

    def _templates(self, body: bytes, about: dict[str, int], options: bool, rows: list[Row]) -> None:
        version = about["version"]
        at = 0
        while at + 4 <= len(body):
            number, count = struct.unpack("!HH", body[at : at + 4])
            if number == 0 and count == 0 and not any(body[at:]):
                return
            at += 4
            if version == 10 and count == 0:
                for key in [k for k in self.templates if k[:2] == (version, about["domain"])]:
                    kind = self.templates[key][0] >= 0
                    if key[2] == number or (number in (2, 3) and kind == options):
                        del self.templates[key]
                continue
            if number < 256 or (options and at + 2 > len(body)):
                self.refused += 1
                return
            scopes = -1
            if options:
                (more,) = struct.unpack("!H", body[at : at + 2])
                at += 2
                if version == 9 and (count % 4 or more % 4):
                    self.refused += 1
                    return
                scopes, count = (count // 4, count // 4 + more // 4) if version == 9 else (more, count)
            fields = []
            for k in range(count):
                if at + 4 > len(body):
                    break
                element, octets = struct.unpack("!HH", body[at : at + 4])
                at += 4
                owner = 0
                if version == 10 and element & 0x8000:
                    if at + 4 > len(body):
                        break
                    (owner,) = struct.unpack("!I", body[at : at + 4])
                    element &= 0x7FFF
                    at += 4
                elif version == 9 and k < scopes:
                    owner = -1
                fields.append((owner, element, octets))
            if count == 0 or scopes > count or len(fields) < count:
                self.refused += 1
                return
            least = sum(1 if octets == 65535 else octets for _, _, octets in fields)
            wrong = not options and any(
                owner == 0 and element in (8, 12, 27, 28) and octets not in (0, 4 if element < 20 else 16)
                for owner, element, octets in _firsts(fields)
            )
            if len(fields) > 512 or not 1 <= least <= 65535 or wrong:
                self.refused += 1
                continue
            key = (version, about["domain"], number)
            self.templates[key] = (scopes, fields)
            for held, then in self.waiting.pop(key, []):
                self.unknown -= 1
                if scopes >= 0:
                    self._data(number, held, then, rows)
                else:
                    self.due.append((number, held, then))

    def _data(self, number: int, body: bytes, about: dict[str, int], rows: list[Row]) -> None:
        scopes, fields = self.templates[about["version"], about["domain"], number]
        least = sum(1 if octets == 65535 else octets for _, _, octets in fields)
        at = 0
        while at + least <= len(body):
            values, size = _values(fields, body[at:])
            if size < 0:
                self.refused += 1
                return
            at += size
            if scopes >= 0:
                self._options(values, about)
            else:
                rows += self._rows(values, about)

    def _options(self, values: dict[tuple[int, int], bytes], about: dict[str, int]) -> None:
        known = {k[1]: int.from_bytes(v, "big") for k, v in values.items() if k[0] == 0 and v}
        whose = (about["version"], about["domain"])
        if 0 < known.get(160, 0) < MOST_US // 1000:
            self.boot[whose] = known[160] * 1000
        rate = known.get(34) or known.get(50) or known.get(305, 0)
        if known.get(309) and known.get(310):
            rate = known[310] // known[309]
        elif rate and known.get(306):
            rate = (rate + known[306]) // rate
        if not rate or not {34, 50, 305, 309, 310, 311} & set(known):
            return
        scope = known.get(10, known.get(14))
        if scope is None and (-1, 2) in values:
            scope = int.from_bytes(values[-1, 2], "big")
        name: Any = None
        if 48 in known or 302 in known:
            name = ("sampler", known.get(48, known.get(302)))
        elif scope is not None:
            name = ("interface", scope & 0xFFFFFFFF)
        self.samplers[(*whose, name)] = min(rate, 2**32 - 1)

    def _rate(self, row: Row, known: dict[int, int], about: dict[str, int]) -> tuple[int, int]:
        rate = next((known[k] for k in (34, 50, 305) if k in known), 0)
        if known.get(309) and known.get(310):
            rate = known[310] // known[309]
        elif rate and known.get(306) and rate < 2**32 - 1 and known[306] < 2**32 - 1:
            rate = (rate + known[306]) // rate
        if rate:
            return min(rate, 2**32 - 1), 1
        whose = (about["version"], about["domain"])
        of = {name: one for (*who, name), one in self.samplers.items() if tuple(who) == whose}
        rate = of.pop(None, 0)
        own = of.get(("sampler", row["sampler"]), 0) if row["sampler"] else 0
        own = own or of.get(("interface", row["input_if"]), 0)
        if own:
            rate = own
        elif not rate and not row["sampler"] and len(set(of.values())) == 1:
            rate = next(iter(of.values()))
        return (rate, 2) if rate else (1, 0)

    def _rows(self, values: dict[tuple[int, int], bytes], about: dict[str, int]) -> list[Row]:
        known = {k[1]: int.from_bytes(v, "big") for k, v in values.items() if k[0] == 0 and 1 <= len(v) <= 8}
        back = {k[1]: int.from_bytes(v, "big") for k, v in values.items() if k[0] == 29305 and 1 <= len(v) <= 8}
        row: Row = dict.fromkeys(
            ("src_port", "dst_port", "protocol", "tcp_flags", "icmp", "fragment", "tos", "bytes", "packets"), 0
        )
        found = _addresses(values)
        if found:
            row["afi"], row["src"], row["dst"] = found
        row["src_port"] = _pick(known, 7, 182, 180) & 0xFFFF
        row["dst_port"] = _pick(known, 11, 183, 181) & 0xFFFF
        row["protocol"] = known.get(4, 0) & 255
        row["tcp_flags"] = known.get(6, 0) & 0x1FF
        row["tos"] = known.get(5, 0) if len(values.get((0, 5), b"")) == 1 else 0
        row["bytes"] = _pick(known, 1, 85, 231, 23, 171)
        row["packets"] = _pick(known, 2, 86, 298, 24, 172)
        row["direction"] = known[61] if len(values.get((0, 61), b"")) == 1 else 255
        for name, element in (("input_if", 10), ("output_if", 14), ("src_as", 16), ("dst_as", 17)):
            row[name] = known.get(element, 0) & 0xFFFFFFFF
        row["sampler"] = _pick(known, 48, 302)
        row["icmp"] = (known.get(139, 0) or known.get(32, 0)) & 0xFFFF
        row["icmp"] |= (_pick(known, 176) & 255) << 8 | _pick(known, 177) & 255
        row["icmp"] |= (_pick(known, 178) & 255) << 8 | _pick(known, 179) & 255
        if known.get(88, 0) & 0x1FFF:
            row["fragment"] = 2
        elif 197 in known and known[197] >> (8 * len(values[0, 197]) - 3) & 1:
            row["fragment"] = 1
        if not found:
            section = next((e for e in (315, 104, 313) if values.get((0, e))), None)
            if section is None:
                return []
            seen = packet(values[0, section], 1 if section != 313 else 101, _pick(known, 312, 103))
            if seen is None:
                return []
            counted = row["bytes"]
            row |= seen
            row["bytes"] = counted or row["bytes"]
            row["packets"] = row["packets"] or 1
        row["start_us"], row["end_us"], row["time_source"] = self._times(values, known, about)
        if row["protocol"] in (1, 58):
            row["icmp"] = row["icmp"] or row["dst_port"]
            row["src_port"] = row["dst_port"] = 0
        row["received_us"] = about["received"]
        row["sampling_rate"], row["rate_source"] = self._rate(row, known, about)
        rows = [row]
        reverse = known.get(232, back.get(1, back.get(85, 0))), known.get(299, back.get(2, back.get(86, 0)))
        if any(reverse):
            turned = row | {"src": row["dst"], "dst": row["src"]}
            turned |= {"src_port": row["dst_port"], "dst_port": row["src_port"]}
            turned |= {"input_if": row["output_if"], "output_if": row["input_if"]}
            rows.append(turned | {"bytes": reverse[0], "packets": reverse[1], "tcp_flags": back.get(6, 0) & 0x1FF})
        return rows

    def _times(
        self, values: dict[tuple[int, int], bytes], known: dict[int, int], about: dict[str, int]
    ) -> tuple[int, int, int]:
        boot = known[160] * 1000 if 160 in known else self.boot.get((about["version"], about["domain"]), 0)
        if boot > MOST_US // 1000 * 1000:
            boot = 0
        by_header = about["uptime"] >= 0 and 160 not in known

        def when(milli: int, second: int, ntp: int, ntp2: int, uptime: int, delta: int) -> int:
            if milli in known:
                return known[milli] * 1000 if known[milli] < MOST_US // 1000 else 0
            if second in known:
                return known[second] * 10**6 if known[second] < MOST_US // 10**6 else 0
            for one in (ntp, ntp2):
                if len(values.get((0, one), b"")) == 8:
                    whole, part = divmod(known[one], 2**32)
                    return max(whole - 2208988800, 0) * 10**6 + part * 10**6 // 2**32 if whole > 2208988800 else 0
            if uptime in known:
                if by_header:
                    back = (about["uptime"] - known[uptime]) % 2**32
                    back -= 2**32 if back >= 2**31 else 0
                    return max(about["export"] - back * 1000, 0)
                if boot <= 0 or known[uptime] >= MOST_US // 1000:
                    return 0
                moment = boot + known[uptime] * 1000
                if about["export"] and known[uptime] < 2**32:
                    moment += (about["export"] - moment + 2**31 * 1000) // (2**32 * 1000) * (2**32 * 1000)
                return max(moment, 0)
            if delta in known:
                return max(about["export"] - min(known[delta], MOST_US), 0)
            return 0

        start = min(when(152, 150, 154, 156, 22, 158), MOST_US)
        end = min(when(153, 151, 155, 157, 21, 159), MOST_US)
        lasted = known.get(161)
        lasted = min(lasted, MOST_US // 1000) * 1000 if lasted is not None else min(known.get(162, 0), MOST_US)
        if 161 in known or 162 in known:
            if start and not end:
                end = min(start + lasted, MOST_US)
            elif end and not start:
                start = max(end - lasted, 0)
        if not start and not end:
            event = when(323, 322, 324, 325, -1, -1) or 0
            if not {323, 322, 324, 325} & set(known) and 258 in known:
                event = known[258] * 1000 if known[258] < MOST_US // 1000 else 0
            start = end = min(event, MOST_US)
        if not start and not end:
            moment = about["export"] or about["received"]
            return moment, moment, 0
        start, end = start or end, end or start
        return min(start, end), end, 1


def _firsts(fields: list[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    seen: dict[tuple[int, int], tuple[int, int, int]] = {}
    for field in fields:
        if field[2]:
            seen.setdefault(field[:2], field)
    return list(seen.values())


def _values(fields: list[tuple[int, int, int]], data: bytes) -> tuple[dict[tuple[int, int], bytes], int]:
    """The first value of each element, and the record's octets; -1 where it runs past the data."""
    values: dict[tuple[int, int], bytes] = {}
    at = 0
    for owner, element, octets in fields:
        size = octets
        if octets == 65535:
            if at >= len(data):
                return values, -1
            size = data[at]
            at += 1
            if size == 255:
                if at + 2 > len(data):
                    return values, -1
                size = int.from_bytes(data[at : at + 2], "big")
                at += 2
        if at + size > len(data):
            return values, -1
        if octets:
            values.setdefault((owner, element), data[at : at + size])
        at += size
    return values, at


def _pick(known: dict[int, int], *elements: int) -> int:
    return next((known[element] for element in elements if element in known), 0)


def _addresses(values: dict[tuple[int, int], bytes]) -> tuple[int, str, str] | None:
    sides: list[dict[int, bytes]] = []
    for fours, sixes in (((8, 44), (27, 170)), ((12, 45), (28, 169))):
        four = [values[0, e] for e in fours if len(values.get((0, e), b"")) == 4]
        six = [values[0, e] for e in sixes if len(values.get((0, e), b"")) == 16]
        sides.append(({1: four[0]} if four else {}) | ({2: six[0]} if six else {}))
    source, target = (set(side) for side in sides)
    families = source & target or target or source
    if not families:
        return None
    afi = max(families)
    chosen = []
    for side in sides:
        four, six = side.get(1, b""), side.get(2, b"")
        if families == {1}:
            chosen.append(four)
        elif families == {1, 2} and any(four) and not any(six):
            afi = 1
            chosen.append(four)
        else:
            chosen.append(six)
    octets = 4 if afi == 1 else 16
    texts = [str(ipaddress.ip_address((one or bytes(octets))[:octets].ljust(octets, b"\0"))) for one in chosen]
    return afi, texts[0], texts[1]
