"""Everybody of a tenant by an export job, whose link is short-lived and whose download may break."""

from __future__ import annotations

import gzip
import tempfile
from pathlib import Path
from typing import Any

import pytest
from tests.integration.auth0.reading_server import (
    CREDENTIALS,
    Asked,
    ReadingServer,
    Reply,
    as_json,
    ndjson,
    refusal,
    some_users,
)

from frontdesk.auth0.everyone import Choice, RawRecord, Way, read_everybody
from frontdesk.auth0.export_file import EXPORT_FIELDS
from frontdesk.auth0.export_job import MAX_DOWNLOADS, DownloadBroken, JobFailed, JobReading, JobUnfinished
from frontdesk.auth0.management import ManagementApi
from frontdesk.errors import Auth0ScopeMissing

JOB, FILE = "/api/v2/jobs/job_1", "/exports/job_1"
PACKED = gzip.compress(ndjson(some_users(300)))


def a_reading(api: ManagementApi, *, wait_s: float = 10) -> JobReading:
    return JobReading(api, "a test", total=None, wait_s=wait_s, retry_pause_s=0.005)


def ids(found: list[RawRecord]) -> list[str]:
    return [raw.record["user_id"] for raw in found if raw.record is not None]


class Once:
    """Answers with each of these replies in turn where the path is this one, and then leaves it to the tenant."""

    def __init__(self, path: str, *replies: Reply) -> None:
        self._path, self._replies = path, list(replies)

    def __call__(self, asked: Asked) -> Reply | None:
        return self._replies.pop(0) if asked.path == self._path and self._replies else None


def test_everybody_is_read_from_the_file_of_a_job() -> None:
    with ReadingServer(some_users(1234)) as server, ManagementApi(server.url, CREDENTIALS) as api:
        server.statuses = ["pending", "processing", "completed"]
        with read_everybody(api, Choice(Way.JOB, "a test"), total=1234) as reading:
            found = list(reading.records())

        assert ids(found) == [user["user_id"] for user in server.users]
        assert [raw.number for raw in found] == list(range(1, 1235))
        assert reading.complete
        assert reading.carried == frozenset(EXPORT_FIELDS) >= {"app_metadata", "user_metadata", "blocked"}
        assert sum(api.calls.values()) == 1 + 1 + 4, (
            "a token, the job, three looks at it, and one for the link"
        )


def test_the_signed_link_gets_no_token() -> None:
    with ReadingServer(some_users(3)) as server, ManagementApi(server.url, CREDENTIALS) as api:
        with a_reading(api) as reading:
            list(reading.records())

        (fetched,) = (asked for asked in server.asked if asked.path == FILE)
        assert not {"authorization", "Authorization"} & fetched.headers.keys()
        assert all("authorization" in asked.headers for asked in server.asked if asked.path == JOB)


@pytest.mark.parametrize("link", ["http://192.0.2.1/x", "http://[::1", "file:///x", "ftp://127.0.0.1/x"])
def test_a_link_out_of_this_machine_in_the_clear_is_not_followed(link: str) -> None:
    done = as_json({"id": "job_1", "status": "completed", "location": link})
    with (
        ReadingServer(some_users(3), fault=lambda asked: done if asked.path == JOB else None) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
        a_reading(api) as reading,
        pytest.raises(DownloadBroken, match="not https") as broken,
    ):
        list(reading.records())

    assert link not in str(broken.value)


def test_a_file_that_is_not_packed_is_read_too() -> None:
    with ReadingServer(some_users(20)) as server, ManagementApi(server.url, CREDENTIALS) as api:
        server.file = lambda: ndjson(server.users)
        with a_reading(api) as reading:
            assert len(list(reading.records())) == 20


