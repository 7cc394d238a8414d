"""The HTTP surface: paths, bodies, status codes. A plain WSGI application over the engine."""

from __future__ import annotations

import sys
import traceback
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localhasura import websocket
from localhasura.auth import Authenticator
from localhasura.compression import compressed
from localhasura.config import Options
from localhasura.errors import EngineError
from localhasura.jsontext import compact, parse_body
from localhasura.metadata.commands import run_metadata
from localhasura.metadata.legacy import run_legacy
from localhasura.metadata.model import ADMIN
from localhasura.metadata.run_sql import run_query
from localhasura.metadata.service import MetadataService
from localhasura.server_config import server_config
from localhasura.sql.builder import Session

VERSION = "v2.48.16"
"""The release whose behaviour is followed."""

Environ = dict[str, Any]
Answer = tuple[int, str, str]
"""Status, content type and body."""
_JSON = "application/json; charset=utf-8"
_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 409: "Conflict"}
_REASONS |= {
    101: "Switching Protocols",
    204: "No Content",
    413: "Payload Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
}
_API_OF = {"/v1/graphql": "graphql", "/v1/metadata": "metadata", "/v2/query": "metadata"}
_API_OF |= {"/v1/query": "metadata", "/v1alpha1/graphql": "graphql"}
_API_OF |= {"/v1alpha1/config": "config"}
"""What HASURA_GRAPHQL_ENABLED_APIS switches; other paths are always there."""
_NOT_HERE = {"/v1/graphql/explain", "/v1beta1/relay", "/v1alpha1/pg_dump"}
"""Paths of Hasura that it answers by POST, and this engine does not."""


class Application:
    """The WSGI application."""

    def __init__(self, service: MetadataService, authenticator: Authenticator, options: Options) -> None:
        self._service, self._authenticator, self._options = service, authenticator, options
        routes: dict[tuple[str, str], Callable[[Environ], Answer]] = {
            ("POST", "/v1/graphql"): self._graphql,
            ("POST", "/v1alpha1/graphql"): self._legacy_graphql,
            ("POST", "/v1/metadata"): lambda environ: self._administer(environ, run_metadata),
            ("POST", "/v1/query"): self._first_api,
            ("POST", "/v2/query"): lambda environ: self._administer(environ, run_query),
            ("GET", "/healthz"): self._health,
            ("GET", "/hasura/healthz"): self._health,
            ("GET", "/v1/version"): _version,
            ("GET", "/v1alpha1/config"): self._config,
        }
        self._routes: Mapping[tuple[str, str], Callable[[Environ], Answer]] = {
            (method, path): handler
            for (method, path), handler in routes.items()
            if _API_OF.get(path) in (None, *options.enabled_apis)
        }

    @property
    def paths(self) -> frozenset[str]:
        """Methods and paths that are answered, such as `GET /healthz`."""
        return frozenset(f"{method} {path}" for method, path in self._routes)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        origin = environ.get("HTTP_ORIGIN")
        if environ["REQUEST_METHOD"] == "OPTIONS":
            requested = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
            preflight = self._options.cors.preflight(origin, requested)
            if preflight is not None:
                start_response("204 No Content", preflight)
                return []
        if websocket.is_upgrade(environ) and environ.get("PATH_INFO") == "/v1/graphql":
            refused = websocket.refusal(environ)
            if refused is not None:
                start_response(f"101 {_REASONS[101]}", refused[0])
                return [refused[1]]
        status, content_type, text = self._answer(environ)
        body = text.encode("utf-8", "replace")
        headers = [("Content-Type", content_type), *self._options.cors.headers(origin)]
        headers.append(("x-request-id", environ.get("HTTP_X_REQUEST_ID") or str(uuid.uuid4())))
        smaller = compressed(body, environ.get("HTTP_ACCEPT_ENCODING", ""))
        if smaller is not None:
            body = smaller
            headers.append(("Content-Encoding", "gzip"))
        headers.append(("Content-Length", str(len(body))))
        start_response(f"{status} {_REASONS[status]}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _answer(self, environ: Environ) -> Answer:
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
        if websocket.is_upgrade(environ):
            return _plain_error(EngineError("not-supported", websocket.REASON, status=501))
        handler = self._routes.get(("GET" if method == "HEAD" else method, path))
        if handler is None and method == "POST" and path in _NOT_HERE:
            return _plain_error(EngineError("not-supported", f"{path} is not supported here", status=501))
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
        status, content_type, text = self._legacy_graphql(environ)
        kept = self._options.preserve_401_errors and status == 401
        return status if kept else 200, content_type, text

    def _legacy_graphql(self, environ: Environ) -> Answer:
        """Answer as /v1alpha1/graphql does: as /v1/graphql, with the status that an error has elsewhere."""
        engine, role = self._service.engine, None
        try:
            raw = self._raw_body(environ)
            session = self._authenticator.session(_headers(environ), lambda: _request_in(raw))
            role = session.role
            return 200, _JSON, engine.data(parse_body(raw), session)
        except EngineError as error:
            return error.status, _JSON, engine.error_text(error, role)

    def _administer(self, environ: Environ, run: Callable[[MetadataService, Any], Any]) -> Answer:
        session: Session = self._authenticator.session(_headers(environ))
        if session.role != ADMIN:
            raise EngineError("access-denied", "restricted access : admin only", path="$.args")
        return 200, _JSON, compact(run(self._service, parse_body(self._raw_body(environ))))

    def _first_api(self, environ: Environ) -> Answer:
        session: Session = self._authenticator.session(_headers(environ))
        return 200, _JSON, compact(run_legacy(self._service, parse_body(self._raw_body(environ)), session))

    def _config(self, environ: Environ) -> Answer:
        if self._authenticator.session(_headers(environ)).role != ADMIN:
            raise EngineError("access-denied", "You have to be an admin to access this endpoint")
        return 200, _JSON, compact(server_config(VERSION, self._authenticator))

    def _health(self, environ: Environ) -> Answer:
        if not self._service.store.is_reachable():
            return 500, "text/plain; charset=utf-8", "ERROR"
        if not self._service.model.inconsistencies:
            return 200, "text/plain; charset=utf-8", "OK"
        strict = "strict=true" in environ.get("QUERY_STRING", "").split("&")
        status, word = (500, "ERROR") if strict else (200, "WARN")
        return status, "text/plain; charset=utf-8", f"{word}: inconsistent objects in schema"

    def _raw_body(self, environ: Environ) -> bytes:
        limit = self._options.max_body_bytes
        raw: bytes = environ["wsgi.input"].read(limit + 1)
        if len(raw) > limit:
            raise EngineError("bad-request", f"the body is larger than {limit} bytes", status=413)
        return raw


def _request_in(raw: bytes) -> Any:
    """Return what an auth hook is shown of a body; nothing when it is no JSON."""
    try:
        return parse_body(raw)
    except EngineError:
        return None


def _headers(environ: Environ) -> dict[str, str]:
    """Return the request's headers by lower-case name; their bytes are UTF-8, which WSGI hides in latin-1."""
    named = {name[5:]: value for name, value in environ.items() if name.startswith("HTTP_")}
    named |= {name: environ[name] for name in ("CONTENT_TYPE", "CONTENT_LENGTH") if environ.get(name)}
    return {
        name.replace("_", "-").lower(): value.encode("latin-1").decode("utf-8", "replace")
        for name, value in named.items()
    }


def _version(_environ: Environ) -> Answer:
    return 200, _JSON, compact({"version": VERSION, "server_type": "ce"})


def _plain_error(error: EngineError) -> Answer:
    return error.status, _JSON, compact(error.plain())
