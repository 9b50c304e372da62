"""How commands name a store: which folder or URL, which database, which options of an object store."""

from typing import Annotated, Any

import typer

from duskwatch.records.errors import InputError

DEFAULT_STORE = "store"
NOBODY = "unnamed"  # who wrote a note is not stored unless it was said

StoreOption = Annotated[
    str,
    typer.Option(
        "--store", envvar="DUSKWATCH_STORE", help="Folder, or URL of an object store: s3://bucket/folder, gs://, az://."
    ),
]
DatabaseOption = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="DUSKWATCH_DATABASE",
        help="Outages: postgresql://user@host/name, or a path; events.sqlite in the store's folder if not given.",
    ),
]
StorageOption = Annotated[
    list[str] | None,
    typer.Option("--storage-option", help="KEY=VALUE for an object store, such as AWS_REGION=... Repeatable."),
]


def open_store(store: str, database: str, options: list[str] | None, *, create: bool = False) -> Any:
    """The store that the options name. ValueError or OSError, saying what to do, where it is none."""
    from duskwatch.store import Store

    return Store.open(store, create=create, database=database, storage_options=storage_options(options))


def storage_options(options: list[str] | None) -> dict[str, str]:
    """KEY=VALUE words as a table. ValueError where one is not."""
    pairs = [word.partition("=") for word in options or []]
    for key, separator, _ in pairs:
        if not (key and separator):
            raise InputError(f"--storage-option {key}: write KEY=VALUE")  # a value is not shown, it may be secret
    return {key: value for key, _, value in pairs}
