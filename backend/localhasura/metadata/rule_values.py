"""What all parsers of rules share: their error, and the shapes of JSON that they ask for."""

from __future__ import annotations

from typing import Any


class RuleError(ValueError):
    """The rule does not fit the tables; the text goes into the inconsistency's reason."""


def object_of(value: Any, what: str) -> dict[str, Any]:
    """Return the value if it is a JSON object; raises RuleError."""
    if not isinstance(value, dict):
        raise RuleError(f"{what}: expected an object")
    return value
