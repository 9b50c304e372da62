"""Files that a person gives beside the measurements: on why an outage came, and what it took."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from duskwatch.records.report import Report


class Beside(NamedTuple):
    """Files on why the outage came and what it took."""

    rpki: Sequence[Path] = ()
    users: Sequence[Path] = ()
    online: Sequence[Path] = ()
    facts: Sequence[Path] = ()
    weights: Sequence[Path] = ()

    def files(self) -> list[Path]:
        """All of them."""
        return [path for paths in self for path in paths]


def explained_beside(report: "Report", beside: Beside) -> "Report":
    """The report weighed again with what the files add; as it is where there are none."""
    if not beside.files():
        return report
    from duskwatch.analysis.causes import CauseFiles, with_known

    rpki, users, online, facts, weights = map(tuple, beside)
    return with_known(report, CauseFiles(rpki, users, online, facts, next(iter(weights), None)))
