"""`frontdesk token`, against a real tenant and a real engine: what it prints, where, and with which exit code."""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
import pytest
from tests.conftest import new_database
from tests.integration.auth0.scripted_server import Answer, ScriptedServer
from tests.integration.auth0.sign_in_people import AUDIENCE, Person, a_tenant
from tests.integration.hasura.token_cases import EXPECTED, PEM_KEY
from tests.integration.hasura.tokens import a_token, rsa_key
from typer.main import get_command
from typer.testing import CliRunner, Result

from frontdesk.auth0.sign_in import Application, sign_in_with_browser
from frontdesk.cli import app, token
from frontdesk.demo.postgres import free_port
from frontdesk.errors import FrontdeskError, UsageError
from frontdesk.settings_reference import PROJECT
from localauth0 import LocalAuth0
from localhasura import LocalHasura

ADMIN_SECRET = "the-admin-secret-of-this-test"
PORT = free_port()
MACHINE_SECRET = "robot-secret"


@dataclass(frozen=True)
class House:
    """A tenant, a Hasura that trusts it, and a person."""

    tenant: LocalAuth0
    hasura: str
    token: str

    def settings(self) -> str:
        return "\n".join(
            [
                "[hasura]",
                f'url = "{self.hasura}"',
                "[tenants.default]",
                'domain = "acme.example.com"',
                f'issuer = "{self.tenant.issuer}"',
                f'audience = "{AUDIENCE}"',
                'login_client_id = "login"',
            ]
        )


@pytest.fixture(scope="module")
def house(postgres_url: str, worker_id: str) -> Iterator[House]:
    callback = f"http://127.0.0.1:{PORT}/callback"
    with (
        new_database(postgres_url, f"tokens_{worker_id}_{os.getpid()}") as url,
        LocalAuth0(tenant=a_tenant(callback)) as tenant,
        Person(tenant.url) as person,
    ):
        issuer = tenant.issuer
        secret = {"jwk_url": f"{issuer}.well-known/jwks.json", "issuer": issuer, "audience": AUDIENCE}
        application = Application(issuer=issuer, client_id="login", audience=AUDIENCE)
        token = sign_in_with_browser(application, person.log_in_at, port=PORT, wait_s=30).access_token
        with LocalHasura(
            database_url=url, admin_secret=ADMIN_SECRET, jwt_secret=json.dumps(secret)
        ) as hasura:
            yield House(tenant, hasura.url, token)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory that commands run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def at_home(place: Path, house: House) -> Path:
    """A directory with the house's settings."""
    (place / "frontdesk.toml").write_text(house.settings())
    return place


def run(*arguments: str, stdin: str = "") -> Result:
    """Run a command; an error of ours is in `exception`."""
    found = CliRunner().invoke(app, ["token", *arguments], input=stdin)
    if found.exception is not None and not isinstance(found.exception, SystemExit | FrontdeskError):
        raise found.exception
    return found


def judged_by_file(place: Path, token: str, *arguments: str) -> Result:
    (place / "secret.json").write_text(json.dumps({**PEM_KEY, **EXPECTED}))
    return run("inspect", "--jwt-secret-file", "secret.json", *arguments, stdin=token)


@pytest.mark.parametrize(
    ("token", "arguments", "exit_code", "sentence"),
    [
        (lambda: a_token(), (), 0, 'Hasura will accept this as role "user".'),
        (lambda: a_token(), ("--strict",), 0, 'Hasura will accept this as role "user".'),
        (lambda: a_token(), ("--role", "editor"), 0, 'Hasura will accept this as role "editor".'),
        (lambda: a_token(), ("--role", "boss"), 1, "Hasura will refuse this: the role asked for"),
        (lambda: a_token(exp=None), (), 0, 'Hasura will accept this as role "user", but should not'),
        (
            lambda: a_token(exp=None),
            ("--strict",),
            1,
            'Hasura will accept this as role "user", but should not',
        ),
        (
            lambda: a_token(),
            ("--now", "2100-01-31T12:00:00Z"),
            1,
            "Hasura will refuse this: the token expired",
        ),
        (lambda: a_token(), ("--now", "1700000000"), 1, "Hasura will refuse this: the token was issued in"),
    ],
)
def test_inspect_begins_with_the_answer_and_exits_by_it(
    place: Path, token: Any, arguments: tuple[str, ...], exit_code: int, sentence: str
) -> None:
    found = judged_by_file(place, token(), *arguments)

    assert found.stdout.startswith(sentence)
    assert found.exit_code == exit_code


