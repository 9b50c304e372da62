"""web_connectivity measurements made by the tests, with every field that is read."""

import copy
from typing import Any

HOST, ADDRESS = "www.example.org", "93.184.216.34"
URL = f"https://{HOST}/"


def measurement(**changes: Any) -> dict[str, Any]:
    """A measurement of a site that answered; ``changes`` are to the measurement itself."""
    return {
        "input": URL,
        "measurement_start_time": "2026-06-16 08:00:00",
        "probe_asn": "AS64500",
        "probe_cc": "IN",
        "report_id": "20260616T080000Z_webconnectivity_IN_64500_n1_0123456789abcdef",
        "test_name": "web_connectivity",
        "test_keys": copy.deepcopy(KEYS),
        **changes,
    }


KEYS: dict[str, Any] = {
    "queries": [
        {"hostname": HOST, "query_type": "A", "engine": "system", "failure": None,
         "answers": [{"ipv4": ADDRESS, "asn": 15133}]}
    ],
    "tcp_connect": [{"ip": ADDRESS, "port": 443, "status": {"failure": None, "success": True}}],
    "tls_handshakes": [{"address": f"{ADDRESS}:443", "server_name": HOST, "failure": None}],
    "requests": [
        {"request": {"url": URL}, "failure": None,
         "response": {"code": 200, "headers": {"Server": "x"}, "body": "y"}}
    ],
    "control": {
        "dns": {"failure": None, "addrs": [ADDRESS]},
        "tcp_connect": {f"{ADDRESS}:443": {"status": True, "failure": None}},
        "tls_handshake": {f"{ADDRESS}:443": {"server_name": HOST, "status": True, "failure": None}},
        "http_request": {"failure": None, "status_code": 200},
        "ip_info": {ADDRESS: {"asn": 15133, "flags": 11}},
    },
    "control_failure": None,
}  # fmt: skip


def failing(step: str, failure: str, **changes: Any) -> dict[str, Any]:
    """A measurement of the same site that failed at a step; the steps behind it were not tried."""
    made = measurement(**changes)
    keys = made["test_keys"]
    if step == "dns":
        keys["queries"][0] |= {"failure": failure, "answers": []}
    elif step == "tcp":
        keys["tcp_connect"][0]["status"] = {"failure": failure, "success": False}
    elif step == "tls":
        keys["tls_handshakes"][0]["failure"] = failure
    else:
        keys["requests"][0] |= {"failure": failure, "response": {"code": 0}}
    order = ("dns", "tcp", "tls", "http")
    for later, field in zip(order[1:], ("tcp_connect", "tls_handshakes", "requests"), strict=True):
        if order.index(later) > order.index(step):
            keys[field] = []
    return made
