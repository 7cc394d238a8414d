"""The tenant file: what it may hold, and how its faults are told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from localauth0.tenant_file import TenantFileError, parse_tenant, read_tenant_file

DATABASE = {"id": "con_1", "name": "db", "strategy": "auth0"}
ACTION = {"name": "a", "trigger": "post-login", "code": "exports.x = 1;"}


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ({}, "tenant: Field required"),
        ({"tenant": "Not A Name"}, "tenant: String should match pattern"),
        ({"tenant": "t", "cleints": []}, "cleints: Extra inputs are not permitted"),
        ({"tenant": "t", "clients": [{"name": "x"}]}, "clients[0].client_id: Field required"),
        (
            {"tenant": "t", "clients": [{"client_id": "c", "name": "x", "app_type": "mobile"}]},
            "clients[0].app_type",
        ),
        (
            {"tenant": "t", "clients": [{"client_id": "c", "name": "x"}] * 2},
            "clients[1].client_id: 'c' is there twice",
        ),
        (
            {"tenant": "t", "resource_servers": [{"identifier": "a", "token_lifetime": 0}]},
            "resource_servers[0].token_lifetime",
        ),
        (
            {"tenant": "t", "client_grants": [{"client_id": "c", "audience": "a"}]},
            "client_grants[0].client_id: no client 'c'",
        ),
        (
            {"tenant": "t", "connections": [DATABASE], "users": [{"user_id": "auth0|1", "roles": ["r"]}]},
            "users[0].roles[0]: no role 'r'",
        ),
        (
            {"tenant": "t", "users": [{"user_id": "auth0|1", "email_verified": "yes"}]},
            "users[0].email_verified: Input should be a valid boolean",
        ),
        ({"tenant": "t", "users": [{"user_id": "has space"}]}, "users[0].user_id"),
        (
            {
                "tenant": "t",
                "log_streams": [{"name": "s", "type": "http", "sink": {"httpEndpoint": "http://a.b"}}],
            },
            "log_streams[0].sink.httpEndpoint: expected https, or http to this machine",
        ),
        ({"tenant": "t", "log_streams": [{"name": "s", "type": "http", "sink": {}}]}, "log_streams[0].sink"),
        (
            {"tenant": "t", "event_streams": [{"destination": {"type": "webhook"}}]},
            "event_streams[0].destination: expected a type (webhook, eventbridge or action) and its configuration",
        ),
        (
            {
                "tenant": "t",
                "event_streams": [
                    {
                        "destination": {
                            "type": "webhook",
                            "configuration": {
                                "webhook_endpoint": "http://127.0.0.1/e",
                                "webhook_authorization": {"method": "basic", "username": "u"},
                            },
                        }
                    }
                ],
            },
            "event_streams[0].destination.configuration.webhook_authorization: expected a method",
        ),
        ({"tenant": "t", "event_delivery": {"attempts": 0}}, "event_delivery.attempts"),
        ({"tenant": "t", "deliveries": {"duplicate": 1.5}}, "deliveries.duplicate"),
        (
            {"tenant": "t", "webhook_extension": {"webhook_url": "ftp://127.0.0.1"}},
            "webhook_extension.webhook_url: expected https, or http to this machine",
        ),
        ({"tenant": "t", "log_delivery": {"max_records": 0}}, "log_delivery.max_records"),
        (
            {"tenant": "t", "users": [{"user_id": "auth0|1"}]},
            "users[0].identities: missing, and no connection fits 'auth0|1'",
        ),
        (
            {"tenant": "t", "users": [{"user_id": "auth0|1", "identities": [{"connection": "x"}]}]},
            "users[0].identities[0].connection: no connection 'x'",
        ),
        (
            {"tenant": "t", "organizations": [{"id": "o", "name": "o", "members": [{"user_id": "auth0|1"}]}]},
            "organizations[0].members[0].user_id: no user 'auth0|1'",
        ),
        ({"tenant": "t", "actions": [{**ACTION, "runtime": "node12"}]}, "actions[0].runtime"),
        ({"tenant": "t", "actions": [{**ACTION, "code": "x" * 102_401}]}, "actions[0].code"),
        ({"tenant": "t", "actions": [{**ACTION, "code_file": "a.js"}]}, "actions[0].code_file: give either"),
        (
            {"tenant": "t", "actions": [{"name": "a", "trigger": "post-login", "code_file": "missing.js"}]},
            "actions[0].code_file: missing.js cannot be read",
        ),
        ({"tenant": "t", "bindings": {"post-login": ["a"]}}, "bindings.post-login[0]: no action 'a'"),
        (
            {"tenant": "t", "actions": [ACTION], "bindings": {"credentials-exchange": ["a"]}},
            "bindings.credentials-exchange[0]: action 'a' is for the trigger 'post-login'",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_names_its_field(document: dict[str, Any], fault: str) -> None:
    with pytest.raises(TenantFileError) as raised:
        parse_tenant(document, base_dir=Path())

    assert fault in str(raised.value)


def test_all_faults_come_at_once_and_none_shows_a_secret() -> None:
    clients = [{"client_id": "c", "client_secret": 8_372_615, "name": ""}]

    with pytest.raises(TenantFileError) as raised:
        parse_tenant({"tenant": "t", "clients": clients}, base_dir=Path())

    assert "clients[0].client_secret" in str(raised.value)
    assert "clients[0].name" in str(raised.value)
    assert "8372615" not in str(raised.value)


def test_a_code_file_is_looked_up_beside_the_tenant_file(tmp_path: Path) -> None:
    (tmp_path / "a.js").write_text("exports.here = 1;")
    action = {"name": "a", "trigger": "post-login", "code_file": "a.js"}
    (tmp_path / "tenant.json").write_text(json.dumps({"tenant": "t", "actions": [action]}))

    assert read_tenant_file(tmp_path / "tenant.json").actions[0].code == "exports.here = 1;"


@pytest.mark.parametrize(("content", "fault"), [("{", "not JSON"), ("[]", "expected a JSON object")])
def test_a_file_that_is_no_json_object_is_refused(tmp_path: Path, content: str, fault: str) -> None:
    (tmp_path / "tenant.json").write_text(content)

    with pytest.raises(TenantFileError, match=fault):
        read_tenant_file(tmp_path / "tenant.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TenantFileError, match=r"none\.json: cannot be read"):
        read_tenant_file(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("app_type", "grant_type", "allowed"),
    [
        ("spa", "authorization_code", True),
        ("spa", "client_credentials", False),
        ("non_interactive", "client_credentials", True),
        ("non_interactive", "authorization_code", False),
        ("regular_web", "refresh_token", True),
        ("native", "password", False),
    ],
)
def test_a_client_without_grant_types_gets_those_of_its_kind(
    app_type: str, grant_type: str, allowed: bool
) -> None:
    clients = [{"client_id": "c", "client_secret": "s", "name": "C", "app_type": app_type}]

    tenant = parse_tenant({"tenant": "t", "clients": clients}, base_dir=Path())

    assert tenant.clients[0].allows_grant(grant_type) is allowed
