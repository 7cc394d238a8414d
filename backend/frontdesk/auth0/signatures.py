"""Who calls a hook: signatures by the Standard Webhooks scheme, over the raw bytes of the body."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from standardwebhooks import Webhook

from frontdesk.errors import HookRefused

# The library reads the timestamp with float(), which takes more than one spelling of the same second.
_TIMESTAMP = re.compile(r"[0-9]{1,11}", re.ASCII)
_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


@dataclass(frozen=True, kw_only=True)
class SignedCall:
    """A hook call whose signature holds. `at` is the signed time, in whole seconds (UTC)."""

    id: str
    at: datetime
    body: bytes


def verify_call(body: bytes, headers: Mapping[str, str], secrets: Sequence[str]) -> SignedCall:
    """Return the call when one of `secrets` signed it within the last or next five minutes.

    `headers` have lower-case names.
    Raises HookRefused for every fault, with the reason for the log alone.
    Source: Standard Webhooks specification, "Verifying webhook authenticity".
    """
    values = {name: headers.get(name, "") for name in _HEADERS}
    if not _TIMESTAMP.fullmatch(values["webhook-timestamp"]):
        raise HookRefused("the timestamp header is missing or not a number of seconds")
    faults = [fault for secret in secrets if (fault := _fault(body, values, secret)) is not None]
    if len(faults) == len(secrets):
        raise HookRefused(faults[0] if faults else "no secret is known")
    at = datetime.fromtimestamp(int(values["webhook-timestamp"]), tz=UTC)
    return SignedCall(id=values["webhook-id"], at=at, body=body)


def _fault(body: bytes, headers: Mapping[str, str], secret: str) -> str | None:
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    # The library raises its own error for a wrong signature, and ValueError, binascii.Error or UnicodeDecodeError
    # for a malformed header or body. Whatever it is, the call is not shown to be signed.
    except Exception as error:  # noqa: BLE001
        return f"{type(error).__name__}: {_REASONS.get(str(error), 'the headers or the body are malformed')}"
    return None


# The library's own texts; any other one could repeat a header's value, and those do not belong in a log.
_REASONS = {
    text: text
    for text in (
        "Missing required headers",
        "Invalid Signature Headers",
        "Message timestamp too old",
        "Message timestamp too new",
        "No matching signature found",
    )
}
