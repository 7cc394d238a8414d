"""What is kept of a record: JSON that PostgreSQL can store, and nothing in it with which one could sign in.

Auth0 masks passwords itself, but tokens, codes and headers stand in the details of some records as they were sent.
"""

from __future__ import annotations

import json
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
        "assertion",
        "authreqid",
        "backupcodes",
        "bindingcode",
        "clientassertion",
        "code",
        "codeverifier",
        "connectionstring",
        "cookie",
        "customheaders",
        "decryptionkey",
        "devicecode",
        "dpop",
        "encryptionkey",
        "httpcustomheaders",
        "idtokenhint",
        "linkwith",
        "oobcode",
        "otp",
        "pass",
        "passphrase",
        "passwordhash",
        "recoverycode",
        "recoverycodes",
        "samlresponse",
        "secrets",
        "serverkey",
        "setcookie",
        "setupkey",
        "signature",
        "signingkey",
        "smtppass",
        "sumosourceaddress",
        "ticket",
        "ticketid",
        "usercode",
        "verificationcode",
        "writekey",
    )
)
# What ends so is a secret whatever stands before it: the sink of a log stream, the credentials of a provider.
_SECRET_ENDS = (
    "accesskey",
    "apikey",
    "authorization",
    "password",
    "privatekey",
    "secret",
    "secretkey",
    "token",
    "writekey",
)
_MAX_SECRET_NAME = 40  # with separators; a longer name is not worth remembering
# An error's code and a country's are no secret.
_HARMLESS_PARENTS = frozenset({"error", "geo", "country"})
# Names that were looked at and are no secret's: records of one type have the same names in each.
_HARMLESS_NAMES: set[str] = set()
_MAX_HARMLESS_NAMES = 4096
_KEPT_AS_THEY_ARE = frozenset({str, bool, type(None)})
# By what they stand within: the environment of a database's scripts, whose names its owner chose.
_SECRET_WITHIN = {"configuration": "options"}
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_TOKEN = re.compile(r"eyJ[\w-]{6,}\.[\w-]+(\.[\w-]*)*")
# A parameter, also one of a URL within a URL, and the password before the name of a host.
_IN_URL = re.compile(
    r"([?&#;]|%3F|%26|%23|^)"
    r"([\w.-]{0,40}(?:token|id_token_hint|code|ticket|otp|secret|password|assertion|invitation))(=|%3D)"
    r"(?:(?!%26)[^&#\s])+",
    re.IGNORECASE,
)
_IN_AUTHORITY = re.compile(r"(://[^/@\s:?#]{0,255}:)[^/@\s?#]+@")
# A name and its text, in what is JSON no more.
_PAIR = re.compile(r'"([\w-]{1,40})"(\s*:\s*)"(?:[^"\\]|\\.)*+\\?("|$)', re.DOTALL)
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
        if _HARMLESS_NAMES.issuperset(value):
            texts = "\n".join([inner for inner in value.values() if type(inner) is str])
            if _stays(texts):
                return self._plain(value, len(texts), depth)
        copied = {}
        for name, inner in value.items():
            kept = _storable(name)
            self.size += len(kept) + 6
            if not self._redact or parent in _HARMLESS_PARENTS:
                copied[kept] = self._value(inner, kept, depth)
            elif inner and _SECRET_WITHIN.get(kept) == parent:
                copied[kept] = REDACTED
            elif _names_a_secret(kept):
                copied[kept] = self._secret(inner, kept, depth)
            else:
                copied[kept] = self._value(inner, kept, depth)
        return copied

    def _plain(self, value: Mapping[str, Any], of_texts: int, depth: int) -> dict[str, Any]:
        """Copy an object whose names and texts may stay as they are, which most do."""
        self.size += len("".join(value)) + 6 * len(value) + of_texts
        copied = dict(value)
        for name, inner in value.items():
            if type(inner) not in _KEPT_AS_THEY_ARE:
                copied[name] = self._value(inner, name, depth)
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
        if value is None or isinstance(value, bool) or (isinstance(value, int | float) and not value):
            return value
        return REDACTED


def storable(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return a copy that PostgreSQL can store, with everything in it. Raises PayloadInvalid as Keeper.object does."""
    return Keeper(redact=False).object(value)


def redacted_text(text: str) -> str:
    """Return a record as it came, but for what one could sign in with; what is no JSON is searched by its names."""
    try:
        record = json.loads(text)
        kept = Keeper(redact=True).object({"": record})[""]
    except (ValueError, RecursionError, PayloadInvalid):
        return _without_tokens(_PAIR.sub(_redacted_pair, text))
    return text if kept == record else json.dumps(kept, ensure_ascii=False)


def _redacted_pair(found: re.Match[str]) -> str:
    return f'"{found[1]}"{found[2]}"{REDACTED}"' if _is_secret(found[1]) else found[0]


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
    if name in _HARMLESS_NAMES or len(name) > _MAX_SECRET_NAME:
        return False
    if _is_secret(name):
        return True
    if name in _SECRET_WITHIN:
        return False
    if len(_HARMLESS_NAMES) < _MAX_HARMLESS_NAMES and _storable(name) == name:
        _HARMLESS_NAMES.add(name)
    return False


def _stays(text: str) -> bool:
    """Tell whether nothing in a text is replaced; it may say no of one that stays."""
    return text.isascii() and "\x00" not in text and not _may_hold_a_secret(text)


def _may_hold_a_secret(text: str) -> bool:
    return "eyJ" in text or "=" in text or "%3" in text or ("://" in text and "@" in text)


@lru_cache(maxsize=4096)  # records of one type have the same names in each
def _is_secret(name: str) -> bool:
    plain = name.lower().replace("_", "").replace("-", "")
    return plain in _SECRETS or plain.endswith(_SECRET_ENDS)


def _without_tokens(text: str) -> str:
    if "eyJ" in text:
        text = _TOKEN.sub(REDACTED, text)
    if "=" in text or "%3" in text:
        text = _IN_URL.sub(rf"\1\2\3{REDACTED}", text)
    if "://" in text and "@" in text:
        text = _IN_AUTHORITY.sub(rf"\1{REDACTED}@", text)
    return text
