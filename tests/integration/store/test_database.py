"""frontdesk's own schema: applied by the command, refused when it is another, and its locks."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import psycopg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from tests.integration.hasura.commands import Terminal
from tests.integration.store.stalled_proxy import StalledProxy

from frontdesk.errors import StoreOutdated, StoreUnavailable
from frontdesk.store import migrate
from frontdesk.store.database import REVISION, Database, store_budget

NEEDED = {
    "FRONTDESK_HASURA_URL": "http://127.0.0.1:1",
    "FRONTDESK_TENANTS_DEFAULT_DOMAIN": "acme.eu.auth0.com",
    "FRONTDESK_TENANTS_DEFAULT_AUDIENCE": "https://api.example.com",
}


@pytest.fixture
def at_home(shell: Terminal) -> Terminal:
    """A shell with settings that lack a database."""
    for name, text in NEEDED.items():
        shell.monkeypatch.setenv(name, text)
    return shell


def process(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, which logs as it does for people."""
    return subprocess.run(
        [sys.executable, "-m", "frontdesk", *arguments],
        env={"PATH": os.environ["PATH"], **NEEDED, **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_apply_makes_the_schema_and_done_twice_it_changes_nothing(
    at_home: Terminal, database_url: str
) -> None:
    at_home.monkeypatch.setenv("FRONTDESK_DATABASE_URL", database_url)

    before = at_home.run("db", "status")
    first = at_home.run("db", "apply")
    second = at_home.run("db", "apply")
    after = at_home.run("db", "status", "--json")

    assert (before.returncode, first.returncode, second.returncode, after.returncode) == (1, 0, 0, 0)
    assert second.stdout.endswith("as before\n")
    assert f'"revision": "{REVISION}"' in after.stdout
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'frontdesk'"
        ).fetchall()
    assert {("passes",), ("audit",), ("procrastinate_jobs",)} <= set(tables)


def test_without_a_database_the_command_names_the_variable(at_home: Terminal) -> None:
    run = at_home.run("db", "apply")

    assert run.returncode == 1
    assert "FRONTDESK_DATABASE_URL" in run.stderr


def test_options_of_the_url_stay_beside_ours(store_url: str) -> None:
    with (
        Database(f"{store_url}?options=-c%20statement_timeout%3D7s") as database,
        database.transaction() as connection,
    ):
        found = connection.execute(
            "SELECT current_setting('statement_timeout'), current_setting('search_path')"
        ).fetchone()

    assert found == ("7s", "frontdesk")


def test_a_host_that_vanished_is_found_out_within_a_minute_on_both_sides(store_url: str) -> None:
    """PostgreSQL keeps the locks of a client that is gone, and a thread waits for a server that is, for two hours."""
    named = ("tcp_keepalives_idle", "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout")
    asked = "SELECT " + ", ".join(f"current_setting('{name}')" for name in named)
    url = f"{store_url}?keepalives_idle=7&options=-c%20tcp_keepalives_idle%3D8"
    found = []
    for each in (store_url, url):
        with Database(each) as database, database.transaction() as connection:
            told = connection.info.get_parameters()
            client = [told[name.removeprefix("tcp_") if "alive" in name else name] for name in named]
            found.append((connection.execute(asked).fetchone(), client))

    assert found[0] == (("10", "5", "4", "30000"), ["10", "5", "4", "30000"])
    assert found[1] == (("8", "5", "4", "30000"), ["7", "5", "4", "30000"])


def test_a_budget_of_the_database_bounds_each_transaction_on_a_stalled_server(store_url: str) -> None:
    with StalledProxy(store_url) as proxy, Database(proxy.url, budget_s=0.5) as database:
        assert database.revision() == REVISION
        proxy.stall()

        start = time.monotonic()
        with pytest.raises(StoreUnavailable):
            database.revision()
        assert time.monotonic() - start < 0.5 + 3


def test_what_is_too_late_is_not_committed_behind_the_back_of_who_gave_up(store_url: str) -> None:
    def too_late(database: Database) -> None:
        with ExitStack() as late, database.transaction() as connection:
            connection.execute("UPDATE schema_revision SET version_num = 'late'")
            late.enter_context(store_budget(0.0))

    with Database(store_url) as database:
        with pytest.raises(StoreUnavailable):
            too_late(database)
        with database.transaction() as connection:
            connection.execute("LOCK TABLE schema_revision")  # once the other transaction has ended
            assert connection.execute("SELECT version_num FROM schema_revision").fetchone() == (REVISION,)


def test_the_revision_that_the_code_names_is_the_newest_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate._MIGRATIONS))

    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_a_schema_of_another_revision_is_refused(store_url: str) -> None:
    with Database(store_url) as database:
        database.refuse_other_revision()
        with database.transaction() as connection:
            connection.execute("UPDATE schema_revision SET version_num = '0001'")

        with pytest.raises(StoreOutdated, match="db apply"):
            database.refuse_other_revision()


def test_two_runs_at_once_apply_each_revision_once(database_url: str) -> None:
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(migrate.apply, [database_url, database_url]))

    with Database(database_url) as database:
        assert database.revision() == REVISION


def test_a_lock_is_held_once_and_let_go_of_at_the_end(store_url: str) -> None:
    with Database(store_url) as one, Database(store_url) as other:
        with one.lock("import:acme") as first, other.lock("import:acme") as second:
            assert (first, second) == (True, False)
            with other.lock("import:globex") as elsewhere:
                assert elsewhere
        with other.lock("import:acme") as again:
            assert again


def test_a_database_out_of_reach_is_said_in_time() -> None:
    with Database("postgresql://me@127.0.0.1:1/x") as database, pytest.raises(StoreUnavailable):
        database.revision()


def test_a_database_that_lets_nobody_in_is_told_once_with_its_reason_and_no_password(
    postgres_url: str,
) -> None:
    place = postgres_url.partition("@")[2]

    refused = process("db", "status", FRONTDESK_DATABASE_URL="postgresql://me:hunter2hunter2@127.0.0.1:1/x")
    unknown = process("db", "status", FRONTDESK_DATABASE_URL=f"postgresql://nobody:hunter2hunter2@{place}")

    assert (refused.returncode, unknown.returncode) == (1, 1)
    assert "(Connection refused); check FRONTDESK_DATABASE_URL" in refused.stderr
    assert "gives no answer" in refused.stderr
    assert "nobody" in unknown.stderr
    assert [len(run.stderr.splitlines()) for run in (refused, unknown)] == [1, 1]
    assert "hunter2" not in "".join(run.stdout + run.stderr for run in (refused, unknown))


def test_whoever_asks_after_an_outage_does_not_wait_for_how_long_it_was() -> None:
    """The pool waits twice as long after each try that fails, in the background and for minutes."""
    dialled: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.01)
        with Database(f"postgresql://nobody@127.0.0.1:{server.getsockname()[1]}/x") as database:
            for _ in range(6):
                ask_in_vain(database)
                with contextlib.suppress(TimeoutError):
                    while True:
                        dialled.append(server.accept()[0])
                        dialled[-1].close()

    assert len(dialled) >= 5


def ask_in_vain(database: Database) -> None:
    with store_budget(0.3), pytest.raises(StoreUnavailable), database.transaction():
        raise AssertionError("nobody is there")