def test_inspect_shows_other_people_s_claims_by_name_alone(place: Path) -> None:
    token = a_token(email="ana@example.com", name="Ana\x1b[31m")

    usual = judged_by_file(place, token)
    as_json = judged_by_file(place, token, "--json")
    everything = judged_by_file(place, token, "--all-claims")

    assert "email" in usual.stdout
    assert "auth0|1" in usual.stdout
    for found in (usual, as_json):
        assert "ana@example.com" not in found.output
        assert token[:30] not in found.output
    assert "ana@example.com" in everything.stdout
    assert "\x1b[31m" not in everything.stdout


def test_inspect_gives_a_script_the_same_facts(place: Path) -> None:
    found = json.loads(judged_by_file(place, a_token(aud="other", email="x"), "--json").stdout)

    assert found["verdict"] == "refused"
    assert found["refusal"] == {"code": "invalid-jwt", "message": "Could not verify JWT: JWTNotInAudience"}
    assert found["sentence"].startswith("Hasura will refuse this: ")
    assert (found["kind"], found["role"]) == ("access token", "user")
    assert found["header"] == {"alg": "RS256", "kid": "key-1", "typ": "JWT"}
    assert found["hasura_claims"]["x-hasura-user-id"] == "auth0|1"
    assert found["other_claims"] == ["email"]
    levels = {each["check"]: each["level"] for each in found["findings"]}
    assert (levels["audience"], levels["signature"]) == ("fault", "ok")


def test_a_token_in_an_argument_is_taken_and_warned_about(place: Path) -> None:
    (place / "secret.json").write_text(json.dumps({**PEM_KEY, **EXPECTED}))
    token = a_token()

    found = run("inspect", token, "--jwt-secret-file", "secret.json")

    assert found.exit_code == 0
    assert "stays in the shell's history" in found.stderr
    assert token not in found.output


@pytest.mark.parametrize("quoted", ["{}", "'{}'"], ids=["bare", "quoted"])
def test_a_configuration_may_come_from_an_environment_file(place: Path, quoted: str) -> None:
    secret = json.dumps({**PEM_KEY, **EXPECTED})
    (place / "hasura.env").write_text(f"OTHER=1\nHASURA_GRAPHQL_JWT_SECRET={quoted.format(secret)}\n")

    found = run("inspect", "--env-file", "hasura.env", stdin=a_token())

    assert found.exit_code == 0, found.output


def test_without_a_configuration_a_token_is_judged_by_the_tenant_of_the_settings(
    at_home: Path, house: House
) -> None:
    (at_home / "token.txt").write_text(f"{house.token}\n")

    found = run("inspect", "--file", "token.txt")

    assert found.stdout.startswith('Hasura will accept this as role "user".')
    assert "`frontdesk jwt-secret` for the tenant default" in found.stdout


def test_among_several_tenants_the_token_s_issuer_chooses(at_home: Path, house: House) -> None:
    other = f'[tenants.other]\ndomain = "other.auth0.com"\naudience = "{AUDIENCE}"\n'
    (at_home / "frontdesk.toml").write_text(f"{house.settings()}\n{other}")

    found = run("inspect", stdin=house.token)
    foreign = run("inspect", stdin=a_token())

    assert found.exit_code == 0
    assert isinstance(foreign.exception, UsageError)
    assert "choose one with --tenant" in str(foreign.exception)


