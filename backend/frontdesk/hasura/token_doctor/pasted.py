"""What people paste: a token with its header's name, quotes, line breaks, or the whole answer of a login around it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from frontdesk.hasura.jwt_config import TokenHeader

_NAMED = re.compile(r"^(?:authorization\s*:\s*)?(?:bearer(?:\s+|$))", re.IGNORECASE)
_QUOTES = "\"'`"
_BEARER_WORDS = 2


@dataclass(frozen=True)
class Pasted:
    """A pasted text as the engine would get it, and the token that was probably meant.

    `carried` is None where the engine finds no token in its header; `around` says what is around the token.
    """

    carried: str | None = field(repr=False)
    token: str = field(repr=False)
    around: str = ""


def read_pasted(text: str, header: TokenHeader) -> Pasted:
    """Return what was pasted. White space at both ends is nothing: a file ends with a line end."""
    given = text.strip()
    token, around = _bare(given)
    return Pasted(carried_token(given, header), token, around)


def carried_token(text: str, header: TokenHeader) -> str | None:
    """Return the token that Hasura finds when a client sends `text` as one; None for a malformed header."""
    if header.kind == "Cookie":
        return unquote(text.removeprefix('"').removesuffix('"'))
    if header.kind == "CustomHeader":
        return text
    words = f"Bearer {text}".split()
    return words[1] if len(words) == _BEARER_WORDS else None


def _bare(text: str) -> tuple[str, str]:
    """Return the token inside, and in words what was around it."""
    token, around = text, list[str]()
    answered = _of_an_answer(token)
    if answered is not None:
        token = answered
        around.append("the rest of the token endpoint's answer")
    if token.strip(_QUOTES) != token:
        token = token.strip(_QUOTES).strip()
        around.append("quotes")
    unnamed = _NAMED.sub("", token)
    if unnamed != token:
        token = unnamed.strip(_QUOTES)
        around.append('"Bearer"')
    joined = "".join(token.split())
    if joined != token:
        around.append("a space or line break")
    return joined, " and ".join(around)


def _of_an_answer(text: str) -> str | None:
    """Return the access token of a pasted JSON answer."""
    if not text.startswith("{"):
        return None
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return None
    token = answer.get("access_token") if isinstance(answer, dict) else None
    return token if isinstance(token, str) else None