@pytest.mark.parametrize(
    "broken",
    [
        Reply(403, b"<Error>Access denied</Error>"),
        Reply(404, b""),
        Reply(503, b"busy"),
        Reply(200, PACKED[: len(PACKED) // 2], length=len(PACKED)),
        Reply(200, PACKED[: len(PACKED) // 2]),
        Reply(200, PACKED[:-8] + b"\x00" * 8),
        Reply(302, b"", {"location": "http://127.0.0.1:1/"}),
    ],
    ids=[
        "expired",
        "gone",
        "busy",
        "hangs up midway",
        "cut before it came",
        "wrong checksum",
        "led elsewhere",
    ],
)
def test_a_broken_download_is_tried_again_with_a_fresh_link(broken: Reply) -> None:
    users = some_users(300)
    with (
        ReadingServer(users, fault=Once(FILE, broken, broken)) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
        a_reading(api) as reading,
    ):
        assert ids(list(reading.records())) == [user["user_id"] for user in users]
        looks = [asked.query["look"] for asked in server.asked if asked.path == FILE]
        assert len(set(looks)) == 3
        assert len(server.jobs) == 1


def test_a_download_that_stays_broken_gives_no_record_and_says_what_to_do() -> None:
    with (
        ReadingServer(some_users(300)) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
        a_reading(api) as reading,
    ):
        server.file = lambda: PACKED[:-20]
        with pytest.raises(
            DownloadBroken, match=r"did not come whole in 6 tries: its compressed data breaks off"
        ):
            next(iter(reading.records()))

        assert server.count(FILE) == MAX_DOWNLOADS
        assert not reading.complete


def test_a_job_that_fails_is_told_with_auth0s_words_and_asked_for_again_by_the_next_command() -> None:
    failed = as_json({"id": "job_1", "status": "failed", "status_details": "Too many\nfields"})
    with (
        ReadingServer(some_users(3), fault=Once(JOB, failed, failed)) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
    ):
        first = a_reading(api)
        position = first.begin()
        with pytest.raises(JobFailed, match=r"job_1 failed at Auth0: Too many fields\. Repeat the command"):
            list(first.records(position))

        with a_reading(api) as second:
            assert len(list(second.records(position))) == 3
        assert len(server.jobs) == 2


def test_a_job_that_takes_too_long_is_waited_for_by_the_next_command() -> None:
    with ReadingServer(some_users(3)) as server, ManagementApi(server.url, CREDENTIALS) as api:
        server.statuses = ["pending", "brewing"]
        first = a_reading(api, wait_s=0.6)
        position = first.begin()
        with pytest.raises(JobUnfinished, match=r"job_1 is still 'brewing' after 1 s; repeat the command"):
            list(first.records(position))

        server.statuses = ["completed"]
        with a_reading(api) as second:
            assert len(list(second.records(position))) == 3
            assert second.read_at == first.read_at
        assert len(server.jobs) == 1


@pytest.mark.parametrize("stop_at", [1, 2, 299, 300])
@pytest.mark.parametrize("packed", [True, False])
def test_a_reading_goes_on_after_any_record_of_the_same_job(stop_at: int, packed: bool) -> None:
    with ReadingServer(some_users(300)) as server, ManagementApi(server.url, CREDENTIALS) as api:
        server.file = lambda: PACKED if packed else gzip.decompress(PACKED)
        with a_reading(api) as first:
            found = [raw for raw, _ in zip(first.records(), range(stop_at), strict=False)]
        with a_reading(api) as second:
            rest = list(second.records(found[-1].resume))

        assert [raw.number for raw in [*found, *rest]] == list(range(1, 301))
        assert ids([*found, *rest]) == [user["user_id"] for user in server.users]
        assert second.read_at == first.read_at
        assert second.complete
        assert len(server.jobs) == 1


def test_a_job_that_is_gone_is_asked_for_again_and_read_from_its_beginning() -> None:
    with ReadingServer(some_users(10)) as server, ManagementApi(server.url, CREDENTIALS) as api:
        with a_reading(api) as first:
            found = [raw for raw, _ in zip(first.records(), range(4), strict=False)]
        server.jobs[0]["id"] = "job_0"  # deleted after 24 hours
        server.users.reverse()
        with a_reading(api) as second:
            rest = list(second.records(found[-1].resume))

        assert ids(rest) == [user["user_id"] for user in server.users]
        assert [raw.number for raw in rest] == list(range(5, 15)), "no number twice"
        assert second.read_at > first.read_at
        assert second.complete


@pytest.mark.parametrize(("records", "complete"), [(1000, True), (990, True), (950, False), (0, False)])
def test_an_export_that_falls_short_of_the_count_is_not_everybody(records: int, complete: bool) -> None:
    """A few may have been deleted since they were counted; an export of a part is another matter."""
    with ReadingServer(some_users(records)) as server, ManagementApi(server.url, CREDENTIALS) as api:
        with read_everybody(api, Choice(Way.JOB, "a test"), total=1000) as reading:
            assert sum(1 for _ in reading.records()) == records

        assert reading.complete is complete
        if not complete:
            assert reading.shortfall is not None
            assert reading.shortfall.startswith(f"the export has {records} records, and Auth0 counted 1,000")


def test_an_export_read_in_two_parts_is_judged_as_one() -> None:
    with ReadingServer(some_users(100)) as server, ManagementApi(server.url, CREDENTIALS) as api:
        with read_everybody(api, Choice(Way.JOB, "a test"), total=100) as first:
            found = [raw for raw, _ in zip(first.records(), range(60), strict=False)]
        with read_everybody(api, Choice(Way.JOB, "a test"), total=100) as second:
            list(second.records(found[-1].resume))

    assert second.complete


def test_nothing_is_left_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with ReadingServer(some_users(10)) as server, ManagementApi(server.url, CREDENTIALS) as api:
        reading = a_reading(api)
        next(iter(reading.records()))

        assert list(tmp_path.iterdir()) == [], "not even while it is read"
        reading.close()


def test_a_missing_scope_is_told_before_anything() -> None:
    message = "Insufficient scope, expected any of: read:users"
    refused = refusal(403, message, "insufficient_scope")
    fault = Once("/api/v2/jobs/users-exports", refused)
    with (
        ReadingServer(fault=fault) as server,
        ManagementApi(server.url, CREDENTIALS) as api,
        pytest.raises(Auth0ScopeMissing),
    ):
        a_reading(api).begin()


def test_one_bad_line_is_a_fault_of_its_own() -> None:
    lines: list[Any] = [ndjson([user]) for user in some_users(3)]
    lines[1] = b'{"user_id": \x00}\n'
    with (
        ReadingServer() as server,
        ManagementApi(server.url, CREDENTIALS) as api,
        a_reading(api) as reading,
    ):
        server.file = lambda: gzip.compress(b"".join(lines))
        faults = [raw.fault for raw in reading.records()]

    assert faults[0] is None is faults[2]
    assert faults[1] is not None
    assert faults[1].startswith("the line is no JSON")
    assert reading.complete
