"""One web_connectivity measurement judged: the step at which the site failed, and whether it failed here alone.

OONI's own verdict is not read. What the vantage point met is compared with what the control met on the same names and
addresses at the same time.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from typing import NamedTuple
from urllib.parse import urlsplit

from duskwatch.records.sites import CheckState, Step
from duskwatch.sources.sites.failures import fault_of, is_inside
from duskwatch.sources.sites.ooni_fields import Connect, Control, Handshake, Query, TestKeys, Transaction

SYSTEM = ("system", "getaddrinfo", "golang_net_resolver", "libc", "")  # resolvers that a browser would have asked
_DEPTH = re.compile(r"depth=(\d{1,3})")
_CERTIFICATE = ("bad-certificate", "unknown-authority", "wrong-name")
_GUARDS = ("cloudflare", "akamaighost", "ddos-guard", "sucuri/cloudproxy")
_OWN_ANSWER = ("bad-redirect", "endless-redirects", "challenge")  # the site says so itself


class Verdict(NamedTuple):
    """What a measurement says."""

    state: CheckState
    step: Step
    fault: str
    why: str


def judge(keys: TestKeys, url: str) -> Verdict:
    """The verdict on a measurement of ``url``."""
    step, fault, told = _failure(keys, url)
    if not step:
        return Verdict("reachable", "", "", "the site answered")
    if told:  # odd, but the site answered
        return Verdict("reachable", step, fault, told)
    verdict = _against_control(keys, url, step, fault)
    hop = urlsplit_host(_last_url(keys, url, _deepest(keys)))
    if hop and hop != urlsplit_host(url):
        return verdict._replace(why=f"{verdict.why}; it failed at {hop[:253]}, where the site leads")
    return verdict


def _deepest(keys: TestKeys) -> int:
    """How many redirects were followed before the last hop."""
    system = [query for query in keys.queries or [] if (query.engine or "") in SYSTEM]
    walked = _walked(keys, _addresses(system, 0))
    return max((_depth(op.tags) for op in (*walked, *system)), default=0)


def _failure(keys: TestKeys, url: str) -> tuple[Step, str, str]:
    """The first step that failed in the last hop of the chain, its fault, and why the site counts as reached though."""
    system = [query for query in keys.queries or [] if (query.engine or "") in SYSTEM]
    given = _addresses(system, 0)
    deepest = _deepest(keys)
    at_depth = [query for query in system if _depth(query.tags) == deepest]
    secure = _is_secure(keys, url, deepest)
    odd = ""
    if at_depth and not (here := _addresses(at_depth, deepest)):
        return "dns", _commonest(query.failure for query in at_depth) or "no-address", ""
    if at_depth and deepest == 0:
        odd = _odd_address(here, keys.control, at_depth)
        if odd in ("private-address", "invented-address"):
            return "dns", odd, ""
    port = _port(_last_url(keys, url, deepest))
    tcp = [op for op in _connects(keys, given) if _depth(op.tags) == deepest and port in (None, op.port)]
    if fault := _all_failed([(op.status.failure, op.ip or "") for op in tcp]):
        return "tcp", fault, ""
    if secure:
        tls = [op for op in _handshakes(keys, given) if _depth(op.tags) == deepest]
        if fault := _all_failed([(op.failure, _host(op.address or "")) for op in tls]):
            return "tls", fault, ""
    pages = [op for op in _pages(keys) if _depth(op.tags) == deepest]
    return _page_failure(keys, pages or _pages(keys), secure, odd, bool(tcp))


def _page_failure(
    keys: TestKeys, pages: Sequence[Transaction], secure: bool, odd: str, connected: bool
) -> tuple[Step, str, str]:
    if not pages:
        if odd:
            return "dns", odd, ""
        return ("", "", "") if connected and not keys.requests else ("http", "other", "")
    last = pages[0]
    code = (last.response.code if last.response else None) or 0
    if last.failure:
        fault = fault_of(last.failure)
        return _step_of(keys, last, fault), "stalled" if fault == "timeout" and code else fault, ""
    if not secure and _other_content(keys):
        return ("dns", odd, "") if odd else ("http", "other-content", "")
    if _challenged(last, code):
        return "http", "challenge", "the server answered, with a question in place of the page"
    if odd:
        how = "its certificate is the site's" if secure else "the page is the same"
        return "dns", odd, f"the address is another one than the control's, but {how}"
    return "", "", ""


def _step_of(keys: TestKeys, page: Transaction, fault: str) -> Step:
    """Where a page failed. Older measurements list a page that failed before it was asked for."""
    if fault in ("name-not-found", "no-address", "server-failure", "refused-answer", "private-address"):
        return "dns"
    if fault in (*_CERTIFICATE, "bad-handshake"):
        return "tls"
    if page.response and page.response.code:
        return "http"
    url = page.request.url or ""
    where = urlsplit_host(url) if url.lower().startswith("https:") else ""
    shaken = [op for op in keys.tls_handshakes or [] if where and op.server_name == where]
    return "tls" if shaken and all(op.failure for op in shaken) else "http"


def urlsplit_host(url: str) -> str:
    """Host of an address; '' where it has none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _challenged(page: Transaction, code: int) -> bool:
    """A content network that puts a test before the page (403, 429, 503 of its own)."""
    given = (page.response and page.response.headers) or {}
    headers = {name.lower(): str(value).lower() for name, value in given.items()}
    return code in (403, 429, 503) and ("cf-ray" in headers or headers.get("server", "") in _GUARDS)


