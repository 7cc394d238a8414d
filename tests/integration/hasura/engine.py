"""A running engine, asked as admin, as a role, or with a token."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid4

import jwt
import requests

from frontdesk.hasura.user_write import write_for
from frontdesk.identity.user import User

ADMIN_SECRET = "an-admin-secret-of-the-tests"
JWT_KEY = "a-key-of-the-tests-with-32-bytes-or-more"
JWT_SECRET = json.dumps({"type": "HS256", "key": JWT_KEY})

UPSERT = """
mutation ($objects: [users_insert_input!]!, $columns: [users_update_column!]!) {
  insert_users(objects: $objects, on_conflict: {constraint: users_pkey, update_columns: $columns}) {
    affected_rows
  }
}
"""


class Engine:
    """The GraphQL endpoint of one engine. Methods return the whole answer."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False

    def close(self) -> None:
        self._session.close()

    def ask(
        self, query: str, headers: Mapping[str, str], variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        answer: dict[str, Any] = self._session.post(
            f"{self.url}/v1/graphql",
            json={"query": query, "variables": dict(variables or {})},
            headers=dict(headers),
            timeout=30,
        ).json()
        return answer

    def admin(self, query: str, variables: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = self.ask(query, {"x-hasura-admin-secret": ADMIN_SECRET}, variables)
        assert "errors" not in answer, answer
        data: dict[str, Any] = answer["data"]
        return data

    def bearer(
        self,
        query: str,
        *,
        role: str = "user",
        user_id: str = "auth0|ann",
        tenant: str = "default",
        allowed: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        claims = {
            "x-hasura-default-role": role,
            "x-hasura-allowed-roles": [role, *allowed],
            "x-hasura-user-id": user_id,
            "x-hasura-tenant": tenant,
        }
        now = int(time.time())
        token = jwt.encode(
            {"https://hasura.io/jwt/claims": claims, "iat": now, "exp": now + 600}, JWT_KEY, algorithm="HS256"
        )
        return self.ask(query, {**(headers or {}), "Authorization": f"Bearer {token}"})

    def upsert(self, *users: User) -> None:
        """Write payloads of any kind: as admin, since role frontdesk may send only what a login carries."""
        for user in users:
            write = write_for(user, write_id=uuid4())
            variables = {"objects": [{"tenant": write.tenant, **write.object}], "columns": write.columns}
            self.admin(UPSERT, variables)
