"""Devices that wait for a person to log in on another screen.

Source: Auth0 docs, "Device Authorization Flow" and its section of the Authentication API; RFC 8628.
"""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from localauth0.errors import OAuthError, invalid_grant
from localauth0.records import AuthorizedGrant
from localauth0.tenant import DeviceFlow

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code"
_USER_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"  # no vowels, so that no words come out
_USER_CODE_HALF = 4
_MAX_KEPT = 10_000  # expired ones are kept too, so that their devices hear that they have expired


@dataclass
class WaitingDevice:
    """One device and what has become of it: `authorized`, or `denial` with the reason, or neither yet."""

    device_code: str
    user_code: str
    client_id: str
    scopes: tuple[str, ...]
    audience: str | None
    expires_at: datetime
    next_poll_at: datetime
    authorized: AuthorizedGrant | None = None
    denial: str | None = None

    @property
    def is_waiting(self) -> bool:
        return self.authorized is None and self.denial is None


class WaitingDevices:
    """The devices of one tenant; safe to use from many threads."""

    def __init__(self, settings: DeviceFlow, clock: Callable[[], datetime]) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._devices: OrderedDict[str, WaitingDevice] = OrderedDict()

    def begin(self, client_id: str, scopes: tuple[str, ...], audience: str | None) -> WaitingDevice:
        now = self._clock()
        device = WaitingDevice(
            secrets.token_urlsafe(32),
            _new_user_code(),
            client_id,
            scopes,
            audience,
            expires_at=now + timedelta(seconds=self._settings.expires_in),
            next_poll_at=now,
        )
        with self._lock:
            self._devices[device.device_code] = device
            while len(self._devices) > _MAX_KEPT:
                self._devices.popitem(last=False)
        return device

    def with_user_code(self, user_code: str) -> WaitingDevice | None:
        """The waiting device whose code a person typed, in whatever case and with whatever between the letters."""
        wanted = _letters(user_code)
        with self._lock:
            return next(
                (
                    device
                    for device in self._devices.values()
                    if _letters(device.user_code) == wanted
                    and device.is_waiting
                    and not self._is_over(device)
                ),
                None,
            )

    def authorize(self, device_code: str, authorized: AuthorizedGrant) -> bool:
        """Let the device have its tokens; False when it waits no longer."""
        with self._lock:
            device = self._devices.get(device_code)
            if device is None or not device.is_waiting or self._is_over(device):
                return False
            device.authorized = authorized
            return True

    def deny(self, device_code: str, reason: str) -> None:
        with self._lock:
            device = self._devices.get(device_code)
            if device is not None and device.is_waiting:
                device.denial = reason

    def poll(self, device_code: str, client_id: str) -> AuthorizedGrant:
        """The grant for a device that asks, once. Raises OAuthError while, or when for good, there is none."""
        with self._lock:
            device = self._devices.get(device_code)
            if device is None or device.client_id != client_id:
                raise invalid_grant("Invalid or expired device code.")
            if self._is_over(device):
                raise OAuthError(403, "expired_token", "The device code has expired.")
            self._refuse_haste(device)
            if device.denial is not None:
                raise OAuthError(403, "access_denied", device.denial)
            if device.authorized is None:
                raise OAuthError(403, "authorization_pending", "User has yet to authorize device code.")
            del self._devices[device_code]
            return device.authorized

    def _refuse_haste(self, device: WaitingDevice) -> None:
        now, interval = self._clock(), self._settings.interval
        is_hasty, device.next_poll_at = now < device.next_poll_at, now + timedelta(seconds=interval)
        if is_hasty:
            text = f"You are polling faster than the specified interval of {interval} seconds."
            raise OAuthError(429, "slow_down", text)

    def _is_over(self, device: WaitingDevice) -> bool:
        return self._clock() >= device.expires_at


def _new_user_code() -> str:
    halves = ("".join(secrets.choice(_USER_CODE_LETTERS) for _ in range(_USER_CODE_HALF)) for _ in range(2))
    return "-".join(halves)


def _letters(user_code: str) -> str:
    return "".join(letter for letter in user_code.upper() if letter.isalpha())
