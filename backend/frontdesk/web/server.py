"""The application under gunicorn: processes of threads, one log format, a readable word when the port is taken."""

from __future__ import annotations

import shutil
import signal
import socket
import tempfile
from contextlib import closing
from importlib import import_module
from typing import TYPE_CHECKING, Any

import structlog
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.arbiter import Arbiter  # type: ignore[import-untyped]

from frontdesk.errors import PortTaken, StoreUnavailable
from frontdesk.logs import configure_logging
from frontdesk.settings import ServerSettings, Settings, secret
from frontdesk.store.database import Database
from frontdesk.web.resources import close_resources
from frontdesk.web.worker import GunicornLogger, Worker

if TYPE_CHECKING:
    from flask import Flask

# What takes long to load and every process needs: loaded once, before the fork. None of it loads the metrics library.
_SHARED = ("flask", "frontdesk.sync.doctor", "frontdesk.sync.users")

# Longer than the idle time of common load balancers (60 s), so that they, not we, end an idle connection.
KEEPALIVE_S = 75

_log = structlog.stdlib.get_logger(__name__)


def run_server(settings: Settings) -> None:
    """Serve until a signal ends the process.

    Raises PortTaken when the address is in use, StoreOutdated when frontdesk's own schema is older than this frontdesk.
    """
    configure_logging(settings.log.level, settings.log.format)
    _refuse_taken(settings.server)
    _refuse_an_older_schema(settings)
    Server(settings, tempfile.mkdtemp(prefix="frontdesk-metrics-")).run()


class Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with our settings. The application is made in each worker, after the fork."""

    def __init__(self, settings: Settings, shared_metrics: str) -> None:
        self._settings, self._shared_metrics = settings, shared_metrics
        super().__init__()

    def load_config(self) -> None:
        """Set what gunicorn needs, and nothing from files or variables of its own."""
        server = self._settings.server
        values: dict[str, Any] = {
            "bind": _bind(server),
            "workers": server.workers,
            "worker_class": Worker,
            "threads": server.threads,
            "timeout": server.timeout_s,
            "graceful_timeout": server.graceful_timeout_s,
            "keepalive": KEEPALIVE_S,
            "preload_app": False,
            "logger_class": GunicornLogger,
            "loglevel": self._settings.log.level,
            "control_socket_disable": True,
            # Nothing here goes by the headers of a proxy; what a stranger puts in them must not refuse a request.
            "forwarded_allow_ips": "",
            "proc_name": "frontdesk",
            "raw_env": [f"PROMETHEUS_MULTIPROC_DIR={self._shared_metrics}"],
            "child_exit": _forget_worker,
            "worker_exit": _close_worker,
            # Called in the first process alone; code after run() would run in every worker that ends.
            "on_exit": lambda _arbiter: shutil.rmtree(self._shared_metrics, ignore_errors=True),
        }
        for name, value in values.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """Make the application. Imported here: the metrics library looks at its directory when it is loaded."""
        from frontdesk.web.app import create_app
        from frontdesk.web.auth_hook import EXTENSION
        from frontdesk.web.live_secrets import LiveSecrets, secret_files

        app = create_app(self._settings, LiveSecrets(self._settings, files=secret_files))
        if len(self._settings.tenants) > 1:  # with one, Hasura fetches the keys itself
            app.extensions[EXTENSION].warm()
        return app

    def run(self) -> None:
        """Serve until a signal ends the process."""
        for name in _SHARED:
            import_module(name)
        _Processes(self).run()


class _Processes(Arbiter):  # type: ignore[misc]
    def handle_hup(self) -> None:
        """Have every process read its secrets again; gunicorn would replace them all."""
        self.kill_workers(signal.SIGHUP)


def _bind(server: ServerSettings) -> str:
    return f"[{server.host}]:{server.port}" if ":" in server.host else f"{server.host}:{server.port}"


def _forget_worker(_arbiter: Any, worker: Any) -> None:
    from prometheus_client import multiprocess

    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def _close_worker(_arbiter: Any, worker: Any) -> None:
    """Let go of connections; what was in flight has ended by now."""
    close_resources(getattr(worker, "wsgi", None))


def _refuse_taken(server: ServerSettings) -> None:
    """Raise PortTaken before gunicorn would try for seconds and then say less."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((server.host, server.port))
        except OSError as error:
            raise PortTaken(
                f"cannot listen on {server.host} port {server.port}: {error.strerror}; choose another with "
                "`frontdesk serve --port …` or FRONTDESK_SERVER_PORT"
            ) from error


def _refuse_an_older_schema(settings: Settings) -> None:
    """Raise StoreOutdated. A database that gives no answer keeps nobody from logging in: what needs it says so."""
    if settings.database.url is None:
        return
    with Database(secret(settings.database.url), max_connections=1) as database:
        try:
            database.refuse_older_revision()
        except StoreUnavailable as error:
            _log.warning("serve.store_unavailable", reason=error.detail)
