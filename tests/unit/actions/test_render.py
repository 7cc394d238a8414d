"""Rendering: the operator's values, in the named places of the source and nowhere else."""

from __future__ import annotations

import dataclasses
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontdesk.auth0.actions import (
    MAX_SOURCE_BYTES,
    ActionInvalid,
    ActionSettings,
    action_dir,
    read_manifest,
    render,
)
from frontdesk.errors import SettingsInvalid

POST_LOGIN = action_dir("post-login")
SOURCE = (POST_LOGIN / "action.js").read_text("utf-8")
SETTINGS = ActionSettings(
    url="https://frontdesk.example.com",
    tenant="acme",
    default_role="member",
    claims_namespace="https://app.example.com/hasura",
    deadline_ms=900,
    on_failure="allow",
    deny_reason="Not now.",
    max_body_bytes=20000,
)


def rendered(**changes: Any) -> str:
    return render(POST_LOGIN, dataclasses.replace(SETTINGS, **changes))


def test_the_values_stand_in_their_places_and_all_other_lines_are_untouched() -> None:
    changed = {
        new: old for old, new in zip(SOURCE.splitlines(), rendered().splitlines(), strict=True) if old != new
    }

    assert list(changed) == [
        'const HOOK_URL = /* setting: hook_url */ "https://frontdesk.example.com/hooks/acme/post-login";',
        'const TENANT = /* setting: tenant */ "acme";',
        'const DEFAULT_ROLE = /* setting: default_role */ "member";',
        'const CLAIMS_NAMESPACE = /* setting: claims_namespace */ "https://app.example.com/hasura";',
        'const ON_FAILURE = /* setting: on_failure */ "allow";',
        'const DENY_REASON = /* setting: deny_reason */ "Not now.";',
        "const DEADLINE_MS = /* setting: deadline_ms */ 900;",
        "const MAX_BODY_BYTES = /* setting: max_body_bytes */ 20000;",
    ]


def test_rendering_a_rendered_source_changes_nothing(tmp_path: Path) -> None:
    shutil.copytree(POST_LOGIN, tmp_path / "post-login")
    (tmp_path / "post-login" / "action.js").write_text(rendered(deny_reason="a */ 'b' \\ $& ;"))

    assert render(tmp_path / "post-login", SETTINGS) == rendered()


@given(
    reason=st.text(min_size=1), role=st.text("ab'\"`\\;/*<>\n\u2028$&{}", min_size=1).map(lambda t: f"r{t}r")
)
def test_no_value_ever_adds_a_line_or_leaves_its_string(reason: str, role: str) -> None:
    try:
        lines = rendered(deny_reason=reason, default_role=role).splitlines()
    except SettingsInvalid:
        return

    assert len(lines) == len(SOURCE.splitlines())
    for name in ("DENY_REASON", "DEFAULT_ROLE"):
        (line,) = (line for line in lines if line.startswith(f"const {name} ="))
        assert re.fullmatch(
            r'const \w+ = /\* setting: \w+ \*/ "([^"\\]|\\["\\bfnrt]|\\u[0-9a-f]{4})*";', line
        )
        assert line.isascii()


def test_nothing_that_other_tools_replace_comes_in_by_a_value() -> None:
    """auth0-deploy-cli replaces ##KEY## and @@KEY@@ in code files."""
    source = rendered(deny_reason="##KEY## @@KEY@@ </script><!--")

    for token in ("##", "@@", "</script", "<!--"):
        assert token not in source


