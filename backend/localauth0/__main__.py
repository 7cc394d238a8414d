"""`python -m localauth0`: one tenant on loopback until a signal ends it."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from localauth0.errors import LocalAuth0Error
from localauth0.generator import CLIENT_ID, CLIENT_SECRET, generate_tenant
from localauth0.server import LocalAuth0


def main(arguments: list[str] | None = None) -> int:
    """Run the tenant. 0: ended by a signal; 1: could not start; 2: wrong usage."""
    options = _parser().parse_args(arguments)
    end = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: end.set())
    try:
        tenant = LocalAuth0(
            tenant_file=options.tenant_file,
            tenant=options.generate,
            port=options.port,
            host=options.host,
            data_dir=options.data_dir,
        )
        with tenant:
            print(f"localauth0: tenant {tenant.store.config.tenant!r} is ready at {tenant.url}", flush=True)
            if options.generate is not None:
                print(
                    f"localauth0: client {CLIENT_ID}, secret {CLIENT_SECRET}, all scopes of the Management API"
                )
            end.wait()
    except LocalAuth0Error as err:
        print(f"localauth0: {err}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localauth0", description="A simulated Auth0 tenant.")
    parser.add_argument("--port", type=int, required=True, help="TCP port; 0 takes a free one")
    described = parser.add_mutually_exclusive_group(required=True)
    described.add_argument("--tenant-file", type=Path, help="JSON file that describes the tenant")
    described.add_argument(
        "--generate",
        type=_generated,
        metavar="users=N,roles=N,organizations=N,seed=N",
        help="in place of a file: a tenant of that size, the same for the same seed",
    )
    parser.add_argument("--data-dir", type=Path, help="where signing keys are kept (default: in memory only)")
    parser.add_argument("--host", default="127.0.0.1", help="loopback address to listen on")
    return parser


def _generated(text: str) -> dict[str, Any]:
    """The document of the tenant that `users=1000,seed=7` asks for."""
    sizes: dict[str, int] = {}
    for pair in text.split(","):
        name, _, number = pair.partition("=")
        if name not in ("users", "roles", "organizations", "seed") or not number.isdecimal():
            known = "users, roles, organizations and seed"
            raise argparse.ArgumentTypeError(f"{pair!r}: expected {known}, each with = and a number")
        sizes[name] = int(number)
    return generate_tenant(**{"users": 0, **sizes})


if __name__ == "__main__":
    sys.exit(main())
