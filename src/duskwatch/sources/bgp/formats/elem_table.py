"""Elems as a Parquet file, written piece by piece."""

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt
import polars as pl

from duskwatch.records.elems import ElemBlock, PeerTable
from duskwatch.sources.bgp.formats.elem_columns import ElemColumns
from duskwatch.sources.bgp.formats.whole_file import whole_file

ROWS_PER_PIECE = 250_000
OCTETS_PER_PIECE = 32 << 20  # of attributes, each row's; a row of the table may hold ten times what its octets take


class ElemTable:
    """Writes a Parquet file; a context manager, so that the file appears only once it is whole.

    Up to ROWS_PER_PIECE rows, or OCTETS_PER_PIECE octets, wait in memory; pieces are kept beside the file until they
    are put together. OSError where it cannot be written, or is no regular file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._columns = ElemColumns()
        self._rows = self._octets = 0
        self._pieces: list[Path] = []
        self._stack = ExitStack()

    def __enter__(self) -> "ElemTable":
        # What cannot be written is an error now, not after hours; and a device must not be replaced by a file.
        if self._path.exists() and not self._path.is_file():
            raise OSError(errno.EINVAL, "not a regular file", str(self._path))
        self._whole = self._stack.enter_context(whole_file(self._path))
        return self

    def add(self, block: ElemBlock, peers: PeerTable, rows: npt.NDArray[np.int64]) -> None:
        """Take some rows (int64 [K]) of a block."""
        octets = np.maximum(block.attr_length[rows], 0).astype(np.int64)
        while len(rows):
            fit = int(np.searchsorted(np.cumsum(octets), OCTETS_PER_PIECE - self._octets, "right"))
            take = max(1, min(fit, ROWS_PER_PIECE - self._rows))
            self._columns.add(block, peers, rows[:take])
            self._rows += take
            self._octets += int(octets[:take].sum())
            rows, octets = rows[take:], octets[take:]
            if self._rows >= ROWS_PER_PIECE or self._octets >= OCTETS_PER_PIECE:
                self._flush()

    def _flush(self) -> None:
        piece = self._whole.with_name(f"piece{len(self._pieces)}")
        frame, self._columns = self._columns.frame(), ElemColumns()
        with self._write_errors():
            frame.write_parquet(piece)
        self._pieces.append(piece)
        self._rows = self._octets = 0

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._stack.__exit__(kind, error, trace)
            return
        with self._stack:
            self._flush()
            if len(self._pieces) == 1:
                self._pieces[0].replace(self._whole)
                return
            with self._write_errors():
                pl.scan_parquet(self._pieces).sink_parquet(self._whole)

    @contextmanager
    def _write_errors(self) -> Iterator[None]:
        """A failure to write as an OSError; Polars makes another one of it, and loses what the system said."""
        try:
            yield
        except pl.exceptions.ComputeError as error:
            text = " ".join(str(error).split())
            raise OSError(errno.EIO, f"not written; is there room? ({text})", str(self._path)) from None
