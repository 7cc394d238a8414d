"""What tests of `[fields]` share: settings, a user of Auth0, and the ways in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.rows import DictRow
from tests.builders import HOOK_SECRET, a_signed_call
from tests.integration.hasura.commands import Terminal
from tests.integration.hasura.engine import ADMIN_SECRET

from frontdesk.auth0.management_user import user_from_management
from frontdesk.hasura.bulk import RowOutcome
from frontdesk.hasura.writes import UserWriter
from frontdesk.settings import load_settings
from frontdesk.web.app import create_app

ANN = "auth0|ann"
FIELDS: dict[str, Any] = {
    "company_name": {"path": "user_metadata.company.name"},
    "seats": {"path": "app_metadata.seats", "type": "integer", "default": 1},
    "teams": {"path": "app_metadata.teams", "type": "text[]"},
    "trial_until": {"path": "app_metadata.trial_until", "type": "timestamp"},
    "display_name": {"path": "user.name", "owner": "first_write"},
    "note": {"owner": "app", "type": "json"},
    "nickname": {"owner": "first_write"},
}

Rows = psycopg.Connection[DictRow]


def say(shell: Terminal, url: str, fields: Mapping[str, Any] = FIELDS, **more: str) -> None:
    """Set the settings of the next commands."""
    variables = {
        "HASURA_URL": url,
        "HASURA_ADMIN_SECRET": ADMIN_SECRET,
        "TENANTS_ACME_DOMAIN": "acme.eu.auth0.com",
        "TENANTS_ACME_AUDIENCE": "https://api.example.com",
        "TENANTS_ACME_HOOK_SECRETS": HOOK_SECRET,
        "LOGIN_BUDGET_S": "4.5",
        "ACTION_DEADLINE_MS": "5000",
        "FIELDS": json.dumps(fields),
        **more,
    }
    for name, value in variables.items():
        shell.monkeypatch.setenv(f"FRONTDESK_{name}", value)


def bring_in(shell: Terminal) -> None:
    """Run what the plan says."""
    for command in (["fields", "plan", "--out", "hasura"], ["hasura", "apply", "--project", "hasura"]):
        done = shell.run(*command)
        assert (done.returncode, done.stderr) == (0, ""), done


def a_profile(minute: int, **more: Any) -> dict[str, Any]:
    """A user of Auth0, as hooks and the Management API name the fields alike."""
    return {
        "user_id": ANN,
        "email": "ann@example.com",
        "name": "Ann",
        "nickname": "annie",
        "created_at": "2026-03-01T09:00:00.000Z",
        "updated_at": f"2026-03-02T10:{minute:02}:00.000Z",
        **more,
    }


def log_in(profile: Mapping[str, Any]) -> None:
    """Log somebody in by the hook of a frontdesk with these settings."""
    body, headers = a_signed_call({"version": 1, "trigger": "post-login", "user": profile})
    answer = (
        create_app(load_settings()).test_client().post("/hooks/acme/post-login", data=body, headers=headers)
    )
    assert (answer.status_code, answer.get_json()["synced"]) == (200, True)


def import_record(record: Mapping[str, Any], url: str) -> RowOutcome:
    """Write a record of the Management API as an import does."""
    user = user_from_management(dict(record), tenant="acme", read_at=datetime.now(UTC))
    writer = UserWriter(url, ADMIN_SECRET, rules=load_settings().field_rules())
    try:
        (result,) = writer.write_many([user], budget_s=20)
    finally:
        writer.close()
    return result.outcome


def row(rows: Rows) -> dict[str, Any]:
    found = rows.execute("select * from users where user_id = %s", [ANN]).fetchone()
    assert found is not None
    return found
