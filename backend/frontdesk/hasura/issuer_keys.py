"""The signing keys of one issuer, kept by a process for the auth hook.

Hasura asks the hook once per request, so keys are fetched once for many requests: one thread fetches, the others go on
with the keys of before. While the issuer is out of reach, those stay good for a day. A key id that nobody knows lets
the keys be fetched again, but seldom: strangers choose key ids too.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from frontdesk.errors import KeysUnavailable
from frontdesk.hasura.jwt_keys import KeyUnusable, signing_jwks
from frontdesk.hasura.jwt_secret.fetch import ANYWHERE, Fetched, fetch

_log = structlog.stdlib.get_logger(__name__)

FETCH_BUDGET_S = 3.0  # a query of somebody waits for it
MIN_FRESH_S = 300.0
MAX_FRESH_S = 24 * 3600.0
MAX_STALE_S = (
    24 * 3600.0
)  # how long keys are believed after they were fetched, while no newer ones can be had
RETRY_AFTER_S = 5.0  # after a fetch that failed
LOOK_AGAIN_AFTER_S = 30.0  # for a key id that is not known
ALGORITHM = "RS256"
_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)

Fetch = Callable[[str], Fetched]


@dataclass(frozen=True)
class _Known:
    keys: Mapping[str, PyJWK]
    fetched_at: float
    fresh_until: float


class IssuerKeys:
    """The keys that the issuer publishes at `url`. Threads share it; a forked process needs its own."""

    def __init__(
        self, url: str, *, fetch: Fetch | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._url, self._clock = url, clock
        self._fetch = fetch or _fetch
        self._known = _Known({}, float("-inf"), float("-inf"))
        self._fetching = threading.Lock()
        self._not_before = float("-inf")  # no fetch earlier, after one that failed
        self._looked_at = float("-inf")

    def key(self, key_id: str) -> PyJWK | None:
        """Return the RS256 key with that id; None when the issuer has none.

        Raises KeysUnavailable when no keys are known and none can be had.
        """
        now = self._clock()
        if now >= self._known.fresh_until:
            self._renew(now, wait=not self._is_usable(now))
        elif key_id not in self._known.keys and now >= self._looked_at + LOOK_AGAIN_AFTER_S:
            self._looked_at = now
            self._renew(now, wait=True)
        if not self._is_usable(now):
            raise KeysUnavailable(f"the signing keys at {self._url} cannot be had at the moment")
        return self._known.keys.get(key_id)

    def _is_usable(self, now: float) -> bool:
        return now < self._known.fetched_at + MAX_STALE_S

    def _renew(self, now: float, *, wait: bool) -> None:
        """Fetch the keys, unless another thread does; with `wait`, be there when it has them."""
        before = self._known
        if not self._fetching.acquire(timeout=FETCH_BUDGET_S * 1.5 if wait else 0):
            return
        try:
            if self._known is before and now >= self._not_before:
                self._replace(now)
        finally:
            self._fetching.release()

    def _replace(self, now: float) -> None:
        try:
            fetched = self._fetch(self._url)
            keys = _keys_in(fetched.body)
        except (KeysUnavailable, KeyUnusable, ValueError, RecursionError) as error:
            self._not_before = self._clock() + RETRY_AFTER_S
            _log.warning("auth_hook.keys_not_fetched", url=self._url, reason=type(error).__name__)
            return
        self._looked_at = now
        self._known = _Known(keys, now, now + _fresh_s(fetched.headers))


def _fetch(url: str) -> Fetched:
    return fetch(url, ANYWHERE, budget_s=FETCH_BUDGET_S)


def _keys_in(body: bytes) -> Mapping[str, PyJWK]:
    keys: dict[str, PyJWK] = {}
    for jwk in signing_jwks(json.loads(body)):
        key_id = jwk.get("kid")
        if isinstance(key_id, str) and jwk.get("kty") == "RSA" and jwk.get("alg", ALGORITHM) == ALGORITHM:
            try:
                keys[key_id] = PyJWK.from_dict(dict(jwk), algorithm=ALGORITHM)
            except PyJWTError:
                continue  # one key that cannot be used does not take the others along
    if not keys:
        raise KeyUnusable("no RS256 key with a key id")
    return keys


def _fresh_s(headers: Mapping[str, Any]) -> float:
    found = _MAX_AGE.search(str(headers.get("Cache-Control", "")))
    return min(max(float(found[1]) if found else 0.0, MIN_FRESH_S), MAX_FRESH_S)
