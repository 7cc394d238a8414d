"""Hasura's metadata and schema API (`/v1/metadata`, `/v2/query`), for deploys and health; never for a login.

Source: Hasura docs, "Metadata API Reference" and "Schema API: run_sql".
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from frontdesk.errors import HasuraError, HasuraRejected, HasuraUnavailable
from frontdesk.hasura.transport import AnswerTooLarge, Deadline, new_session

CALL_BUDGET_S = 120.0  # a migration may rewrite a table
LOOK_BUDGET_S = 15.0  # whether anything answers at the URL; an engine that sleeps may need some seconds
_ACCESS_DENIED = "access-denied"
_CHECK_THE_URL = "check `[hasura] url` (FRONTDESK_HASURA_URL)"
_REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "no such host is known"),
    (ConnectionRefusedError, "nothing listens there"),
    (AnswerTooLarge, "the answer is longer than any of Hasura's"),
    (ConnectionError, "the connection was cut"),
    (TimeoutError, "not in time"),
    (requests.Timeout, "not in time"),
    (urllib3.exceptions.TimeoutError, "not in time"),
)


class AdminApi:
    """Calls as admin. Every call has a deadline of its own."""

    def __init__(self, url: str, admin_secret: str) -> None:
        self._url = url.rstrip("/")
        self._session = new_session(headers={"x-hasura-admin-secret": admin_secret})

    def __enter__(self) -> AdminApi:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def metadata(
        self, command: str, args: Mapping[str, Any], *, version: int = 1, resource_version: int | None = None
    ) -> Any:
        """Run a command of the metadata API and return its answer.

        With a `resource_version` that is not the newest any more, Hasura refuses with the code `conflict`.
        """
        body: dict[str, Any] = {"type": command, "version": version, "args": args}
        if resource_version is not None:
            body["resource_version"] = resource_version
        return self._post("/v1/metadata", body)

    def run_sql(
        self, sql: str, *, source: str, follow_renames: bool = False, budget_s: float = CALL_BUDGET_S
    ) -> None:
        """Run SQL in one transaction, without a check against tracked objects, as a migration needs it.

        With `follow_renames` Hasura looks at what became of tracked objects: metadata follows renamed columns, and a
        change that leaves some without ground is refused and rolled back.
        """
        args = {"source": source, "sql": sql, "check_metadata_consistency": follow_renames}
        self._post("/v2/query", {"type": "run_sql", "args": args}, budget_s)

    def select(self, sql: str, *, source: str) -> list[list[str]]:
        """Return the rows of a query that changes nothing; every value is text, and NULL the text `NULL`."""
        args = {"source": source, "sql": sql, "read_only": True, "check_metadata_consistency": False}
        answer = self._post("/v2/query", {"type": "run_sql", "args": args})
        rows = answer.get("result") if isinstance(answer, Mapping) else None
        return [[str(value) for value in row] for row in rows[1:]] if isinstance(rows, list) else []

    def version(self) -> str | None:
        """Return the version that Hasura gives itself, such as `v2.48.16`; None when nothing there tells one."""
        status, _, text = self._exchange("GET", "/v1/version", LOOK_BUDGET_S)
        answer = _json(text)
        version = answer.get("version") if isinstance(answer, Mapping) else None
        return version if status == requests.codes.ok and isinstance(version, str) else None

    def health(self, budget_s: float) -> tuple[int, str]:
        """Return status and text of the strict health check."""
        status, _, text = self._exchange("GET", "/healthz?strict=true", budget_s)
        return status, text.decode(errors="replace")

    def _post(self, path: str, body: Mapping[str, Any], budget_s: float = CALL_BUDGET_S) -> Any:
        """Return the answer as JSON. Raises HasuraUnavailable, HasuraRejected."""
        status, headers, text = self._exchange("POST", path, budget_s, json=body)
        answer = _json(text)
        if status == requests.codes.ok and answer is not None:
            return answer
        raise _refusal(path, status, headers, answer)

    def _exchange(
        self, method: str, path: str, budget_s: float, **body: Any
    ) -> tuple[int, Mapping[str, str], bytes]:
        try:
            response = self._session.request(
                method,
                self._url + path,
                timeout=Deadline.after(budget_s),  # type: ignore[arg-type]  # our adapter takes a deadline
                allow_redirects=False,
                **body,
            )
        except requests.exceptions.SSLError as err:
            raise HasuraUnavailable(
                f"no trusted TLS connection to Hasura at {self._url}: its certificate or its use of https is not what "
                f"was expected; {_CHECK_THE_URL}"
            ) from err
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as err:
            raise HasuraUnavailable(
                f"no answer of Hasura at {self._url}{path}: {_why(err)}; look whether it is running, and "
                f"{_CHECK_THE_URL}"
            ) from err
        return response.status_code, response.headers, response.content


def _why(error: BaseException) -> str:
    """Say in words why nobody answered. urllib3 calls a refused connection a time-out too, so the cause goes first."""
    chain: list[BaseException] = [error]
    while (inner := chain[-1].__cause__ or chain[-1].__context__) is not None:
        chain.append(inner)
    for kind, words in _REASONS:
        if any(isinstance(each, kind) for each in chain):
            return words
    return type(error).__name__


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _refusal(path: str, status: int, headers: Mapping[str, str], answer: Any) -> HasuraError:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("error"), str):
        return HasuraUnavailable(_not_hasura(path, status, headers))
    code, where = answer.get("code"), answer.get("path")
    database = _database_error(answer.get("internal"))
    reason = database.get("message") or answer["error"]
    detail = f"Hasura refused {path}: {reason}"
    if code == _ACCESS_DENIED:
        detail += "; it is the admin secret that frontdesk needs (FRONTDESK_HASURA_ADMIN_SECRET)"
    elif status == requests.codes.not_found:
        detail += f"; {_CHECK_THE_URL}, and that HASURA_GRAPHQL_ENABLED_APIS has `metadata`"
    return HasuraRejected(
        detail,
        path=where if isinstance(where, str) else None,
        code=code if isinstance(code, str) else None,
        sqlstate=database.get("status_code"),
    )


def _not_hasura(path: str, status: int, headers: Mapping[str, str]) -> str:
    said = f"{path} answered with HTTP status {status}"
    if 300 <= status < 400:
        host = urlsplit(headers.get("location", "")).hostname or "another place"
        return (
            f"{said}, a redirect to {host}, which frontdesk does not follow with a secret; {_CHECK_THE_URL}"
        )
    if "html" in headers.get("content-type", ""):
        return f"{said} and a web page: that is not Hasura's API; {_CHECK_THE_URL}"
    return f"{said} and no message of Hasura's; {_CHECK_THE_URL}, or look whether Hasura is starting"


def _database_error(internal: Any) -> dict[str, str]:
    """Return PostgreSQL's own message and code; not its description, which quotes rows."""
    error = internal.get("error") if isinstance(internal, Mapping) else None
    if not isinstance(error, Mapping):
        return {}
    return {key: error[key] for key in ("message", "status_code") if isinstance(error.get(key), str)}
