"""`rendered_actions`: what the deploy is given."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from frontdesk.auth0.actions import ActionInvalid, rendered_actions
from frontdesk.errors import SettingsInvalid
from frontdesk.settings import Settings, load_settings

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
