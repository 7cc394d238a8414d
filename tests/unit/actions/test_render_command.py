"""`frontdesk actions render`."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from frontdesk.cli.actions import app
from frontdesk.errors import SettingsInvalid, UsageError

HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
OTHER_HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYs="
SETTINGS = """
[hasura]
url = "https://hasura.example.com"

[tenants.acme]
domain = "acme.eu.auth0.com"
audience = "https://api.example.com"
claims_namespace = "https://app.example.com/hasura"

[claims]
default_role = "member"

[action]
url = "https://frontdesk.example.com"
deadline_ms = 2000
on_failure = "deny"
deny_reason = "Not now."
max_body_bytes = 20000
"""
SECOND_TENANT = '[tenants.beta]\ndomain = "beta.eu.auth0.com"\naudience = "https://api.example.com"\n'


def render_with(settings: str, directory: Path, *arguments: str) -> Result:
    config = directory / "frontdesk.toml"
    config.write_text(settings)
    environment = {
        "FRONTDESK_CONFIG": str(config),
        "FRONTDESK_HASURA_ADMIN_SECRET": "admin-secret-of-hasura",
        "FRONTDESK_TENANTS_ACME_HOOK_SECRETS": HOOK_SECRET,
    }
    if "beta" in settings:
        environment["FRONTDESK_TENANTS_BETA_HOOK_SECRETS"] = OTHER_HOOK_SECRET
    return CliRunner().invoke(app, ["render", *arguments], env=environment)


def test_the_source_is_printed_with_every_setting_in_its_place(tmp_path: Path) -> None:
    result = render_with(SETTINGS, tmp_path)

    assert result.exit_code == 0
    for line in (
        'const HOOK_URL = /* setting: hook_url */ "https://frontdesk.example.com/hooks/acme/post-login";',
        'const TENANT = /* setting: tenant */ "acme";',
        'const DEFAULT_ROLE = /* setting: default_role */ "member";',
        'const CLAIMS_NAMESPACE = /* setting: claims_namespace */ "https://app.example.com/hasura";',
        'const ON_FAILURE = /* setting: on_failure */ "deny";',
        'const DENY_REASON = /* setting: deny_reason */ "Not now.";',
        "const DEADLINE_MS = /* setting: deadline_ms */ 2000;",
        "const MAX_BODY_BYTES = /* setting: max_body_bytes */ 20000;",
    ):
        assert f"\n{line}\n" in result.stdout


def test_out_writes_the_same_source_and_says_what_it_needs(tmp_path: Path) -> None:
    printed = render_with(SETTINGS, tmp_path)

    written = render_with(SETTINGS, tmp_path, "--out", str(tmp_path / "action.js"))

    assert (written.exit_code, written.stdout) == (0, "")
    assert (tmp_path / "action.js").read_text("utf-8") == printed.stdout
    for said in ("post-login v3", "node22", "FRONTDESK_HOOK_SECRET"):
        assert said in written.stderr


def test_no_secret_of_the_settings_is_written(tmp_path: Path) -> None:
    result = render_with(SETTINGS, tmp_path)

    assert "admin-secret-of-hasura" not in result.output
    assert HOOK_SECRET.removeprefix("whsec_") not in result.output


def test_with_several_tenants_one_is_chosen_by_its_key(tmp_path: Path) -> None:
    both = SETTINGS + SECOND_TENANT

    assert "/hooks/beta/post-login" in render_with(both, tmp_path, "--tenant", "beta").stdout
    refused = render_with(both, tmp_path).exception
    assert isinstance(refused, UsageError)
    assert "acme, beta" in str(refused)


def test_without_a_public_url_the_missing_key_is_named(tmp_path: Path) -> None:
    result = render_with(SETTINGS.replace('url = "https://frontdesk.example.com"', ""), tmp_path)

    assert isinstance(result.exception, SettingsInvalid)
    assert "FRONTDESK_ACTION_URL" in str(result.exception)


@pytest.mark.parametrize("out", ["file/action.js", "folder.js"], ids=["below a file", "a directory"])
def test_a_file_that_cannot_be_written_is_a_wrong_usage(tmp_path: Path, out: str) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.js").mkdir()

    result = render_with(SETTINGS, tmp_path, "--out", str(tmp_path / out))

    assert isinstance(result.exception, UsageError)
    assert str(tmp_path / out) in str(result.exception)


def test_rendering_needs_no_secret_in_the_settings(tmp_path: Path) -> None:
    config = tmp_path / "frontdesk.toml"
    config.write_text(SETTINGS)

    result = CliRunner().invoke(app, ["render"], env={"FRONTDESK_CONFIG": str(config)})

    assert result.exit_code == 0
    assert result.stdout.startswith("// frontdesk post-login ")


def test_an_unknown_action_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    result = render_with(SETTINGS, tmp_path, "post-logout")

    assert isinstance(result.exception, UsageError)
    assert "post-login" in str(result.exception)


def test_several_actions_need_a_folder(tmp_path: Path) -> None:
    refused = render_with(SETTINGS, tmp_path, "claims", "sync").exception

    assert isinstance(refused, UsageError)
    assert "--out" in str(refused)

    written = render_with(SETTINGS, tmp_path, "claims", "sync", "--out", str(tmp_path / "out"))

    assert written.exit_code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "frontdesk-claims.js",
        "frontdesk-sync.js",
    ]
