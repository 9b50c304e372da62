"""OONI's measurements: the named faults, real ones, made ones, hostile ones."""

import gzip
import json
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duskwatch.records.errors import DuskwatchError
from duskwatch.records.sites import CHECK_STATES, FAULTS, STEPS, SiteCheck
from duskwatch.sources.sites.ooni import OoniError, read_ooni
from tests.sources.sites.measurements import ADDRESS, failing, measurement

# The name of the file is the fault: state, step, fault.
NAMED = {
    "badSSLWithExpiredCertificate": ("down", "tls", "bad-certificate"),
    "badSSLWithUnknownAuthorityWithConsistentDNS": ("down", "tls", "unknown-authority"),
    "badSSLWithWrongServerName": ("down", "tls", "wrong-name"),
    "cloudflareCAPTCHAWithHTTPS": ("reachable", "http", "challenge"),
    "controlFailureWithSuccessfulHTTPSWebsite": ("reachable", "", ""),
    "dnsBlockingBOGON": ("blocked", "dns", "private-address"),
    "dnsBlockingNXDOMAIN": ("blocked", "dns", "name-not-found"),
    "dnsHijackingToLocalhostWithHTTP": ("blocked", "dns", "private-address"),
    "dnsHijackingToLocalhostWithHTTPS": ("blocked", "dns", "private-address"),
    "dnsHijackingToProxyWithHTTPSURL": ("reachable", "dns", "other-address"),
    "ghostDNSBlockingWithHTTPS": ("blocked", "dns", "invented-address"),
    "httpBlockingConnectionReset": ("blocked", "http", "reset"),
    "httpDiffWithConsistentDNS": ("blocked", "http", "other-content"),
    "idnaWithoutCensorshipLowercase": ("reachable", "", ""),
    "idnaWithoutCensorshipWithFirstLetterUppercase": ("reachable", "", ""),
    "largeFileWithHTTP": ("reachable", "", ""),
    "largeFileWithHTTPS": ("reachable", "", ""),
    "localhostWithHTTPS": ("down", "dns", "private-address"),
    "redirectWithBrokenLocationForHTTP": ("unclear", "http", "bad-redirect"),
    "redirectWithBrokenLocationForHTTPS": ("unclear", "http", "bad-redirect"),
    "redirectWithConsistentDNSAndThenConnectionRefusedForHTTP": ("blocked", "tcp", "refused"),
    "redirectWithConsistentDNSAndThenConnectionRefusedForHTTPS": ("blocked", "tcp", "refused"),
    "redirectWithConsistentDNSAndThenConnectionResetForHTTPS": ("blocked", "tls", "reset"),
    "redirectWithConsistentDNSAndThenEOFForHTTP": ("blocked", "http", "closed"),
    "redirectWithConsistentDNSAndThenNXDOMAIN": ("blocked", "dns", "name-not-found"),
    "redirectWithConsistentDNSAndThenTimeoutForHTTPS": ("blocked", "tls", "timeout"),
    "redirectWithMoreThanTenRedirectsAndHTTP": ("down", "http", "endless-redirects"),
    "redirectWithMoreThanTenRedirectsAndHTTPS": ("down", "http", "endless-redirects"),
    "successWithHTTP": ("reachable", "", ""),
    "successWithHTTPS": ("reachable", "", ""),
    "tcpBlockingConnectTimeout": ("blocked", "tcp", "timeout"),
    "throttlingWithHTTPS": ("blocked", "http", "stalled"),
    "tlsBlockingConnectionResetWithConsistentDNS": ("blocked", "tls", "reset"),
    "websiteDownNXDOMAIN": ("down", "dns", "name-not-found"),
    "websiteDownTCPConnect": ("down", "tcp", "refused"),
}


def test_every_named_fault_is_named(shared_data):
    folder = shared_data / "ooni" / "web_connectivity-qa"
    assert {path.stem for path in folder.iterdir()} == set(NAMED)
    assert len(NAMED) == 35


