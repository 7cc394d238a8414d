"""What other services answer, which may be anything."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def json_object(content: bytes) -> Mapping[str, Any]:
    """Return the JSON object in an answer; an empty one when there is none, or when it is nested too deeply to read."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
