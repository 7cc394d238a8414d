"""Options of the server: the command line first, then Hasura's own HASURA_GRAPHQL_... variables."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

DEFAULT_PORT = 8080
DEFAULT_THREADS = 16
STATEMENT_TIMEOUT_S = 60
MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 60
MAX_DOCUMENT_TOKENS = 50_000

_TRUE, _FALSE = {"true", "t", "yes", "y"}, {"false", "f", "no", "n"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Everything that a start needs; secrets are kept out of `repr`."""

    database_url: str = field(repr=False)
    metadata_database_url: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    admin_secret: str | None = field(default=None, repr=False)
    jwt_secret: str | None = field(default=None, repr=False)
    unauthorized_role: str | None = None
    stringify_numeric_types: bool = False
    dev_mode: bool = False
    admin_internal_errors: bool = True
    threads: int = DEFAULT_THREADS
    statement_timeout_s: float = STATEMENT_TIMEOUT_S
    max_body_bytes: int = MAX_BODY_BYTES
    max_depth: int = MAX_DEPTH
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What `{from_env: NAME}` in metadata is looked up in."""


def options_from(arguments: Sequence[str] | None = None) -> Options:
    """Return the options of a command line and this process's environment; exits with a usage message."""
    environment = dict(os.environ)
    parser = _parser()
    known = parser.parse_args(arguments)
    database_url = known.database_url or _variable(environment, "DATABASE_URL")
    metadata_url = known.metadata_database_url or _variable(environment, "METADATA_DATABASE_URL")
    if not (database_url or metadata_url):
        parser.error("--database-url or HASURA_GRAPHQL_DATABASE_URL is required")
    try:
        return Options(
            database_url=database_url or metadata_url or "",
            metadata_database_url=metadata_url,
            host=known.host or _variable(environment, "SERVER_HOST") or "127.0.0.1",
            port=_port(known.port, _variable(environment, "SERVER_PORT")),
            admin_secret=known.admin_secret or _variable(environment, "ADMIN_SECRET"),
            jwt_secret=known.jwt_secret or _variable(environment, "JWT_SECRET"),
            unauthorized_role=known.unauthorized_role or _variable(environment, "UNAUTHORIZED_ROLE"),
            stringify_numeric_types=known.stringify_numeric_types
            or _switch(environment, "STRINGIFY_NUMERIC_TYPES", default=False),
            dev_mode=known.dev_mode or _switch(environment, "DEV_MODE", default=False),
            admin_internal_errors=_switch(environment, "ADMIN_INTERNAL_ERRORS", default=True),
            threads=known.threads,
            environment=environment,
        )
    except ValueError as error:
        parser.error(str(error))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="localhasura",
        description="A Hasura-v2-compatible GraphQL engine over PostgreSQL, for laptops and tests.",
    )
    parser.add_argument("--port", type=int, help=f"HTTP port (default {DEFAULT_PORT})")
    parser.add_argument("--host", help="address to listen on (default 127.0.0.1: this machine only)")
    parser.add_argument("--database-url", help="the source `default`")
    parser.add_argument("--metadata-database-url", help="where metadata is kept")
    parser.add_argument("--admin-secret", help="required in x-hasura-admin-secret")
    parser.add_argument("--jwt-secret", help="the JSON of HASURA_GRAPHQL_JWT_SECRET")
    parser.add_argument("--unauthorized-role", help="role of requests without secret and token")
    parser.add_argument("--stringify-numeric-types", action="store_true", help="bigint, numeric as strings")
    parser.add_argument("--dev-mode", action="store_true", help="put `internal` into every error")
    parser.add_argument("--threads", type=int, default=DEFAULT_THREADS, help="requests at once")
    return parser


def _variable(environment: Mapping[str, str], name: str) -> str | None:
    return environment.get(f"HASURA_GRAPHQL_{name}") or None


def _port(argument: int | None, variable: str | None) -> int:
    if argument is not None:
        return argument
    if variable is None:
        return DEFAULT_PORT
    if not variable.isdigit():
        raise ValueError(f"HASURA_GRAPHQL_SERVER_PORT: expected a number, got {variable!r}")
    return int(variable)


def _switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = _variable(environment, name)
    if value is None:
        return default
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise ValueError(f"HASURA_GRAPHQL_{name}: expected true or false, got {value!r}")
