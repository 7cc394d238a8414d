"""The `path` argument of json columns: `$.a[0]["b c"]` as a PostgreSQL path."""

from __future__ import annotations

import json
import re

from localhasura.errors import unparsable
from localhasura.pgvalues import array_literal

_STEP = re.compile(
    r"""\.?(?P<name>[^.\[\]'"$\s]+)|\.?\[(?P<index>\d+)\]|\.?\[(?P<double>"(?:[^"\\]|\\.)*")\]|\.?\['(?P<single>[^']*)'\]"""
)


def path_literal(path: str, where: str) -> str | None:
    """Return the path as a text array literal, or None when it names the column itself."""
    rest = path.removeprefix("$")
    steps: list[str | None] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None:
            raise unparsable(f"parse json path error: {path!r}", where)
        steps.append(_step(match, path, where))
        position = match.end()
    return array_literal(steps) if steps else None


def _step(match: re.Match[str], path: str, where: str) -> str:
    if match["double"] is not None:
        try:
            return str(json.loads(match["double"]))
        except ValueError:
            raise unparsable(f"parse json path error: {path!r}", where) from None
    for group in ("name", "index", "single"):
        if match[group] is not None:
            return match[group]
    raise unparsable(f"parse json path error: {path!r}", where)
