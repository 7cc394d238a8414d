"""A login on another device: a code to type there, and a wait here.

Source: Auth0 docs, "Device Authorization Flow"; RFC 8628.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from frontdesk.auth0.sign_in.endpoints import Application, SignedIn, posted, refusal, tokens_in
from frontdesk.errors import Auth0Rejected, Auth0Unavailable

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
DEFAULT_INTERVAL_S, SLOWER_BY_S = 5.0, 5.0
MAX_WAIT_S = 900.0
_LATER = ("authorization_pending", "slow_down")
_TOO_MANY_REQUESTS = 429


@dataclass(frozen=True, kw_only=True)
class DeviceCode:
    """What a person needs to confirm the login, and what we ask with."""

    user_code: str
    url: str
    complete_url: str
    interval_s: float
    expires_in_s: float
    device_code: str = field(repr=False)


def sign_in_with_device(
    application: Application,
    show: Callable[[DeviceCode], object],
    *,
    pause: Callable[[float], object] = time.sleep,
) -> SignedIn:
    """Return the tokens of a login that a person confirms elsewhere; `show` gets the code, `pause` waits.

    Raises Auth0Rejected when it is refused or the code expires, Auth0Unavailable.
    """
    code = _device_code(application)
    show(code)
    interval_s, waited_s = code.interval_s, 0.0
    while waited_s < min(code.expires_in_s, MAX_WAIT_S):
        pause(interval_s)
        waited_s += interval_s
        form = {"grant_type": GRANT, "device_code": code.device_code}
        try:
            return tokens_in(posted(application, "oauth/token", form | application.identity()), application)
        except Auth0Rejected as error:
            if error.error_code not in _LATER and error.status_code != _TOO_MANY_REQUESTS:
                raise
            interval_s += 0.0 if error.error_code == "authorization_pending" else SLOWER_BY_S
        except Auth0Unavailable:
            # The person is still busy elsewhere; one lost answer ends nothing.
            interval_s += SLOWER_BY_S
    raise refusal("expired_token", "the code expired before anybody confirmed it")


def _device_code(application: Application) -> DeviceCode:
    form = {"scope": application.scope, "audience": application.audience}
    facts = posted(application, "oauth/device/code", form | application.identity())
    texts = [facts.get(name) for name in ("user_code", "verification_uri", "device_code")]
    user_code, url, device_code = (
        each if isinstance(each, str) and each.isprintable() else "" for each in texts
    )
    if not (user_code and url and device_code):
        raise Auth0Unavailable(f"{application.issuer}oauth/device/code answered without a code")
    complete = facts.get("verification_uri_complete")
    return DeviceCode(
        user_code=user_code,
        url=url,
        complete_url=complete if isinstance(complete, str) and complete.isprintable() else url,
        interval_s=_seconds(facts.get("interval"), DEFAULT_INTERVAL_S),
        expires_in_s=_seconds(facts.get("expires_in"), MAX_WAIT_S),
        device_code=device_code,
    )


def _seconds(value: Any, otherwise: float) -> float:
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= MAX_WAIT_S
    return float(value) if fits else otherwise
