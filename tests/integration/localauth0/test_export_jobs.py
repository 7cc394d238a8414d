"""Export jobs: their states, their links that soon expire, and what is in the file."""

from __future__ import annotations

import csv
import gzip
import io
import json
from datetime import timedelta
from typing import Any

import pytest
import requests
from auth0.management.client import Auth0
from tests.integration.localauth0.acme import ANA, DATABASE, TIMEOUT_S, Clock
from tests.integration.localauth0.conftest import StartTenant
from tests.integration.localauth0.managed import Operator, an_operated_tenant

from localauth0 import LocalAuth0

_EXPORTS = "/jobs/users-exports"


def finished(operator: Operator, **body: Any) -> dict[str, Any]:
    """A new export job that is completed; its third look ends it."""
    job = operator.answer("POST", _EXPORTS, {"format": "json", **body})
    for _ in range(3):
        job = operator.answer("GET", f"/jobs/{job['id']}")
    assert job["status"] == "completed"
    return dict(job)


def fetched(job: dict[str, Any]) -> requests.Response:
    """The file, asked for without a token."""
    return requests.get(job["location"], timeout=TIMEOUT_S)


def rows(operator: Operator, **body: Any) -> list[dict[str, Any]]:
    text = gzip.decompress(fetched(finished(operator, **body)).content).decode()
    return [json.loads(line) for line in text.splitlines()]


def test_a_job_goes_from_pending_over_processing_to_completed(operator: Operator) -> None:
    job = operator.answer("POST", _EXPORTS, {"format": "json", "limit": 5, "fields": [{"name": "user_id"}]})

    looks = [operator.answer("GET", f"/jobs/{job['id']}") for _ in range(3)]

    assert {key: job[key] for key in ("type", "status", "format", "limit", "fields")} == {
        "type": "users_export",
        "status": "pending",
        "format": "json",
        "limit": 5,
        "fields": [{"name": "user_id"}],
    }
    assert [look["status"] for look in looks] == ["pending", "processing", "completed"]
    assert "location" not in looks[1]
    assert looks[2]["location"].split("?")[0].endswith("/acme.json.gz")


@pytest.mark.parametrize(
    ("how", "statuses"),
    [
        ({"looks": None, "seconds": 10}, ["pending", "processing", "processing"]),
        ({"looks": 2, "processing": False}, ["pending", "completed", "completed"]),
        ({"looks": 2, "fails": "Something went wrong"}, ["pending", "failed", "failed"]),
        ({"seconds": 0}, ["completed", "completed", "completed"]),
    ],
    ids=str,
)
def test_the_tenant_file_says_how_jobs_go(
    start_tenant: StartTenant, how: dict[str, Any], statuses: list[str]
) -> None:
    operator = Operator(start_tenant(an_operated_tenant(export_jobs=how), clock=Clock()))
    job = operator.answer("POST", _EXPORTS, {"format": "json"})

    looks = [operator.answer("GET", f"/jobs/{job['id']}") for _ in range(3)]

    assert [look["status"] for look in looks] == statuses
    assert looks[-1].get("status_details") == how.get("fails")


def test_a_link_expires_after_a_minute_and_another_look_gives_a_new_one(start_tenant: StartTenant) -> None:
    clock = Clock()
    tenant = start_tenant(an_operated_tenant(), clock=clock)
    operator = Operator(tenant)
    job = finished(operator)

    clock.advance(timedelta(seconds=59))
    in_time = fetched(job)
    clock.advance(timedelta(seconds=3))
    too_late = fetched(job)
    again = fetched(operator.answer("GET", f"/jobs/{job['id']}"))

    assert (in_time.status_code, too_late.status_code, again.status_code) == (200, 403, 200)
    assert again.content == in_time.content


