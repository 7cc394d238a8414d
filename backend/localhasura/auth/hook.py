"""HASURA_GRAPHQL_AUTH_HOOK: a web hook is asked who a request comes from, once per request.

It is asked by GET with the client's headers, or by POST with them as JSON and the GraphQL request beside them. It
answers 200 with session variables, or 401 to deny; everything else is its own fault, and the request's end.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

from localhasura.auth.claims import kind_of
from localhasura.errors import EngineError
from localhasura.jsontext import compact

TIMEOUT_S = 10.0
"""For connecting, for each read, and for the whole answer."""
MAX_ANSWER_BYTES = 1024 * 1024
_CHUNK_BYTES = 16 * 1024
_OK, _DENIED = 200, 401

NOT_FORWARDED = {
    *(
        "content-length",
        "content-md5",
        "user-agent",
        "host",
        "origin",
        "referer",
        "accept",
        "accept-encoding",
    ),
    *("accept-language", "accept-datetime", "cache-control", "connection", "dnt", "content-type"),
}
"""Client headers that Hasura keeps from a hook that is asked by GET."""
_HOP_BY_HOP = {"transfer-encoding", "te", "trailer", "upgrade", "keep-alive", "expect"}


class AuthHookError(ValueError):
    """The hook's settings are refused at start-up."""


@dataclass(frozen=True)
class AuthHook:
    """Where and how a hook is asked; the URL may hold a secret and is not printed."""

    url: str = field(repr=False)
    method: str = "GET"
    send_request_body: bool = True

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise AuthHookError("the auth hook is not an http or https URL")
        if self.method not in ("GET", "POST"):
            raise AuthHookError(f"expected the auth hook's mode to be GET or POST, got {self.method!r}")

    def session_variables(self, headers: Mapping[str, str], request: Any) -> dict[str, str]:
        """Return what the hook says, by lower-case name.

        `request` is the GraphQL request, a list of them, or None where there is none. Raises `access-denied` when the
        hook denies, and `unexpected` when it does not answer properly.
        """
        status, body = self._answer(self._question(headers, request))
        if status == _DENIED:
            raise EngineError("access-denied", "Authentication hook unauthorized this request", status=401)
        if status != _OK:
            raise _fault("Invalid response from authorization hook")
        return _parsed(body)

    def _question(self, headers: Mapping[str, str], request: Any) -> urllib.request.Request:
        if self.method == "GET":
            kept = {
                # The bytes go on as they came; urllib writes latin-1.
                name: value.encode().decode("latin-1")
                for name, value in headers.items()
                if name not in NOT_FORWARDED | _HOP_BY_HOP
            }
            return urllib.request.Request(self.url, headers=kept)  # noqa: S310 - the scheme is checked above
        # A WSGI server forgets how header names were written; most clients write them so.
        body: dict[str, Any] = {"headers": {name.title(): value for name, value in headers.items()}}
        if self.send_request_body:
            body["request"] = request
        content = {"Content-Type": "application/json"}
        data = compact(body).encode()
        return urllib.request.Request(self.url, data, content, method="POST")  # noqa: S310 - as above

    def _answer(self, question: urllib.request.Request) -> tuple[int, bytes]:
        deadline = time.monotonic() + TIMEOUT_S
        try:
            with _OPENER.open(question, timeout=TIMEOUT_S) as response:
                return response.status, _read(response, deadline)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code, b""
        except (OSError, HTTPException, ValueError) as error:
            # The kind alone: the text of some errors repeats the URL.
            print(
                f"webhook: the auth hook did not answer: {type(error).__name__}", file=sys.stderr, flush=True
            )
            raise _fault("webhook authentication request failed") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows nothing: the client's credentials are for the configured address alone."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)


def _read(response: Any, deadline: float) -> bytes:
    body = bytearray()
    while chunk := response.read1(_CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES or time.monotonic() > deadline:
            raise OSError("the answer is too long or too slow")
    return bytes(body)


def _parsed(body: bytes) -> dict[str, str]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        raise _fault("Invalid response from authorization hook: Error in $: not enough input") from None
    if not isinstance(value, dict):
        raise _fault(
            "Invalid response from authorization hook: "
            f"Error in $: parsing HashMap failed, expected Object, but encountered {kind_of(value)}"
        )
    for name, text in value.items():
        if not isinstance(text, str):
            raise _fault(
                f"Invalid response from authorization hook: Error in $['{name}']: "
                f"parsing Text failed, expected String, but encountered {kind_of(text)}"
            )
    return {name.lower(): text for name, text in value.items()}


def _fault(message: str) -> EngineError:
    return EngineError("unexpected", message, status=500)
