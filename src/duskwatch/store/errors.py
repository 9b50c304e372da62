"""What goes wrong with a store, in one line that says what to do."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from duskwatch.records.errors import InputError

LONGEST = 300  # characters of a fault that are shown
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_OS_ERROR = re.compile(r"(?:os error |Os \{ code: )(\d{1,4})")


class StoreError(InputError):
    """A store that is not there, that this version cannot read, or that was asked for what it does not hold."""


class ConflictError(StoreError):
    """Another process wrote the same part of a table at the same time and was first."""


@contextmanager
def named_faults(where: str) -> Iterator[None]:
    """Turn what delta-rs raises into StoreError, ConflictError or OSError with the place named.

    delta-rs says what the system said only in its text ("os error 28"), so that is where it is read.
    """
    from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

    try:
        yield
    except TableNotFoundError:
        raise StoreError(
            f"{where}: no such table; run: duskwatch store migrate, with the same --store and --database"
        ) from None
    except CommitFailedError as error:
        if found := _system_fault(str(error), where):
            raise found from error
        raise ConflictError(f"{where}: another process wrote the same part at the same time; try again") from error
    except (DeltaError, OSError) as error:
        if found := _system_fault(str(error), where):
            raise found from error
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise StoreError(f"{where}: {_one_line(str(error))}") from error


def _one_line(text: str) -> str:
    """What delta-rs says over several lines, with arrows in colour; the end, which holds bodies of answers, is cut."""
    lines = (line.strip().removeprefix("↳").strip() for line in _COLOUR.sub("", text).splitlines())
    words = ": ".join(line for line in lines if line)
    return words if len(words) <= LONGEST else f"{words[:LONGEST]}..."


def _system_fault(text: str, where: str) -> OSError | None:
    match = _OS_ERROR.search(text)
    if match is None:
        return None
    code = int(match[1])
    if code in (errno.ENOSPC, errno.EDQUOT):
        return OSError(
            code,
            "no space left; nothing of this write is in the store, what it held before is whole "
            "(`duskwatch store vacuum` removes what the write left behind)",
            where,
        )
    return OSError(code, os.strerror(code), where)