def _other_content(keys: TestKeys) -> bool:
    """Nothing of the page is as the control's: neither length nor title nor headers, and one of them was compared."""
    compared = (keys.body_length_match, keys.title_match, keys.headers_match)
    return True not in compared and False in compared


def _against_control(keys: TestKeys, url: str, step: Step, fault: str) -> Verdict:
    control = keys.control
    if control is None or keys.control_failure:
        return Verdict("unclear", step, fault, "the control could not be asked")
    if fault in _OWN_ANSWER:
        if control.http_request and control.http_request.failure:
            return Verdict("down", step, fault, "the control met no page either")
        return Verdict("unclear", step, fault, "what the site answered leads nowhere; the control had a page")
    same = _control_at(keys, step, _port(_last_url(keys, url, _deepest(keys))))
    page = control.http_request
    works = page is not None and not page.failure and (page.status_code or 0) > 0
    if fault == "invented-address":
        return Verdict("blocked", step, fault, "the control's resolver says that there is no such name")
    if works:
        return Verdict("blocked", step, fault, "the control reached the site at the same time")
    if same is False:
        return Verdict("down", step, fault, "the control failed at the same step")
    if same is True:
        return Verdict("blocked", step, fault, f"the control's {step.upper()} step worked at the same addresses")
    if page is not None and page.failure:
        return Verdict("down", step, fault, "the control failed too")
    return Verdict("unclear", step, fault, "the control did not try the page")


def _control_at(keys: TestKeys, step: Step, port: int | None) -> bool | None:
    """Whether the control did better at a step, at the same port; None where it did not try."""
    control = keys.control
    assert control is not None
    if step == "dns":
        if control.dns is None:
            return None
        return bool([address for address in control.dns.addrs or [] if not is_inside(address)])
    tried = {"tcp": control.tcp_connect, "tls": control.tls_handshake}.get(step)
    there = [one for endpoint, one in (tried or {}).items() if port is None or endpoint.endswith(f":{port}")]
    return any(not one.failure for one in there) if there else None


