"""The little JSONPath of JWT secrets: `$`, `.name`, `[0]`, `["quoted"]`, `['quoted']`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

_STEP = re.compile(r"""\.?\[(?P<index>\d+)\]|\.?\[(['"])(?P<quoted>.*?)\2\]|\.?(?P<name>[^.\[\]'"\s]+)""")


class PathError(ValueError):
    """The path cannot be read."""


class NotThere:
    """What a path gives when it leads nowhere."""


NOT_THERE = NotThere()


def parse_path(path: str) -> tuple[str | int, ...]:
    """Return the steps of a path; raises PathError."""
    rest = path.removeprefix("$")
    steps: list[str | int] = []
    position = 0
    while position < len(rest):
        match = _STEP.match(rest, position)
        if match is None:
            raise PathError(f"invalid JSON path: {path}")
        steps.append(int(match["index"]) if match["index"] else match["quoted"] or match["name"])
        position = match.end()
    return tuple(steps)


def follow(value: Any, steps: Sequence[str | int]) -> Any:
    """Return what the path leads to, or NOT_THERE."""
    for step in steps:
        if isinstance(value, dict) and str(step) in value:
            value = value[str(step)]
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return NOT_THERE
    return value
