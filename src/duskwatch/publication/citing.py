"""How to reproduce a report, and how to cite it."""

import hashlib
import shlex
from functools import lru_cache

import duskwatch
from duskwatch.publication.finding import headline
from duskwatch.publication.others import only_others
from duskwatch.publication.tables_csv import inputs_csv
from duskwatch.records.report import InputFile, Report
from duskwatch.records.times import SECOND, iso

SHOWN = 12  # characters of a digest that a citation shows


@lru_cache(maxsize=4)
def _digest(inputs: tuple[InputFile, ...]) -> str:
    return hashlib.sha256(inputs_csv(inputs).encode("utf-8", "backslashreplace")).hexdigest()


def inputs_digest(report: Report) -> str:
    """SHA-256 of inputs.csv, the list of every file read with its own SHA-256: the same inputs, the same digest."""
    return _digest(report.inputs)


def citation(report: Report) -> str:
    """The report in one line, for a footnote or a list of references."""
    what = f"{report.entity.name} ({report.entity.code})" if report.entity.name else report.entity.code
    kind = "re-enactment, " if report.reenactment else ""
    return (
        f"{headline(report)}. duskwatch {duskwatch.__version__} report on {what}, {kind}"
        f"{iso(report.from_us)} to {iso(report.until_us)}, from {len(report.inputs):,} input files "
        f"(list: SHA-256 {inputs_digest(report)[:SHOWN]})."
    )


def title_of_files(report: Report, name: str) -> str:
    """What a chart is called when it is saved: ``duskwatch-kp-20141218-timeline``."""
    code = "".join(letter if letter.isalnum() else "-" for letter in report.entity.code.lower())
    return f"duskwatch-{code}-{iso(report.from_us)[:10].replace('-', '')}-{name}"


def setup(report: Report) -> str:
    """Where the files must lie for :func:`command`."""
    if only_others(report):
        return "Put the files listed above into one folder."
    return (
        "Put the archives of each collector into a folder of its name, these folders and the other files listed above "
        "into one folder."
    )


def command(report: Report) -> str:
    """The command that makes this report from the same files, run where :func:`setup` puts them."""
    words = [f"duskwatch analyze {shlex.quote(report.entity.code)}"]
    words.append(f"--from {iso(report.from_us)} --until {iso(report.until_us)}")
    archives = not only_others(report)
    if archives:
        words += [f"--mrt {shlex.quote(name or '.')}" for name in report.collectors]
        if report.history.signals.bin_us != 300 * SECOND:
            words.append(f"--bin {report.history.signals.bin_us // SECOND}")
    options = {"delegated": "--geo", "mmdb": "--geo", "asnames": "--as-names", "series": "--series", "rpki": "--rpki"}
    options |= {name: f"--{name}" for name in ("users", "online", "facts", "weights")}
    if report.comparison is not None:
        words.append("--neighbours")
    for file in report.inputs:
        if file.kind in options:
            words.append(f"{options[file.kind]} {shlex.quote(_shown(file.name))}")
    words.append("--out again")
    return " \\\n    ".join(words)


def _shown(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()
