"""A record of the log as a stream carries it, and bodies of many: wrapped, without nulls, with the tenant's name.

Source: Auth0 docs, "Custom Log Streams"; the published schemas of the log's types.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from localauth0.log_categories import PRIORITY, SECURITY, category_of
from localauth0.logbook import Record
from localauth0.tenant import LogStream
from localauth0.xxhash64 import xxh64

ENVIRONMENT = "localauth0"
_SCHEMA_VERSION = "1.0.0"

# What the pull form calls otherwise, or has alone.
_OF_PULL = frozenset({"_id", "isMobile", "location_info"})
# Which members of a record, at any depth, a field of `pii_config` stands for. A user's id is never hidden.
_PII: Mapping[str, frozenset[str]] = {
    "first_name": frozenset({"first_name", "given_name", "name"}),
    "last_name": frozenset({"last_name", "family_name", "name"}),
    "username": frozenset({"username", "user_name"}),
    "email": frozenset({"email"}),
    "phone": frozenset({"phone", "phone_number", "old_phone_number", "new_phone_number"}),
    "address": frozenset({"address"}),
}
_MASK = "*****"

_STRATEGY = frozenset({"strategy", "strategy_type"})
# Which members the pull form of a type has, and the streamed form has not.
_NOT_STREAMED: Mapping[str, frozenset[str]] = {
    "api_limit": frozenset({"ip"}),
    "api_limit_warning": frozenset({"ip"}),
    "feacft": frozenset({"audience"}),
    "fede": frozenset({"audience"}),
    "fepft": frozenset({"details"}),
    "fp": frozenset({"hostname"}),
    "fs": frozenset({"hostname"}),
    "fu": frozenset({"hostname"}),
    "scpr": frozenset({"hostname"}),
    "seacft": _STRATEGY | {"scope"},
    "sede": _STRATEGY,
    "sepft": _STRATEGY | {"hostname"},
    "sertft": _STRATEGY | {"hostname"},
    "slo": _STRATEGY,
    "ssa": _STRATEGY | {"audience", "connection", "connection_id"},
}
# What a type always has when it is streamed, though it was recorded as null in the pull form.
_ALWAYS_STREAMED: Mapping[str, tuple[str, ...]] = {"ss": ("hostname",)}


def lets_through(stream: LogStream, code: str) -> bool:
    """Whether the stream carries records of that type."""
    if stream.isPriority:
        return code in PRIORITY
    names = {one.get("name") for one in stream.filters or []}
    return not names or category_of(code) in names or (SECURITY in names and code in PRIORITY)


def streamed(record: Record, tenant: str, pii: Mapping[str, Any] | None = None) -> Record:
    """The record in its envelope, with what `pii` names hidden."""
    code = record["type"]
    left_out = _OF_PULL | _NOT_STREAMED.get(code, frozenset())
    data = {name: value for name, value in record.items() if value is not None and name not in left_out}
    data.update((name, "") for name in _ALWAYS_STREAMED.get(code, ()) if name not in data)
    data["is_mobile"] = bool(record.get("isMobile"))
    data["tenant_name"], data["environment_name"] = tenant, ENVIRONMENT
    data["$event_schema"] = {"version": _SCHEMA_VERSION}
    if pii is not None and pii.get("log_fields"):
        members = frozenset[str]().union(*(_PII.get(name, ()) for name in pii["log_fields"]))
        hide = _hashed if pii.get("method") == "hash" else _masked
        data = {name: _hidden(name, value, members, hide) for name, value in data.items()}
    return {"log_id": record["log_id"], "data": data}


def body_of(records: Sequence[Record], content_format: str, json_object: str = "record") -> bytes:
    """The records as the body of one request. As JSONOBJECT either one record, or all of them as `logs`."""
    if content_format == "JSONLINES":
        return b"\n".join(_json(record) for record in records)
    if content_format == "JSONOBJECT":
        return _json(records[0] if json_object == "record" else {"logs": list(records)})
    return _json(list(records))


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _hidden(name: str, value: Any, members: frozenset[str], hide: Callable[[str], str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _hidden(key, one, members, hide) for key, one in value.items()}
    if isinstance(value, list):
        return [_hidden(name, one, members, hide) for one in value]
    return hide(value) if name in members and isinstance(value, str) and value else value


def _masked(_: str) -> str:
    return _MASK


def _hashed(value: str) -> str:
    """Auth0 names the family of the hash alone; 64 bits as hexadecimal digits are the choice of localauth0."""
    return f"{xxh64(value.encode()):016x}"
