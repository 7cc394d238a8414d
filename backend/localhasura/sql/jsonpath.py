"""The `path` argument of json columns: `$.a[0]["b c"]` as a PostgreSQL path."""

from __future__ import annotations

import json
import re

from localhasura.errors import invalid
from localhasura.pgvalues import array_literal

_STEP = re.compile(
    r"""\.?(?:(?P<name>[^\W\d][\w-]*)|\[(?:(?P<index>\d+)|"(?P<double>(?:\\.|[^"\\])*)"|'(?P<single>(?:\\.|[^'\\])*)')\])""",
    re.DOTALL,
)
_ESCAPED_OR_QUOTE = re.compile(r"""\\.|\"""", re.DOTALL)


def path_literal(path: str, where: str) -> str | None:
    """Return the path as a text array literal, or None when it names the column itself."""
    if path == "$":
        return None
    rest = path.removeprefix("$")
    steps: list[str | None] = []
    position = 0
    while position < len(rest) or not steps:
        match = _STEP.match(rest, position)
        step = None if match is None else _step(match)
        if match is None or step is None:
            raise invalid(
                f"parse json path error: {path}. Accept letters, digits, underscore (_) or hyphen (-) only. "
                'Use quotes enclosed in bracket (["..."]) if there is any special character',
                where,
            )
        steps.append(step)
        position = match.end()
    return array_literal(steps)


def _step(match: re.Match[str]) -> str | None:
    """Return the key or index, or None when it is a quoted string that JSON would not take."""
    if match["name"] is not None:
        return match["name"]
    if match["index"] is not None:
        return str(int(match["index"]))
    quoted = match["double"]
    if quoted is None:
        quoted = _ESCAPED_OR_QUOTE.sub(_as_in_double_quotes, match["single"])
    try:
        return str(json.loads(f'"{quoted}"'))
    except ValueError:
        return None


def _as_in_double_quotes(found: re.Match[str]) -> str:
    return {"\\'": "'", '"': '\\"'}.get(found[0], found[0])
