"""A tenant's Management API as far as reading everybody goes, with the faults that a test wants of it."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, unquote

from tests.integration.auth0.scripted_server import TOKEN
from tests.loopback import LoopbackServer, QuietHandler

from frontdesk.auth0.management import Credentials

CREDENTIALS = Credentials(client_id="m2m", client_secret="s3cret-of-the-application")
FIRST = datetime(2020, 1, 1, tzinfo=UTC)
SHOWN = 1000  # results of one search
_WINDOW = re.compile(r"created_at:\[(\S+) TO \*\]")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One call."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]


@dataclass(frozen=True)
class Reply:
    """One answer; `length` is what Content-Length says instead of the truth, and then the connection ends."""

    status: int
    content: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


Fault = Callable[[Asked], Reply | None]


def as_json(body: Any, status: int = 200, **headers: str) -> Reply:
    return Reply(
        status,
        json.dumps(body).encode(),
        {"content-type": "application/json"}
        | {name.replace("_", "-"): text for name, text in headers.items()},
    )


def refusal(status: int, message: str, code: str | None = None) -> Reply:
    body = {"statusCode": status, "error": "…", "message": message}
    return as_json(body | ({"errorCode": code} if code else {}), status)


def some_users(
    number: int, *, step: timedelta = timedelta(seconds=1), start: int = 0
) -> list[dict[str, Any]]:
    """Users in the order of their creation, one each `step`."""
    return [
        {
            "user_id": f"auth0|{index:06d}",
            "email": f"u{index}@example.com",
            "created_at": (FIRST + index * step).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
        for index in range(start, start + number)
    ]


def ndjson(users: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(user).encode() + b"\n" for user in users)


class ReadingServer(LoopbackServer):
    """Serves `users`; `fault` is asked first about each call. `lists` are checkpoint lists by their path."""

    def __init__(
        self,
        users: list[dict[str, Any]] | None = None,
        *,
        fault: Fault = lambda _: None,
        lists: Mapping[str, list[dict[str, Any]]] | None = None,
        ends_with_an_empty_page: bool = False,
    ) -> None:
        self.users = users or []
        self.lists = dict(lists or {})
        self.asked: list[Asked] = []
        self.jobs: list[dict[str, Any]] = []
        self.statuses = ["completed"]  # of a job, look by look; the last one stays
        self.file: Callable[[], bytes] = lambda: gzip.compress(ndjson(self.users))
        self.lock = threading.Lock()
        self._fault, self._empty_end = fault, ends_with_an_empty_page
        owner = self

        class Handler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                self.body()
                path, _, query = self.path.partition("?")
                asked = Asked(
                    method=self.command, path=path, query=dict(parse_qsl(query)), headers=dict(self.headers)
                )
                with owner.lock:
                    owner.asked.append(asked)
                    reply = owner._fault(asked) or owner._reply(asked)
                if reply.length is not None:
                    self.close_connection = True
                begin = self.send_response_only if "date" in reply.headers else self.send_response
                begin(reply.status)
                length = len(reply.content) if reply.length is None else reply.length
                for name, value in {**reply.headers, "Content-Length": str(length)}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(reply.content)

            do_GET = do_POST = _answer

        super().__init__(Handler)

    def count(self, path: str) -> int:
        return sum(each.path == path for each in self.asked)

    def _reply(self, asked: Asked) -> Reply:
        path = asked.path.removeprefix("/api/v2")
        if path == "/oauth/token":
            return as_json(TOKEN)
        if path == "/users":
            return self._search(asked.query)
        if path == "/jobs/users-exports":
            self.jobs.append({"id": f"job_{len(self.jobs) + 1}", "looks": 0})
            return as_json({"type": "users_export", "status": "pending", "id": self.jobs[-1]["id"]})
        if path.startswith("/jobs/"):
            return self._job(path.removeprefix("/jobs/"))
        if path.startswith("/exports/"):
            return Reply(200, self.file(), {"content-type": "application/octet-stream"})
        if unquote(path) in self.lists:
            return self._page(path.rsplit("/", 1)[-1], self.lists[unquote(path)], asked.query)
        return refusal(404, "Not Found")

    def _search(self, query: Mapping[str, str]) -> Reply:
        page, size = int(query.get("page", "0")), int(query.get("per_page", "50"))
        if (page + 1) * size > SHOWN:
            return refusal(400, "You can only page through the first 1000 records.", "invalid_paging")
        after = window.group(1) if (window := _WINDOW.fullmatch(query.get("q", ""))) else ""
        if "q" in query and not after:
            return refusal(400, "the query is not understood", "invalid_query_string")
        found = sorted(
            (user for user in self.users if user["created_at"] >= after), key=lambda user: user["created_at"]
        )
        users = found[page * size : (page + 1) * size]
        return as_json({"start": page * size, "limit": size, "total": len(found), "users": users})

    def _job(self, job_id: str) -> Reply:
        job = next((job for job in self.jobs if job["id"] == job_id), None)
        if job is None:
            return refusal(404, "The job does not exist.", "inexistent_job")
        status = self.statuses[min(job["looks"], len(self.statuses) - 1)]
        job["looks"] += 1
        more = (
            {"location": f"{self.url}/exports/{job_id}?look={job['looks']}"} if status == "completed" else {}
        )
        return as_json({"id": job_id, "type": "users_export", "status": status, **more})

    def _page(self, key: str, found: list[dict[str, Any]], query: Mapping[str, str]) -> Reply:
        if "page" in query:
            start = int(query["page"]) * int(query["per_page"])
            return as_json({key: found[start : start + int(query["per_page"])], "total": len(found)})
        start = int(query.get("from", "at-0").removeprefix("at-"))
        end = start + int(query["take"])
        is_last = end >= len(found)
        following = {} if is_last and not (self._empty_end and start < len(found)) else {"next": f"at-{end}"}
        return as_json({key: found[start:end], **following})
