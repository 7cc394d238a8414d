"""Which addresses the tenant's streams may be sent to."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from localauth0.management.http import invalid_body


def check_address(url: object, field: str) -> None:
    """Refuse an address that Auth0 does not send to. Raises ManagementError (400 `invalid_body`).

    Auth0 takes https alone. Plain http to this very machine is let through: a server on a laptop has no certificate.
    """
    if not isinstance(url, str):
        raise invalid_body(f"Payload validation error: 'Expected type string' on property {field}.")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _is_this_machine(host))):
        raise invalid_body(
            f"Payload validation error: 'String does not match pattern ^https://' on property {field}."
        )


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
