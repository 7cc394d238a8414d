"""A tenant whose Management API says what a test wants: users, roles, organizations, single reads, and faults."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from tests.integration.auth0.reading_server import Asked, Fault, ReadingServer, Reply, as_json, refusal

CREATED = "2026-01-05T08:00:00.000Z"
UPDATED = "2026-02-05T08:00:00.123Z"
_USERS = "/api/v2/users/"


def a_user(number: int, **fields: Any) -> dict[str, Any]:
    """Return a record of the Management API; all are older than any reading."""
    user_id = f"auth0|{number:04}"
    return {
        "user_id": user_id,
        "email": f"user{number}@example.com",
        "email_verified": True,
        "name": f"User {number}",
        "created_at": CREATED,
        "updated_at": UPDATED,
        "app_metadata": {"seats": number},
        "user_metadata": {"company": "Globex"},
        "identities": [
            {"connection": "Users", "provider": "auth0", "user_id": f"{number:04}", "isSocial": False}
        ],
        "last_login": UPDATED,
        "last_ip": "192.0.2.7",
        "logins_count": number,
        **fields,
    }


def no_fault(_: Asked) -> Reply | None:
    return None


class ScriptedTenant(ReadingServer):
    """`roles` go from a name to user ids, `organizations` to user ids with their roles there."""

    def __init__(
        self,
        users: list[dict[str, Any]],
        *,
        roles: dict[str, list[str]] | None = None,
        organizations: dict[str, dict[str, list[str]]] | None = None,
        fault: Fault = no_fault,
    ) -> None:
        self.roles, self.organizations = roles or {}, organizations or {}
        self.before: Fault = fault
        super().__init__(users, fault=self._first)

    def single_reads(self) -> int:
        """Return how many users were looked at one by one."""
        return sum(each.path.startswith(_USERS) for each in self.asked)

    def _first(self, asked: Asked) -> Reply | None:
        self._fill_lists()
        return self.before(asked) or self._single(asked)

    def _single(self, asked: Asked) -> Reply | None:
        if not asked.path.startswith(_USERS):
            return None
        wanted = unquote(asked.path.removeprefix(_USERS))
        found = next((user for user in self.users if user["user_id"] == wanted), None)
        return (
            refusal(404, "The user does not exist.", "inexistent_user") if found is None else as_json(found)
        )

    def _fill_lists(self) -> None:
        roles = [{"id": f"rol_{name}", "name": name, "description": ""} for name in self.roles]
        organizations = [
            {"id": f"org_{name}", "name": name, "display_name": name.title(), "metadata": {"plan": "pro"}}
            for name in self.organizations
        ]
        self.lists = {
            "/roles": roles,
            "/organizations": organizations,
            **{
                f"/roles/rol_{name}/users": [{"user_id": user_id} for user_id in members]
                for name, members in self.roles.items()
            },
            **{
                f"/organizations/org_{name}/members": [
                    {"user_id": user_id, "roles": [{"id": f"rol_{role}", "name": role} for role in had]}
                    for user_id, had in members.items()
                ]
                for name, members in self.organizations.items()
            },
        }


Change = Callable[[list[dict[str, Any]]], object]
