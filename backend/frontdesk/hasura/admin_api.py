"""Hasura's metadata and schema API (`/v1/metadata`, `/v2/query`), for deploys and health; never for a login.

Source: Hasura docs, "Metadata API Reference" and "Schema API: run_sql".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import requests
import urllib3

from frontdesk.errors import HasuraRejected, HasuraUnavailable
from frontdesk.hasura.transport import Deadline, new_session

CALL_BUDGET_S = 120.0  # a migration may rewrite a table


class AdminApi:
    """Calls as admin. Every call has a deadline of its own."""

    def __init__(self, url: str, admin_secret: str) -> None:
        self._url = url.rstrip("/")
        self._session = new_session(headers={"x-hasura-admin-secret": admin_secret})

    def __enter__(self) -> AdminApi:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def metadata(self, command: str, args: Mapping[str, Any], *, version: int = 1) -> Any:
        """Run a command of the metadata API and return its answer."""
        return self._post("/v1/metadata", {"type": command, "version": version, "args": args})

    def run_sql(self, sql: str, *, source: str) -> None:
        """Run SQL in one transaction, without a check against tracked objects, as a migration needs it."""
        args = {"source": source, "sql": sql, "check_metadata_consistency": False}
        self._post("/v2/query", {"type": "run_sql", "args": args})

    def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return the answer as JSON. Raises HasuraUnavailable, HasuraRejected."""
        status, text = self._exchange("POST", path, CALL_BUDGET_S, json=body)
        answer = _json(text)
        if status == requests.codes.ok and answer is not None:
            return answer
        raise _refusal(path, status, answer)

    def health(self, budget_s: float) -> tuple[int, str]:
        """Return status and text of the strict health check."""
        status, text = self._exchange("GET", "/healthz?strict=true", budget_s)
        return status, text.decode(errors="replace")

    def _exchange(self, method: str, path: str, budget_s: float, **body: Any) -> tuple[int, bytes]:
        try:
            response = self._session.request(
                method,
                self._url + path,
                timeout=Deadline.after(budget_s),  # type: ignore[arg-type]  # our adapter takes a deadline
                allow_redirects=False,
                **body,
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as err:
            raise HasuraUnavailable(f"no answer of Hasura at {path}: {type(err).__name__}") from err
        return response.status_code, response.content


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _refusal(path: str, status: int, answer: Any) -> HasuraUnavailable | HasuraRejected:
    if not isinstance(answer, Mapping) or not isinstance(answer.get("error"), str):
        return HasuraUnavailable(
            f"Hasura answered {path} with HTTP status {status} and no message of its own"
        )
    code, where = answer.get("code"), answer.get("path")
    reason = _database_message(answer.get("internal")) or answer["error"]
    return HasuraRejected(
        f"Hasura refused {path}: {reason}",
        path=where if isinstance(where, str) else None,
        code=code if isinstance(code, str) else None,
    )


def _database_message(internal: Any) -> str | None:
    """Return PostgreSQL's own message; not its description, which quotes rows."""
    error = internal.get("error") if isinstance(internal, Mapping) else None
    message = error.get("message") if isinstance(error, Mapping) else None
    return message if isinstance(message, str) else None
