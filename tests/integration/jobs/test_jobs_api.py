"""Jobs over HTTP: the same as the command, for one tenant at a time."""

from __future__ import annotations

from tests.integration.jobs.queue_house import REASON, QueueHouse
from tests.integration.users.house import OPERATOR


def test_jobs_of_a_tenant_are_listed_page_by_page(served: QueueHouse) -> None:
    served.delivery()
    jobs = [served.job("refresh_user", user_id=f"auth0|{number}") for number in range(3)]
    served.sql('UPDATE procrastinate_jobs SET args = \'{"tenant": "other"}\' WHERE id = %s', jobs[0])

    first = served.call("GET", f"/jobs/{served.tenant}?state=failed&limit=1").json()
    second = served.call("GET", f"/jobs/{served.tenant}?state=failed&limit=1&before={first['next']}").json()
    last = served.call("GET", f"/jobs/{served.tenant}?before={second['next']}").json()

    assert [job["id"] for job in first["items"] + second["items"]] == [jobs[2], jobs[1]]
    assert (last["items"], last["next"]) == ([], None)
    assert first["items"][0]["error"] == REASON
    assert [line["deliveries"] for line in first["inbox"]] == [1]


def test_a_job_is_shown_tried_again_and_dropped(served: QueueHouse) -> None:
    delivery = served.delivery("failed")
    served.reject(delivery, '{"user_name": "ann@example.com"}')
    job = served.job(delivery_id=delivery)
    path = f"/jobs/{served.tenant}/{job}"

    shown = served.call("GET", path)
    again = served.call("POST", f"{path}/retry")
    served.sql("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", job)
    refused = served.call("DELETE", path)
    served.sql("UPDATE procrastinate_jobs SET status = 'failed' WHERE id = %s", job)
    dropped = served.call("DELETE", path, {**OPERATOR, "X-Frontdesk-Actor": "mia"})

    assert shown.json()["rejects"][0]["reason"] == "date: expected a time"
    assert "ann@example.com" not in shown.text
    assert again.json() == {"job": job, "outcome": "again"}
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:frontdesk:problem:job-running")
    assert dropped.json() == {"job": job, "outcome": "dropped"}
    assert (served.call("GET", path).status_code, served.delivery_state(delivery)) == (404, "dropped")
    lines = [(line["actor"], line["action"], line["outcome"]) for line in served.inner.audit()]
    assert lines == [
        ("operator", "retry-job", "done"),
        ("operator", "drop-job", "refused"),
        ("mia", "drop-job", "done"),
    ]


def test_all_failed_jobs_of_a_task_are_tried_again(served: QueueHouse) -> None:
    jobs = [served.job("refresh_user"), served.job("catch_up")]

    done = served.call("POST", f"/jobs/{served.tenant}/retry?task=catch_up")

    assert done.json() == {"jobs": 1, "deliveries": 0}
    assert served.statuses() == {jobs[0]: "failed", jobs[1]: "todo"}


def test_a_job_of_another_tenant_is_not_there(served: QueueHouse) -> None:
    job = served.job()
    served.sql('UPDATE procrastinate_jobs SET args = \'{"tenant": "other"}\'')

    answers = [
        served.call(method, f"/jobs/{served.tenant}/{job}{verb}")
        for method, verb in (("GET", ""), ("POST", "/retry"), ("DELETE", ""))
    ]
    unknown = [
        served.call("GET", path) for path in ("/jobs/other", "/imports/other", f"/jobs/{served.tenant}/9")
    ]

    assert [each.status_code for each in answers + unknown] == [404] * 6
    assert served.statuses() == {job: "failed"}


def test_wrong_parameters_are_named(served: QueueHouse) -> None:
    answer = served.call("GET", f"/jobs/{served.tenant}?state=dead")

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "state")
