"""What names of others are taken for, and what the user says instead."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duskwatch.records.signals import ROLES
from duskwatch.signals.registry import SIGNALS
from duskwatch.sources.tables.naming import Naming, RoleError, said_roles, spec_of


@pytest.mark.parametrize(
    ("name", "family", "role"),
    [
        ("bgp", "routing", "reach"),
        ("bgp.visible_slash24", "routing", "reach"),
        ("BGP (#Visible /24s)", "routing", "reach"),
        ("bgp.announcements", "routing", "updates"),
        ("bgp.peers_live", "routing", "none"),
        ("bgp.hegemony.AS4837", "routing", "none"),
        ("ping-slash24", "probing", "reach"),
        ("Active Probing (#/24s Up)", "probing", "reach"),
        ("probing.packet_loss", "probing", "none"),
        ("ping-slash24-loss.p95", "probing", "none"),
        ("latency", "probing", "none"),
        ("merit-nt", "telescope", "arriving"),
        ("Telescope (# Unique Source IPs)", "telescope", "arriving"),
        ("gtr-norm", "traffic", "passive"),
        ("http_requests", "traffic", "passive"),
        ("sites.http_up", "sites", "reach"),
        ("attacks.ntp_gbps", "attacks", "none"),
        ("ntp_attacks", "attacks", "none"),
        ("attack_gbps", "attacks", "none"),
        ("ddos_gbps", "attacks", "none"),
        ("loss", "probing", "none"),
        ("packet_loss_pct", "probing", "none"),
        ("probing.loss_rate", "probing", "none"),
        ("probing.rtt_ms", "probing", "none"),
        ("ping_ms", "probing", "none"),
        ("probing.hosts_down", "probing", "none"),
        ("sites.errors", "sites", "none"),
        ("sites.response_ms", "sites", "none"),
        ("hegemony_AS4837", "routing", "none"),
        ("bgp_updates", "routing", "updates"),
        ("bgp_prefixes", "routing", "reach"),
        ("merit_nt", "telescope", "arriving"),
        ("flows_in", "traffic", "passive"),
        ("traffic_down", "traffic", "passive"),
        ("outage_score", "outage_score", "none"),
        ("power demand", "power demand", "reach"),
        ("", "unnamed", "reach"),
    ],
)
def test_names_as_people_spell_them(name: str, family: str, role: str) -> None:
    spec = spec_of(name)
    assert (spec.family, spec.role) == (family, role)
    assert spec.less_is_loss == (role not in ("updates", "none"))


def test_what_duskwatch_declares_is_read_back_as_what_it_was() -> None:
    naming = Naming({spec.name: spec for spec in SIGNALS})
    assert [naming.spec(spec.name) for spec in SIGNALS] == list(SIGNALS)


def test_patterns_agree_with_what_duskwatch_declares() -> None:
    """A file that was written by an older version, or renamed, is judged the same."""
    for spec in SIGNALS:
        told = spec_of(spec.name)
        assert (told.family, told.role, told.sampled) == (spec.family, spec.role, spec.sampled)


def test_the_user_has_the_last_word() -> None:
    naming = Naming(roles=said_roles(["http=reach", " a=b = none", "bgp=updates"]))
    assert (naming.spec("http").role, naming.spec("http").family, naming.spec("http").less_is_loss) == (
        "reach", "traffic", True,
    )  # fmt: skip
    assert (naming.spec("a=b").role, naming.spec("a=b").less_is_loss) == ("none", False)
    assert naming.spec("bgp").role == "updates"
    assert naming.guessed("power") and not naming.guessed("http") and not naming.guessed("a=b")  # noqa: PT018


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        (["http"], "write NAME=ROLE; roles are reach, arriving, passive, updates, none"),
        (["=reach"], "write NAME=ROLE"),
        (["http="], "no role ''"),
        (["http=up"], "no role 'up'; roles are reach, arriving, passive, updates, none"),
        (["http=reach", "http=none"], "http was said to be 'reach' before"),
    ],
)
def test_a_role_that_cannot_be_is_said_in_one_line(texts: list[str], says: str) -> None:
    with pytest.raises(RoleError, match=r"^--signal ") as error:
        said_roles(texts)
    assert says in str(error.value)


@given(st.text(), st.sampled_from(ROLES))
def test_every_name_has_a_spec_with_every_role(name: str, role: str) -> None:
    spec = Naming(roles={name: role}).spec(name)  # type: ignore[dict-item]
    assert spec.role == role
    assert spec_of(name) == spec_of(name)
