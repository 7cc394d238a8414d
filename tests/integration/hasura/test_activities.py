"""Activities added many at once, and old ones dropped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from tests.integration.hasura.engine import ADMIN_SECRET, Engine
from tests.integration.hasura.faulty_server import FaultyServer, says
from tests.schema_instances import event_instances, event_schemas, log_instances, log_types

from frontdesk.auth0.event_record import incoming_from_event
from frontdesk.auth0.log_record import incoming_from_log
from frontdesk.errors import HasuraRejected, HasuraUnavailable
from frontdesk.hasura import activities as module
from frontdesk.hasura.activities import ActivityOutcome, ActivityWriter
from frontdesk.identity import Activity
from frontdesk.identity.log_codes import EVENTS, activity_of

Rows = psycopg.Connection[dict[str, Any]]
BUDGET_S = 30.0
AT = datetime(2026, 3, 2, 10, tzinfo=UTC)
ADDED, KNOWN, REJECTED = ActivityOutcome.ADDED, ActivityOutcome.KNOWN, ActivityOutcome.REJECTED


@pytest.fixture
def activities(engine: Engine) -> Iterator[ActivityWriter]:
    """The writer that the product uses, on the running engine."""
    found = ActivityWriter(engine.url, ADMIN_SECRET)
    yield found
    found.close()


def an_activity(number: int = 1, **more: Any) -> Activity:
    told = Activity(
        tenant="acme", id=f"log-{number:06}", type="s", activity="login", source="logs", occurred_at=AT
    )
    return replace(told, **more)


def outcomes(writer: ActivityWriter, *told: Activity) -> list[ActivityOutcome]:
    return [result.outcome for result in writer.add_many(told, tenant="acme", budget_s=BUDGET_S)]


def test_every_instance_of_a_published_schema_reaches_its_row(activities: ActivityWriter, rows: Rows) -> None:
    logs = [record for code in log_types() for record in log_instances(code)]
    events = [event for kind in event_schemas() for event in event_instances(kind)]
    told = [
        *(incoming_from_log(each, tenant="acme", way="log-stream", received_at=AT) for each in logs),
        *(incoming_from_event(each, tenant="acme", way="event-stream", received_at=AT) for each in events),
    ]
    expected = [each.activity for each in told if each.activity is not None]

    assert set(outcomes(activities, *expected)) == {ADDED}

    stored = {row["id"]: row for row in rows.execute("select * from auth_activities where tenant = 'acme'")}
    assert len(stored) == len(expected) == len(logs) + len(events)
    for activity in expected:
        columns = {name: value for name, value in stored[activity.id].items() if name != "received_at"}
        assert columns == vars(activity)
    assert {row["type"]: row["activity"] for row in stored.values()} == {
        **{code: activity_of(code) for code in log_types()},
        **{kind: EVENTS[kind][0] for kind in event_schemas()},
    }


def test_what_is_no_text_costs_nothing_but_itself(activities: ActivityWriter, rows: Rows) -> None:
    half_a_pair = an_activity(1, raw={"name": "a\ud800", "plain": "é"})

    assert outcomes(activities, half_a_pair, an_activity(2)) == [ADDED, ADDED]

    stored = rows.execute("select raw from auth_activities where id = 'log-000001'").fetchall()
    assert stored == [{"raw": {"name": "a\N{REPLACEMENT CHARACTER}", "plain": "é"}}]


def test_adding_again_changes_nothing(activities: ActivityWriter, rows: Rows) -> None:
    outcomes(activities, an_activity(1))

    again = outcomes(activities, an_activity(1, type="scp"), an_activity(2), an_activity(2, type="f"))

    assert again == [KNOWN, ADDED, KNOWN]
    assert rows.execute("select id, type from auth_activities order by id").fetchall() == [
        {"id": "log-000001", "type": "s"},
        {"id": "log-000002", "type": "s"},
    ]


def test_each_result_stands_where_its_activity_stood(activities: ActivityWriter, rows: Rows) -> None:
    many = [an_activity(number) for number in range(2300)][::-1]

    results = activities.add_many(many, tenant="acme", budget_s=BUDGET_S)

    assert [result.id for result in results] == [activity.id for activity in many]
    assert rows.execute("select count(*) from auth_activities").fetchone() == {"count": 2300}


def test_a_bad_one_fails_alone_and_says_why(activities: ActivityWriter, rows: Rows) -> None:
    told = [an_activity(number) for number in range(20)]
    told[7] = an_activity(7, user_id="u" * 3000)

    results = activities.add_many(told, tenant="acme", budget_s=BUDGET_S)

    assert [result.outcome for result in results].count(ADDED) == 19
    assert results[7].outcome is REJECTED
    assert results[7].detail
    assert rows.execute("select count(*) from auth_activities").fetchone() == {"count": 19}


def test_activities_of_one_tenant_are_not_those_of_another(activities: ActivityWriter, rows: Rows) -> None:
    outcomes(activities, an_activity(1))

    other = activities.add_many([an_activity(1)], tenant="other", budget_s=BUDGET_S)

    assert other[0].outcome is ADDED
    assert rows.execute("select tenant from auth_activities order by tenant").fetchall() == [
        {"tenant": "acme"},
        {"tenant": "other"},
    ]


def test_an_engine_that_is_away_is_unavailable(unused_port: int) -> None:
    writer = ActivityWriter(f"http://127.0.0.1:{unused_port}", ADMIN_SECRET)

    with pytest.raises(HasuraUnavailable):
        writer.add_many([an_activity()], tenant="acme", budget_s=5)
    with pytest.raises(HasuraUnavailable):
        writer.drop_older("acme", AT, budget_s=5)


def test_another_secret_is_refused_whatever_the_rows_are(engine: Engine) -> None:
    writer = ActivityWriter(engine.url, "another-secret")

    with pytest.raises(HasuraRejected):
        writer.add_many([an_activity(1), an_activity(2)], tenant="acme", budget_s=5)
    writer.close()


@pytest.mark.parametrize("answer", [{}, {"insert_auth_activities": None}, {"insert_auth_activities": {}}])
def test_an_answer_without_the_rows_acknowledges_nothing(answer: dict[str, Any]) -> None:
    with FaultyServer(says(json.dumps({"data": answer}))) as server:
        writer = ActivityWriter(server.url, ADMIN_SECRET)
        with pytest.raises(HasuraUnavailable):
            writer.add_many([an_activity()], tenant="acme", budget_s=5)
        writer.close()


def test_old_ones_go_and_others_stay(
    activities: ActivityWriter, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps are small here, so that several are needed, and many share their time."""
    monkeypatch.setattr(module, "DROPPED_AT_ONCE", 7)
    ages = [timedelta(days=number // 5) for number in range(60)]
    told = [an_activity(number, occurred_at=AT - age) for number, age in enumerate(ages)]
    outcomes(activities, *told)
    activities.add_many([an_activity(1, occurred_at=AT - timedelta(99))], tenant="other", budget_s=BUDGET_S)
    before = AT - timedelta(days=4)

    dropped = activities.drop_older("acme", before, budget_s=BUDGET_S)

    left = rows.execute("select occurred_at from auth_activities where tenant = 'acme'").fetchall()
    assert dropped == len([age for age in ages if AT - age < before]) == 60 - len(left)
    assert min(row["occurred_at"] for row in left) == before
    assert rows.execute("select count(*) from auth_activities").fetchone() == {"count": len(left) + 1}
    assert activities.drop_older("acme", before, budget_s=BUDGET_S) == 0
