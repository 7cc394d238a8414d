"""The simulated Auth0 tenant of the demo: one application, one API, two people, the rendered Action."""

from __future__ import annotations

from pathlib import Path

from frontdesk.auth0.scopes import MACHINE_SCOPES
from frontdesk.auth0.setup_streams import EVENT_STREAM, EVENT_TYPES, LOG_STREAM
from frontdesk.demo.places import AUDIENCE, TENANT, Places

AUTH0_TENANT = "demo"
CLIENT_ID = "demo-app-k2VnQ0f3JXw9sT7p"
MACHINE_CLIENT_ID = "demo-frontdesk-m3Vb8sKfT1yQ6wNz"
ACTION_NAME = "frontdesk-post-login"
ANA = "auth0|64b0f1e2d3c4b5a697887766"
ANA_EMAIL = "ana@demo.example"
BOB = "auth0|64b0f1e2d3c4b5a697887799"


def tenant_document(places: Places, action_file: Path) -> dict[str, object]:
    """Return the tenant as localauth0 reads it, with the rendered Action bound to the login flow."""
    return {
        "tenant": AUTH0_TENANT,
        "clients": [
            {
                "client_id": CLIENT_ID,
                "name": "Demo application",
                "app_type": "spa",
                "callbacks": [places.callback_url],
                "allowed_logout_urls": [places.app_url],
                "grant_types": ["authorization_code", "refresh_token"],
                "metadata": {},
            },
            {
                "client_id": MACHINE_CLIENT_ID,
                "client_secret": places.secrets.client_secret,
                "name": "frontdesk",
                "app_type": "non_interactive",
                "metadata": {"frontdesk": "machine"},
            },
        ],
        "client_grants": [
            {"client_id": MACHINE_CLIENT_ID, "audience": "/api/v2/", "scope": sorted(MACHINE_SCOPES)}
        ],
        "resource_servers": [
            {"identifier": AUDIENCE, "name": "Hasura", "scopes": [], "allow_offline_access": True}
        ],
        "connections": [
            {"id": "con_Demo00000000000A", "name": "Username-Password-Authentication", "strategy": "auth0"}
        ],
        "roles": [{"id": "rol_Demo00000000000A", "name": "Editor", "description": "May edit"}],
        "users": [_ana(places), _bob(places)],
        "actions": [
            {
                "name": ACTION_NAME,
                "trigger": "post-login",
                "code_file": str(action_file),
                "runtime": "node22",
                "secrets": {"FRONTDESK_HOOK_SECRET": places.secrets.hook_secret},
            }
        ],
        "bindings": {"post-login": [ACTION_NAME]},
        "log_streams": [_log_stream(places)],
        "event_streams": [_event_stream(places)],
    }


def _log_stream(places: Places) -> dict[str, object]:
    """The log stream as `frontdesk auth0 setup` makes it."""
    return {
        "id": "lst_Demo00000000000A",
        "name": LOG_STREAM,
        "type": "http",
        "status": "active",
        "sink": {
            "httpEndpoint": f"{places.frontdesk_url}/hooks/{TENANT}/log-stream",
            "httpAuthorization": f"Bearer {places.secrets.stream_token}",
            "httpContentFormat": "JSONARRAY",
        },
    }


def _event_stream(places: Places) -> dict[str, object]:
    authorization = {"method": "bearer", "token": places.secrets.stream_token}
    configuration = {
        "webhook_endpoint": f"{places.frontdesk_url}/hooks/{TENANT}/event-stream",
        "webhook_authorization": authorization,
    }
    return {
        "id": "est_Demo0000000000000000A",
        "name": EVENT_STREAM,
        "status": "enabled",
        "subscriptions": [{"event_type": name} for name in EVENT_TYPES],
        "destination": {"type": "webhook", "configuration": configuration},
    }


def _ana(places: Places) -> dict[str, object]:
    return {
        "user_id": ANA,
        "email": ANA_EMAIL,
        "email_verified": True,
        "username": "ana",
        "name": "Ana Ruiz",
        "given_name": "Ana",
        "family_name": "Ruiz",
        "nickname": "ana",
        "picture": "https://demo.example/ana.png",
        "created_at": "2026-03-01T09:00:00.123Z",
        "updated_at": "2026-03-02T10:00:00.456Z",
        "identities": [_database_identity(ANA)],
        "app_metadata": {"plan": "pro"},
        "user_metadata": {"lang": "es"},
        "roles": ["Editor"],
        "password": places.secrets.password,
    }


def _bob(places: Places) -> dict[str, object]:
    return {
        "user_id": BOB,
        "email": "bob@demo.example",
        "email_verified": False,
        "name": "bob@demo.example",
        "nickname": "bob",
        "created_at": "2026-03-05T09:00:00.000Z",
        "updated_at": "2026-03-05T09:00:00.000Z",
        "identities": [_database_identity(BOB)],
        "password": places.secrets.password,
    }


def _database_identity(user_id: str) -> dict[str, object]:
    return {
        "connection": "Username-Password-Authentication",
        "provider": "auth0",
        "user_id": user_id.split("|", 1)[1],
        "isSocial": False,
    }
