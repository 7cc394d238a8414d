"""Many logins at once, on a running engine."""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.hasura.histories import login

from frontdesk.errors import HasuraRejected
from frontdesk.hasura.writes import UserWriter

Rows = psycopg.Connection[dict[str, Any]]
BUDGET_S = 20.0


def wait_until_blocked(rows: Rows) -> None:
    """Wait until a statement of the engine waits for our lock."""
    limit = time.monotonic() + 10
    while not rows.execute("select 1 from pg_locks where not granted").fetchone():
        assert time.monotonic() < limit, "nobody waits for the lock"
        time.sleep(0.005)


def test_a_bad_row_fails_alone_among_the_logins_that_it_went_with(
    writer: UserWriter, rows: Rows, deployed_url: str
) -> None:
    names = [f"auth0|{index:02}" for index in range(12)]
    with ThreadPoolExecutor(20) as callers, psycopg.connect(deployed_url) as locker:
        locker.execute("lock table users in exclusive mode")
        first = callers.submit(writer.write, login(1, user_id="auth0|first"), budget_s=BUDGET_S)
        wait_until_blocked(rows)
        good = [callers.submit(writer.write, login(1, user_id=name), budget_s=BUDGET_S) for name in names]
        bad = callers.submit(writer.write, login(1, user_id=""), budget_s=BUDGET_S)
        locker.rollback()

        assert not first.result().blocked
        assert [future.result().blocked for future in good] == [False] * len(names)
        with pytest.raises(HasuraRejected) as refusal:
            bad.result()

    assert refusal.value.code == "permission-error"
    written = rows.execute("select user_id from users order by user_id").fetchall()
    assert [row["user_id"] for row in written] == [*names, "auth0|first"]


def test_each_of_many_callers_gets_the_answer_of_its_own_row(
    engine: Engine, writer: UserWriter, rows: Rows
) -> None:
    names = [f"auth0|{index:02}" for index in range(30)]
    engine.upsert(*(login(1, user_id=name) for name in names))
    rows.execute("insert into roles (name) select user_id from users")
    rows.execute("insert into user_roles (user_id, role) select user_id, user_id from users")

    with ThreadPoolExecutor(30) as callers:
        stored = callers.map(lambda name: writer.write(login(2, user_id=name), budget_s=BUDGET_S), names * 3)

    assert [each.granted_roles for each in stored] == [(name,) for name in names * 3]


def test_writers_of_several_processes_do_not_deadlock(engine: Engine, rows: Rows) -> None:
    """Two writers bring the same people and the same new roles, in opposite orders."""
    first, second = UserWriter(engine.url, ADMIN_SECRET), UserWriter(engine.url, ADMIN_SECRET)
    names = [f"auth0|{index:02}" for index in range(25)]

    with ThreadPoolExecutor(50) as callers:
        for round_number in range(3):
            outcomes = [
                callers.submit(
                    writer.write,
                    login(round_number, user_id=name, roles=[f"r{name[-2:]}", f"s{round_number}"]),
                    budget_s=BUDGET_S,
                )
                for writer, order in ((first, names), (second, names[::-1]))
                for name in order
            ]
            for outcome in outcomes:
                outcome.result()

    assert len(rows.execute("select 1 from users").fetchall()) == len(names)
    first.close()
    second.close()


FORKING = """
import os, sys
from datetime import UTC, datetime
from frontdesk.hasura.writes import UserWriter
from frontdesk.identity.user import Seen, Source, Stamped, User

def write(user_id):
    seen = Stamped(Seen(), datetime.now(UTC))
    writer.write(User(tenant="default", user_id=user_id, source=Source.LOGIN, seen=seen), budget_s=20)

writer = UserWriter(sys.argv[1], sys.argv[2])
write("parent")
child = os.fork()
if child == 0:
    write("child")
    writer.close()
    os._exit(0)
_, status = os.waitpid(child, 0)
write("parent again")
writer.close()
sys.exit(os.waitstatus_to_exitcode(status))
"""


def test_a_writer_survives_a_fork(engine: Engine, rows: Rows) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING, engine.url, ADMIN_SECRET],
        timeout=60,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    found = {row["user_id"] for row in rows.execute("select user_id from users").fetchall()}
    assert found == {"parent", "child", "parent again"}
