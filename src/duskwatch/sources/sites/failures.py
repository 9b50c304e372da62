"""OONI's names of failures (df-007-errors of ooni/spec) and what each is called here."""

from ipaddress import ip_address

_BY_NAME = {
    "dns_nxdomain_error": "name-not-found",
    "dns_name_error": "name-not-found",
    "android_dns_cache_no_data": "name-not-found",
    "dns_no_answer": "no-address",
    "dns_server_failure": "server-failure",
    "dns_servfail_error": "server-failure",
    "dns_server_misbehaving": "server-failure",
    "dns_temporary_failure": "server-failure",
    "dns_non_recoverable_failure": "server-failure",
    "dns_lookup_error": "server-failure",
    "dns_refused_error": "refused-answer",
    "dns_bogon_error": "private-address",
    "generic_timeout_error": "timeout",
    "timed_out": "timeout",
    "connection_refused": "refused",
    "connection_refused_error": "refused",
    "connection_reset": "reset",
    "connection_reset_error": "reset",
    "connection_aborted": "closed",
    "eof_error": "closed",
    "connection_already_closed": "closed",
    "host_unreachable": "unreachable",
    "network_unreachable": "unreachable",
    "network_down": "unreachable",
    "address_not_available": "unreachable",
    "ssl_invalid_certificate": "bad-certificate",
    "ssl_unknown_authority": "unknown-authority",
    "ssl_invalid_hostname": "wrong-name",
    "ssl_failed_handshake": "bad-handshake",
    "http_invalid_redirect_location_host": "bad-redirect",
}


def fault_of(failure: str | None) -> str:
    """Our code for OONI's name of a failure; '' for none, ``other`` for a name that is not known."""
    if not failure:
        return ""
    if known := _BY_NAME.get(failure):
        return known
    text = failure.lower()
    if "too many redirects" in text:
        return "endless-redirects"
    if "timeout" in text or "timed out" in text or "deadline" in text:
        return "timeout"
    if "ssl" in text or "tls" in text or "certificate" in text:
        return "bad-handshake"
    return "other"


def is_inside(address: str) -> bool:
    """Whether an address is no public one: private, loopback, link-local, reserved. False where it is no address."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return not parsed.is_global or parsed.is_multicast