@pytest.mark.parametrize("name", NAMED)
def test_step_and_fault_are_what_the_name_says(shared_data, name):
    (check,) = read_ooni([shared_data / "ooni" / "web_connectivity-qa" / f"{name}.json"]).checks
    assert (check.state, check.step, check.fault) == NAMED[name]
    assert (check.country, check.asn) == ("IT", 137)


REAL = {
    "8844.json": ("8.8.4.4", "reachable", "", ""),
    "dnsgoogle80.json": ("dns.google", "down", "tcp", "timeout"),
    "firefoxcom.json": ("firefox.com", "reachable", "", ""),
    "nexa-polito.json": ("nexa.polito.it", "reachable", "", ""),
    "noipv6.json": ("www.youtube.com", "reachable", "", ""),
    "20230706183840.201925_PK_webconnectivity_19f5e0d803cbaea7.jsonc": ("mask.icloud.com", "down", "tls", "closed"),
}


@pytest.mark.parametrize("name", REAL)
def test_real_measurements(shared_data, name):
    (check,) = read_ooni([shared_data / "ooni" / "web_connectivity-real" / name]).checks
    assert (check.site, check.state, check.step, check.fault) == REAL[name]


def test_telegram_in_india_is_blocked_and_no_network_is_down(shared_data):
    name = "ooni_measurements_india_telegram_raw.json"
    read_ = read_ooni([shared_data / "ooni" / "telegram-india-2026" / name])
    assert (read_.count.read, read_.count.bad, read_.count.doubled) == (1792, 0, 1)
    states = Counter(check.state for check in read_.checks)
    assert states == {"blocked": 1643, "reachable": 149}
    assert {(check.site, check.country) for check in read_.checks} == {("telegram", "IN")}
    assert len({check.asn for check in read_.checks}) == 47
    assert (
        min(check.time_us for check in read_.checks if check.state == "blocked") >= 1781586000_000000
    )  # 05:00 on the 16th


def checks_of(tmp_path: Path, *measurements, name: str = "m.jsonl") -> tuple[SiteCheck, ...]:
    path = tmp_path / name
    path.write_text("\n".join(map(json.dumps, measurements)))
    return read_ooni([path]).checks


FAILURES = [
    ("dns", "dns_nxdomain_error", "name-not-found"),
    ("dns", "dns_server_failure", "server-failure"),
    ("dns", "generic_timeout_error", "timeout"),
    ("tcp", "generic_timeout_error", "timeout"),
    ("tcp", "connection_refused", "refused"),
    ("tcp", "host_unreachable", "unreachable"),
    ("tls", "connection_reset", "reset"),
    ("tls", "eof_error", "closed"),
    ("tls", "ssl_invalid_hostname", "wrong-name"),
    ("http", "connection_reset", "reset"),
    ("http", "unknown_failure: something new", "other"),
]


@pytest.mark.parametrize(("step", "failure", "fault"), FAILURES)
def test_older_measurements_without_tags_fail_at_their_step(tmp_path, step, failure, fault):
    (check,) = checks_of(tmp_path, failing(step, failure))
    assert (check.state, check.step, check.fault) == ("blocked", step, fault)
    assert check.plain == FAULTS[fault]


@pytest.mark.parametrize(("step", "failure", "fault"), FAILURES)
def test_what_fails_for_the_control_too_is_down(tmp_path, step, failure, fault):
    made = failing(step, failure)
    control = made["test_keys"]["control"]
    control["http_request"] = {"failure": "unknown_error", "status_code": -1}
    if step == "dns":
        control["dns"] = {"failure": "dns_name_error", "addrs": []}
    for known, field in (("tcp", "tcp_connect"), ("tls", "tls_handshake")):
        if step == known:
            control[field][f"{ADDRESS}:443"]["failure"] = failure
    (check,) = checks_of(tmp_path, made)
    assert (check.state, check.step, check.fault) == ("down", step, fault)


@pytest.mark.parametrize(("step", "failure", "fault"), FAILURES)
def test_without_a_control_nobody_knows(tmp_path, step, failure, fault):
    made = failing(step, failure)
    made["test_keys"] |= {"control": None, "control_failure": "connection_reset"}
    (check,) = checks_of(tmp_path, made)
    assert (check.state, check.step) == ("unclear", step)


