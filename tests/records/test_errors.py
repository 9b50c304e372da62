"""What becomes one line and exit code 2, and what stays a traceback."""

import importlib
import pkgutil

import pytest
from typer.testing import CliRunner

import duskwatch
from duskwatch.cli.app import app
from duskwatch.records import errors
from duskwatch.records.errors import DuskwatchError, InputError

# Raised and caught inside one room; nobody above sees them.
INSIDE = {"NotThereError", "Refused", "RefusedError", "TemplateFault", "TransientError", "TransportDamage"}
INSIDE |= {"UndeliveredError"}  # a receiver that is away: tried again, never a fault of what was given


def raised_by_us() -> set[type[BaseException]]:
    found = set()
    for module in pkgutil.walk_packages(duskwatch.__path__, "duskwatch."):
        if ".migrations." in module.name:
            continue  # run by Alembic, in its own surroundings
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and issubclass(value, BaseException) and value.__module__ == module.name:
                found.add(value)
    return found


def test_every_exception_of_ours_is_in_the_one_tree_or_never_leaves_its_room() -> None:
    found = raised_by_us()
    assert {one.__name__ for one in found if not issubclass(one, DuskwatchError) and one.__name__[0] != "_"} == INSIDE


def test_the_tree_that_the_page_draws_is_the_tree() -> None:
    drawn = errors.__doc__ or ""
    ours = {one.__name__ for one in raised_by_us() if issubclass(one, DuskwatchError)}
    public = {name for name in ours if name[0] != "_"}
    assert {name for name in public if name not in drawn} <= {"TableError", "LayoutError", "IodaError"}


def test_a_fault_of_the_program_is_no_wrong_input(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("operands could not be broadcast together with shapes (3,) (4,)")

    monkeypatch.setattr("duskwatch.analysis.entity.analyze", broken)
    words = ["analyze", "AS64512", "--from", "2014-12-22", "--until", "2014-12-23", "--mrt", str(tmp_path)]
    result = CliRunner().invoke(app, words)
    assert isinstance(result.exception, ValueError)
    assert not isinstance(result.exception, (SystemExit, InputError))


def test_wrong_input_is_one_line_that_says_what_to_do(tmp_path) -> None:
    words = ["analyze", "AS64512", "--from", "yesterday", "--until", "2014-12-23", "--mrt", str(tmp_path)]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert (
        result.stderr == "duskwatch analyze: 'yesterday' is not a time; write it like 2014-12-22T16:15Z or 2014-12-22\n"
    )
