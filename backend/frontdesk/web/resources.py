"""What an application opens, and lets go of when its process ends."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from flask import Flask

EXTENSION = "frontdesk.resources"


def resources_of(app: Flask) -> ExitStack:
    """Return the stack that holds what this application has open."""
    stack: ExitStack = app.extensions.setdefault(EXTENSION, ExitStack())
    return stack


def close_resources(app: Any) -> None:
    """Close all of it; `app` may be anything, also a process's application that never came to be."""
    stack = getattr(app, "extensions", {}).get(EXTENSION)
    if stack is not None:
        stack.close()
