"""`frontdesk jwt-secret`, as a shell runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from tests.integration.hasura.commands import Done, Terminal
from tests.integration.hasura.key_server import KeyServer, Page
from tests.unit.hasura.keys import certificate, jwk, private_pem, public_pem, signed

SETTINGS = {
    "FRONTDESK_HASURA_URL": "http://127.0.0.1:1",
    "FRONTDESK_TENANTS_ACME_DOMAIN": "acme.eu.auth0.com",
    "FRONTDESK_TENANTS_ACME_AUDIENCE": "https://api.example.com",
}
AUTH0 = {
    "jwk_url": "https://acme.eu.auth0.com/.well-known/jwks.json",
    "audience": "https://api.example.com",
    "issuer": "https://acme.eu.auth0.com/",
}
CUSTOM = ("--provider", "custom", "--issuer", "me", "--audience", "api")


@pytest.fixture
def server() -> Iterator[KeyServer]:
    """A provider's key set."""
    with KeyServer(
        {"/keys": Page(body={"keys": [jwk("one")]}, headers={"Cache-Control": "max-age=60"})}
    ) as running:
        yield running


Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `frontdesk jwt-secret` in an empty directory, without any settings unless they are given."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("FRONTDESK_")]:
        monkeypatch.delenv(name)
    terminal = Terminal(monkeypatch, capsys)

    def jwt_secret(*arguments: str, settings: Mapping[str, str] | None = None, typed: str = "") -> Done:
        for name, value in (settings or {}).items():
            monkeypatch.setenv(name, value)
        return terminal.run("jwt-secret", *arguments, typed=typed)

    return jwt_secret


def test_a_shell_gets_the_value_on_standard_output_alone(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "frontdesk", "jwt-secret", "--tenant", "acme"],
        env=SETTINGS,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0
    assert json.loads(done.stdout) == AUTH0
    assert "Hasura does not insist" in done.stderr


@pytest.mark.parametrize("arguments", [(), ("--tenant", "acme"), ("--provider", "auth0")])
def test_the_tenant_of_the_settings_needs_no_option_and_no_secret(
    run: Run, arguments: tuple[str, ...]
) -> None:
    done = run(*arguments, settings=SETTINGS)

    assert done.returncode == 0
    assert json.loads(done.stdout) == AUTH0
    assert "Hasura does not insist on aud, iss, exp" in done.stderr


