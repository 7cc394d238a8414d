"""Ids of users in paths: what stands between two slashes is one value, whatever is percent-encoded in it.

A WSGI server undoes the escapes of a path before anybody sees where its slashes are, so that an id with a slash in it
would be two segments. Below the prefixes that need it, the path is routed as it was sent, and a segment's escapes are
undone when it is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import unquote_to_bytes, urlsplit

from werkzeug.routing import BaseConverter, ValidationError

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class WholeSegment(BaseConverter):
    """One segment of a path with its escapes undone. Text that is no UTF-8 is nobody's id."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Return the text."""
        try:
            return unquote_to_bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            raise ValidationError from None


def route_as_sent(app: Wsgi, prefix: str) -> Wsgi:
    """Return `app` with paths below `prefix` as they were sent; others are as before.

    A path that hides the prefix behind escapes stays as it was, so it meets the same guards and then no route.
    """

    def with_raw_path(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        # gunicorn and werkzeug both give it; it may be a whole URL.
        raw = urlsplit(str(environ.get("RAW_URI", ""))).path if environ.get("RAW_URI") else ""
        if raw.startswith(prefix) and str(environ.get("PATH_INFO", "")).startswith(prefix):
            environ = {**environ, "PATH_INFO": raw}
        return app(environ, start_response)

    return with_raw_path
