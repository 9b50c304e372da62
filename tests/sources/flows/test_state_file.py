"""What exporters told of themselves, over a restart."""

import json
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.sources.flows.collector import Collector
from duskwatch.sources.flows.errors import FlowInputError
from duskwatch.sources.flows.state_file import FORMAT, load_state, save_state
from tests.sources.flows.exports import decode, ipfix, netflow9, options_template, plain_record, set_of, template

FIELDS = [(8, 4), (12, 4), (1, 4), (22, 4), (48, 1), (96, 65535), (1, 8, 29305)]
RECORD = struct.pack("!IIIIB", 1, 2, 500, 1000, 7) + b"\x03abc" + bytes(8)
OPTIONS = [
    set_of(3, options_template(400, [(302, 1)], [(305, 4), (160, 8)], 10)),
    set_of(400, struct.pack("!BIQ", 7, 250, 1_699_990_000_000)),
]


@pytest.fixture
def taught() -> Collector:
    collector = Collector()
    decode(collector, [ipfix([set_of(2, template(300, FIELDS)), *OPTIONS])])
    options9 = set_of(1, options_template(401, [(1, 4)], [(34, 4)], 9))
    decode(collector, [netflow9([options9, set_of(401, struct.pack("!II", 0, 99))], 2)], sender=0x0A000001)
    return collector


def test_flows_are_read_after_a_restart_as_before(taught, tmp_path):
    path = tmp_path / "state.json"
    save_state(taught, path)
    restarted = Collector()
    assert load_state(restarted, path) == 2
    message = ipfix([set_of(300, RECORD)], sequence=1)
    before, after = decode(taught, [message]), decode(restarted, [message])
    assert [flow | {"exporter": 0} for flow in after] == [flow | {"exporter": 0} for flow in before]
    assert (after[0]["sampling_rate"], after[0]["time_source"]) == (250, 1)
    plain = netflow9([set_of(0, template(256, [(8, 4)])), set_of(256, bytes(4))], 2, sequence=5)
    (flow,) = decode(restarted, [plain], sender=0x0A000001)
    assert flow["sampling_rate"] == 99
    save_state(restarted, tmp_path / "again.json")
    first, second = (json.loads((tmp_path / name).read_text()) for name in ("state.json", "again.json"))
    fields = [one["templates"][0]["fields"] for one in first["exporters"][:1]]
    assert [one["templates"][0]["fields"] for one in second["exporters"][:1]] == fields


def test_the_file_is_replaced_whole(taught, tmp_path):
    path = tmp_path / "state.json"
    path.write_text("something else")
    save_state(taught, path)
    assert json.loads(path.read_text())["format"] == FORMAT
    assert [one.name for one in tmp_path.iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text[:-40], "it is no JSON"),
        (lambda text: "[1]", "of this version"),
        (lambda text: text.replace(FORMAT, "duskwatch.flow-exporters/9"), "of this version"),
        (lambda text: text.replace('"number":300', '"number":301'), "checksum"),
        (lambda text: "", "it is no JSON"),
    ],
)
def test_a_file_that_is_not_what_was_written_is_refused(taught, tmp_path, change, said):
    path = tmp_path / "state.json"
    save_state(taught, path)
    path.write_text(change(path.read_text()))
    with pytest.raises(FlowInputError, match=said) as error:
        load_state(Collector(), path)
    assert str(path) in str(error.value)
    assert "remove it" in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 1 << 70) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(JSON, st.sampled_from(("export", "address", "domain", "general_rate", "boot_us", "samplers", "templates")))
@settings(max_examples=100, deadline=None)
def test_a_file_with_a_good_checksum_and_odd_content_is_refused_or_taken(tmp_path_factory, odd, name):
    from duskwatch.sources.flows.state_file import _digest

    template = {"number": 300, "options": False, "scopes": 0, "refreshed_us": 0, "fields": [[0, 8, 4]]}
    good = {"export": "IPFIX", "address": "192.0.2.1", "domain": 1, "general_rate": 0, "boot_us": 0, "samplers": []}
    good["templates"] = [template]
    exporters = [good | {name: odd}]
    path = tmp_path_factory.getbasetemp() / "odd.json"
    path.write_text(json.dumps({"format": FORMAT, "sha256": _digest(exporters), "exporters": exporters}))
    said = ""
    try:
        load_state(Collector(), path)
    except FlowInputError as error:
        said = str(error)
    assert said == "" or said.startswith(str(path))


def test_sets_of_records_are_read_by_templates_of_the_file(taught, tmp_path):
    save_state(taught, tmp_path / "state.json")
    collector = Collector()
    load_state(collector, tmp_path / "state.json")
    record = plain_record(src=1, dst=2)
    decode(collector, [ipfix([set_of(256, record)])])
    assert collector.counts()[0].unknown_sets == 1