def test_a_job_is_gone_after_a_day(start_tenant: StartTenant) -> None:
    clock = Clock()
    tenant = start_tenant(an_operated_tenant(), clock=clock)
    job = finished(Operator(tenant))

    clock.advance(timedelta(hours=23))
    late = Operator(tenant).answer("GET", f"/jobs/{job['id']}")
    clock.advance(timedelta(hours=1))

    assert late["status"] == "completed"
    assert Operator(tenant).refusal("GET", f"/jobs/{job['id']}")[0] == 404


def test_a_link_that_was_tampered_with_opens_nothing(operator: Operator) -> None:
    job = finished(operator)

    assert (
        requests.get(job["location"].replace("Expires=", "Expires=9"), timeout=TIMEOUT_S).status_code == 403
    )
    assert requests.get(job["location"].split("?")[0], timeout=TIMEOUT_S).status_code == 403


def test_all_links_can_be_made_to_expire(operated: LocalAuth0, operator: Operator) -> None:
    job = finished(operator)

    operated.store.jobs.expire_links()

    assert fetched(job).status_code == 403
    assert fetched(operator.answer("GET", f"/jobs/{job['id']}")).status_code == 200


def test_a_file_has_no_metadata_unless_it_is_asked_for(operator: Operator) -> None:
    predefined = {row["user_id"]: row for row in rows(operator)}
    asked = rows(operator, fields=[{"name": "user_id"}, {"name": "app_metadata"}])

    assert len(predefined) == 5
    assert predefined[ANA]["email"] == "ana@example.com"
    assert not {"app_metadata", "user_metadata", "password"} & set(predefined[ANA])
    assert {row["user_id"]: row.get("app_metadata") for row in asked}[ANA] == {"plan": "pro", "old": True}


def test_unset_attributes_are_absent_and_never_null(operator: Operator) -> None:
    found = rows(operator, fields=[{"name": "user_id"}, {"name": "username"}, {"name": "user_metadata.lang"}])

    assert {"user_id": "auth0|bad"} in found
    assert all(None not in row.values() for row in found)


def test_fields_have_paths_and_names_of_their_own(operator: Operator) -> None:
    connection = "con_0000000000000001"
    found = rows(
        operator,
        connection_id=connection,
        fields=[
            {"name": "user_id", "export_as": "id"},
            {"name": "identities[0].connection", "export_as": "way_in"},
            {"name": "app_metadata.plan"},
            {"name": "locale"},
        ],
    )

    assert {"id": ANA, "way_in": DATABASE, "app_metadata.plan": "pro"} in found
    assert {row["way_in"] for row in found} == {DATABASE}


def test_a_limit_is_kept_and_a_csv_file_is_safe_for_spreadsheets(operator: Operator) -> None:
    fields = [
        {"name": name} for name in ("user_id", "created_at", "logins_count", "email_verified", "username")
    ]
    job = finished(operator, format="csv", limit=1, fields=fields)

    text = gzip.decompress(fetched(job).content).decode()

    assert text.splitlines()[1].startswith('"\'auth0|ana",2026-03-01T09:00:00.123Z,4,true,')
    assert list(csv.reader(io.StringIO(text)))[1] == [
        "'auth0|ana",
        "2026-03-01T09:00:00.123Z",
        "4",
        "true",
        "'ana",
    ]
    assert len(text.splitlines()) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"format": "xml"},
        {"limit": 0},
        {"fields": [{"export_as": "id"}]},
        {"fields": [{"name": "x" * 101}]},
        {"connection_id": "nobody"},
        {"format": "csv", "fields": [{"name": "app_metadata"}]},
        {"format": "csv", "fields": [{"name": f"app_metadata.{n}"} for n in range(31)]},
    ],
    ids=lambda body: str(body)[:50],
)
def test_an_order_that_auth0_would_not_take_is_refused(operator: Operator, body: dict[str, Any]) -> None:
    assert operator.refusal("POST", _EXPORTS, body)[::2] == (400, "invalid_body")


