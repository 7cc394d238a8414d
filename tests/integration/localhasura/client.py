"""Speaks to a running engine the way its users do: GraphQL, metadata commands, SQL."""

from __future__ import annotations

from typing import Any

import requests

from localhasura import LocalHasura

ADMIN_SECRET = "library-admin-secret"


class Client:
    """One keep-alive session with the admin secret; a role and session variables are given per call."""

    def __init__(self, engine: LocalHasura) -> None:
        self.url = engine.url
        self._session = requests.Session()
        self._session.headers["X-Hasura-Admin-Secret"] = ADMIN_SECRET

    def close(self) -> None:
        self._session.close()

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        """Send JSON; header names are written with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._session.post(self.url + path, json=body, headers=named, timeout=30)

    def raw(self, path: str, body: bytes) -> requests.Response:
        """Send bytes as they are."""
        return self._session.post(self.url + path, data=body, timeout=30)

    def graphql(self, query: str, variables: Any = None, **headers: str) -> Any:
        """Return the whole answer of `/v1/graphql`, which always has status 200."""
        body = {"query": query} if variables is None else {"query": query, "variables": variables}
        response = self.post("/v1/graphql", body, **headers)
        assert response.status_code == 200, response.text
        return response.json()

    def data(self, query: str, variables: Any = None, **headers: str) -> Any:
        """Return the `data` of an answer without errors."""
        answer = self.graphql(query, variables, **headers)
        assert "errors" not in answer, answer
        return answer["data"]

    def error(self, query: str, variables: Any = None, **headers: str) -> tuple[str, str, str]:
        """Return code, path and message of the one error of an answer without data."""
        answer = self.graphql(query, variables, **headers)
        assert list(answer) == ["errors"], answer
        (error,) = answer["errors"]
        return error["extensions"]["code"], error["extensions"]["path"], error["message"]

    def metadata(self, kind: str, args: Any, **more: Any) -> Any:
        """Return the answer to a metadata command that succeeds."""
        response = self.post("/v1/metadata", {"type": kind, "args": args, **more})
        assert response.status_code == 200, response.text
        return response.json()

    def refused(self, kind: str, args: Any, **more: Any) -> tuple[int, str, str, str]:
        """Return status, code, path and message of a metadata command that is refused."""
        response = self.post("/v1/metadata", {"type": kind, "args": args, **more})
        body = response.json()
        assert response.status_code != 200, body
        return response.status_code, body["code"], body["path"], body["error"]

    def sql(self, text: str, **switches: Any) -> Any:
        """Return the answer to SQL that succeeds."""
        body = {"type": "run_sql", "args": {"sql": text, **switches}}
        response = self.post("/v2/query", body)
        assert response.status_code == 200, response.text
        return response.json()
