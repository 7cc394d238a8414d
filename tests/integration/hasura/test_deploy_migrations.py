"""Migrations one by one: limits, locks, lost answers, the CLI's records of today and of old, and the way back."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
import requests
from tests.integration.hasura.deploys import (
    FIRST,
    LAST,
    add_migration,
    call,
    check_in,
    copy_of_project,
    exported,
    sql,
    track,
)
from tests.integration.hasura.engine import ADMIN_SECRET
from tests.integration.hasura.migrations import PROJECT, migrations

from frontdesk.errors import HasuraBlocked, HasuraRejected, HasuraUnavailable, UsageError
from frontdesk.hasura.deploy import DEFAULTS, Options, apply, mark, status
from frontdesk.hasura.health import check_health
from frontdesk.hasura.migration_record import MigrationState, Timeouts
from frontdesk.hasura.rollback import HowFar, plan_rollback, roll_back
from localhasura.server import LocalHasura

NAMES = tuple(migration.name for migration in migrations())
VERSIONS = {name: int(name.partition("_")[0]) for name in NAMES}
START_LIMIT_S = 30.0


@pytest.fixture
def deployed(deployed_url: str) -> Iterator[str]:
    """The URL of an engine that has our project."""
    with LocalHasura(database_url=deployed_url, admin_secret=ADMIN_SECRET) as hasura:
        yield hasura.url


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that a test may change."""
    return copy_of_project(tmp_path)


@contextmanager
def users_locked(database_url: str) -> Iterator[None]:
    """Hold a lock on users, as a long transaction of somebody else does."""
    with psycopg.connect(database_url) as connection:
        connection.execute("lock table users in access exclusive mode")
        yield
        connection.rollback()


def record(url: str) -> dict[str, bool]:
    versions: dict[str, bool] = call(url, "get_catalog_state")["cli_state"]["migrations"]["default"]
    return versions


def set_record(url: str, state: object) -> None:
    call(url, "set_catalog_state", {"type": "cli", "state": state})


def test_a_locked_table_ends_the_wait_and_says_which_migration(
    deployed: str, deployed_url: str, project: Path
) -> None:
    add_migration(project, "create table public.half (a int); alter table public.users add column more text;")
    before = record(deployed)

    with users_locked(deployed_url), pytest.raises(HasuraRejected, match=r"change_something.*--lock-timeout"):
        apply(deployed, ADMIN_SECRET, project, Options(timeouts=Timeouts(lock_s=0.1)))

    assert record(deployed) == before
    assert sql(deployed, "select to_regclass('public.half')::text") == [["NULL"]]
    assert apply(deployed, ADMIN_SECRET, project).migrations == ("1999999999999_change_something",)


def test_a_slow_statement_is_stopped_and_leaves_nothing(deployed: str, project: Path) -> None:
    add_migration(
        project, "set local statement_timeout = '60s';\ncreate table half (a int); select pg_sleep(30);"
    )

    with pytest.raises(HasuraRejected, match=r"change_something.*--statement-timeout"):
        apply(deployed, ADMIN_SECRET, project, Options(timeouts=Timeouts(statement_s=0.1)))

    assert sql(deployed, "select to_regclass('public.half')::text") == [["NULL"]]


