"""The tenant as a server: real HTTP on loopback, ready when `start` returns, gone when `stop` returns."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from waitress.server import TcpWSGIServer, create_server
from waitress.wasyncore import close_all

from localauth0.actions.runtime import ActionsRuntime
from localauth0.actions.triggers import TRIGGER_LIMIT_S, Triggers
from localauth0.app import MAX_BODY_BYTES, create_app
from localauth0.errors import LocalAuth0Error
from localauth0.keys import SigningKeys
from localauth0.live import LiveTenant
from localauth0.log_delivery import LogStreams
from localauth0.records import ActionExecution, Mail
from localauth0.store import Clock, Lifetimes, Store, utc_now
from localauth0.tenant_file import parse_tenant, read_tenant_file
from localauth0.webhook_extension import WebhookPoller

_THREADS = 16
_STOP_LIMIT_S = 10.0
_LOOK_S = 0.005
_READERS_LIMIT_S = 1.0  # for those of `GET /events` to hear of the end


class CannotListen(LocalAuth0Error):
    """The address cannot be used; the text says why and what to do."""


class LocalAuth0:
    """One simulated tenant, from a tenant file or from the same document as a mapping.

    `url` has no trailing slash, `issuer` has one. `executions` are the runs of Actions so far, oldest first.
    Also a context manager. With `data_dir` the signing keys survive a restart; all other state is in memory.
    """

    def __init__(
        self,
        *,
        tenant_file: Path | str | None = None,
        tenant: Mapping[str, Any] | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
        data_dir: Path | str | None = None,
        trigger_limit_s: float = TRIGGER_LIMIT_S,
        lifetimes: Lifetimes | None = None,
        clock: Clock = utc_now,
    ) -> None:
        if (tenant_file is None) == (tenant is None):
            raise ValueError("give either tenant_file or tenant")
        if tenant_file is not None:
            config = read_tenant_file(Path(tenant_file))
        else:
            config = parse_tenant(dict(tenant or {}), base_dir=Path.cwd())
        self._host, self._port = _loopback(host), port
        self._store = Store(config, clock, lifetimes)
        self._keys = SigningKeys(config.tenant, Path(data_dir) if data_dir is not None else None)
        self._runtime = ActionsRuntime()
        self._triggers = Triggers(self._store, self._runtime, limit_s=trigger_limit_s)
        self._log_streams = LogStreams(self._store)
        self._extension = WebhookPoller(self._store)
        self._http: _HttpServer | None = None
        self._url: str | None = None

    @property
    def url(self) -> str:
        if self._url is None:
            raise RuntimeError("localauth0 has not been started, so it has no address yet")
        return self._url

    @property
    def issuer(self) -> str:
        return f"{self.url}/"

    @property
    def executions(self) -> list[ActionExecution]:
        return list(self._store.executions)

    @property
    def mails(self) -> list[Mail]:
        """The mails that the tenant would have sent so far, oldest first."""
        return list(self._store.mails)

    @property
    def log_streams(self) -> LogStreams:
        """The sending of the log, with the failures of each stream."""
        return self._log_streams

    @property
    def store(self) -> Store:
        return self._store

    def start(self) -> Self:
        """Listen and have Node ready. Raises CannotListen, ActionsRuntimeFailed."""
        listening = _bind(self._host, self._port)
        port = listening.getsockname()[1]
        self._url = f"http://{f'[{self._host}]' if ':' in self._host else self._host}:{port}"
        try:
            self._runtime.start()
        except BaseException:
            listening.close()
            raise
        live = LiveTenant(self._url, self._store, self._keys, self._triggers)
        self._store.place_at(live.management_audience)
        self._store.event_log.open()
        self._http = _HttpServer(listening, live)
        self._store.event_sender.start()
        self._log_streams.start()
        self._extension.start()
        return self

    def stop(self) -> None:
        """End the server and its Node process; harmless when it is not running."""
        had_readers = self._store.event_log.close(_READERS_LIMIT_S)
        if self._http is not None:
            if had_readers:
                self._http.send_what_is_answered(_READERS_LIMIT_S)
            self._http.stop_listening()
        # Before the wait for running requests: one of them may be waiting for an Action that never returns.
        self._runtime.stop()
        self._store.jobs.forget_all()
        self._triggers.wait_for_later(_STOP_LIMIT_S)
        if self._http is not None:
            self._http.wait_for_requests()
            self._http = None
        self._log_streams.stop()
        self._store.event_sender.stop()
        self._extension.stop()

    def reset(self) -> None:
        """Back to the tenant file: sessions, tokens, logins, metadata, executions and instances are forgotten."""
        self._store.reset()
        self._runtime.forget_instances()

    def rotate_signing_keys(self) -> str:
        """Let the next key sign; return its kid. The earlier key stays in the key set."""
        return self._keys.rotate()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


class _HttpServer:
    """waitress in a thread of its own."""

    def __init__(self, listening: socket.socket, tenant: LiveTenant) -> None:
        self._map: dict[int, Any] = {}
        server = create_server(
            create_app(tenant),
            map=self._map,
            sockets=[listening],
            threads=_THREADS,
            asyncore_use_poll=True,  # select() knows 1024 descriptors at most
            max_request_body_size=2 * MAX_BODY_BYTES,  # Flask answers first, in words
            ident=None,
            channel_request_lookahead=1,  # a request learns that its caller has gone
            clear_untrusted_proxy_headers=True,
        )
        if not isinstance(server, TcpWSGIServer):
            raise TypeError("one socket makes one server")
        self._server = server
        self._thread = threading.Thread(target=server.run, name="localauth0-http", daemon=True)
        self._thread.start()

    def send_what_is_answered(self, limit_s: float) -> None:
        """Wait for running requests and for their answers to be sent, but not for long."""
        until = time.monotonic() + limit_s
        while time.monotonic() < until and self._is_busy():
            time.sleep(_LOOK_S)

    def _is_busy(self) -> bool:
        channels: Any = self._server.active_channels
        return self._server.task_dispatcher.active_count > 0 or any(
            one.total_outbufs_len for one in list(channels.values())
        )

    def stop_listening(self) -> None:
        # The server's sockets belong to its own thread: closing them there lets its loop run out.
        trigger: Any = self._server.trigger
        # A request that ends at this moment wakes the loop too; then the sockets, the trigger's own among them,
        # are closed before the trigger is pulled.
        with contextlib.suppress(OSError):
            trigger.pull_trigger(self._close)
        self._thread.join(_STOP_LIMIT_S)

    def wait_for_requests(self) -> None:
        self._server.task_dispatcher.shutdown(timeout=int(_STOP_LIMIT_S))

    def _close(self) -> None:
        close_all(self._map, ignore_all=True)


def _loopback(host: str) -> str:
    """The host, if only this machine can reach it: the tenant hands tokens to whoever clicks."""
    address = "127.0.0.1" if host == "localhost" else host
    try:
        is_loopback = ipaddress.ip_address(address).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise CannotListen(f"host {host!r}: expected a loopback address such as 127.0.0.1")
    return address


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(128)
    except OSError as err:
        listening.close()
        taken = err.errno == errno.EADDRINUSE
        reason = "is taken; choose another with --port" if taken else f"cannot be used: {err.strerror}"
        raise CannotListen(f"port {port} on {host} {reason}") from err
    return listening
