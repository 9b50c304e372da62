"""The configuration: what it may hold, and every fault of it at once."""

import tomllib
from pathlib import Path

import pytest

from duskwatch.drivers.live.settings import ConfigError, channel_of, dumped, read_settings, rule_of, settings_of
from duskwatch.publication.alerts.channels import CHANNELS, Webhook
from duskwatch.publication.alerts.rules import after_quiet
from duskwatch.records.times import HOUR, MINUTE

WHOLE = """
[watch]
entities = ["KP", "AS131279", "175.45.176.0/22"]
geo = ["delegated"]
[store]
path = "store"
[checkpoint]
path = "state"
[http]
address = "127.0.0.1:9560"
[[source]]
kind = "ris-live"
client = "noc@example.net"
collectors = ["rrc00", "rrc21"]
[[source]]
kind = "bmp"
listen = "127.0.0.1:1790"
allow = ["192.0.2.0/24"]
[source.names]
"192.0.2.1" = "edge1"
[[source]]
kind = "kafka"
brokers = "127.0.0.1:9092"
topics = ["^routeviews\\\\.amsix\\\\..*\\\\.bmp_raw"]
group = "duskwatch"
[source.settings]
"sasl.password" = "hidden"
[[channel]]
kind = "webhook"
name = "noc"
url = "https://noc.example.net/hook"
secret = "very secret"
[[channel]]
kind = "apprise"
name = "mail"
url = "mailto://user:password@example.net"
[[rule]]
channels = ["noc", "mail"]
entities = ["KP"]
severity = "major"
quiet = "22:00-06:30"
"""

ROUTERS = "[watch]\nentities = ['KP']\n[[source]]\nkind = 'bmp'\n"
CHANNEL = "[[channel]]\nkind = 'webhook'\nname = 'A b'\nurl = 'ftp://x'\n"


def test_a_whole_file_and_what_is_dumped_of_it(tmp_path):
    path = tmp_path / "duskwatch.toml"
    path.write_text(WHOLE)
    found = read_settings(path)
    assert [one.kind for one in found.source] == ["ris-live", "bmp", "kafka"]
    assert found.source[1].names == {"192.0.2.1": "edge1"}
    text = dumped(found)
    for secret in ("very secret", "password@", "hidden"):
        assert secret not in text
    again = settings_of(tomllib.loads(text))
    assert again.watch == found.watch
    assert again.rule == found.rule
    assert [one.listen for one in again.source] == [one.listen for one in found.source]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ["watch: missing"]),
        ("[watch]\nentities = []\n", ["watch.entities: nothing to watch", "source: none"]),
        ("[watch]\nentities = ['KP']\nentity = 'KP'\n[stroe]\n", ["watch.entity: no such key", "stroe: no such table"]),
        ("[watch]\nentities = 'KP'\nbin_seconds = 'x'\n", ["watch"]),
        ("[watch]\nentities = ['KPP', 'AS0']\nbin_seconds = 7\nkeep_hours = 1\n[[source]]\nkind = 'pigeon'\n",
         ["'KPP'", "'AS0'", "bin_seconds", "keep_hours", "no kind 'pigeon'"]),
        ("[watch]\nentities = ['KP']\n[[source]]\nkind = 'ris-live'\nlisten = 'x'\n",
         ["source[0].listen: not of a source of kind ris-live", "source[0].client: missing"]),
        (ROUTERS + "listen = 'nowhere'\nallow = ['10.0.0.1/8']\nviews = ['x']\n",
         ["source[0].listen: 'nowhere'", "source[0].allow", "no view 'x'"]),
        (ROUTERS + CHANNEL + "[[rule]]\nchannels = ['noc']\nquiet = '9-5'\n",
         ["channel[0].name", "channel[0].url", "no channel 'noc'", "quiet hours '9-5'"]),
        (ROUTERS + "[[source]]\nkind = 'bmp'\n", ["'bmp' is there twice"]),
    ],
)  # fmt: skip
def test_every_fault_is_told_with_its_place(text, said):
    with pytest.raises(ConfigError) as caught:
        settings_of(tomllib.loads(text), "file")
    lines = str(caught.value).splitlines()
    assert all(line.startswith("file: ") for line in lines)
    for words in said:
        assert any(words in line for line in lines), (words, lines)


def test_no_toml_is_one_line(tmp_path: Path):
    path = tmp_path / "broken.toml"
    path.write_bytes(b"[watch\n\xff")
    with pytest.raises(ConfigError, match="no TOML"):
        read_settings(path)


def test_a_secret_may_stand_in_a_file(tmp_path):
    (tmp_path / "secret").write_text("from a file\n")
    text = WHOLE.replace('secret = "very secret"', 'secret_file = "secret"')
    table = settings_of(tomllib.loads(text)).channel[0]
    channel = channel_of(table, tmp_path)
    assert isinstance(channel, Webhook)
    assert channel.secret == "from a file"
    assert set(CHANNELS) == {"webhook", "alertmanager", "apprise", "atom", "lines"}


def test_what_is_due_in_quiet_hours_waits():
    rule = rule_of(settings_of(tomllib.loads(WHOLE)).rule[0])
    day = 1_700_006_400_000_000  # a midnight
    assert after_quiet(rule.quiet, day + 23 * HOUR) == day + 30 * HOUR + 30 * MINUTE
    assert after_quiet(rule.quiet, day + 2 * HOUR) == day + 6 * HOUR + 30 * MINUTE
    assert after_quiet(rule.quiet, day + 12 * HOUR) == day + 12 * HOUR
    assert after_quiet(None, day) == day
