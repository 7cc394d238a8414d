"""The signing keys of one issuer, kept by a process for the auth hook.

Hasura asks the hook once per request, so nobody waits for keys who can be answered with those of before: while the
issuer is slow or out of reach they stay good for a day. A key id that nobody knows lets the keys be fetched again,
but seldom: strangers choose key ids too.
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
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from frontdesk.errors import KeysUnavailable, SessionKeysUnavailable
from frontdesk.hasura.jwt_keys import KeyUnusable, key_from_jwk, signing_jwks
from frontdesk.hasura.jwt_secret.fetch import ANYWHERE, Fetched, fetch

_log = structlog.stdlib.get_logger(__name__)

FETCH_BUDGET_S = 3.0  # a query of somebody may wait for it
MIN_FRESH_S = 300.0
MAX_FRESH_S = 3600.0  # a key that was revoked is out by then, whatever the issuer says of caching
# How long keys are believed after they were fetched, while no newer ones can be had.
MAX_STALE_S = 24 * 3600.0
RETRY_AFTER_S = 5.0  # after a fetch that failed
LOOK_AGAIN_AFTER_S = 30.0  # for a key id that is not known
WAIT_FOR_ANOTHER_S = 1.0  # for such a key id, while somebody else looks already
ALGORITHM = "RS256"
MIN_KEY_BITS = 2048  # RFC 7518, 3.3
_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?(\d{1,9})", re.IGNORECASE)

Fetch = Callable[[str], Fetched]


@dataclass(frozen=True)
class _Known:
    keys: Mapping[str, RSAPublicKey]
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

    def key(self, key_id: str) -> RSAPublicKey | None:
        """Return the RS256 key with that id; None when the issuer has none.

        Raises SessionKeysUnavailable when no keys are known and none can be had.
        """
        now = self._clock()
        if not self._is_usable(now):
            self._renew(now, wait_s=FETCH_BUDGET_S * 1.5)
        elif key_id not in self._known.keys:
            self._look_again(now)
        elif now >= self._known.fresh_until:
            self.renew_behind()
        if not self._is_usable(now):
            raise SessionKeysUnavailable(f"the signing keys at {self._url} cannot be had at the moment")
        return self._known.keys.get(key_id)

    def renew_behind(self) -> None:
        """Have the keys fetched by a thread of its own, unless one does already or the last fetch failed just now."""
        now = self._clock()
        if now < self._not_before or not self._fetching.acquire(blocking=False):
            return
        try:
            threading.Thread(target=self._replace_held, args=(now,), name="issuer-keys", daemon=True).start()
        except RuntimeError:  # no more threads: what is known has to do
            self._fetching.release()

    def _is_usable(self, now: float) -> bool:
        return now < self._known.fetched_at + MAX_STALE_S

    def _look_again(self, now: float) -> None:
        if now >= self._looked_at + LOOK_AGAIN_AFTER_S:
            self._looked_at = now
            self._renew(now, wait_s=FETCH_BUDGET_S)
        elif self._fetching.locked() and self._fetching.acquire(timeout=WAIT_FOR_ANOTHER_S):
            self._fetching.release()

    def _renew(self, now: float, *, wait_s: float) -> None:
        """Fetch the keys; where another thread does so, wait until it has them."""
        before = self._known
        if not self._fetching.acquire(timeout=wait_s):
            return
        if self._known is before and now >= self._not_before:
            self._replace_held(now)
        else:
            self._fetching.release()

    def _replace_held(self, now: float) -> None:
        """Fetch the keys, and let go of the lock, which the caller has taken."""
        try:
            fetched = self._fetch(self._url)
            keys = _keys_in(fetched.body)
        except (KeysUnavailable, KeyUnusable, ValueError, RecursionError) as error:
            self._not_before = self._clock() + RETRY_AFTER_S
            _log.warning("auth_hook.keys_not_fetched", url=self._url, reason=type(error).__name__)
        else:
            self._looked_at = now
            self._known = _Known(keys, now, now + _fresh_s(fetched.headers))
        finally:
            self._fetching.release()


def _fetch(url: str) -> Fetched:
    return fetch(url, ANYWHERE, budget_s=FETCH_BUDGET_S)


def _keys_in(body: bytes) -> Mapping[str, RSAPublicKey]:
    keys: dict[str, RSAPublicKey] = {}
    for jwk in signing_jwks(json.loads(body)):
        key_id = jwk.get("kid")
        if not isinstance(key_id, str) or not _is_for_signatures(jwk):
            continue
        try:
            key = key_from_jwk(jwk)
        except KeyUnusable:
            continue  # one key that cannot be used does not take the others along
        if isinstance(key, RSAPublicKey) and key.key_size >= MIN_KEY_BITS:
            keys[key_id] = key
    if not keys:
        raise KeyUnusable("no RS256 key with a key id")
    return keys


def _is_for_signatures(jwk: Mapping[str, Any]) -> bool:
    return bool(jwk.get("alg", ALGORITHM) == ALGORITHM and jwk.get("use", "sig") == "sig")


def _fresh_s(headers: Mapping[str, Any]) -> float:
    found = _MAX_AGE.search(str(headers.get("Cache-Control", "")))
    return min(max(float(found[1]) if found else 0.0, MIN_FRESH_S), MAX_FRESH_S)