@pytest.mark.parametrize(
    "text", ["[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900], ids=["lists", "objects"]
)
def test_a_token_that_is_nested_to_the_limit_is_judged_like_any_other(place: Path, text: str) -> None:
    token = jwt.api_jws.encode(
        f'{{"iss": "https://x/", "deep": {text}}}'.encode(), rsa_key(), algorithm="RS256"
    )

    for arguments in ((), ("--json", "--all-claims")):
        found = judged_by_file(place, token, *arguments)

        assert "the token's issuer is" in found.stdout
        assert found.exit_code == 1


def test_a_probe_with_more_than_the_token_is_refused_like_the_paste(at_home: Path, house: House) -> None:
    (at_home / "admin").write_text(ADMIN_SECRET)
    arguments = ("--hasura", house.hasura, "--admin-secret-file", "admin", "--probe", "--tenant", "default")

    found = run("inspect", *arguments, stdin=f"Bearer {house.token}")

    assert found.exit_code == 1
    assert found.stdout.startswith('Hasura will refuse this: "Bearer" came along with the token')
    assert "answers the same" in found.stdout


def test_a_running_hasura_is_asked_with_the_admin_secret_of_the_settings(
    at_home: Path, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRONTDESK_HASURA_ADMIN_SECRET", ADMIN_SECRET)

    seen = run("inspect", "--hasura", house.hasura, stdin=house.token)
    probed = run("inspect", "--hasura", house.hasura, "--probe", "--tenant", "default", stdin=house.token)

    assert seen.exit_code == 0
    assert "as far as could be seen (not checked: issuer, signature, skew, audience, header)" in seen.stdout
    assert probed.exit_code == 0
    assert "takes the token too" in probed.stdout


def test_the_admin_secret_of_the_settings_goes_to_no_other_hasura(
    at_home: Path, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRONTDESK_HASURA_ADMIN_SECRET", ADMIN_SECRET)
    with ScriptedServer({}) as server:
        found = run("inspect", "--hasura", server.url, stdin=house.token)

        assert isinstance(found.exception, UsageError)
        assert "--admin-secret-file" in str(found.exception)
        assert server.calls == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("inspect",), "no configuration to judge by"),
        (("inspect", "x.y.z", "--file", "a"), "not both"),
        (("inspect", "t\udcf6ken"), "characters that no token has"),
        (
            ("inspect", "--file", "nowhere.txt", "--jwt-secret-file", "secret.json"),
            "nowhere.txt cannot be read",
        ),
        (("inspect", "--jwt-secret-file", "-"), "only one of the token and --jwt-secret-file"),
        (("inspect", "--jwt-secret-file", "secret.json", "--env-file", "e"), "not both"),
        (("inspect", "--jwt-secret-file", "secret.json", "--now", "today"), "--now: expected seconds"),
        (("inspect", "--jwt-secret-file", "secret.json", "--probe"), "--hasura"),
        (("inspect", "--jwt-secret-file", "short.json"), "make one of at least 32"),
        (("inspect", "--env-file", "secret.json"), "does not set HASURA_GRAPHQL_JWT_SECRET"),
        (("inspect", "--hasura", "ftp://x"), "expected Hasura's base URL"),
        (("inspect", "--tenant", "default"), "--tenant needs settings"),
        (("inspect", "--file", "large"), "more than 1048576 bytes"),
        (("inspect", "--file", "binary"), "UTF-8"),
        (("query",), "as an argument or with --file"),
        (("query", "{a}", "--url", "http://x", "--variables", "[1]"), "expected a JSON object"),
        (("query", "--file", "-"), "only one of the token and --file"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_wrong_call_says_what_to_give(place: Path, arguments: tuple[str, ...], words: str) -> None:
    (place / "secret.json").write_text(json.dumps({**PEM_KEY, **EXPECTED}))
    (place / "short.json").write_text(json.dumps({"type": "HS256", "key": "short"}))
    (place / "large").write_text("a" * (1024 * 1024 + 1))
    (place / "binary").write_bytes(b"\xff\xfe\x00")

    found = run(*arguments, stdin="x")

    assert isinstance(found.exception, FrontdeskError)
    assert found.exception.exit_code == 2
    assert words in found.exception.detail


def test_query_prints_the_data(at_home: Path, house: House) -> None:
    (at_home / "query.graphql").write_text("query q($yes: Boolean!) { __typename @include(if: $yes) }")

    plain = run("query", "{__typename}", stdin=f"Bearer {house.token}\n")
    from_file = run("query", "--file", "query.graphql", "--variables", '{"yes": true}', stdin=house.token)
    as_json = run("query", "{__typename}", "--json", stdin=house.token)

    assert json.loads(plain.stdout) == json.loads(from_file.stdout) == {"__typename": "query_root"}
    assert json.loads(as_json.stdout) == {
        "data": {"__typename": "query_root"},
        "errors": [],
        "explanation": None,
    }
    assert (plain.exit_code, plain.stderr) == (0, "")


def test_query_explains_an_error(at_home: Path, house: House) -> None:
    unknown = run("query", "{users {userId}}", stdin=house.token)
    not_allowed = run("query", "{__typename}", "--role", "editor", stdin=house.token)
    foreign = run("query", "{__typename}", stdin=a_token())

    assert (unknown.exit_code, not_allowed.exit_code, foreign.exit_code) == (1, 1, 1)
    assert "field 'users' not found" in unknown.stderr
    assert 'the role "user" does not see what the query asks for' in unknown.stderr
    assert 'the role asked for, "editor", is not among the allowed roles ("user")' in not_allowed.stderr
    assert "the token's issuer is" in foreign.stderr
    assert unknown.stdout == ""


def test_query_never_sends_the_admin_secret(
    at_home: Path, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FRONTDESK_HASURA_ADMIN_SECRET", ADMIN_SECRET)
    with ScriptedServer({"/v1/graphql": [Answer(body={"data": {}})]}) as server:
        found = run("query", "{a}", "--url", f"{server.url}/v1/graphql", "--role", "user", stdin=house.token)

        assert found.exit_code == 0
        (call,) = server.calls
    headers = {name.lower(): value for name, value in call.headers.items()}
    assert headers["authorization"] == f"Bearer {house.token}"
    assert headers["x-hasura-role"] == "user"
    assert ADMIN_SECRET not in str(call)


def test_get_prints_a_machine_s_token_and_why_hasura_refuses_it(at_home: Path, house: House) -> None:
    (at_home / "secret").write_text(f"{MACHINE_SECRET}\n")

    found = run("get", "--client-id", "robot", "--client-secret-file", "secret")

    claims = jwt.decode(found.stdout.strip(), options={"verify_signature": False})
    assert claims["sub"] == "robot@clients"
    assert found.exit_code == 0
    assert "Hasura will refuse this: the token has no claim" in found.stderr
    assert "deploy the Action credentials-exchange" in found.stderr
    assert MACHINE_SECRET not in found.output


def test_get_writes_a_token_for_its_owner_alone(at_home: Path, house: House) -> None:
    (at_home / "secret").write_text(MACHINE_SECRET)
    (at_home / "token.txt").write_text("an older one")
    (at_home / "token.txt").chmod(0o644)

    found = run("get", "--client-id", "robot", "--client-secret-file", "secret", "--out", "token.txt")

    written = at_home / "token.txt"
    assert found.stdout == ""
    assert stat.S_IMODE(written.stat().st_mode) == 0o600
    assert written.read_text().count(".") == 2
    assert sorted(each.name for each in at_home.iterdir()) == ["frontdesk.toml", "secret", "token.txt"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--client-secret-file", "secret"), "name it with --client-id"),
        (("--client-id", "robot", "--client-secret-file", "wrong"), "check the client id and its secret"),
        (
            ("--client-id", "robot", "--client-secret-file", "secret", "--out", "no/such/file"),
            "cannot be written",
        ),
        # Before anybody logs in for a token that has no place to go.
        (("--no-browser", "--out", "no/such/file"), "cannot be written"),
        (("--tenant", "nobody"), "no tenant 'nobody' is configured"),
    ],
)
def test_a_get_that_cannot_be_says_why(at_home: Path, arguments: tuple[str, ...], words: str) -> None:
    (at_home / "secret").write_text(MACHINE_SECRET)
    (at_home / "wrong").write_text("wrong-secret")

    found = run("get", *arguments)

    assert isinstance(found.exception, FrontdeskError)
    assert words in found.exception.detail


def test_get_needs_an_application_for_logins(at_home: Path, house: House) -> None:
    (at_home / "frontdesk.toml").write_text(house.settings().replace("login_client_id", "# login_client_id"))

    found = run("get", "--no-browser")

    assert isinstance(found.exception, UsageError)
    assert "`frontdesk auth0 setup` makes one" in found.exception.detail


@pytest.mark.parametrize("way", ["browser", "device"])
def test_get_ends_with_the_token_of_whoever_logged_in(at_home: Path, house: House, way: str) -> None:
    arguments = ["--device"] if way == "device" else ["--no-browser", "--port", str(PORT), "--wait", "60"]
    command = [sys.executable, "-m", "frontdesk", "token", "get", *arguments]
    with (
        subprocess.Popen(
            command,
            cwd=at_home,
            env={"NO_COLOR": "1"},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process,
        Person(house.tenant.url) as person,
    ):
        assert process.stderr is not None
        shown = process.stderr.readline()
        if way == "device":
            person.confirm(shown.split("enter ")[1].split(",")[0])
        else:
            person.log_in_at(process.stderr.readline().strip())
        token, said = process.communicate(timeout=60)

    assert process.returncode == 0, said
    assert jwt.decode(token.strip(), options={"verify_signature": False})["sub"] == "auth0|ana"
    assert said.splitlines()[-1] == 'frontdesk: Hasura will accept this as role "user".'


def commands_of_the_page() -> list[str]:
    page = (PROJECT / "docs" / "how-to" / "debug-a-token.md").read_text()
    return [line for block in re.findall(r"```sh\n(.*?)```", page, re.DOTALL) for line in block.splitlines()]


@pytest.mark.parametrize("line", commands_of_the_page())
def test_every_command_of_the_page_does_what_it_is_there_for(at_home: Path, house: House, line: str) -> None:
    issuer = house.tenant.issuer
    secret = json.dumps({"jwk_url": f"{issuer}.well-known/jwks.json", "issuer": issuer, "audience": AUDIENCE})
    files = {
        "token.txt": house.token,
        "jwt-secret.json": secret,
        "hasura.env": f"HASURA_GRAPHQL_JWT_SECRET={secret}",
        "admin-secret.txt": ADMIN_SECRET,
        "client-secret.txt": MACHINE_SECRET,
        "query.graphql": "query q($withName: Boolean!) {__typename @include(if: $withName)}",
    }
    for name, text in files.items():
        (at_home / name).write_text(text)
    ours = {"https://hasura.example.com": house.hasura, "k2VnQ0f3JXw9sT7p": "robot"}
    program, group, *arguments = (ours.get(word, word) for word in shlex.split(line))

    assert (program, group) == ("frontdesk", "token")
    if arguments[0] == "get" and "--client-id" not in arguments:
        # Somebody has to log in: another test does it.
        get_command(token.app).commands["get"].make_context("get", arguments[1:])  # type: ignore[attr-defined]
        return
    found = run(*arguments)
    assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
    assert found.exit_code == (1 if "editor" in arguments else 0), found.output