def test_an_unknown_job_is_not_found_and_an_export_has_no_errors(operator: Operator) -> None:
    job = finished(operator)

    assert operator.refusal("GET", "/jobs/job_0000000000000000")[0] == 404
    assert operator.call("GET", f"/jobs/{job['id']}/errors").status_code == 204


def test_a_file_holds_the_users_of_the_moment_of_the_order(operated: LocalAuth0, operator: Operator) -> None:
    job = finished(operator)
    with operated.store.lock:
        del operated.store.users[ANA]

    again = operator.answer("GET", f"/jobs/{job['id']}")

    assert ANA in gzip.decompress(fetched(again).content).decode()


def test_a_download_can_break_off_or_come_short(operated: LocalAuth0, operator: Operator) -> None:
    job = finished(operator)
    operated.store.jobs.cut_next_download(20)
    operated.store.jobs.cut_next_download(20, silently=True)

    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        fetched(job)
    short, whole = fetched(job).content, fetched(job).content

    assert short == whole[:20]
    with pytest.raises(EOFError):
        gzip.decompress(short)


def test_the_official_sdk_orders_an_export_and_reads_its_job(auth0: Auth0) -> None:
    job = auth0.jobs.users_exports.create(format="json", fields=[{"name": "user_id"}])

    looks = [auth0.jobs.get(str(job.id)) for _ in range(3)]

    assert looks[-1].status == "completed"
    assert len(gzip.decompress(fetched({"location": looks[-1].location}).content).splitlines()) == 5


def imported(operator: Operator, users: Any, **form: str) -> requests.Response:
    """The answer to an import of users into the database."""
    content = users if isinstance(users, bytes) else json.dumps(users).encode()
    return requests.post(
        f"{operator.base}/jobs/users-imports",
        data={"connection_id": "con_0000000000000001", **form},
        files={"users": ("users.json", content, "application/json")},
        headers=operator.headers,
        timeout=TIMEOUT_S,
    )


def test_an_import_takes_in_what_fits_and_tells_of_the_rest(operated: LocalAuth0, operator: Operator) -> None:
    rows = [
        {"email": "New@example.com", "user_id": "custom", "app_metadata": {"plan": "pro"}},
        {"email": "ana@example.com"},
        {"email": 1},
        {"name": "nobody"},
    ]

    job = imported(operator, rows, external_id="mine").json()
    done = [operator.answer("GET", f"/jobs/{job['id']}") for _ in range(3)][-1]
    errors = operator.answer("GET", f"/jobs/{job['id']}/errors")

    assert done["summary"] == {"failed": 3, "updated": 0, "inserted": 1, "total": 4}
    assert done["external_id"] == "mine"
    assert [error["errors"][0]["code"] for error in errors] == [
        "DUPLICATED_USER",
        "INVALID_FORMAT",
        "INVALID_FORMAT",
    ]
    assert operated.store.users["auth0|custom"].profile["email"] == "new@example.com"


def test_an_import_with_upsert_replaces_metadata(operated: LocalAuth0, operator: Operator) -> None:
    rows = [{"email": "ana@example.com", "app_metadata": {"plan": "free"}}]

    assert imported(operator, rows, upsert="true").status_code == 202
    assert operated.store.users[ANA].profile["app_metadata"] == {"plan": "free"}


@pytest.mark.parametrize(
    ("content", "form", "status"),
    [
        (b"[" + b" " * 512_001 + b"]", {}, 413),
        (b"{", {}, 400),
        (b"{}", {}, 400),
        (b"[]", {"connection_id": "con_0000000000000002"}, 400),
        (b'[{"email": "a@b.c", "password_hash": "x"}]', {}, 501),
    ],
    ids=["too large", "no JSON", "no array", "no database", "password hash"],
)
def test_an_import_that_cannot_be_is_refused(
    operator: Operator, content: bytes, form: dict[str, str], status: int
) -> None:
    assert imported(operator, content, **form).status_code == status
