"""Lets a user id with a slash be one part of a path: `%2F` stays apart from the slashes between the parts.

WSGI decodes a path before anybody can split it. So each part is decoded here by itself, with a sign of its own for the
slashes in it, which the converters of the routes turn back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from flask import Flask
from werkzeug.routing import PathConverter, UnicodeConverter

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SLASH = "\ue02f"  # of the private use area, so that nobody's id has it


class _Part(UnicodeConverter):
    def to_python(self, value: str) -> str:
        return value.replace(_SLASH, "/")


class _Parts(PathConverter):
    def to_python(self, value: str) -> str:
        return value.replace(_SLASH, "/")


def keep_encoded_slashes(app: Flask) -> None:
    """Have the application take encoded slashes for a part's own. Before any route is added."""
    app.url_map.converters.update(default=_Part, string=_Part, path=_Parts)
    inner = app.wsgi_app

    def split_first(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        target = str(environ.get("REQUEST_URI", "")).partition("?")[0]
        if "%2f" in target.lower():
            environ["PATH_INFO"] = _path(target)
        return inner(environ, start_response)

    outer: WSGIApplication = split_first
    app.wsgi_app = outer  # type: ignore[assignment,method-assign]


def _path(target: str) -> str:
    """The path as WSGI has it: bytes in the shape of Latin-1 text."""
    parts = [unquote_to_bytes(part.encode("latin-1")) for part in target.split("/")]
    return b"/".join(part.replace(b"/", _SLASH.encode()) for part in parts).decode("latin-1")
