"""A document of a provider, fetched with bounds: of time, of size, of redirects, and of where it may lie.

Somebody else than the person at this machine may have named the URL. Then it must be https, and its host must be a
public one; the address is looked up once, judged, and connected to, so that a name cannot change its mind in between.
Source: OWASP, "Server-Side Request Forgery Prevention".
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.structures import CaseInsensitiveDict
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from frontdesk.errors import KeysUnavailable
from frontdesk.hasura.transport import Deadline, DeadlineAdapter, new_session

FETCH_BUDGET_S = 8.0  # of one document, redirects included
MAX_DOCUMENT_BYTES = 512 * 1024
MAX_REDIRECTS = 3
_REDIRECTS = {301, 302, 303, 307, 308}
_PORTS = {"https": 443, "http": 80}
# All that IPv6 has given out to the public; what is outside may be a private address in an older writing.
_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
# What Python takes for public: IPv6 addresses that stand for another one, which may be a private one; addresses of
# protocols, at which some clouds tell a machine its secrets; documentation.
_NOT_PUBLIC = tuple(
    map(ipaddress.ip_network, ("2002::/16", "2001::/32", "3fff::/20", "192.0.0.0/24", "192.88.99.0/24"))
)

Resolve = Callable[[str, int], tuple[str, ...]]


def addresses_of(host: str, port: int) -> tuple[str, ...]:
    """Return the addresses of a host by the system's resolver; none when it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Where documents may be fetched from.

    With `public_only` that is https at public hosts, and the origins of the settings, whatever they are. Certificates
    are checked against `ca_file` where there is one, else against the public authorities.
    """

    public_only: bool
    ca_file: str | None = None
    origins: frozenset[tuple[str, str, int]] = frozenset()
    resolve: Resolve = field(default=addresses_of, repr=False)

    def address(self, parts: SplitResult) -> str:
        """Return the one address to connect to. Raises KeysUnavailable when there is none, or none that may be."""
        origin = origin_of(parts)
        may_be_private = not self.public_only or origin in self.origins
        if parts.scheme != "https" and not may_be_private:
            raise KeysUnavailable(f"{_shown(parts)}: expected an https URL")
        found = self.resolve(origin[1], origin[2])
        if not found:
            raise KeysUnavailable(
                f"the host {origin[1]} is not known: look for a typo, or for a missing DNS entry"
            )
        if not may_be_private and not all(map(_is_public, found)):
            raise KeysUnavailable(
                f"the host {origin[1]} is not a public one: only the tenants of the settings may be"
            )
        return found[0]


ANYWHERE = Reach(public_only=False)
"""For the person at the machine, who could fetch anything without us."""


@dataclass(frozen=True)
class Fetched:
    """A document with its headers, and the URL that it came from in the end."""

    url: str
    body: bytes
    headers: Mapping[str, str]


def fetch(url: str, reach: Reach, *, budget_s: float = FETCH_BUDGET_S) -> Fetched:
    """Return the document at `url`. Raises KeysUnavailable, whose text repeats no query of the URL."""
    deadline = Deadline.after(budget_s)
    for _ in range(MAX_REDIRECTS + 1):
        parts = _split(url)
        response = _ask(parts, reach, deadline)
        if response.status_code not in _REDIRECTS:
            return _accepted(response, parts)
        target = urljoin(url, response.headers.get("Location", ""))
        if parts.scheme == "https" and not target.startswith("https://"):
            raise KeysUnavailable(
                f"{_shown(parts)} redirects to what is not https, which nobody should follow"
            )
        url = target
    raise KeysUnavailable(f"{_shown(_split(url))}: more than {MAX_REDIRECTS} redirects")


def origin_of(parts: SplitResult) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL."""
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or _PORTS[parts.scheme]


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        fits = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0 and parts.username is None
    except ValueError:
        fits = False
    if not fits or not url.isascii() or not url.isprintable() or " " in url:
        raise KeysUnavailable("expected an https URL without user and spaces")
    return parts


def _is_public(address: str) -> bool:
    parsed: Any = ipaddress.ip_address(address.partition("%")[0])
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = parsed if mapped is None else mapped
    if parsed.version == _PUBLIC_V6.version and parsed not in _PUBLIC_V6:
        return False
    reserved = any(parsed in network for network in _NOT_PUBLIC if network.version == parsed.version)
    return bool(parsed.is_global) and not parsed.is_multicast and not reserved


def _ask(parts: SplitResult, reach: Reach, deadline: Deadline) -> requests.Response:
    address = reach.address(parts)
    with new_session(headers={"Host": parts.netloc}) as session:
        session.mount(f"{parts.scheme}://", _PinnedAdapter(address, origin_of(parts)[1]))
        try:
            return session.get(
                parts.geturl(),
                timeout=deadline,  # type: ignore[arg-type]
                allow_redirects=False,
                verify=reach.ca_file or True,
            )
        except requests.exceptions.SSLError:
            raise KeysUnavailable(
                f"{_shown(parts)}: its certificate is not one for this name that is trusted here"
            ) from None
        except (requests.RequestException, HTTPError, OSError) as error:
            raise KeysUnavailable(f"{_shown(parts)} gives no answer ({_kind(error)})") from None


def _kind(error: Exception) -> str:
    if isinstance(error, requests.Timeout | Urllib3Timeout | TimeoutError):
        return "not in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__


def _accepted(response: requests.Response, parts: SplitResult) -> Fetched:
    if response.status_code != requests.codes.ok:
        raise KeysUnavailable(
            f"{_shown(parts)} answers with HTTP status {response.status_code}, not with keys"
        )
    if len(response.content) > MAX_DOCUMENT_BYTES:
        raise KeysUnavailable(
            f"{_shown(parts)} is longer than {MAX_DOCUMENT_BYTES} bytes: that is no key set"
        )
    return Fetched(_shown(parts), response.content, CaseInsensitiveDict(response.headers))


def _shown(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


class _PinnedAdapter(DeadlineAdapter):
    """Connects to one address, and speaks TLS with the name that was asked for."""

    def __init__(self, address: str, host: str) -> None:
        self._address, self._host = address, host
        super().__init__()

    def build_connection_pool_key_attributes(  # type: ignore[override]
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Let the pool go to the address instead of looking the name up again."""
        where, options = super().build_connection_pool_key_attributes(request, verify, cert)
        tls = {"server_hostname": self._host}  # the certificate is compared with it too
        return {**where, "host": self._address}, {**options, **(tls if where["scheme"] == "https" else {})}