@pytest.mark.parametrize(
    ("url", "hook"),
    [
        ("https://frontdesk.example.com/", "https://frontdesk.example.com/hooks/acme/post-login"),
        ("https://example.com/frontdesk", "https://example.com/frontdesk/hooks/acme/post-login"),
        ("http://127.0.0.1:8500", "http://127.0.0.1:8500/hooks/acme/post-login"),
        ("http://localhost:8500", "http://localhost:8500/hooks/acme/post-login"),
        ("http://[::1]:8500", "http://[::1]:8500/hooks/acme/post-login"),
    ],
)
def test_the_hook_lies_below_the_public_url(url: str, hook: str) -> None:
    assert f'/* setting: hook_url */ "{hook}";' in rendered(url=url)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("url", "http://frontdesk.example.com", "action.url"),
        ("url", "http://localhost.example.com", "action.url"),
        ("url", "https://ana:s3cret@frontdesk.example.com", "action.url"),
        ("url", "https://frontdesk.example.com?key=s3cret", "action.url"),
        ("url", "https://frontdesk.example.com#s3cret", "action.url"),
        ("url", "https://frontdesk.example.com\n", "action.url"),
        ("url", "https://frontdesk.example.com:99999", "action.url"),
        ("url", "javascript:alert(1)", "action.url"),
        ("url", "https://", "action.url"),
        ("url", "", "action.url"),
        ("tenant", "", "tenant"),
        ("default_role", "", "claims.default_role"),
        ("default_role", "admin", "claims.default_role"),
        ("default_role", "frontdesk", "claims.default_role"),
        ("claims_namespace", "", "claims_namespace"),
        ("deadline_ms", 5001, "action.deadline_ms"),
        ("deadline_ms", 0, "action.deadline_ms"),
        ("on_failure", "shrug", "action.on_failure"),
        ("deny_reason", "", "action.deny_reason"),
        ("max_body_bytes", 0, "action.max_body_bytes"),
    ],
)
def test_a_wrong_value_is_refused_by_name(field: str, value: object, named: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        rendered(**{field: value})

    (fault,) = refused.value.faults
    assert fault.startswith(f"{named}: expected ")
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("role", ["admin", "frontdesk", "Admin", "ad\u200bmin", "\uff46rontdesk", ""])
def test_no_machine_gets_a_role_that_no_token_may_carry(role: str) -> None:
    with pytest.raises(SettingsInvalid, match=r"tenants\.acme\.machine_roles: expected"):
        render(
            action_dir("credentials-exchange"),
            dataclasses.replace(SETTINGS, machine_roles={"robot": "reporter", "other": role}),
        )


def test_all_wrong_values_are_named_at_once() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        rendered(url="", deadline_ms=6000, default_role="admin")

    assert len(refused.value.faults) == 3


def test_a_source_larger_than_auth0_takes_is_refused() -> None:
    with pytest.raises(ActionInvalid, match=f"{MAX_SOURCE_BYTES} bytes that Auth0 takes; shorten"):
        rendered(deny_reason="x" * MAX_SOURCE_BYTES)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("/* setting: tenant */ ", ""),
        ("/* setting: tenant */", "/* setting: default_role */"),
        ("/* setting: tenant */", "/* setting: unheard_of */"),
    ],
    ids=["a place is missing", "a place is there twice", "a place is unknown"],
)
def test_a_source_that_disagrees_with_its_manifest_is_refused(
    tmp_path: Path, before: str, after: str
) -> None:
    shutil.copytree(POST_LOGIN, tmp_path / "post-login")
    (tmp_path / "post-login" / "action.js").write_text(SOURCE.replace(before, after))

    with pytest.raises(ActionInvalid, match="tenant"):
        render(tmp_path / "post-login", SETTINGS)


@pytest.mark.parametrize("text", ["", "- a list", "trigger: {id: post-login", "description: Alone."])
def test_a_manifest_that_breaks_its_schema_is_refused_with_its_path(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.yaml").write_text(text)

    with pytest.raises(ActionInvalid, match=re.escape(str(tmp_path / "manifest.yaml"))):
        read_manifest(tmp_path)


def test_an_unknown_action_is_refused_with_the_places_that_were_searched() -> None:
    with pytest.raises(ActionInvalid, match=r"no Action 'post-logout' in .*actions or .*frontdesk"):
        action_dir("post-logout")