def _odd_address(here: Sequence[str], control: Control | None, queries: Sequence[Query]) -> str:
    """What is odd about the addresses that the system's resolver gave; '' where nothing is."""
    if all(is_inside(address) for address in here):
        return "private-address"
    if control is None or control.dns is None:
        return ""
    if fault_of(control.dns.failure) == "name-not-found":
        return "invented-address"
    theirs = set(control.dns.addrs or [])
    if not theirs or theirs & set(here):
        return ""
    info = control.ip_info or {}
    known = {address: (found.asn or 0) for address, found in info.items() if found}
    ours = {answer.asn or 0 for query in queries for answer in query.answers or []}
    ours |= {known.get(address, 0) for address in here}
    return "" if (ours & {known.get(address, 0) for address in theirs}) - {0} else "other-address"


def _addresses(queries: Iterable[Query], depth: int) -> list[str]:
    return [
        address
        for query in queries
        if _depth(query.tags) == depth and not query.failure
        for answer in query.answers or []
        for address in (answer.ipv4, answer.ipv6)
        if address
    ]


def _walked(keys: TestKeys, given: Sequence[str]) -> list[Connect | Handshake | Transaction]:
    return [*_connects(keys, given), *_handshakes(keys, given), *_pages(keys)]


def _counts(tags: list[str] | None) -> bool:
    """Whether an operation is one of a browser's way: not an experiment beside it, not without its page."""
    if not tags:
        return True
    return ("classic" in tags or "tcptls_experiment" not in tags) and "fetch_body=false" not in tags


def _of_given(address: str, tags: list[str] | None, given: Sequence[str]) -> bool:
    return _depth(tags) > 0 or not given or address in given


def _connects(keys: TestKeys, given: Sequence[str]) -> list[Connect]:
    return [op for op in keys.tcp_connect or [] if _counts(op.tags) and _of_given(op.ip or "", op.tags, given)]


def _handshakes(keys: TestKeys, given: Sequence[str]) -> list[Handshake]:
    return [
        op
        for op in keys.tls_handshakes or []
        if _counts(op.tags) and _of_given(_host(op.address or ""), op.tags, given)
    ]


def _pages(keys: TestKeys) -> list[Transaction]:
    return [op for op in keys.requests or [] if _counts(op.tags)]


def _depth(tags: list[str] | None) -> int:
    return max((int(found[1]) for tag in tags or [] if (found := _DEPTH.fullmatch(tag))), default=0)


def _all_failed(tried: Sequence[tuple[str | None, str]]) -> str:
    """The commonest fault where every attempt failed. A vantage point without IPv6 says nothing by it."""
    if not tried or any(not failure for failure, _ in tried):
        return ""
    telling = [failure for failure, address in tried if not (_is_v6(address) and fault_of(failure) == "unreachable")]
    return _commonest(telling or [failure for failure, _ in tried])


def _commonest(failures: Iterable[str | None]) -> str:
    faults = Counter(fault for failure in failures if (fault := fault_of(failure)))
    if len(faults) > 1:
        faults.pop("no-address", None)  # a question for AAAA where there is only A
    return faults.most_common(1)[0][0] if faults else ""


def _is_v6(address: str) -> bool:
    try:
        return ip_address(address).version == 6
    except ValueError:
        return False


def _host(endpoint: str) -> str:
    return endpoint.rpartition(":")[0].strip("[]")


def _is_secure(keys: TestKeys, url: str, depth: int) -> bool:
    return _last_url(keys, url, depth).lower().startswith("https:")


def _last_url(keys: TestKeys, url: str, depth: int) -> str:
    """Address of the last hop: as asked for, or where the last answer leads."""
    if depth == 0:
        return url
    for page in _pages(keys):
        if _depth(page.tags) == depth and page.request.url:
            return page.request.url
    for page in _pages(keys):
        headers = (page.response and page.response.headers) or {}
        for name, value in headers.items():
            if name.lower() == "location":
                where = value.get("data") if isinstance(value, dict) else value
                return str(where) if isinstance(where, str) else url
    return url


def _port(url: str) -> int | None:
    """Port of an address; None where it cannot be told."""
    try:
        parts = urlsplit(url)
        return parts.port or {"http": 80, "https": 443}.get(parts.scheme.lower())
    except ValueError:
        return None
