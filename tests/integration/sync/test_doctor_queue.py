"""What the doctor says of what waits, of what was given up, and of a stream that brings nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from tests.builders import an_environment
from tests.integration.hasura.engine import ADMIN_SECRET

from frontdesk.settings import Settings, load_settings
from frontdesk.store.database import Database
from frontdesk.store.job_errors import JobErrors
from frontdesk.store.queue import Queue
from frontdesk.store.stream_marks import Received, StreamMarks
from frontdesk.sync.doctor.checks import Finding, Verdict
from frontdesk.sync.doctor.queue_questions import queue_questions, silence_question
from frontdesk.sync.doctor.store_questions import DATABASE, store_questions
from localhasura import LocalHasura

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_settings(store_url: str, hasura_url: str, place: Path) -> Settings:
    changes = {
        "DATABASE_URL": store_url,
        "HASURA_URL": hasura_url,
        "HASURA_ADMIN_SECRET": ADMIN_SECRET,
        "TENANTS_DEFAULT_STREAM_TOKENS": "a-token-of-the-stream-of-at-least-32-characters",
    }
    return load_settings(an_environment(**changes), place)


def asked(settings: Settings) -> dict[str, Finding]:
    return {each.name: each.ask() for each in queue_questions(settings)}


def test_what_waits_for_long_and_what_was_given_up_is_told(store_url: str, tmp_path: Path) -> None:
    settings = a_settings(store_url, "http://127.0.0.1:9", tmp_path)
    before = asked(settings)
    with Database(store_url, max_connections=2) as database, database.transaction() as connection:
        job = Queue(database).defer("refresh_user", {"tenant": "default"})
        assert job is not None
        JobErrors(database).note(job, "Auth0 refused it")
        connection.execute("UPDATE procrastinate_jobs SET status = 'failed'")
        connection.execute(
            "INSERT INTO deliveries (tenant, way, request_id, records, bytes, body, received_at)"
            " VALUES ('default', 'log-stream', 'r', 1, 2, '[]', now() - interval '1 hour')"
        )
    after = asked(settings)

    assert [each.verdict for each in before.values()] == [Verdict.OK, Verdict.OK]
    assert (after["queue"].verdict, after["queue"].sentence[:26]) == (
        Verdict.FAILED,
        "1 deliveries wait for Hasu",
    )
    assert (after["dead letters"].verdict, after["dead letters"].sentence[:27]) == (
        Verdict.WARNING,
        "1 jobs and 0 deliveries wer",
    )


def test_a_database_that_forgets_what_it_committed_is_told(store_url: str, tmp_path: Path) -> None:
    def verdict(url: str) -> Finding:
        settings = a_settings(url, "http://127.0.0.1:9", tmp_path)
        return next(each for each in store_questions(settings) if each.name == DATABASE).ask()

    forgetful = verdict(f"{store_url}?options=-c%20synchronous_commit%3Doff")
    assert (verdict(store_url).verdict, forgetful.verdict) == (Verdict.OK, Verdict.WARNING)
    assert "synchronous_commit = off" in forgetful.sentence


@pytest.mark.parametrize(
    ("record_minutes_ago", "login_minutes_ago", "verdict", "says"),
    [
        (None, None, Verdict.OK, "nobody was seen"),
        (None, 1, Verdict.OK, "brought nothing yet"),
        (None, 60, Verdict.FAILED, "never brought anything"),
        (90, 30, Verdict.FAILED, "silent since 2026-03-02 10:30:00 UTC"),
        (90, 80, Verdict.OK, "newest record is of"),
        (5, 3, Verdict.OK, "newest record is of"),
    ],
)
def test_a_stream_is_silent_when_logins_go_on_without_it(
    store_url: str,
    deployed_url: str,
    tmp_path: Path,
    record_minutes_ago: int | None,
    login_minutes_ago: int | None,
    verdict: Verdict,
    says: str,
) -> None:
    with Database(store_url, max_connections=1) as database:
        if record_minutes_ago is not None:
            at = NOW - timedelta(minutes=record_minutes_ago)
            StreamMarks(database).note("default", "log-stream", [Received(at)], received_at=at)
    if login_minutes_ago is not None:
        with psycopg.connect(deployed_url, autocommit=True) as rows:
            rows.execute(
                "INSERT INTO users (tenant, user_id, last_seen) VALUES ('default', 'auth0|ann', %s)",
                (NOW - timedelta(minutes=login_minutes_ago),),
            )
    with LocalHasura(database_url=deployed_url, admin_secret=ADMIN_SECRET) as hasura:
        settings = a_settings(store_url, hasura.url, tmp_path)
        (question,) = silence_question(settings, "default", NOW.timestamp)
        found = question.ask()

    assert (found.verdict, says in found.sentence) == (verdict, True), found
