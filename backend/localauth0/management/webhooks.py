"""Which addresses the tenant's streams may be sent to."""

from __future__ import annotations

from localauth0.management.http import invalid_body
from localauth0.webhook_posts import is_receiver


def check_address(url: object, field: str) -> None:
    """Refuse an address that Auth0 does not send to. Raises ManagementError (400 `invalid_body`).

    Auth0 takes https alone. Plain http to this very machine is let through: a server on a laptop has no certificate.
    """
    if not isinstance(url, str):
        raise invalid_body(f"Payload validation error: 'Expected type string' on property {field}.")
    if not is_receiver(url):
        raise invalid_body(
            f"Payload validation error: 'String does not match pattern ^https://' on property {field}."
        )
