"""Run a conformance kit for Hasura-compatible engines, strictly, against localhasura and a PostgreSQL of its own.

    python tests/conformance/run_kit.py ../shared/conformance [options of the kit's run.py]

The kit is a folder with a `run.py`; where there is none, that is said and nothing fails. The exit code is the kit's:
0 only when every case passes. What is meant to differ stands in `known_differences.yaml` beside this file, if anything.
"""

from __future__ import annotations

import secrets
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg

from frontdesk.demo.postgres import EmbeddedPostgres, free_port

LIMIT_S = 1800
"""One start of the engine per JWT configuration and some 200 cases take minutes, never half an hour."""
DATABASE = "kit"
PREPARE = (
    # The wheel's PostgreSQL is built without libxml, and its own type xml refuses every value. No case asks for more
    # of xml than to keep a text, which a domain of that name does; it is found first, before pg_catalog.
    "CREATE SCHEMA kit_types",
    "CREATE DOMAIN kit_types.xml AS text",
    f"ALTER DATABASE {DATABASE} SET search_path = public, kit_types, pg_catalog",
)
SERVER = (
    "exec {python} -m localhasura --port {{port}} --database-url {{pg_url}} --admin-secret {{admin_secret}} "
    "[[--jwt-secret {{jwt_secret}}]] [[--unauthorized-role {{unauthorized_role}}]]"
)
KNOWN = Path(__file__).with_name("known_differences.yaml")


def main(arguments: list[str]) -> int:
    """Run the kit of the first argument; the others go to its runner as they are."""
    if not arguments:
        print("run_kit.py: expected the folder of the kit", file=sys.stderr)
        return 2
    runner = Path(arguments[0]) / "run.py"
    if not runner.exists():
        print(f"No conformance kit at {arguments[0]}; make conformance KIT=… names another folder.")
        return 0
    with tempfile.TemporaryDirectory(prefix="kit-", ignore_cleanup_errors=True) as folder:
        # Durability is of no use to a cluster that lives for one run.
        options = {"timezone": "UTC", "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        postgres = EmbeddedPostgres(Path(folder) / "postgres", port=free_port(), options=options)
        postgres.start()
        try:
            _prepare(postgres)
            return _run(runner, postgres.url(DATABASE), arguments[1:])
        finally:
            postgres.stop()


def _prepare(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
    with psycopg.connect(postgres.url(DATABASE), autocommit=True) as connection:
        for statement in PREPARE:
            connection.execute(statement)


def _run(runner: Path, database_url: str, more: list[str]) -> int:
    command = [sys.executable, str(runner), "--pg-url", database_url, "--reset"]
    command += ["--admin-secret", secrets.token_urlsafe(16), "--mode", "strict", "--fail-on-skip"]
    command += ["--server-cmd", SERVER.format(python=sys.executable)]
    command += ["--known", str(KNOWN)] if KNOWN.exists() else []
    return subprocess.run([*command, *more], timeout=LIMIT_S, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
