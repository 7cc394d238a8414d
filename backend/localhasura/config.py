"""Options of the server: the command line first, then Hasura's own HASURA_GRAPHQL_... variables."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from localhasura.cors import EVERYBODY, CorsError, CorsPolicy, parse_cors_domain

DEFAULT_PORT = 8080
DEFAULT_THREADS = 16
STATEMENT_TIMEOUT_S = 60
SCHEMA_SYNC_POLL_INTERVAL_MS = 1000
MAX_BODY_BYTES = 32 * 1024 * 1024
MAX_DEPTH = 60
MAX_DOCUMENT_TOKENS = 50_000
MAX_NODES = 10_000
"""Fields that one operation may select, fragments written out: a fragment that is used twice counts twice."""
RECEIVE_LIMIT_S = 60
"""For the whole of a request to arrive."""
SEND_LIMIT_S = 30
"""For a client to take some more of an answer."""
ENABLED_APIS = ("metadata", "graphql", "pgdump", "config")
KNOWN_APIS = (*ENABLED_APIS, "developer", "metrics")

_TRUE, _FALSE = {"true", "t", "yes", "y"}, {"false", "f", "no", "n"}


@dataclass(frozen=True, kw_only=True)
class Options:
    """Everything that a start needs; secrets are kept out of `repr`."""

    database_url: str = field(repr=False)
    metadata_database_url: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    admin_secret: str | None = field(default=None, repr=False)
    admin_secrets: tuple[str, ...] = field(default=(), repr=False)
    """Several that will do; they take the place of the one."""
    jwt_secret: str | None = field(default=None, repr=False)
    jwt_secrets: str | None = field(default=None, repr=False)
    """A JSON list of several; it takes the place of the one."""
    unauthorized_role: str | None = None
    auth_hook: str | None = field(default=None, repr=False)
    auth_hook_mode: str = "GET"
    auth_hook_send_request_body: bool = True
    cors: CorsPolicy = field(default_factory=CorsPolicy)
    enabled_apis: tuple[str, ...] = ENABLED_APIS
    preserve_401_errors: bool = False
    schema_sync_poll_interval_s: float = SCHEMA_SYNC_POLL_INTERVAL_MS / 1000
    """How often to look for changes that other engines made; 0 means never."""
    stringify_numeric_types: bool = False
    v1_boolean_null_collapse: bool = False
    """Take a comparison with an explicit null as no condition, as Hasura v1 did."""
    dev_mode: bool = False
    admin_internal_errors: bool = True
    threads: int = DEFAULT_THREADS
    statement_timeout_s: float = STATEMENT_TIMEOUT_S
    max_body_bytes: int = MAX_BODY_BYTES
    max_depth: int = MAX_DEPTH
    max_nodes: int = MAX_NODES
    receive_limit_s: float = RECEIVE_LIMIT_S
    send_limit_s: float = SEND_LIMIT_S
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
            admin_secret=known.admin_secret or _admin_secret(environment),
            admin_secrets=_admin_secrets(_variable(environment, "ADMIN_SECRETS")),
            jwt_secret=known.jwt_secret or _variable(environment, "JWT_SECRET"),
            jwt_secrets=_variable(environment, "JWT_SECRETS"),
            unauthorized_role=known.unauthorized_role or _variable(environment, "UNAUTHORIZED_ROLE"),
            auth_hook=known.auth_hook or _variable(environment, "AUTH_HOOK"),
            auth_hook_mode=known.auth_hook_mode or _variable(environment, "AUTH_HOOK_MODE") or "GET",
            auth_hook_send_request_body=_switch(environment, "AUTH_HOOK_SEND_REQUEST_BODY", default=True),
            cors=CorsPolicy(
                enabled=not _switch(environment, "DISABLE_CORS", default=False),
                origins=_origins(_variable(environment, "CORS_DOMAIN")),
            ),
            enabled_apis=_apis(_variable(environment, "ENABLED_APIS")),
            preserve_401_errors=_switch(environment, "PRESERVE_401_ERRORS", default=False),
            schema_sync_poll_interval_s=_milliseconds(
                environment, "SCHEMA_SYNC_POLL_INTERVAL", SCHEMA_SYNC_POLL_INTERVAL_MS
            ),
            stringify_numeric_types=known.stringify_numeric_types
            or _switch(environment, "STRINGIFY_NUMERIC_TYPES", default=False),
            v1_boolean_null_collapse=_switch(environment, "V1_BOOLEAN_NULL_COLLAPSE", default=False),
            dev_mode=known.dev_mode or _switch(environment, "DEV_MODE", default=False),
            admin_internal_errors=_switch(environment, "ADMIN_INTERNAL_ERRORS", default=True),
            threads=known.threads,
            statement_timeout_s=_limit(environment, "STATEMENT_TIMEOUT_S", STATEMENT_TIMEOUT_S),
            max_body_bytes=_limit(environment, "MAX_BODY_BYTES", MAX_BODY_BYTES),
            max_depth=_limit(environment, "MAX_DEPTH", MAX_DEPTH),
            max_nodes=_limit(environment, "MAX_NODES", MAX_NODES),
            receive_limit_s=_limit(environment, "RECEIVE_LIMIT_S", RECEIVE_LIMIT_S),
            send_limit_s=_limit(environment, "SEND_LIMIT_S", SEND_LIMIT_S),
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
    parser.add_argument("--admin-secret", "--access-key", help="required in x-hasura-admin-secret")
    parser.add_argument("--jwt-secret", help="the JSON of HASURA_GRAPHQL_JWT_SECRET")
    parser.add_argument("--unauthorized-role", help="role of requests without secret and token")
    parser.add_argument("--auth-hook", help="the URL that is asked who a request comes from")
    parser.add_argument("--auth-hook-mode", choices=("GET", "POST"), help="how it is asked (default GET)")
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


def _admin_secret(environment: Mapping[str, str]) -> str | None:
    return _variable(environment, "ADMIN_SECRET") or _variable(environment, "ACCESS_KEY")


def _admin_secrets(variable: str | None) -> tuple[str, ...]:
    if variable is None:
        return ()
    try:
        listed = json.loads(variable)
    except (ValueError, RecursionError):
        listed = None
    if (
        not isinstance(listed, list)
        or not listed
        or not all(each and isinstance(each, str) for each in listed)
    ):
        raise ValueError("HASURA_GRAPHQL_ADMIN_SECRETS: expected a JSON list of texts")
    return tuple(listed)


def _origins(variable: str | None) -> tuple[str, ...]:
    try:
        return parse_cors_domain(variable or EVERYBODY)
    except CorsError as error:
        raise ValueError(f"HASURA_GRAPHQL_CORS_DOMAIN: {error}") from None


def _apis(variable: str | None) -> tuple[str, ...]:
    if variable is None:
        return ENABLED_APIS
    listed = tuple(each.strip().lower() for each in variable.split(",") if each.strip())
    for each in listed:
        if each not in KNOWN_APIS:
            raise ValueError(
                f"HASURA_GRAPHQL_ENABLED_APIS: expected some of {', '.join(KNOWN_APIS)}, got {each!r}"
            )
    return listed


def _limit(environment: Mapping[str, str], name: str, default: int) -> int:
    """Return a limit of this engine's own, which Hasura has no variable for."""
    value = environment.get(f"LOCALHASURA_{name}") or str(default)
    if not value.isascii() or not value.isdigit() or int(value) < 1:
        raise ValueError(f"LOCALHASURA_{name}: expected a number above 0, got {value!r}")
    return int(value)


def _switch(environment: Mapping[str, str], name: str, *, default: bool) -> bool:
    value = _variable(environment, name)
    if value is None:
        return default
    if value.lower() in _TRUE:
        return True
    if value.lower() in _FALSE:
        return False
    raise ValueError(f"HASURA_GRAPHQL_{name}: expected true or false, got {value!r}")


def _milliseconds(environment: Mapping[str, str], name: str, default: int) -> float:
    text = _variable(environment, name)
    if text is None:
        return default / 1000
    if not text.isdecimal():
        raise ValueError(f"HASURA_GRAPHQL_{name}: expected a number of milliseconds, got {text!r}")
    return int(text) / 1000
