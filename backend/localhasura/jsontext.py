"""JSON in and out without losing digits: numbers with a fraction stay decimals, lone surrogates are mended."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

import msgspec

from localhasura.errors import EngineError

_NAME = re.compile(r"[_A-Za-z][_0-9A-Za-z]*")
_PLAIN_KEY = re.compile(r"[_A-Za-z][_0-9A-Za-z-]*")
_SURROGATES = re.compile("[\ud800-\udfff]")


def parse_body(raw: bytes) -> Any:
    """Return the JSON value of a request body; raises `invalid-json` as Hasura does."""
    try:
        return _FAST_DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass  # what it will not read is read below, or refused with its reason
    try:
        value = _DECODER.decode(raw.decode())
    except (ValueError, RecursionError) as error:
        raise EngineError("invalid-json", f"invalid JSON: {_reason(error)}") from None
    if b"\\ud" in raw or b"\\uD" in raw:
        return _mended(value)
    return value


def compact(value: Any) -> str:
    """Return `value` as JSON text; decimals keep the digits that they came with."""
    try:
        return _FAST_ENCODER.encode(value).decode()
    except (TypeError, UnicodeEncodeError):
        pass  # keys that are no text, and lone surrogates
    try:
        return _ENCODER.encode(value)
    except TypeError:
        return _compact_with_decimals(value)


def pointer(path: str, key: str | int) -> str:
    """Return Hasura's path of a member: `.key-1` for plain keys, `[n]` for list items, `["other key"]` otherwise."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if _is_plain(key):
        return f"{path}.{key}"
    return f"{path}[{json.dumps(key, ensure_ascii=False)}]"


@lru_cache(maxsize=1024)  # a mutation of many rows has the same few names in each
def is_graphql_name(name: str) -> bool:
    """Whether GraphQL takes the name as it is."""
    return _NAME.fullmatch(name) is not None


@lru_cache(maxsize=1024)
def _is_plain(key: str) -> bool:
    return _PLAIN_KEY.fullmatch(key) is not None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


# Rows by the hundred come with JSON of their own in them; these two take a third of the time.
_FAST_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_FAST_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_refuse)
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def _reason(error: Exception) -> str:
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATES.sub("\ufffd", value)
    if isinstance(value, list):
        return [_mended(item) for item in value]
    if isinstance(value, dict):
        return {_mended(key): _mended(item) for key, item in value.items()}
    return value


def _compact_with_decimals(value: Any) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_compact_with_decimals, value)) + "]"
    if isinstance(value, dict):
        members = (
            f"{json.dumps(str(key), ensure_ascii=False)}:{_compact_with_decimals(item)}"
            for key, item in value.items()
        )
        return "{" + ",".join(members) + "}"
    return json.dumps(value, ensure_ascii=False)