def test_a_vantage_point_without_ipv6_says_nothing_by_it(tmp_path):
    made = failing("tcp", "generic_timeout_error")
    made["test_keys"]["tcp_connect"] += [
        {"ip": f"2001:db8::{n}", "port": 443, "status": {"failure": "network_unreachable"}} for n in range(5)
    ]
    made["test_keys"]["queries"][0]["answers"] += [{"ipv6": f"2001:db8::{n}"} for n in range(5)]
    (check,) = checks_of(tmp_path, made)
    assert (check.step, check.fault) == ("tcp", "timeout")


def test_country_and_network_may_stand_in_the_report_alone(tmp_path):
    (check,) = checks_of(tmp_path, measurement(probe_cc="ZZ", probe_asn=None))
    assert check.country == ""
    (check,) = checks_of(tmp_path, measurement(probe_cc=None, probe_asn=None))
    assert (check.country, check.asn) == ("IN", 64500)


BAD = {
    "no time": {"measurement_start_time": None},
    "a time that is none": {"measurement_start_time": "soon"},
    "a time before OONI": {"measurement_start_time": "1970-01-01 00:00:00"},
    "no site": {"input": None},
    "a site that is none": {"input": "http://["},
    "another test": {"test_name": "ndt"},
    "keys that are none": {"test_keys": 7},
    "steps that are none": {"test_keys": {"queries": "none"}},
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_measurement_is_counted_with_its_place_and_kept_out(tmp_path, what):
    path = tmp_path / "m.jsonl"
    path.write_text("\n".join(map(json.dumps, (measurement(), measurement(**BAD[what])))))
    read_ = read_ooni([path])
    assert len(read_.checks) == read_.count.bad == 1
    assert read_.count.examples[0].place == "m.jsonl, line 2"


def test_a_measurement_in_two_files_counts_once(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps([measurement()]))
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(json.dumps(measurement()).encode()))
    read_ = read_ooni([tmp_path / "a.json", tmp_path / "a.json.gz"])
    assert len(read_.checks) + read_.count.doubled == 2


def test_the_answer_of_the_api_is_read_with_its_bad_rows_left_out(tmp_path):
    row = {
        "measurement_start_time": "2026-06-16T05:00:00Z",
        "probe_cc": "IN",
        "probe_asn": "AS64500",
        "test_name": "telegram",
    }
    rows = [
        {**row, "anomaly": True, "scores": {"accessible_endpoints": 0, "unreachable_endpoints": 16}},
        {**row, "anomaly": False},
        {**row, "anomaly": True, "failure": True},
        {**row, "anomaly": "perhaps"},
        {**row, "anomaly": True, "test_name": "ndt"},
    ]
    path = tmp_path / "api.json"
    path.write_text(json.dumps({"metadata": {}, "results": rows}))
    read_ = read_ooni([path])
    assert sorted(check.state for check in read_.checks) == ["blocked", "reachable", "unclear"]
    assert read_.count.bad == 2


def test_a_file_without_a_measurement_is_refused_by_name(tmp_path):
    (tmp_path / "x.json").write_text('{"type": "ping"}')
    with pytest.raises(OoniError, match=r"x\.json: no measurement"):
        read_ooni([tmp_path / "x.json"])


_JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=4,
)


def _paths(value, path=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*path, key)
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _paths(inner, (*path, number))


@settings(max_examples=200)
@given(st.sampled_from(list(_paths(measurement()))), _JUNK)
def test_whatever_one_field_holds_the_rest_is_judged_or_kept_out(path, junk):
    made = measurement()
    place = made
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = junk
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "m"
        file.write_text(json.dumps(made, ensure_ascii=True))
        try:
            (check,) = read_ooni([file]).checks
        except DuskwatchError:
            return
        assert check.state in CHECK_STATES
        assert check.step in STEPS
        assert check.fault in FAULTS
        assert check.site.isprintable()
