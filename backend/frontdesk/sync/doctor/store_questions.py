"""Questions about frontdesk's own database: there, with the schema that this frontdesk needs, and a worker at it."""

from __future__ import annotations

from collections.abc import Iterator

from frontdesk.settings import Settings, secret
from frontdesk.store.database import REVISION, Database
from frontdesk.store.workers import living_workers
from frontdesk.sync.doctor.checks import Finding, Question, ok, skipped, warning

DATABASE, WORKER = "frontdesk's database", "worker"
LIMIT_S = 8.0  # a pool looks five seconds for a connection, and two more for the reason


def store_questions(settings: Settings) -> Iterator[Question]:
    """Give the questions about what imports, reconciles, workers and users' own calls need, and no login does."""
    url = settings.database.url
    if url is None:
        for name in (DATABASE, WORKER):
            yield Question(name=name, ask=_unset, fix="")
        return
    known = secret(url)
    yield Question(
        name=DATABASE,
        ask=lambda: _database(known),
        fix="start PostgreSQL, or correct FRONTDESK_DATABASE_URL; logins go on without it",
        limit_s=LIMIT_S,
    )
    yield Question(
        name=WORKER,
        ask=lambda: _worker(known),
        fix="start it with `frontdesk worker`",
        grounds=(DATABASE,),
    )


def _unset() -> Finding:
    return skipped(
        "FRONTDESK_DATABASE_URL is not set, so no streams are taken, no login is kept, and nothing is imported, "
        "reconciled or changed from here"
    )


def _database(url: str) -> Finding:
    with Database(url, max_connections=1) as database:
        database.refuse_other_revision()
        with database.transaction() as connection:
            row = connection.execute("SHOW synchronous_commit").fetchone()
    if row == ("off",):
        return warning(
            "it runs with synchronous_commit = off, so a crash loses what frontdesk has acknowledged",
            "take that setting from the server, the role, or the options of FRONTDESK_DATABASE_URL",
        )
    return ok(f"it answers, with revision {REVISION} of the schema frontdesk")


def _worker(url: str) -> Finding:
    with Database(url, max_connections=1) as database:
        alive = living_workers(database)
    if alive:
        return ok(f"{alive} {'worker is' if alive == 1 else 'workers are'} running")
    return warning("none is running, so what waits for Hasura stays where it is, and no tenant is reconciled")
