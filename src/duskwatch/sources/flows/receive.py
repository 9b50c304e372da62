"""Many UDP datagrams with one call: Linux's recvmmsg, through the C library; elsewhere one at a time."""

import ctypes
import errno
import os
import socket
import sys
import time
from typing import Any

import numpy as np

from duskwatch.kernels.flow_datagrams import Datagrams
from duskwatch.records.elems import AFI

SLOTS = 256  # datagrams of one call
SLOT = 1 << 16  # octets: no datagram is longer. Memory is used only where one was written
NAME, CONTROL = 32, 128  # octets of an address, and of what is said beside a datagram
SO_TIMESTAMPNS, SO_RXQ_OVFL, SO_RCVBUFFORCE = 35, 40, 33  # Linux
MAPPED = 0xFFFF  # above an IPv4 address within IPv6 (RFC 4291 section 2.5.5.2)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("octets", ctypes.c_size_t))


class _Header(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_octets", ctypes.c_uint),
        ("vectors", ctypes.c_void_p),
        ("vector_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_octets", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    _fields_ = (("header", _Header), ("octets", ctypes.c_uint))


class Receiver:
    """Batches of datagrams from sockets. A batch is good until the next call: its memory is used again."""

    def __init__(self) -> None:
        self._data = np.zeros(SLOTS * SLOT, np.uint8)
        self._given = self._data.view()
        self._given.flags.writeable = False  # one type for the kernels, wherever datagrams come from
        self._names = np.zeros((SLOTS, NAME), np.uint8)
        self._control = np.zeros((SLOTS, CONTROL), np.uint8)
        self._starts = np.arange(SLOTS, dtype=np.int64) * SLOT
        self._call = None
        if sys.platform.startswith("linux"):
            self._call = getattr(ctypes.CDLL(None, use_errno=True), "recvmmsg", None)
        self._messages = (_Message * SLOTS)()
        self._vectors = (_Vector * SLOTS)()
        for k in range(SLOTS):
            self._vectors[k] = _Vector(self._data.ctypes.data + k * SLOT, SLOT)
            header = self._messages[k].header
            header.name = self._names.ctypes.data + k * NAME
            header.vectors = ctypes.addressof(self._vectors[k])
            header.vector_count = 1
            header.control = self._control.ctypes.data + k * CONTROL
        whole = np.frombuffer(memoryview(self._messages).cast("B"), np.uint8).reshape(SLOTS, ctypes.sizeof(_Message))
        self._name_octets = _member(whole, _Header.name_octets, np.uint32)
        self._control_octets = _member(whole, _Header.control_octets, np.uintp)
        self._octets = _member(whole, _Message.octets, np.uint32)

    def prepare(self, sock: socket.socket) -> None:
        """Ask the system to say when each datagram came, and how many it dropped."""
        if self._call is not None:
            for option in (SO_TIMESTAMPNS, SO_RXQ_OVFL):
                try:
                    sock.setsockopt(socket.SOL_SOCKET, option, 1)
                except OSError:
                    continue

    def receive(self, sock: socket.socket) -> tuple[Datagrams | None, int | None]:
        """What has come to a socket and was not taken, up to SLOTS; how many the system dropped since it was opened.

        None: nothing has come; the system did not say. Never waits. Raises OSError.
        """
        now_us = time.time_ns() // 1000
        if self._call is None:
            return self._one_by_one(sock, now_us), None
        self._name_octets[:] = NAME
        self._control_octets[:] = CONTROL
        count = self._call(sock.fileno(), ctypes.byref(self._messages), SLOTS, socket.MSG_DONTWAIT, None)
        if count < 0:
            number = ctypes.get_errno()
            if number in (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR):
                return None, None
            raise OSError(number, os.strerror(number))
        times, dropped = self._said(count, now_us)
        return self._batch(count, self._octets[:count].astype(np.int64), times), dropped

    def _one_by_one(self, sock: socket.socket, now_us: int) -> Datagrams | None:
        count, lengths = 0, np.zeros(SLOTS, np.int64)
        for k in range(SLOTS):
            view = self._data[k * SLOT : (k + 1) * SLOT].data
            try:
                lengths[k], address = sock.recvfrom_into(view, SLOT, getattr(socket, "MSG_DONTWAIT", 0))
            except (BlockingIOError, InterruptedError):
                break
            six = sock.family == socket.AF_INET6
            packed = socket.inet_pton(sock.family, str(address[0]).partition("%")[0])
            name = self._names[k]
            name[:2] = np.frombuffer(np.uint16(sock.family).tobytes(), np.uint8)
            name[2:4] = np.frombuffer(int(address[1]).to_bytes(2, "big"), np.uint8)
            begin = 8 if six else 4
            name[begin : begin + len(packed)] = np.frombuffer(packed, np.uint8)
            count += 1
        return self._batch(count, lengths[:count], np.full(count, now_us, np.int64)) if count else None

    def _batch(self, count: int, lengths: np.ndarray, times: np.ndarray) -> Datagrams:
        names = self._names[:count]
        address_family = names[:, :2].copy().view(np.uint16).reshape(-1)
        port = names[:, 2:4].copy().view(">u2").reshape(-1).astype(np.uint16)
        four = names[:, 4:8].copy().view(">u4").reshape(-1).astype(np.uint64) << np.uint64(32)
        six = names[:, 8:24].copy().view(">u8").reshape(-1, 2).astype(np.uint64)
        is_six = address_family == socket.AF_INET6
        mapped = is_six & (six[:, 0] == 0) & (six[:, 1] >> np.uint64(32) == MAPPED)
        hi = np.where(is_six, six[:, 0], four)
        lo = np.where(is_six, six[:, 1], np.uint64(0))
        hi[mapped] = lo[mapped] << np.uint64(32)
        lo[mapped] = 0
        afi = np.where(is_six & ~mapped, AFI.IPV6, AFI.IPV4).astype(np.uint8)
        return Datagrams(self._given, self._starts[:count], lengths, lengths, times, afi, hi, lo, port)

    def _said(self, count: int, now_us: int) -> tuple[np.ndarray, int | None]:
        """What the system says beside datagrams: when each came (else now), and how many were dropped so far."""
        word = ctypes.sizeof(ctypes.c_size_t)
        head = word + 8
        times, dropped = np.full(count, now_us, np.int64), None
        at = np.zeros(count, np.int64)
        rows = np.arange(count)
        used = self._control_octets[:count].astype(np.int64)
        for _ in range(2):
            there = at + head <= np.minimum(used, CONTROL - 24)
            if not there.any():
                break
            control = self._control[:count]

            def number(offset: int, octets: int, at: np.ndarray = at, control: np.ndarray = control) -> np.ndarray:
                columns = np.minimum(at[:, None] + offset + np.arange(octets), CONTROL - 1)
                dtype = np.dtype(f"u{octets}")
                return control[rows[:, None], columns].copy().view(dtype).reshape(-1).astype(np.int64)

            size, level, kind = number(0, word), number(word, 4), number(word + 4, 4)
            stamped = there & (level == socket.SOL_SOCKET) & (kind == SO_TIMESTAMPNS) & (size >= head + 2 * word)
            seconds, rest = number(head, word), number(head + word, word)
            times[stamped] = seconds[stamped] * 1_000_000 + rest[stamped] // 1000
            counted = there & (level == socket.SOL_SOCKET) & (kind == SO_RXQ_OVFL) & (size >= head + 4)
            if counted.any():
                dropped = int(number(head, 4)[counted].max())
            at = at + ((size + word - 1) // word * word).clip(head, CONTROL)
        return times, dropped


def _member(whole: np.ndarray, member: Any, dtype: Any) -> np.ndarray:
    """One member of all messages, as an array on their memory."""
    offset, size = member.offset, member.size
    view: np.ndarray = whole[:, offset : offset + size].view(dtype).reshape(-1)
    return view
