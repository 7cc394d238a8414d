"""What is kept of a record: JSON that PostgreSQL can store, and nothing in it with which one could sign in.

Auth0 masks passwords itself, but tokens, codes and headers stand in the details of some records as they were sent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from frontdesk.auth0.json_body import MAX_DEPTH, shown_field
from frontdesk.errors import FieldFault, PayloadInvalid

REDACTED = "(redacted)"
# By their names in lower case, without - and _.
_SECRETS = frozenset(
    (
        "accesstoken",
        "actortoken",
        "apikey",
        "assertion",
        "authorization",
        "authreqid",
        "bindingcode",
        "clientassertion",
        "clientsecret",
        "code",
        "codeverifier",
        "cookie",
        "currentpassword",
        "devicecode",
        "dpop",
        "idtoken",
        "idtokenhint",
        "linkwith",
        "mfatoken",
        "newpassword",
        "oldpassword",
        "oobcode",
        "otp",
        "password",
        "passwordhash",
        "privatekey",
        "proxyauthorization",
        "recoverycode",
        "refreshtoken",
        "samlresponse",
        "secret",
        "setcookie",
        "signature",
        "signingkey",
        "signingsecret",
        "subjecttoken",
        "ticket",
        "token",
        "usercode",
        "verificationcode",
    )
)
_MAX_SECRET_NAME = 40  # with separators; a longer name is not worth remembering
# An error's code and a country's are no secret.
_HARMLESS_PARENTS = frozenset({"error", "geo", "country"})
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_TOKEN = re.compile(r"eyJ[\w-]{6,}\.[\w-]+(\.[\w-]*)*")
_IN_URL = re.compile(
    r"([?&#;]|^)((?:access_|refresh_|id_)?token|id_token_hint|code|ticket|otp|client_secret|client_assertion|assertion)=[^&#\s]+",
    re.IGNORECASE,
)
_MAX_INT_BITS = 4096  # PostgreSQL takes more, and Python refuses to print what is far longer


class Keeper:
    """Copies JSON. `size` grows by about the bytes that were copied."""

    def __init__(self, *, redact: bool) -> None:
        self.size = 0
        self._redact = redact

    def object(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return a copy that can be stored: U+FFFD for U+0000 and lone surrogates, null for numbers that are none.

        Raises PayloadInvalid for what is nested deeper than anything of Auth0's.
        """
        return self._object(value, "", 1)

    def _object(self, value: Mapping[str, Any], parent: str, depth: int) -> dict[str, Any]:
        if depth > MAX_DEPTH:
            raise PayloadInvalid(
                [FieldFault(shown_field((parent,)), f"at most {MAX_DEPTH} levels of nesting")]
            )
        copied = {}
        for name, inner in value.items():
            kept = _storable(name)
            self.size += len(kept) + 6
            copied[kept] = (
                self._secret(inner, kept, depth)
                if self._redact and _names_a_secret(kept) and parent not in _HARMLESS_PARENTS
                else self._value(inner, kept, depth)
            )
        return copied

    def _value(self, value: Any, name: str, depth: int) -> Any:
        if isinstance(value, str):
            self.size += len(value)
            return _without_tokens(_storable(value)) if self._redact else _storable(value)
        if isinstance(value, dict):
            return self._object(value, name, depth + 1)
        if isinstance(value, list):
            return self._list(value, name, depth + 1)
        return _number(value)

    def _list(self, value: list[Any], name: str, depth: int) -> list[Any]:
        if depth > MAX_DEPTH:
            raise PayloadInvalid([FieldFault(shown_field((name,)), f"at most {MAX_DEPTH} levels of nesting")])
        self.size += 2 * len(value)
        return [self._value(each, name, depth) for each in value]

    def _secret(self, value: Any, name: str, depth: int) -> Any:
        """Return what may be kept under a secret's name: what Auth0 tells about a token is an object."""
        if isinstance(value, dict):
            return self._object(value, name, depth + 1)
        return value if value is None or (isinstance(value, bool | int | float) and not value) else REDACTED


def storable(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy that PostgreSQL can store, with everything in it. Raises PayloadInvalid as Keeper.object does."""
    return Keeper(redact=False).object(value)


def _number(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, int) and value.bit_length() > _MAX_INT_BITS:
        return None
    return value


def _storable(text: str) -> str:
    if text.isascii() and "\x00" not in text:
        return text
    return _UNSTORABLE.sub(_REPLACEMENT, text)


def _names_a_secret(name: str) -> bool:
    return len(name) <= _MAX_SECRET_NAME and _is_secret(name)


@lru_cache(maxsize=4096)  # records of one type have the same names in each
def _is_secret(name: str) -> bool:
    return name.lower().replace("_", "").replace("-", "") in _SECRETS


def _without_tokens(text: str) -> str:
    if "eyJ" in text:
        text = _TOKEN.sub(REDACTED, text)
    if "=" in text:
        text = _IN_URL.sub(rf"\1\2={REDACTED}", text)
    return text
