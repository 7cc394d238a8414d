"""A key set behind a URL: fetched at start with retries, fetched again when its HTTP headers say so."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.client import HTTPException, HTTPResponse
from urllib.parse import urlsplit

from localhasura.auth.keys import Key, KeyFault, keys_from_jwks

FETCH_TIMEOUT_S = 10.0
MAX_DOCUMENT_BYTES = 1024 * 1024
_CHUNK_BYTES = 16 * 1024
START_RETRIES = 5
FIRST_RETRY_S = 0.2
"""Doubled after each failure."""
POLL_INTERVAL_S = 1.0
RETRY_AFTER_FAILURE_S = 1.0
UNREADABLE_HEADER_RETRY_S = 60.0

_AGE = re.compile(r"(?:s-maxage|max-age)\s*=\s*\"?(\d+)", re.IGNORECASE)


class JwksUnavailableError(RuntimeError):
    """The key set could not be fetched; the text is Hasura's, and leaves out what may be secret of the URL."""


@dataclass(frozen=True)
class Fetched:
    """A key set and how long it is good for; None means for ever."""

    keys: tuple[Key, ...]
    lifetime_s: float | None


class JwksKeys:
    """The current keys of one URL, kept fresh by a thread between `start` and `stop`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._keys: tuple[Key, ...] = ()
        self._expires: float | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def keys(self) -> tuple[Key, ...]:
        return self._keys

    def start(self) -> None:
        """Fetch the keys and watch their expiry; raises JwksUnavailableError after the last retry."""
        wait = FIRST_RETRY_S
        for attempt in range(START_RETRIES + 1):
            try:
                self._take(fetch(self._url))
                break
            except JwksUnavailableError:
                if attempt == START_RETRIES or self._stop.wait(wait):
                    raise
                wait *= 2
        self._thread = threading.Thread(target=self._watch, name="localhasura-jwks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(FETCH_TIMEOUT_S)

    def _watch(self) -> None:
        while not self._stop.wait(POLL_INTERVAL_S):
            due = self._expires is not None and time.monotonic() >= self._expires
            if not due and self._keys:
                continue
            try:
                self._take(fetch(self._url))
            except JwksUnavailableError as error:
                print(f"jwk-refresh: keeping the former keys: {error}", file=sys.stderr, flush=True)
                self._expires = time.monotonic() + RETRY_AFTER_FAILURE_S

    def _take(self, fetched: Fetched) -> None:
        self._keys = fetched.keys
        self._expires = None if fetched.lifetime_s is None else time.monotonic() + fetched.lifetime_s


def fetch(url: str) -> Fetched:
    """Return the key set at the URL; raises JwksUnavailableError."""
    if not url.startswith(("http://", "https://")):
        raise JwksUnavailableError("jwk_url is not an http or https URL")
    shown = _shown(url)
    try:
        with urllib.request.urlopen(url, timeout=FETCH_TIMEOUT_S) as response:  # noqa: S310 - checked above
            body = _read(response)
            headers = {name.lower(): value for name, value in response.headers.items()}
    except urllib.error.HTTPError as error:
        error.close()
        raise JwksUnavailableError(f"Non-2xx response on fetching JWK from: {shown}: {error.code}") from None
    except (OSError, HTTPException, ValueError) as error:
        # The kind alone where the text may repeat the URL.
        reason = error.reason if isinstance(error, urllib.error.URLError) else type(error).__name__
        raise JwksUnavailableError(f"Error fetching JWK: {shown}: {reason}") from None
    try:
        return Fetched(keys_from_jwks(json.loads(body)), lifetime(headers, time.time()))
    except (ValueError, RecursionError, KeyFault) as error:
        raise JwksUnavailableError(f"Error parsing JWK from url: {shown}: {error}") from None


def _shown(url: str) -> str:
    """Return the URL without what may be secret of it."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _read(response: HTTPResponse) -> bytes:
    deadline = time.monotonic() + FETCH_TIMEOUT_S
    body = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_DOCUMENT_BYTES or time.monotonic() > deadline:
            raise OSError("the answer is too long or too slow")
    return bytes(body)


def lifetime(headers: Mapping[str, str], now: float) -> float | None:
    """Return for how many seconds a response may be used; None when its headers do not limit it."""
    control = headers.get("cache-control")
    if control:
        words = {word.strip().lower() for word in control.split(",")}
        age = _AGE.search(control)
        immediate = {"no-cache", "no-store"} if "must-revalidate" not in words else {"must-revalidate"}
        if age is not None and not (words & {"no-cache", "no-store"} and "must-revalidate" not in words):
            return float(age[1])
        if words & immediate:
            return 0.0
    expires = headers.get("expires")
    if expires is None:
        return None
    try:
        return max(0.0, parsedate_to_datetime(expires).timestamp() - now)
    except (TypeError, ValueError):
        return UNREADABLE_HEADER_RETRY_S
