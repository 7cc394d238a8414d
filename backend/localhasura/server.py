"""The server: `LocalHasura` starts, serves HTTP on a port, and stops without leaving anything behind."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Protocol, Self, cast

from waitress import wasyncore
from waitress.task import ThreadedTaskDispatcher
from waitress.trigger import trigger

from localhasura.auth import (
    Authenticator,
    AuthHook,
    JwtSecret,
    JwtSecretError,
    parse_jwt_secret,
    parse_jwt_secrets,
)
from localhasura.config import DEFAULT_THREADS, Options
from localhasura.http_server import serve
from localhasura.metadata.service import MetadataService
from localhasura.metadata.store import MetadataStore
from localhasura.routes import Application

STOP_LIMIT_S = 10


class _Waitress(Protocol):
    """What is used of waitress's server; its type hints leave half of it out."""

    effective_port: int
    trigger: trigger
    task_dispatcher: ThreadedTaskDispatcher
    _map: dict[int, Any]

    def run(self) -> None: ...


class StartError(RuntimeError):
    """The server cannot start; the text says why, in Hasura's words where it has some."""


class LocalHasura:
    """A Hasura-v2-compatible engine over one database, served over HTTP from a thread of this process.

        with LocalHasura(database_url=..., admin_secret="secret") as hasura:
            requests.post(f"{hasura.url}/v1/graphql", ...)

    `jwt_secret` is the JSON text of HASURA_GRAPHQL_JWT_SECRET. With `port` 0 a free port is taken; `url` and
    `port` are known after `start`, which returns when requests are answered. `environment` is what
    `{from_env: NAME}` in metadata means; HASURA_GRAPHQL_DATABASE_URL and PG_DATABASE_URL are this database
    unless it says otherwise. `stop` may be called twice.
    """

    def __init__(
        self,
        *,
        database_url: str,
        admin_secret: str | None = None,
        jwt_secret: str | None = None,
        unauthorized_role: str | None = None,
        auth_hook: str | None = None,
        auth_hook_mode: str = "GET",
        port: int = 0,
        host: str = "127.0.0.1",
        metadata_database_url: str | None = None,
        stringify_numeric_types: bool = False,
        dev_mode: bool = False,
        threads: int = DEFAULT_THREADS,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._options = Options(
            database_url=database_url,
            metadata_database_url=metadata_database_url,
            host=host,
            port=port,
            admin_secret=admin_secret,
            jwt_secret=jwt_secret,
            unauthorized_role=unauthorized_role,
            auth_hook=auth_hook,
            auth_hook_mode=auth_hook_mode,
            stringify_numeric_types=stringify_numeric_types,
            dev_mode=dev_mode,
            threads=threads,
            environment=environment or {},
        )
        self._service: MetadataService | None = None
        self._authenticator: Authenticator | None = None
        self._server: _Waitress | None = None
        self._thread: threading.Thread | None = None

    @classmethod
    def from_options(cls, options: Options) -> Self:
        """Return a server for options that are already put together."""
        made = cls(database_url=options.database_url)
        made._options = options
        return made

    @property
    def port(self) -> int:
        if self._server is None:
            raise StartError("the server is not running")
        return int(self._server.effective_port)

    @property
    def url(self) -> str:
        return f"http://{self._options.host}:{self.port}"

    def start(self) -> Self:
        """Start serving; raises StartError for options that Hasura refuses, OSError for a taken port."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End serving: no thread, connection or socket is left."""
        if self._server is not None and self._thread is not None:
            self._server.trigger.pull_trigger(self._stop_listening)
            self._server.task_dispatcher.shutdown(timeout=STOP_LIMIT_S)
            # A wake-up by somebody else may have run it already, and closed the trigger with the rest.
            with contextlib.suppress(OSError):
                self._server.trigger.pull_trigger(self._close_connections)
            self._thread.join(STOP_LIMIT_S)
        if self._authenticator is not None:
            self._authenticator.stop()
        if self._service is not None:
            self._service.stop()
        self._server = self._thread = self._authenticator = self._service = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _stop_listening(self, _: None = None) -> None:
        if self._server is not None:
            wasyncore.dispatcher.close(cast(Any, self._server))

    def _close_connections(self, _: None = None) -> None:
        """Close what is left, from the thread that owns it; its loop ends with the last connection."""
        if self._server is not None:
            wasyncore.close_all(self._server._map, ignore_all=True)

    def _start(self) -> None:
        options = self._options
        self._authenticator = _authenticator(options)
        self._authenticator.start()
        store = MetadataStore(options.metadata_database_url or options.database_url)
        self._service = MetadataService(options, store)
        self._service.start()
        application = Application(self._service, self._authenticator, options)
        server = serve(
            application,
            host=options.host,
            port=options.port,
            threads=options.threads,
            max_body_bytes=options.max_body_bytes,
            receive_limit_s=options.receive_limit_s,
            send_limit_s=options.send_limit_s,
        )
        if server is None:
            raise StartError(f"{options.host} is not one address to listen on")
        self._server = cast(_Waitress, server)
        self._thread = threading.Thread(target=self._server.run, name="localhasura", daemon=True)
        self._thread.start()


def _authenticator(options: Options) -> Authenticator:
    _check_modes(options)
    hook = options.auth_hook
    return Authenticator(
        admin_secrets=_admin_secrets(options),
        jwt_secrets=_jwt_secrets(options),
        unauthorized_role=options.unauthorized_role,
        hook=None
        if hook is None
        else AuthHook(hook, options.auth_hook_mode, options.auth_hook_send_request_body),
    )


def _admin_secrets(options: Options) -> tuple[str, ...]:
    if options.admin_secrets or options.admin_secret is None:
        return options.admin_secrets
    return (options.admin_secret,)


def _jwt_secrets(options: Options) -> tuple[JwtSecret, ...]:
    """Return the parsed secrets; what is wrong with one is told as Hasura tells it of its environment."""
    variable = "HASURA_GRAPHQL_JWT_SECRET" if options.jwt_secrets is None else "HASURA_GRAPHQL_JWT_SECRETS"
    try:
        if options.jwt_secrets is not None:
            return parse_jwt_secrets(options.jwt_secrets)
        return () if options.jwt_secret is None else (parse_jwt_secret(options.jwt_secret),)
    except JwtSecretError as error:
        raise JwtSecretError(f"Fatal Error:- Environment variable {variable}: Error in $: {error}") from None


def _check_modes(options: Options) -> None:
    """Refuse what Hasura refuses, in its order and words, odd blanks included."""
    needs = (
        " requires --admin-secret (HASURA_GRAPHQL_ADMIN_SECRET) or "
        " --access-key (HASURA_GRAPHQL_ACCESS_KEY) to be set"
    )
    secured = bool(_admin_secrets(options))
    hook = options.auth_hook is not None
    jwt = options.jwt_secret is not None or options.jwt_secrets is not None
    if options.unauthorized_role is not None and (hook or not secured):
        raise StartError(
            f"Fatal Error: --unauthorized-role (HASURA_GRAPHQL_UNAUTHORIZED_ROLE){needs} "
            "and is not allowed when --auth-hook (HASURA_GRAPHQL_AUTH_HOOK) is set"
        )
    if hook and jwt:
        raise StartError("Fatal Error: Both webhook and JWT mode cannot be enabled at the same time")
    if hook and not secured:
        raise StartError(f"Fatal Error : --auth-hook (HASURA_GRAPHQL_AUTH_HOOK){needs}")
    if jwt and not secured:
        raise StartError(f"Fatal Error : --jwt-secret (HASURA_GRAPHQL_JWT_SECRET){needs}")
