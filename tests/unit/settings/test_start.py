"""`frontdesk init`: the first settings, and what it leaves alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from frontdesk.errors import SettingsInvalid, UsageError
from frontdesk.settings import load_settings, secret
from frontdesk.settings_start import Answers, placeholders_of, start_project

KNOWN = Answers(
    domain="acme.eu.auth0.com",
    audience="https://api.example.com",
    hasura_url="https://hasura.example.com",
    url="https://frontdesk.example.com",
)


def init(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "frontdesk", "init", *arguments],
        cwd=cwd,
        env={"NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def on_a_terminal(cwd: Path, answers: str, *arguments: str) -> str:
    """Run `frontdesk init` on a terminal of its own, and return what that shows."""
    ours, theirs = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "frontdesk", "init", *arguments],
        cwd=cwd,
        env={"NO_COLOR": "1"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        os.write(ours, answers.encode())
        shown = b"".join(iter(lambda: _read(ours), b""))
        os.close(ours)
        assert process.wait(60) == 0, shown
    return shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says so when the other side has gone
        return b""


def test_what_is_written_is_what_frontdesk_reads(tmp_path: Path) -> None:
    started = start_project(tmp_path, KNOWN)

    settings = load_settings({}, tmp_path)
    tenant = settings.tenants["default"]
    assert (tenant.domain, tenant.audience) == ("acme.eu.auth0.com", "https://api.example.com")
    assert (settings.hasura.url, settings.action.url) == (KNOWN.hasura_url, KNOWN.url)
    assert len(secret(settings.operator_token)) >= 43
    assert len(tenant.stream_tokens) == len(tenant.hook_secrets) == 1
    assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
    assert started.placeholders == ()


def test_no_two_secrets_are_the_same(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        start_project(tmp_path / name, KNOWN)

    lines = [
        line.partition("=")[2]
        for name in ("a", "b")
        for line in (tmp_path / name / ".env").read_text().splitlines()
        if line.startswith("FRONTDESK_")
    ]
    assert len(lines) == 8
    assert len(set(lines)) == 8


def test_a_tenant_of_another_name_gets_its_own_variables(tmp_path: Path) -> None:
    start_project(tmp_path, Answers(domain="acme.eu.auth0.com", tenant="acme_eu"))

    assert list(load_settings({}, tmp_path).tenants) == ["acme_eu"]
    assert "FRONTDESK_TENANTS_ACME_EU_HOOK_SECRETS=whsec_" in (tmp_path / ".env").read_text()


def test_nothing_that_exists_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("MINE=1\n")
    (tmp_path / "frontdesk.toml").write_text("[tenants.acme]\n")

    started = start_project(tmp_path, KNOWN)

    assert (tmp_path / ".env").read_text() == "MINE=1\n"
    assert (tmp_path / "frontdesk.toml").read_text() == "[tenants.acme]\n"
    assert [path.name for path in started.kept] == ["frontdesk.toml", ".env"]
    assert started.written == ()


def test_secrets_that_a_dotenv_of_somebody_else_lacks_are_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=3000\nFRONTDESK_HASURA_ADMIN_SECRET_FILE=/run/secrets/hasura\n")

    missing = start_project(tmp_path, KNOWN).missing
    told = init(tmp_path).stdout

    assert missing == (
        "FRONTDESK_OPERATOR_TOKEN",
        "FRONTDESK_TENANTS_DEFAULT_HOOK_SECRETS",
        "FRONTDESK_TENANTS_DEFAULT_STREAM_TOKENS",
    )
    assert "Set FRONTDESK_OPERATOR_TOKEN: .env has none" in told


@pytest.mark.parametrize("name", ["", "A B", "Ünï", "../x", "a]\n[x"])
def test_a_name_that_is_no_key_of_a_tenant_is_told(tmp_path: Path, name: str) -> None:
    done = init(tmp_path, "--tenant", name)

    assert done.returncode == 2
    assert f"--tenant {name}: expected a tenant key" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_secrets_are_made_for_the_tenants_of_a_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "frontdesk.toml").write_text('[tenants.one]\ndomain = "a.b"\n[tenants.two]\ndomain = "c.d"\n')

    start_project(tmp_path, KNOWN)

    text = (tmp_path / ".env").read_text()
    assert "FRONTDESK_TENANTS_ONE_HOOK_SECRETS=whsec_" in text
    assert "FRONTDESK_TENANTS_TWO_STREAM_TOKENS=" in text


def test_what_nobody_said_is_a_placeholder_that_no_name_server_knows(tmp_path: Path) -> None:
    started = start_project(tmp_path, Answers(domain="acme.eu.auth0.com"))

    assert started.placeholders == ("tenants.default.audience", "action.url")
    assert placeholders_of(load_settings({}, tmp_path)) == started.placeholders


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (Answers(domain="https://acme.eu.auth0.com/"), "without https:// and path"),
        (Answers(hasura_url="http://h/v1/graphql"), "without /v1/graphql"),
        (Answers(url="http://frontdesk.example.com"), "an https URL"),
        (Answers(tenant="Acme"), "tenant key"),
    ],
    ids=["domain", "hasura", "url", "tenant"],
)
def test_an_answer_that_settings_refuse_is_refused_before_anything_is_written(
    tmp_path: Path, answers: Answers, said: str
) -> None:
    with pytest.raises(SettingsInvalid, match=said):
        start_project(tmp_path, answers)

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("ignored", "added"),
    [(None, ".env\n"), ("*.pyc", "*.pyc\n.env\n"), ("/.env\n", None), ("# .env\n.env*\n", None)],
    ids=["no file", "no line", "ignored", "ignored by a pattern"],
)
def test_dotenv_is_kept_out_of_git(tmp_path: Path, ignored: str | None, added: str | None) -> None:
    (tmp_path / ".git").mkdir()
    if ignored is not None:
        (tmp_path / ".gitignore").write_text(ignored)

    started = start_project(tmp_path, KNOWN)

    assert (tmp_path / ".gitignore").read_text() == (added or ignored)
    assert (started.ignored is None) is (added is None)


def test_outside_a_checkout_no_gitignore_is_made(tmp_path: Path) -> None:
    start_project(tmp_path, KNOWN)

    assert not (tmp_path / ".gitignore").exists()


@pytest.mark.parametrize("content", [b"\xff\xfe", b"[tenants\n"], ids=["not text", "not TOML"])
def test_a_settings_file_that_cannot_be_read_stops_before_anything_is_written(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "frontdesk.toml").write_bytes(content)

    with pytest.raises(SettingsInvalid, match=r"frontdesk\.toml: expected"):
        start_project(tmp_path, KNOWN)

    assert not (tmp_path / ".env").exists()


def test_on_a_terminal_it_asks_for_what_is_missing(tmp_path: Path) -> None:
    answers = "acme.eu.auth0.com\nhttps://api.example.com\nhttps://frontdesk.example.com\n"

    said = on_a_terminal(tmp_path, answers, "--hasura-url", "http://127.0.0.1:8080")

    assert "Domain of the Auth0 tenant" in said
    assert "Base URL of Hasura" not in said, "it was given"
    assert load_settings({}, tmp_path).tenants["default"].domain == "acme.eu.auth0.com"
    assert "Fill in" not in said


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a directory"):
        start_project(tmp_path / "missing", KNOWN)


def test_the_command_says_what_it_wrote_and_what_comes_next_and_no_secret(tmp_path: Path) -> None:
    done = init(tmp_path, "--domain", "acme.eu.auth0.com")

    assert (done.returncode, done.stderr) == (0, "")
    assert "Wrote frontdesk.toml.\nWrote .env.\n" in done.stdout
    assert "Fill in tenants.default.audience in frontdesk.toml" in done.stdout
    assert done.stdout.endswith(
        "Next:\n  frontdesk auth0 setup --token-file -\n  frontdesk hasura apply\n  frontdesk doctor\n"
    )
    assert "set FRONTDESK_DATABASE_URL in .env too, and run `frontdesk db apply`" in done.stdout
    assert "whsec_" not in done.stdout


def test_the_command_gives_the_same_facts_as_json(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()

    facts = json.loads(init(tmp_path, "--dir", "place", "--json").stdout)

    assert facts["written"] == ["place/frontdesk.toml", "place/.env"]
    assert facts["missing"] == []
    assert facts["next"][0] == "cd place"


def test_a_wrong_answer_is_wrong_usage(tmp_path: Path) -> None:
    done = init(tmp_path, "--domain", "https://acme.eu.auth0.com")

    assert done.returncode == 2
    assert "FRONTDESK_TENANTS_DEFAULT_DOMAIN" in done.stderr
