"""Instances of Auth0's published schemas of records: as little as a schema asks, all that it allows, and between."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DATA = Path(__file__).parent / "data" / "auth0"
# What fits the patterns that have no example beside them.
_FITTING = {
    "^[a-f0-9]{32}$": "0af7651916cd43dd8448eb211c80319c",
    "^[A-Za-z0-9-_]{27}$": "A" * 27,
    "^cns_[A-Za-z0-9-_]{22}$": "cns_" + "A" * 22,
    "^[a-zA-Z0-9](-[a-zA-Z0-9]|[a-zA-Z0-9])*$": "Username-Password-Authentication",
    "[a-z0-9][-a-z0-9]{1,62}[a-z0-9]": "acme",
    "^[a-zA-Z0-9_+\\-.!#\\$\\^`~@']*$": "ann",
    "^\\+[0-9]{1,15}$": "+4915112345678",
    "grp_[1-9a-km-zA-HJ-NP-Z]{14,22}": "grp_" + "A" * 16,
    "^(?:(?!org_))[a-z0-9]([a-z0-9-_]*[a-z0-9])?$": "acme",
}
_FORMATS = {
    "ipv4": "203.0.113.7",
    "ipv6": "2001:db8::7",
    "date-time": "2026-03-02T10:00:00.456Z",
    "idn-email": "ann@example.com",
    "uri": "https://example.com/logo.png",
}
VARIANTS = 3  # of an instance with everything: a branch, a type and a value of each choice


@cache
def log_types() -> tuple[str, ...]:
    """Return the type codes that have a schema."""
    return tuple(
        sorted(file.name.removesuffix(".schema.json") for file in (DATA / "log-types").glob("*.json"))
    )


@cache
def event_schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of each type of event."""
    schemas: dict[str, dict[str, Any]] = json.loads((DATA / "events-schema.json").read_text())["components"][
        "schemas"
    ]
    return schemas


def log_instances(code: str) -> Iterator[dict[str, Any]]:
    """Give records of a type, in the wrapping of a stream; each is an instance of the schema."""
    schema = json.loads((DATA / "log-types" / f"{code}.schema.json").read_text())
    for number, data in enumerate(_instances(schema)):
        data["log_id"] = log_id(code, number)
        yield {"log_id": data["log_id"], "data": data}


def log_id(code: str, number: int) -> str:
    """Return an id as Auth0 makes them, the same at every call."""
    return f"900{20260302100000456:017}{log_types().index(code):031}{number:05}"


def event_instances(kind: str) -> Iterator[dict[str, Any]]:
    """Give events of a type; each is an instance of the schema."""
    for number, event in enumerate(_instances(event_schemas()[kind])):
        event["id"] = f"evt_{sorted(event_schemas()).index(kind):017}{number:05}"
        yield event


def _instances(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    validator = Draft202012Validator(schema)
    for variant in (None, *range(VARIANTS)):
        instance = _value(schema, variant)
        validator.validate(instance)
        yield instance


def _value(schema: dict[str, Any], variant: int | None) -> Any:
    """Return an instance; of everything optional nothing for None, and all of it for a number, which picks."""
    for keyword in ("anyOf", "oneOf"):
        if branches := schema.get(keyword):
            return _value(_merged(schema, keyword, _pick(branches, variant)), variant)
    if parts := schema.get("allOf"):
        merged = {name: value for name, value in schema.items() if name != "allOf"}
        for part in parts:
            merged = {**merged, **part}
        return _value(merged, variant)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _pick(schema["enum"], variant)
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    return _of_type(_pick(kinds, variant) if isinstance(kinds, list) else kinds, schema, variant)


def _merged(schema: dict[str, Any], keyword: str, branch: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in schema.items() if name != keyword}
    properties = {**rest.get("properties", {}), **branch.get("properties", {})}
    return {**rest, **branch, **({"properties": properties} if properties else {})}


def _pick(choices: list[Any], variant: int | None) -> Any:
    return choices[(variant or 0) % len(choices)]


def _of_type(kind: str, schema: dict[str, Any], variant: int | None) -> Any:
    match kind:
        case "object":
            required = set(schema.get("required", ()))
            return {
                name: _value(inner, variant)
                for name, inner in schema.get("properties", {}).items()
                if variant is not None or name in required
            }
        case "array":
            return [] if variant is None else [_value(schema.get("items", {}), variant)] * (variant + 1)
        case "string":
            return _text(schema, variant)
        case "boolean":
            return bool(variant)
        case "number" | "integer":
            return schema.get("examples", [7])[0]
        case _:
            return None


def _text(schema: dict[str, Any], variant: int | None) -> str:
    pattern = schema.get("pattern", "")
    fitting = (*schema.get("examples", ()), _FITTING.get(pattern), _FORMATS.get(schema.get("format", "")))
    for known in fitting:
        # One of the catalog's own examples does not match its pattern.
        if isinstance(known, str) and known and re.search(pattern, known):
            return known
    # Auth0 sends "" for much that it does not know.
    return "" if variant == 1 and not schema.get("minLength") else "a text"
