"""The command line: which commands there are. Each lives in its own module and is loaded when it is called."""

import importlib
import os
import sys
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from duskwatch import __version__

# name: (module:attribute, what the list of commands says)
COMMANDS = {
    "demo": ("duskwatch.cli.demo:command", "Re-enact North Korea, December 2014, from generated archives to a report."),
    "analyze": (
        "duskwatch.cli.analyze:command",
        "Tell when a country, network or prefix went dark, from MRT archives.",
    ),
    "archive": ("duskwatch.cli.archive:app", "List and fetch files of the public routing archives, or of a mirror."),
    "reference": ("duskwatch.cli.reference:app", "Fetch the registries' files of a day: whose addresses were whose."),
    "mrt": ("duskwatch.cli.mrt:command", "Print the elems of MRT files, as bgpdump -m does, as JSON or as Parquet."),
    "transit": (
        "duskwatch.cli.transit:command",
        "Tell whom a country, network or prefix depends on: AS hegemony, links, single points of failure, changes.",
    ),
    "flows": (
        "duskwatch.cli.flows:app",
        "Read NetFlow, IPFIX and sFlow, live or from files: traffic per target and over time, with its error.",
    ),
    "probe": (
        "duskwatch.cli.probe:app",
        "Read other people's probes: bursts in which probes of a network or a country left together.",
    ),
    "sites": (
        "duskwatch.cli.sites:app",
        "Read other people's checks of web sites: reachable, blocked or down, at which step, since when.",
    ),
    "feed": (
        "duskwatch.cli.feed:app",
        "Print what live feeds say, recorded or as routers send it: RIS Live, BMP, OpenBMP.",
    ),
    "live": (
        "duskwatch.cli.live:command",
        "Watch as it happens and tell outages as they begin and end; or watch a past one happen.",
    ),
    "alerts": ("duskwatch.cli.alerts:app", "Alerts of a live run: list them, test a channel, mark them as seen."),
    "backfill": ("duskwatch.cli.backfill:command", "Fill a store with days or months of every country and network."),
    "evaluate": ("duskwatch.cli.evaluate:app", "Score the detectors, or the weights of causes, on labelled events."),
    "query": ("duskwatch.cli.query:command", "Print what a store holds, as a table, CSV, JSON or Parquet."),
    "incidents": ("duskwatch.cli.incidents:app", "List the incidents of a store, and what explains each."),
    "notes": ("duskwatch.cli.notes:app", "Write a note beside an outage or an incident; list them."),
    "news": ("duskwatch.cli.news:command", "What articles claim about an outage, compared with what was measured."),
    "store": ("duskwatch.cli.store:app", "What a store takes; merge, remove, bring up to date."),
    "case": ("duskwatch.cli.case:app", "List documented cases and generate their archives."),
}


class LazyGroup(TyperGroup):
    """Commands by name; help and errors about one command do not pay for the imports of the others."""

    listing = False

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, imported now; while help lists them all, only its name and line."""
        if cmd_name not in COMMANDS:
            return None
        target, line = COMMANDS[cmd_name]
        if self.listing:
            return TyperCommand(cmd_name, help=line, short_help=line)
        module, _, attribute = target.partition(":")
        found: Any = getattr(importlib.import_module(module), attribute)
        if isinstance(found, typer.Typer):
            return typer.main.get_command(found)
        single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
        single.command(cmd_name)(found)
        return typer.main.get_command(single)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that is called; a near miss gets what was probably meant."""
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=2)
            meant = f"did you mean {' or '.join(near)}?" if near else "duskwatch --help lists them"
            ctx.fail(f"no such command '{args[0][:60]}'; {meant}")
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run; what is wrong with the command line is said in one line, exit code 2."""
        alone = extra.get("standalone_mode", True)
        try:
            code = super().main(*args, **{**extra, "standalone_mode": False})
        except Exception as error:
            if not alone or not hasattr(error, "format_message"):
                raise
            _tell(error)
            sys.exit(getattr(error, "exit_code", 2))
        if alone:
            sys.exit(code if isinstance(code, int) else 0)
        return code

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """The list of commands, without importing any."""
        self.listing = True
        try:
            super().format_help(ctx, formatter)
        finally:
            self.listing = False


def _tell(error: Any) -> None:
    """A usage error as one line that names the command; help, where nothing was asked for, as it is."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    where = getattr(context, "command_path", None) or "duskwatch"
    text = " ".join(error.format_message().split())
    hint = f"; {where} --help shows how" if context is not None and "--help" not in text else ""
    print(f"{where}: {text[:1].lower()}{text[1:].rstrip('.')}{hint}", file=sys.stderr)


app = typer.Typer(
    cls=LazyGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # a list needs no frames, and Rich takes longer to load than all the rest
    help="Tells when a country, a network or a prefix drops off the Internet: since when, how, and whether it is back.",
    epilog="Times are ISO 8601, UTC unless they name an offset. Exit codes: 0 fine, 1 ran but found an error in the "
    "data it was asked about, 2 wrong usage or unusable input.",
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"duskwatch {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    pass


def main() -> None:
    """Entry point of the ``duskwatch`` program."""
    if os.environ.get("NO_COLOR"):
        os.environ["TERM"] = "dumb"  # no escape sequence of any kind (no-color.org)
    try:
        app(prog_name="duskwatch")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None
