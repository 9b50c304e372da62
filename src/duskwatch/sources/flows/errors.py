"""What can go wrong with input of flows that a user can mend."""


class FlowInputError(ValueError):
    """A file or address of flows that cannot be used; one sentence with the place and what to do."""