def test_options_alone_need_no_settings_file(run: Run) -> None:
    done = run("--domain", "acme.eu.auth0.com", "--audience", "a", "--audience", "b")

    assert done.returncode == 0
    assert json.loads(done.stdout) == {**AUTH0, "audience": ["a", "b"]}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--provider", "auth0"), "--domain: expected Auth0's Domain"),
        (("--provider", "cognito"), "--user-pool: expected Cognito's User pool ID"),
        (("--domain", "acme.eu.auth0.com"), "--audience: expected the Identifier"),
        (("--project", "my-app-1234"), "--provider: expected one of"),
        (("--provider", "okta"), "--provider: expected one of"),
        (("--provider", "clerk", "--tenant", "acme"), "--tenant:"),
        (("--format", "xml"), "--format:"),
        ((*CUSTOM, "--key-file", "missing"), "cannot be read: No such file"),
        ((*CUSTOM, "--key-file", "key", "--embed-key"), "--key-file: expected no key"),
        ((*CUSTOM, "--key-file", "key", "--jwk-url", "https://x.example/"), "--jwk-url"),
        ((*CUSTOM, "--key-file", "short"), "atleast 32 characters"),
        ((*CUSTOM, "--key-file", "private.pem"), "private key"),
        ((*CUSTOM, "--jwk-url", "https://x.example/", "--header", "query:t"), "--header"),
        ((*CUSTOM, "--jwk-url", "https://x.example/", "--claims-map", "{"), "--claims-map"),
        (
            (*CUSTOM, "--jwk-url", "https://x.example/", "--claims-map", "{}"),
            "x-hasura-allowed-roles is expected",
        ),
        ((*CUSTOM, "--jwk-url", "https://x.example/", "--ca-file", "missing"), "--ca-file"),
        (("--token-file", "key"), "not a JWT"),
    ],
)
def test_wrong_usage_names_the_option(
    tmp_path: Path, run: Run, arguments: tuple[str, ...], words: str
) -> None:
    (tmp_path / "key").write_text("k" * 32)
    (tmp_path / "short").write_text("k" * 31)
    (tmp_path / "private.pem").write_text(private_pem())

    done = run(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_an_hmac_secret_comes_from_a_file_without_its_line_end(tmp_path: Path, run: Run) -> None:
    (tmp_path / "key").write_text("k" * 32 + "\n")

    done = run(*CUSTOM, "--key-file", "key")

    assert json.loads(done.stdout)["key"] == "k" * 32
    assert "signs tokens" in done.stderr
    assert "kkkk" not in done.stderr


def test_a_key_and_its_claims_may_come_from_elsewhere(tmp_path: Path, run: Run) -> None:
    (tmp_path / "map.json").write_text('{"x-hasura-allowed-roles": ["u"], "x-hasura-default-role": "u"}')

    done = run(
        *CUSTOM,
        "--key-file",
        "-",
        "--claims-map",
        "map.json",
        "--allowed-skew",
        "30",
        typed=certificate(),
    )

    assert json.loads(done.stdout) == {
        "type": "RS256",
        "key": certificate(),
        "audience": "api",
        "issuer": "me",
        "claims_map": {"x-hasura-allowed-roles": ["u"], "x-hasura-default-role": "u"},
        "allowed_skew": 30,
    }


def test_a_key_is_embedded_and_named(run: Run, server: KeyServer) -> None:
    done = run(*CUSTOM, "--jwk-url", f"{server.url}/keys", "--embed-key", "--format", "env")

    assert done.returncode == 0
    assert done.stdout.startswith('HASURA_GRAPHQL_JWT_SECRET=\'{"type": "RS256"')
    assert json.dumps(public_pem())[1:-1] in done.stdout
    assert f"Embedded the RS256 key 'one' of {server.url}/keys." in done.stderr
    assert "rotates" in done.stderr


def test_a_sound_key_set_is_checked_and_the_secret_printed(run: Run, server: KeyServer) -> None:
    done = run(*CUSTOM, "--jwk-url", f"{server.url}/keys", "--check")

    assert done.returncode == 0
    assert "ok: 1 signing key: 'one'." in done.stderr
    assert json.loads(done.stdout)["jwk_url"] == f"{server.url}/keys"


def test_a_program_gets_everything_as_json(run: Run, server: KeyServer) -> None:
    good = run(*CUSTOM, "--jwk-url", f"{server.url}/keys", "--check", "--json")
    bad = run(*CUSTOM, "--jwk-url", f"{server.url}/nowhere", "--check", "--json")

    assert (good.returncode, good.stderr, bad.returncode) == (0, "", 1)
    assert json.loads(good.stdout)["jwt_secret"]["issuer"] == "me"
    assert json.loads(good.stdout).keys() == {
        "jwt_secret",
        "text",
        "warnings",
        "notes",
        "not_checked",
        "check",
    }
    assert [each["verdict"] for each in json.loads(bad.stdout)["check"]] == ["failed"]


def test_a_key_set_that_is_not_there_fails_and_prints_no_secret(run: Run, server: KeyServer) -> None:
    done = run(*CUSTOM, "--jwk-url", f"{server.url}/nowhere", "--check")

    assert (done.returncode, done.stdout) == (1, "")
    assert "HTTP status 404" in done.stderr


def test_a_token_is_a_start_and_its_key_is_looked_for(run: Run, server: KeyServer) -> None:
    claims = {
        "iss": f"{server.url}/",
        "aud": "api",
        "https://me.example/c": {"x-hasura-allowed-roles": ["u"]},
    }
    server.pages["/.well-known/jwks.json"] = server.pages["/keys"]

    done = run("--token-file", "-", "--check", typed=signed(claims, kid="two"))
    good = run("--token-file", "-", "--check", typed=signed(claims))

    assert done.returncode == 1
    assert "signed with the key 'two', which is not in the set" in done.stderr
    assert good.returncode == 0
    assert "without verifying" in good.stderr
    assert json.loads(good.stdout) == {
        "jwk_url": f"{server.url}/.well-known/jwks.json",
        "audience": "api",
        "issuer": f"{server.url}/",
        "claims_namespace": "https://me.example/c",
    }
