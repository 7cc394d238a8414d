"""`python -m localhasura`: serve until SIGINT or SIGTERM."""

from __future__ import annotations

import logging
import signal
import sys
import threading

import psycopg
from psycopg_pool import PoolTimeout

from localhasura.auth import AuthHookError, JwtSecretError
from localhasura.auth.jwks import JwksUnavailableError
from localhasura.config import options_from
from localhasura.errors import EngineError
from localhasura.server import LocalHasura, StartError

_REFUSALS = (
    StartError,
    AuthHookError,
    JwtSecretError,
    JwksUnavailableError,
    EngineError,
    psycopg.Error,
    PoolTimeout,
    OSError,
)


def main() -> int:
    """Serve; return 0 after a signal, 1 when the server could not start."""
    # More requests at once than threads is nothing to warn of: they wait for their turn.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    server = LocalHasura.from_options(options_from())
    try:
        server.start()
    except _REFUSALS as error:
        print(f"localhasura: {error}", file=sys.stderr)
        return 1
    print(f"localhasura is ready on {server.url}", flush=True)
    stop.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
