"""`python -m localauth0`: one tenant on loopback until a signal ends it."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from localauth0.errors import LocalAuth0Error
from localauth0.server import LocalAuth0


def main(arguments: list[str] | None = None) -> int:
    """Run the tenant. 0: ended by a signal; 1: could not start; 2: wrong usage."""
    options = _parser().parse_args(arguments)
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    try:
        tenant = LocalAuth0(
            tenant_file=options.tenant_file, port=options.port, host=options.host, data_dir=options.data_dir
        )
        with tenant:
            print(f"localauth0: tenant {tenant.store.config.tenant!r} is ready at {tenant.url}", flush=True)
            end.wait()
    except LocalAuth0Error as err:
        print(f"localauth0: {err}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localauth0", description="A simulated Auth0 tenant.")
    parser.add_argument("--port", type=int, required=True, help="TCP port; 0 takes a free one")
    parser.add_argument("--tenant-file", type=Path, required=True, help="JSON file that describes the tenant")
    parser.add_argument("--data-dir", type=Path, help="where signing keys are kept (default: in memory only)")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    return parser


if __name__ == "__main__":
    sys.exit(main())
