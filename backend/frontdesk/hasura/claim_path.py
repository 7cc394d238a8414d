"""The little JSONPath of Hasura's JWT configuration: `$`, `.name`, `[0]`, `["quoted"]`, `['quoted']`.

Source: Hasura docs, "Authentication using JWT", `claims_namespace_path` and `claims_map`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

_STEP = re.compile(r"""\.?\[(?P<index>\d{1,9})\]|\.?\[(["'])(?P<quoted>.*?)\2\]|\.?(?P<name>[^.\[\]'"\s]+)""")
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class _NotThere:
    def __repr__(self) -> str:
        return "NOT_THERE"


NOT_THERE: Final = _NotThere()
"""What a path gives when it leads nowhere; a null that is there is None."""


def path_steps(path: str) -> tuple[str | int, ...]:
    """Return the names and indexes that a path goes through. Raises ValueError when it is no such path."""
    rest, steps, position = path.removeprefix("$"), list[str | int](), 0
    while position < len(rest):
        step = _STEP.match(rest, position)
        if step is None:
            raise ValueError(
                f"{path!r} is no path such as $.hasura.claims or $['https://x.example/y'].roles[0]"
            )
        steps.append(int(step["index"]) if step["index"] else step["quoted"] or step["name"] or "")
        position = step.end()
    return tuple(steps)


def path_to(*names: str) -> str:
    """Return the path that goes through these names, quoted where it must be."""
    return "$" + "".join(
        f".{name}" if _PLAIN_NAME.fullmatch(name) else f'["{name}"]' if '"' not in name else f"['{name}']"
        for name in names
    )


def value_at(claims: Any, steps: Sequence[str | int]) -> Any:
    """Return what the steps lead to in claims, or NOT_THERE."""
    found = claims
    for step in steps:
        if isinstance(found, dict) and str(step) in found:
            found = found[str(step)]
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        else:
            return NOT_THERE
    return found
