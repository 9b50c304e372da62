"""What can go wrong with input of flows that a person can put right."""

from duskwatch.records.errors import InputError


class FlowInputError(InputError):
    """A file or address of flows that cannot be used."""