@contextmanager
def engine_process(database_url: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run an engine that can be killed."""
    command = [sys.executable, "-m", "localhasura", "--port", str(port), "--database-url", database_url]
    process = subprocess.Popen(
        command, env={**os.environ, "HASURA_GRAPHQL_ADMIN_SECRET": ADMIN_SECRET}, stdout=-3, stderr=-3
    )
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/healthz"))
        yield process
    finally:
        process.kill()
        process.wait(10)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + START_LIMIT_S
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.02)


def test_a_hasura_that_is_killed_midway_leaves_nothing_and_the_next_run_goes_on(
    deployed_url: str, project: Path, unused_port: int
) -> None:
    add_migration(project, "create table public.half (a int); alter table public.users add column more text;")
    url = f"http://127.0.0.1:{unused_port}"
    failures: list[Exception] = []

    def deploy() -> None:
        try:
            apply(url, ADMIN_SECRET, project)
        except HasuraUnavailable as err:
            failures.append(err)

    with (
        engine_process(deployed_url, unused_port) as engine,
        psycopg.connect(deployed_url, autocommit=True) as watcher,
        users_locked(deployed_url),
    ):
        thread = threading.Thread(target=deploy)
        thread.start()
        waiting = "select count(*) from pg_locks where not granted and relation = 'users'::regclass"
        wait_until(lambda: watcher.execute(waiting).fetchone() != (0,))
        engine.send_signal(signal.SIGKILL)
        thread.join(START_LIMIT_S)
    with engine_process(deployed_url, unused_port):
        plan = status(url, ADMIN_SECRET, project).plan
        again = apply(url, ADMIN_SECRET, project)

    assert len(failures) == 1
    assert "it began once and left nothing" in [step.detail for step in plan.steps]
    assert again.migrations == ("1999999999999_change_something",)


def test_a_lost_answer_is_settled_by_what_is_there(deployed: str) -> None:
    state = call(deployed, "get_catalog_state")["cli_state"]
    state["migrations"]["default"][str(VERSIONS[FIRST])] = True
    set_record(deployed, state)

    assert not status(deployed, ADMIN_SECRET, PROJECT).is_current
    assert apply(deployed, ADMIN_SECRET, PROJECT).migrations == ()

    assert record(deployed)[str(VERSIONS[FIRST])] is False
    assert status(deployed, ADMIN_SECRET, PROJECT).is_current


def test_a_doubt_that_nothing_settles_is_settled_by_a_person(deployed: str, project: Path) -> None:
    version = add_migration(project, "select 1")
    state = call(deployed, "get_catalog_state")["cli_state"]
    state["migrations"]["default"][str(version)] = True
    set_record(deployed, state)

    with pytest.raises(HasuraBlocked, match=rf"--mark-applied {version}.*--mark-pending {version}"):
        apply(deployed, ADMIN_SECRET, project)
    mark(deployed, ADMIN_SECRET, project, DEFAULTS, version=version, state=MigrationState.PENDING)

    assert apply(deployed, ADMIN_SECRET, project).migrations == ("1999999999999_change_something",)


def test_a_version_that_is_not_there_cannot_be_marked(deployed: str) -> None:
    with pytest.raises(UsageError, match="no migration of version 5"):
        mark(deployed, ADMIN_SECRET, PROJECT, DEFAULTS, version=5, state=MigrationState.APPLIED)


def test_the_record_that_the_cli_kept_of_old_counts_and_is_copied(deployed: str) -> None:
    sql(
        deployed,
        "create table hdb_catalog.schema_migrations (version bigint primary key, dirty boolean not null);"
        "insert into hdb_catalog.schema_migrations"
        f" select unnest(array[{', '.join(map(str, VERSIONS.values()))}]), false",
    )
    set_record(deployed, {})

    found = status(deployed, ADMIN_SECRET, PROJECT)
    applied = apply(deployed, ADMIN_SECRET, PROJECT)

    assert {state for _, state in found.migrations} == {MigrationState.APPLIED}
    assert any("before config v3" in note for note in found.plan.notes)
    assert applied.migrations == ()


def test_everything_goes_back_and_comes_again(deployed: str, deployed_url: str) -> None:
    check_in(deployed, "auth0|ann")

    names = roll_back(deployed, ADMIN_SECRET, PROJECT, HowFar(version=0))

    assert names == tuple(reversed(NAMES))
    assert exported(deployed)["sources"][0]["tables"] == []
    assert record(deployed) == {}
    check_health(deployed, ADMIN_SECRET)
    assert apply(deployed, ADMIN_SECRET, PROJECT).migrations == NAMES
    check_in(deployed, "auth0|ann")


def test_the_newest_ones_go_back_and_the_engine_stays_consistent(deployed: str) -> None:
    names = roll_back(deployed, ADMIN_SECRET, PROJECT, HowFar(count=1))

    assert names == (LAST,)
    check_health(deployed, ADMIN_SECRET)
    assert roll_back(deployed, ADMIN_SECRET, PROJECT, HowFar(version=VERSIONS[FIRST])) == tuple(
        reversed(NAMES[1:-1])
    )
    assert [table["table"]["name"] for table in exported(deployed)["sources"][0]["tables"]] == ["users"]
    check_health(deployed, ADMIN_SECRET)


def test_the_plan_of_going_back_says_what_is_dropped_and_changes_nothing(deployed: str) -> None:
    before = (exported(deployed), record(deployed))

    plan = plan_rollback(deployed, ADMIN_SECRET, PROJECT, HowFar(version=0))

    assert "drops users with all rows" in [step.detail for step in plan.steps]
    assert (exported(deployed), record(deployed)) == before


def test_nothing_goes_back_while_others_depend_on_it(deployed: str) -> None:
    sql(deployed, "create table notes (id int primary key, tenant text, author text)")
    track(deployed, "notes")
    users = {"schema": "public", "name": "users"}
    call(
        deployed,
        "pg_create_select_permission",
        {
            "table": {"schema": "public", "name": "notes"},
            "role": "editor",
            "permission": {"columns": ["id"], "filter": {"_exists": {"_table": users, "_where": {}}}},
        },
    )
    before = (exported(deployed), record(deployed))

    with pytest.raises(HasuraBlocked, match=r"depend on what would be taken back.*editor"):
        roll_back(deployed, ADMIN_SECRET, PROJECT, HowFar(version=0))

    assert (exported(deployed), record(deployed)) == before


def test_a_down_that_is_refused_leaves_everything_as_it_was(deployed: str, project: Path) -> None:
    add_migration(project, "select 1", down="drop table nowhere")
    apply(deployed, ADMIN_SECRET, project)
    before = (exported(deployed), record(deployed))

    with pytest.raises(HasuraRejected, match=r"change_something was rolled back.*nowhere"):
        roll_back(deployed, ADMIN_SECRET, project, HowFar(count=1))

    assert (exported(deployed), record(deployed)) == before


def test_a_migration_without_a_way_back_is_told_before_anything_changes(deployed: str, project: Path) -> None:
    add_migration(project, "select 1")
    apply(deployed, ADMIN_SECRET, project)

    with pytest.raises(HasuraBlocked, match=r"has no down\.sql"):
        roll_back(deployed, ADMIN_SECRET, project, HowFar(version=0))

    assert len(record(deployed)) == len(NAMES) + 1


def test_a_version_to_go_back_to_must_be_there(deployed: str) -> None:
    with pytest.raises(UsageError, match="no migration of version 5"):
        roll_back(deployed, ADMIN_SECRET, PROJECT, HowFar(version=5))
