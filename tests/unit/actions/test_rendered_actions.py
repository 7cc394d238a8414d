"""`rendered_actions`: what the deploy is given."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from frontdesk.auth0.actions import ActionInvalid, rendered_actions
from frontdesk.errors import SettingsInvalid
from frontdesk.settings import Settings, load_settings
from frontdesk.settings_types import ACTION_NAMES

HOOK_SECRETS = ("whsec_bmV3ZXN0IHNlY3JldCBvZiB0aGUgdGVuYW50", "whsec_b2xkZXIgc2VjcmV0IG9mIHRoZSB0ZW5hbnQ")
ENVIRONMENT = {
    "FRONTDESK_HASURA_URL": "http://127.0.0.1:8080",
    "FRONTDESK_HASURA_ADMIN_SECRET": "an-admin-secret",
    "FRONTDESK_TENANTS_ACME_DOMAIN": "acme.eu.auth0.com",
    "FRONTDESK_TENANTS_ACME_AUDIENCE": "https://api.example.com",
    "FRONTDESK_TENANTS_ACME_HOOK_SECRETS": " ".join(HOOK_SECRETS),
    "FRONTDESK_ACTION_URL": "https://frontdesk.example.com",
    "FRONTDESK_LOGIN_ID_TOKEN_NAMESPACE": "https://app.example.com/",
}


def settings(directory: Path, **changes: str) -> Settings:
    return load_settings({**ENVIRONMENT, **changes}, directory)


def test_the_first_line_says_whose_the_code_is_and_whether_it_was_changed(tmp_path: Path) -> None:
    (action,) = rendered_actions(settings(tmp_path), "acme", ["post-login"])

    marker, _, rest = action.code.partition("\n")
    assert marker == f"// frontdesk post-login {hashlib.sha256(rest.encode()).hexdigest()[:12]}"
    assert rest.startswith("'use strict';")


def test_an_action_tells_what_auth0_needs_to_know(tmp_path: Path) -> None:
    (action,) = rendered_actions(settings(tmp_path), "acme", ["post-login"])

    assert (action.name, action.title) == ("post-login", "frontdesk-post-login")
    assert (action.trigger_id, action.trigger_version, action.runtime) == ("post-login", "v3", "node22")
    assert action.dependencies == ()


def test_the_newest_secret_goes_to_auth0_and_into_no_repr(tmp_path: Path) -> None:
    (action,) = rendered_actions(settings(tmp_path), "acme", ["post-login"])

    assert action.secrets == {"FRONTDESK_HOOK_SECRET": HOOK_SECRETS[0]}
    assert HOOK_SECRETS[0] not in repr(action)


def test_rendering_twice_gives_the_same(tmp_path: Path) -> None:
    first, second = (rendered_actions(settings(tmp_path), "acme", ["post-login"]) for _ in range(2))

    assert first == second


def test_an_unknown_action_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ActionInvalid, match="post-logout"):
        rendered_actions(settings(tmp_path), "acme", ["post-logout"])


def test_an_action_that_calls_frontdesk_needs_its_url(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"action\.url"):
        rendered_actions(settings(tmp_path, FRONTDESK_ACTION_URL=""), "acme", ["post-login"])


def test_every_action_is_rendered_in_the_order_that_was_asked_for(tmp_path: Path) -> None:
    names = tuple(reversed(ACTION_NAMES))

    actions = rendered_actions(settings(tmp_path), "acme", names)

    assert tuple(action.name for action in actions) == names
    assert all(action.code.startswith(f"// frontdesk {action.name} ") for action in actions)


@pytest.mark.parametrize("name", ["claims", "id-token-metadata", "credentials-exchange"])
def test_an_action_that_calls_nobody_needs_neither_url_nor_secret(tmp_path: Path, name: str) -> None:
    (action,) = rendered_actions(settings(tmp_path, FRONTDESK_ACTION_URL=""), "acme", [name])

    assert action.secrets == {}


@pytest.mark.parametrize(
    ("name", "hook"),
    [
        ("sync", "post-login"),
        ("post-user-registration", "post-user-registration"),
        ("post-change-password", "post-change-password"),
    ],
)
def test_an_action_calls_the_hook_of_its_trigger(tmp_path: Path, name: str, hook: str) -> None:
    (action,) = rendered_actions(settings(tmp_path), "acme", [name])

    assert f'"https://frontdesk.example.com/hooks/acme/{hook}";' in action.code


def test_metadata_on_the_id_token_need_a_namespace(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match=r"login\.id_token_namespace: expected"):
        rendered_actions(
            settings(tmp_path, FRONTDESK_LOGIN_ID_TOKEN_NAMESPACE=""), "acme", ["id-token-metadata"]
        )


def test_the_policy_of_the_settings_stands_in_the_claims_action(tmp_path: Path) -> None:
    changed = settings(
        tmp_path,
        FRONTDESK_CLAIMS_DEFAULT_ROLE="member",
        FRONTDESK_CLAIMS_ROLE_MAP='{"Editor": "editor", "__proto__": "x"}',
        FRONTDESK_CLAIMS_EXTRA='{"X-Hasura-Plan": "app_metadata.plan"}',
        FRONTDESK_CLAIMS_ROLE_SOURCES="auth0",
    )

    (action,) = rendered_actions(changed, "acme", ["claims"])

    for line in (
        'const DEFAULT_ROLE = /* setting: default_role */ "member";',
        'const ROLE_MAP = /* setting: role_map */ [["Editor", "editor"], ["__proto__", "x"]];',
        'const EXTRA_CLAIMS = /* setting: extra_claims */ [["x-hasura-plan", ["app_metadata", "plan"]]];',
        'const ROLE_SOURCES = /* setting: role_sources */ ["auth0"];',
    ):
        assert line in action.code.splitlines()


def test_a_value_is_empty_when_the_settings_were_read_without_secrets(tmp_path: Path) -> None:
    without = {name: value for name, value in ENVIRONMENT.items() if not name.endswith("SECRETS")}
    (action,) = rendered_actions(load_settings(without, tmp_path, without_secrets=True), "acme", ["sync"])

    assert action.secrets == {"FRONTDESK_HOOK_SECRET": ""}
