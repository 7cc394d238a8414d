"""Strangers who sign up as often as they like keep nothing of an administrator's from Hasura."""

from __future__ import annotations

from typing import Any

from tests.integration.jobs.queue_house import QueueHouse
from tests.integration.jobs.working import a_log_record, working

from frontdesk.sync.ingest import settle


def _an_update(number: int, user_id: str) -> dict[str, Any]:
    path = f"/api/v2/users/{user_id.replace('|', '%7C')}"
    request = {"method": "patch", "path": path, "body": {"blocked": True}}
    details = {"request": request, "response": {"statusCode": 200}}
    return a_log_record(number, "sapi", user_id="", details=details)


def test_what_administrators_change_is_read_before_all_sign_ups(house: QueueHouse) -> None:
    newcomers = [a_log_record(number, "ss", user_id=f"auth0|new-{number}") for number in range(20)]
    with working(house) as work:
        place = work.places.ingest_place(house.tenant)
        work.deliver(newcomers)
        settle(place)
        work.deliver([_an_update(100, "auth0|ann"), _an_update(101, "auth0|new-7"), *newcomers[:3]])
        settle(place)

    jobs = house.sql(
        "SELECT args ->> 'user_id' AS user_id FROM procrastinate_jobs WHERE task_name = 'refresh_user'"
        " ORDER BY priority DESC, id"
    )
    assert len(jobs) == 21
    assert {job["user_id"] for job in jobs[:2]} == {"auth0|ann", "auth0|new-7"}
