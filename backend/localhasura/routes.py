"""The HTTP surface: paths, bodies, status codes. A plain WSGI application over the engine."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localhasura.auth import Authenticator
from localhasura.config import Options
from localhasura.errors import EngineError
from localhasura.jsontext import compact, parse_body
from localhasura.metadata.commands import run_metadata
from localhasura.metadata.model import ADMIN
from localhasura.metadata.run_sql import run_query
from localhasura.metadata.service import MetadataService
from localhasura.sql.builder import Session

VERSION = "v2.48.16"
"""The release whose behaviour is followed."""

Environ = dict[str, Any]
Answer = tuple[int, str, str]
"""Status, content type and body."""
_JSON = "application/json; charset=utf-8"
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 409: "Conflict"}
_REASONS |= {405: "Method Not Allowed", 413: "Payload Too Large", 500: "Internal Server Error"}


class Application:
    """The WSGI application."""

    def __init__(self, service: MetadataService, authenticator: Authenticator, options: Options) -> None:
        self._service, self._authenticator, self._options = service, authenticator, options
        self._routes: Mapping[tuple[str, str], Callable[[Environ], Answer]] = {
            ("POST", "/v1/graphql"): self._graphql,
            ("POST", "/v1/metadata"): lambda environ: self._administer(environ, run_metadata),
            ("POST", "/v2/query"): lambda environ: self._administer(environ, run_query),
            ("GET", "/healthz"): self._health,
            ("GET", "/v1/version"): _version,
        }

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, content_type, text = self._answer(environ)
        body = text.encode("utf-8", "replace")
        headers = [("Content-Type", content_type), ("Content-Length", str(len(body)))]
        request_id = environ.get("HTTP_X_REQUEST_ID")
        if request_id:
            headers.append(("x-request-id", request_id))
        start_response(f"{status} {_REASONS[status]}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: Environ) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
        handler = self._routes.get(("GET" if method == "HEAD" else method, path))
        if handler is None:
            return _plain_error(EngineError("not-found", "resource does not exist", status=404))
        try:
            return handler(environ)
        except EngineError as error:
            return _plain_error(error)
        except Exception:  # noqa: BLE001 - the last line of defence: a fault is answered, and told on stderr
            traceback.print_exc(file=sys.stderr)
            return _plain_error(EngineError("unexpected", "internal error", status=500))

    def _graphql(self, environ: Environ) -> Answer:
        engine, role = self._service.engine, None
        try:
            session = self._authenticator.session(_headers(environ))
            role = session.role
            return 200, _JSON, engine.answer(self._body(environ), session)
        except EngineError as error:
            return 200, _JSON, engine.error_text(error, role)

    def _administer(self, environ: Environ, run: Callable[[MetadataService, Any], Any]) -> Answer:
        session: Session = self._authenticator.session(_headers(environ))
        if session.role != ADMIN:
            raise EngineError("access-denied", "restricted access : admin only", path="$.args")
        return 200, _JSON, compact(run(self._service, self._body(environ)))

    def _health(self, environ: Environ) -> Answer:
        if not self._service.store.is_reachable():
            return 500, "text/plain; charset=utf-8", "ERROR"
        if not self._service.model.inconsistencies:
            return 200, "text/plain; charset=utf-8", "OK"
        strict = "strict=true" in environ.get("QUERY_STRING", "").split("&")
        status, word = (500, "ERROR") if strict else (200, "WARN")
        return status, "text/plain; charset=utf-8", f"{word}: inconsistent objects in schema"

    def _body(self, environ: Environ) -> Any:
        limit = self._options.max_body_bytes
        raw = environ["wsgi.input"].read(limit + 1)
        if len(raw) > limit:
            raise EngineError("bad-request", f"the body is larger than {limit} bytes", status=413)
        return parse_body(raw)


def _headers(environ: Environ) -> dict[str, str]:
    """Return the request's headers by lower-case name; their bytes are UTF-8, which WSGI hides in latin-1."""
    return {
        name[5:].replace("_", "-").lower(): value.encode("latin-1").decode("utf-8", "replace")
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }


def _version(_environ: Environ) -> Answer:
    return 200, _JSON, compact({"version": VERSION, "server_type": "ce"})


def _plain_error(error: EngineError) -> Answer:
    return error.status, _JSON, compact(error.plain())
