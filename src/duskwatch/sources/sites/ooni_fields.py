"""OONI's measurement format, as far as it is read: web_connectivity (df-002 to df-010 of ooni/spec, ts-017)."""

import msgspec

Text = str | None


class Answer(msgspec.Struct):
    """One record of an answer of a resolver."""

    asn: int | None = None
    ipv4: Text = None
    ipv6: Text = None


class Query(msgspec.Struct):
    """One question to one resolver."""

    hostname: Text = None
    query_type: Text = None
    engine: Text = None
    failure: Text = None
    answers: list[Answer] | None = None
    tags: list[str] | None = None


class ConnectStatus(msgspec.Struct):
    """What became of a connection."""

    failure: Text = None


class Connect(msgspec.Struct):
    """One TCP connection."""

    ip: Text = None
    port: int | None = None
    status: ConnectStatus = msgspec.field(default_factory=ConnectStatus)
    tags: list[str] | None = None


class Handshake(msgspec.Struct):
    """One TLS handshake."""

    address: Text = None
    server_name: Text = None
    failure: Text = None
    tags: list[str] | None = None


class HttpAsked(msgspec.Struct):
    """A request."""

    url: Text = None


class HttpGiven(msgspec.Struct):
    """A response; its body is not read."""

    code: int | None = None
    headers: dict[str, object] | None = None


class Transaction(msgspec.Struct):
    """One request and its response. OONI lists the last one first."""

    request: HttpAsked = msgspec.field(default_factory=HttpAsked)
    response: HttpGiven | None = None
    failure: Text = None
    tags: list[str] | None = None


class ControlDns(msgspec.Struct):
    """What the control's resolver said."""

    failure: Text = None
    addrs: list[str] | None = None


class ControlEndpoint(msgspec.Struct):
    """A connection or handshake of the control."""

    failure: Text = None


class ControlHttp(msgspec.Struct):
    """The page as the control had it."""

    failure: Text = None
    status_code: int | None = None


class AddressInfo(msgspec.Struct):
    """What the control knows of an address."""

    asn: int | None = None


class Control(msgspec.Struct):
    """The same site, seen by OONI's own server at the same time."""

    dns: ControlDns | None = None
    tcp_connect: dict[str, ControlEndpoint] | None = None
    tls_handshake: dict[str, ControlEndpoint] | None = None
    http_request: ControlHttp | None = None
    ip_info: dict[str, AddressInfo | None] | None = None


class TestKeys(msgspec.Struct):
    """What web_connectivity measured."""

    queries: list[Query] | None = None
    tcp_connect: list[Connect] | None = None
    tls_handshakes: list[Handshake] | None = None
    requests: list[Transaction] | None = None
    control: Control | None = None
    control_failure: Text = None
    body_length_match: bool | None = None
    headers_match: bool | None = None
    status_code_match: bool | None = None
    title_match: bool | None = None


class Measurement(msgspec.Struct):
    """One measurement."""

    test_keys: TestKeys
    input: Text = None
    measurement_start_time: Text = None
    probe_asn: str | int | None = None
    probe_cc: Text = None
    report_id: Text = None
    test_name: Text = None


class Scores(msgspec.Struct):
    """How OONI's own judgement of a service came about; fields of its telegram test."""

    accessible_endpoints: int | None = None
    unreachable_endpoints: int | None = None
    http_success_cnt: int | None = None
    http_failure_cnt: int | None = None
    web_failure: Text = None


class Row(msgspec.Struct):
    """A row of OONI's list of measurements, /api/v1/measurements."""

    measurement_start_time: str
    anomaly: bool
    test_name: Text = None
    input: Text = None
    probe_cc: Text = None
    probe_asn: str | int | None = None
    report_id: Text = None
    failure: bool | None = None
    scores: Scores = msgspec.field(default_factory=Scores)


class Head(msgspec.Struct):
    """Fields that tell what an entry is."""

    test_keys: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    queries: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    results: msgspec.Raw = msgspec.field(default_factory=msgspec.Raw)
    anomaly: bool | None = None
    test_name: Text = None
