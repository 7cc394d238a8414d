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
    """One segment of a path with its escapes undone. What is no UTF-8, or has U+0000 in it, is nobody's id."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Return the text."""
        try:
            text = unquote_to_bytes(value).decode("utf-8")
        except UnicodeDecodeError:
            raise ValidationError from None
        if "\0" in text:
            raise ValidationError
        return text


def route_as_sent(app: Wsgi, prefix: str) -> Wsgi:
    """Return `app` with paths below `prefix` as they were sent; others are as before.

    A path that hides the prefix behind escapes stays as it was, so it meets the same guards and then no route.
    """

    def with_raw_path(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        raw = _path_as_sent(environ)
        if raw.startswith(prefix) and str(environ.get("PATH_INFO", "")).startswith(prefix):
            environ = {**environ, "PATH_INFO": raw}
        return app(environ, start_response)

    return with_raw_path


def _path_as_sent(environ: dict[str, Any]) -> str:
    """Return the path before its escapes were undone; gunicorn and werkzeug both give it, maybe within a whole URL."""
    try:
        return urlsplit(str(environ.get("RAW_URI", ""))).path
    except ValueError:
        return ""  # no URL, such as //[
