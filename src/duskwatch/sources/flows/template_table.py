"""Templates in force, of all exporters, bounded, as the kernels find them."""

from typing import NamedTuple

import numpy as np

from duskwatch.kernels import flow_layout as to
from duskwatch.kernels.flow_tables import Templates, place_template, place_templates
from duskwatch.sources.flows.templates import Compiled, Template, TemplateFault, compile_template, netflow5

PER_EXPORTER = 1024  # templates
TEMPLATES = 16_384
ALL_FIELDS = 1 << 19  # of all templates together: some 70 MB at most
WALKS = 4096  # templates with fields of variable length
FIRST_ROWS = 64


class StoredTemplate(NamedTuple):
    """A template and the row that it is kept in."""

    template: Template
    row: int


class TemplateTable:
    """Templates by exporter and number. A new one takes the place of the former of that number."""

    def __init__(self, *, inner: bool = False) -> None:
        self._inner = inner
        self._stored: dict[tuple[int, int], StoredTemplate] = {}
        self._of: dict[int, int] = {}  # templates of each exporter
        self._free: list[int] = []
        self._free_walks: list[int] = []
        self._walks = 0
        self._fields = 0
        self._rows = 1
        self.arrays = _arrays(FIRST_ROWS, FIRST_ROWS)
        self._write(to.NETFLOW5_TEMPLATE, -2, netflow5(), 0)

    def get(self, exporter: int, number: int) -> Template | None:
        """The template of that number, if it is known."""
        stored = self._stored.get((exporter, number))
        return stored.template if stored else None

    def count(self, exporter: int) -> int:
        """Templates of an exporter that are in force."""
        return self._of.get(exporter, 0)

    def put(self, exporter: int, template: Template, received_us: int) -> None:
        """Keep a template, or know that it came again. Raises TemplateFault where it cannot be read, or kept."""
        key = exporter, template.number
        stored = self._stored.get(key)
        if stored is not None and stored.template == template:
            self.arrays.refreshed_us[stored.row] = received_us
            return
        compiled = compile_template(template, inner=self._inner)
        if stored is not None:
            self._remove(key)
        if (
            self._of.get(exporter, 0) >= PER_EXPORTER
            or len(self._stored) >= TEMPLATES
            or self._fields + len(template.fields) > ALL_FIELDS
            or (compiled.lengths is not None and not self._free_walks and self._walks >= WALKS)
        ):
            raise TemplateFault(to.MANY_TEMPLATES)
        row = self._free.pop() if self._free else self._rows
        self._rows = max(self._rows, row + 1)
        if row >= len(self.arrays.keys):
            self._grow()
        self._write(row, exporter << 16 | template.number, compiled, received_us)
        place_template(self.arrays, row)
        self._stored[key] = StoredTemplate(template, row)
        self._of[exporter] = self._of.get(exporter, 0) + 1
        self._fields += len(template.fields)

    def withdraw(self, exporter: int, number: int, options: bool) -> None:
        """Forget a template; all of a kind where the number is that of their set (RFC 7011 section 8.1)."""
        if number in (2, 3):
            for key, stored in list(self._stored.items()):
                if key[0] == exporter and stored.template.options == options:
                    self._remove(key)
        elif (exporter, number) in self._stored:
            self._remove((exporter, number))

    def items(self) -> list[tuple[int, Template, int]]:
        """Exporter, template, and when it last came, of all that are known."""
        refreshed = self.arrays.refreshed_us
        return [(key[0], stored.template, int(refreshed[stored.row])) for key, stored in self._stored.items()]

    def _remove(self, key: tuple[int, int]) -> None:
        stored = self._stored.pop(key)
        self._of[key[0]] -= 1
        self._fields -= len(stored.template.fields)
        self._free.append(stored.row)
        walk = int(self.arrays.words[stored.row, to.T_WALK])
        if walk != to.NO_WALK:
            self._free_walks.append(walk)
        self.arrays.keys[stored.row] = -1
        self.arrays.slots.fill(-1)
        place_templates(self.arrays, self._rows)

    def _write(self, row: int, key: int, compiled: Compiled, received_us: int) -> None:
        arrays = self.arrays
        arrays.keys[row] = key
        arrays.words[row] = compiled.words
        arrays.operations[row, : len(compiled.operations)] = compiled.operations
        arrays.refreshed_us[row] = received_us
        if compiled.lengths is not None:
            walk = self._free_walks.pop() if self._free_walks else self._walks
            self._walks = max(self._walks, walk + 1)
            arrays.walks[walk, : len(compiled.lengths)] = compiled.lengths
            arrays.words[row, to.T_WALK] = walk

    def _grow(self) -> None:
        old = self.arrays
        self.arrays = _arrays(2 * len(old.keys), min(2 * len(old.keys), WALKS))
        for was, now in (
            (old.keys, self.arrays.keys),
            (old.words, self.arrays.words),
            (old.operations, self.arrays.operations),
            (old.walks, self.arrays.walks),
            (old.refreshed_us, self.arrays.refreshed_us),
        ):
            now[: len(was)] = was
        place_templates(self.arrays, len(old.keys))


def _arrays(rows: int, walks: int) -> Templates:
    return Templates(
        np.full(4 * rows, -1, np.int32),
        np.full(rows, -1, np.int64),
        np.zeros((rows, to.TEMPLATE_WORDS), np.int32),
        np.zeros((rows, to.OPERATIONS, 4), np.int32),
        np.zeros((walks, to.FIELDS), np.uint16),
        np.zeros(rows, np.int64),
        np.zeros((to.OPERATIONS + to.FIELDS, 4), np.int32),
    )
