"""`frontdesk jobs`: people see what failed and why, and decide."""

from __future__ import annotations

from tests.integration.jobs.queue_house import REASON, QueueHouse

SECRET_RECORD = '{"user_name": "ann@example.com"}'


def test_the_list_says_what_waits_and_why_a_job_failed(house: QueueHouse) -> None:
    house.delivery()
    failed = house.delivery("failed")
    job = house.job(delivery_id=failed, token="not to be shown")
    waits = house.job("refresh_user", status="todo", user_id="auth0|ann")

    listed = house.facts("jobs", "list")
    text = house.run("jobs", "list").stdout

    assert [
        (line["way"], line["state"], line["deliveries"], line["records"]) for line in listed["inbox"]
    ] == [
        ("log-stream", "failed", 1, 3),
        ("log-stream", "waiting", 1, 3),
    ]
    newest, oldest = listed["items"]
    assert (newest["id"], newest["state"], newest["arguments"]) == (
        waits,
        "waiting",
        {"tenant": house.tenant, "user_id": "auth0|ann"},
    )
    assert (oldest["id"], oldest["state"], oldest["attempts"], oldest["error"]) == (job, "failed", 5, REASON)
    assert oldest["delivery"] == {
        "id": failed, "way": "log-stream", "records": 3, "bytes": 2, "state": "failed", "rejects": 0,
    }  # fmt: skip
    assert (oldest["request_id"], oldest["arguments"]["token"]) == ("request-7", "…")
    assert "Hasura refused the" in text
    assert "not to be shown" not in text


def test_the_list_is_chosen_by_state_task_and_tenant(house: QueueHouse) -> None:
    first = house.job("refresh_user")
    second = house.job("drain_inbox", status="doing")

    def ids(*options: str) -> list[int]:
        return [job["id"] for job in house.facts("jobs", "list", *options)["items"]]

    assert ids("--state", "failed") == [first]
    assert ids("--state", "running") == [second]
    assert ids("--state", "waiting") == []
    assert ids("--task", "drain_inbox") == [second]
    assert ids("--tenant", house.tenant) == [second, first]
    assert house.run("jobs", "list", "--tenant", "nobody").returncode == 2


def test_a_rejected_record_is_shown_to_whoever_asks_for_it_alone(house: QueueHouse) -> None:
    delivery = house.delivery("failed")
    house.reject(delivery, SECRET_RECORD)
    job = house.job(delivery_id=delivery)

    without = house.run("jobs", "show", str(job))
    asked = house.run("jobs", "show", str(job), "--records")

    assert "date: expected a time" in without.stdout
    assert SECRET_RECORD not in without.stdout
    assert SECRET_RECORD in asked.stdout
    assert "record" not in house.facts("jobs", "show", str(job))["rejects"][0]
    assert house.facts("jobs", "show", str(job), "--records")["rejects"][0]["record"] == SECRET_RECORD


def test_a_rejected_record_of_a_delivery_that_is_done_is_found_too(house: QueueHouse) -> None:
    delivery = house.delivery("done")
    house.reject(delivery, SECRET_RECORD)

    told, (item,) = house.run("jobs", "rejects").stdout, house.facts("jobs", "rejects")["items"]

    assert f"delivery {delivery} by log-stream" in told
    assert "date: expected a time" in told
    assert SECRET_RECORD not in told
    assert (item["delivery_id"], item["tenant"], "record" in item) == (delivery, house.tenant, False)
    assert house.facts("jobs", "rejects", "--records")["items"][0]["record"] == SECRET_RECORD


def test_a_failed_job_and_its_delivery_are_tried_again(house: QueueHouse) -> None:
    delivery = house.delivery("failed")
    job = house.job(delivery_id=delivery)

    assert house.facts("jobs", "retry", str(job)) == {"job": job, "outcome": "again"}

    (row,) = house.sql("SELECT status::text, attempts, scheduled_at FROM procrastinate_jobs")
    assert row == {"status": "todo", "attempts": 0, "scheduled_at": None}
    assert house.delivery_state(delivery) == "apart"


def test_a_job_whose_work_waits_already_is_covered_by_that(house: QueueHouse) -> None:
    job = house.job("refresh_user", user_id="auth0|ann")
    house.sql("UPDATE procrastinate_jobs SET queueing_lock = 'refresh:ann'")
    waits = house.job("refresh_user", status="todo", user_id="auth0|ann")
    house.sql("UPDATE procrastinate_jobs SET queueing_lock = 'refresh:ann' WHERE id = %s", waits)

    assert house.facts("jobs", "retry", str(job))["outcome"] == "covered"
    assert house.statuses() == {waits: "todo"}


def test_all_failed_ones_are_tried_again_also_deliveries_without_a_job(house: QueueHouse) -> None:
    alone, with_job = house.delivery("failed"), house.delivery("failed")
    jobs = [
        house.job(delivery_id=with_job),
        house.job("refresh_user"),
        house.job("refresh_user", status="doing"),
    ]

    assert house.facts("jobs", "retry", "--all", "--task", "refresh_user") == {"jobs": 1, "deliveries": 0}
    assert house.statuses() == {jobs[0]: "failed", jobs[1]: "todo", jobs[2]: "doing"}
    assert house.facts("jobs", "retry", "--all", "--tenant", house.tenant) == {"jobs": 1, "deliveries": 1}

    assert (house.delivery_state(alone), house.delivery_state(with_job)) == ("waiting", "apart")
    (drain,) = house.sql("SELECT args, queueing_lock FROM procrastinate_jobs WHERE task_name = 'drain_inbox'")
    assert drain == {"args": {"tenant": house.tenant}, "queueing_lock": f"drain:{house.tenant}"}


def test_a_dropped_job_takes_its_delivery_along_and_the_audit_says_who(house: QueueHouse) -> None:
    delivery = house.delivery("failed")
    job = house.job(delivery_id=delivery)

    asked = house.run("jobs", "drop", str(job))
    done = house.facts("jobs", "drop", str(job), "--yes", "--as", "mia")

    assert (asked.returncode, "--yes" in asked.stderr) == (2, True)
    assert done == {"job": job, "outcome": "dropped"}
    assert house.statuses() == {}
    assert house.delivery_state(delivery) == "dropped"
    line = house.inner.audit()[-1]
    assert (line["tenant"], line["actor"], line["action"], line["outcome"]) == (
        house.tenant,
        "mia",
        "drop-job",
        "done",
    )
    assert line["detail"] == {"job": job, "task": "ingest_delivery", "delivery": delivery, "records": 3}


def test_a_running_job_is_left_alone(house: QueueHouse) -> None:
    job = house.job(status="doing")

    for verb in (("retry",), ("drop", "--yes")):
        done = house.run("jobs", verb[0], str(job), *verb[1:])
        assert (done.returncode, "is running" in done.stdout) == (1, True)
    assert house.statuses() == {job: "doing"}
    assert [line["outcome"] for line in house.inner.audit()] == ["refused", "refused"]


def test_what_cannot_be_meant_is_wrong_usage(house: QueueHouse) -> None:
    for arguments in (
        ("retry",),
        ("retry", "7", "--all"),
        ("retry", "7", "--task", "refresh_user"),
        ("show", "7"),
        ("drop", "7", "--yes"),
        ("list", "--state", "dead"),
    ):
        assert house.run("jobs", *arguments).returncode == 2, arguments
