"""docs/reference/report.md: its keys are those of the document, its example runs."""

import re
import subprocess
import sys
from pathlib import Path

from duskwatch.publication.report_json import schema, to_json
from duskwatch.publication.write import write_report
from tests.publication.build import kp

PAGE = Path(__file__).resolve().parents[2] / "docs/reference/report.md"


def test_every_key_of_the_document_is_explained_and_in_the_schema() -> None:
    text = PAGE.read_text()
    document = to_json(kp())
    for key in [*document, *document["outages"][0], *document["inputs"][0], *document["coverage"]]:
        assert re.search(rf"[`.\"]{key}[`\"]", text) or key == "collector_names", key
    known = set(schema()["properties"])
    assert set(document) <= known
    assert set(document["outages"][0]) == set(schema()["$defs"]["outage"]["properties"])


def test_the_example_runs(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write_report(kp(), tmp_path / "out")
    example = re.search(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    assert example
    done = subprocess.run([sys.executable, "-c", example[1]], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "175.45.177.0/24" in done.stdout
