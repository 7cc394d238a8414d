"""Where a request carries its token: the Authorization header, a cookie, or a header of one's own."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from localhasura.auth.jwt_secret import Header
from localhasura.errors import EngineError

_SCHEME, _WORDS = "Bearer", 2


def token_at(headers: Mapping[str, str], where: Header) -> str | None:
    """Return the token, or None when there is none; raises `invalid-headers` for a header that holds something else.

    `headers` are by lower-case name.
    """
    if where.type == "Cookie":
        return _cookie(headers.get("cookie", ""), where.name)
    if where.type == "CustomHeader":
        return headers.get(where.name.lower())
    value = headers.get("authorization")
    return None if value is None else _bearer(value)


def _bearer(value: str) -> str:
    words = value.split()
    if len(words) != _WORDS or words[0] != _SCHEME:
        raise EngineError("invalid-headers", "Malformed Authorization header")
    return words[1]


def _cookie(text: str, name: str) -> str | None:
    # Not http.cookies: it gives up at the first cookie that it dislikes, and browsers send those of others along.
    for pair in text.split(";"):
        given, equals, value = pair.strip().partition("=")
        if equals and given == name:
            return unquote(value.strip().removeprefix('"').removesuffix('"'))
    return None
