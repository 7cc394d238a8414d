"""`frontdesk auth0 setup` against a tenant: what it makes, what it leaves alone, and what it says it could not do."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from tests.integration.auth0.desk import (
    AUDIENCE,
    NOWHERE,
    STREAM_TOKEN,
    a_desk,
    a_tenant,
    by_name,
    detail,
    kinds,
)

from frontdesk.auth0.management import Credentials, ManagementApi
from frontdesk.auth0.scopes import MACHINE_SCOPES, SET_UP_SCOPES
from frontdesk.auth0.setup_apps import Place, found
from frontdesk.auth0.setup_steps import Part


def test_it_makes_what_frontdesk_needs_and_a_second_time_nothing(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        first = desk.facts("--write", "--callback", "https://app.example.com/callback")
        second = desk.facts("--write", "--callback", "https://app.example.com/callback")

        assert first["exit_code"] == second["exit_code"] == 0
        assert set(kinds(first).values()) == {"create"}
        assert set(kinds(second).values()) == {"keep"}
        with desk.api() as api:
            server = by_name(api.sdk.resource_servers.list(), "Hasura (frontdesk)")
            assert (server["identifier"], server["signing_alg"], server["enforce_policies"]) == (
                AUDIENCE,
                "RS256",
                False,
            )
            login = by_name(api.sdk.clients.list(), "frontdesk-login")
            assert (login["app_type"], login["token_endpoint_auth_method"]) == ("native", "none")
            assert "https://app.example.com/callback" in login["callbacks"]
            assert "urn:ietf:params:oauth:grant-type:device_code" in login["grant_types"]
            machine = by_name(api.sdk.clients.list(), "frontdesk")
            (grant,) = api.sdk.client_grants.list(client_id=machine["client_id"])
            assert set(grant.scope or ()) == MACHINE_SCOPES
            (log,) = api.sdk.log_streams.list()
            sink = log.model_dump(by_alias=True)["sink"]
            assert sink["httpEndpoint"] == f"{NOWHERE}/hooks/acme/log-stream"
            assert (sink["httpAuthorization"], sink["httpContentFormat"]) == (
                f"Bearer {STREAM_TOKEN}",
                "JSONARRAY",
            )


def test_ids_and_the_secret_go_where_frontdesk_reads_them_and_nowhere_else(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        done = desk.setup("--yes", "--write", "--only", "app,machine")

        environment = (tmp_path / ".env").read_text()
        secret = environment.rpartition("FRONTDESK_TENANTS_ACME_MANAGEMENT_CLIENT_SECRET=")[2].strip()
        assert len(secret) > 20
        assert secret not in done.stdout + done.stderr
        assert "Wrote management_client_id in frontdesk.toml." in done.stdout
        assert (tmp_path / ".env").stat().st_mode & 0o777 == 0o600
        again = desk.setup("--dry-run", "--only", "api,app,machine,actions,streams", token="unused")
        assert "keep    application frontdesk: As it should be." in again.stdout
        assert "create  API" not in again.stdout
        assert "The token lacks the scope create:resource_servers." in again.stdout


def test_what_cannot_be_written_is_told_and_the_secret_is_safe_all_the_same(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        path = tmp_path / "frontdesk.toml"
        table = re.search(r"\[tenants.acme\]\n(.*)", path.read_text(), flags=re.DOTALL)
        assert table is not None
        inline = ", ".join(table[1].strip().splitlines())
        path.write_text(f"tenants.acme = {{ {inline} }}\n" + path.read_text()[: table.start()])

        done = desk.setup("--yes", "--write", "--only", "machine")

        assert done.returncode == 1
        assert "management_client_id is not in frontdesk.toml: the file has no line for" in done.stderr
        assert 'Put into [tenants.acme] of frontdesk.toml: management_client_id = "' in done.stdout
        assert "Wrote FRONTDESK_TENANTS_ACME_MANAGEMENT_CLIENT_SECRET in .env." in done.stdout


def test_without_write_it_says_what_to_put_where(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        before = (tmp_path / "frontdesk.toml").read_text()

        done = desk.setup("--yes", "--only", "machine")

        assert 'Put into [tenants.acme] of frontdesk.toml: management_client_id = "' in done.stdout
        assert "MANAGEMENT_CLIENT_SECRET=<its client secret>" in done.stdout
        assert (tmp_path / "frontdesk.toml").read_text() == before


def test_show_secrets_prints_the_new_secret(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        facts = desk.facts("--only", "machine", "--show-secrets")

        with ManagementApi(
            desk.url,
            Credentials(
                client_id=facts["management_client_id"], client_secret=facts["management_client_secret"]
            ),
        ) as api:
            assert api.scopes() == MACHINE_SCOPES


def test_the_secret_of_its_own_application_is_the_only_one_that_it_reads(tmp_path: Path) -> None:
    scopes = SET_UP_SCOPES | {"read:client_keys"}
    with a_desk(tmp_path, a_tenant(scopes)) as desk:
        made = desk.facts("--only", "machine", "--show-secrets")
        again = desk.facts("--only", "machine", "--show-secrets")
        with desk.api() as api:
            place = Place(part=Part.APP, name="", role="", key="", by_hand="")
            admin = found(api, place, "admin")

    assert again["management_client_secret"] == made["management_client_secret"]
    assert isinstance(admin, dict)
    assert (admin["name"], "client_secret" in admin) == ("Admin", False)


def test_a_dry_run_changes_nothing(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        done = desk.setup("--dry-run")

        assert done.returncode == 0
        assert f"create  API {AUDIENCE}: Create it with RS256" in done.stdout
        with desk.api() as api:
            assert [client.name for client in api.sdk.clients.list() if client.name != "Admin"] == []


def test_without_a_terminal_it_asks_for_yes_and_changes_nothing(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        done = desk.setup("--only", "app")

        assert done.returncode == 2
        assert "add --yes" in done.stderr
        with desk.api() as api:
            assert [client.name for client in api.sdk.clients.list()] == ["Admin"]


JWE = {
    "format": "compact-nested-jwe",
    "encryption_key": {"name": "k", "alg": "RSA-OAEP-256", "kid": "k", "pem": "…"},
}
API_OF_OTHERS = {"identifier": AUDIENCE, "name": "Theirs", "enforce_policies": True}


@pytest.mark.parametrize(
    ("server", "arguments", "kind", "said"),
    [
        ({"token_dialect": "access_token_authz"}, ["--rbac", "permissions"], "keep", "As it should be."),
        ({}, [], "keep", "As it should be."),
        ({}, ["--rbac", "permissions"], "update", "Set token_dialect = access_token_authz."),
        (
            {"token_dialect": "rfc9068_profile"},
            ["--rbac", "permissions"],
            "update",
            "Set token_dialect = rfc9068_profile_authz.",
        ),
        ({}, ["--rbac", "off"], "cannot", "lets everybody ask for every scope"),
        ({}, ["--rbac", "off", "--force"], "update", "Set enforce_policies = False."),
        ({"token_dialect": "access_token_authz"}, ["--rbac", "on"], "cannot", "something may read them"),
        ({"settings": {"signing_alg": "HS256"}}, [], "cannot", "signed with HS256"),
        ({"settings": {"signing_alg": "HS256"}}, ["--force"], "update", "Set signing_alg = RS256."),
        (
            {"settings": {"token_encryption": JWE}},
            ["--force"],
            "cannot",
            "cannot read encrypted",
        ),
    ],
)
def test_an_api_that_is_there_is_never_weakened_unasked(
    tmp_path: Path, server: dict[str, Any], arguments: list[str], kind: str, said: str
) -> None:
    tenant = a_tenant(resource_servers=[{**API_OF_OTHERS, **server}])
    with a_desk(tmp_path, tenant) as desk:
        facts = desk.facts("--only", "api", *arguments)

        (step,) = facts["steps"]
        assert (step["kind"], facts["exit_code"]) == (kind, 1 if kind == "cannot" else 0)
        assert said in step["detail"]
        if kind == "update":
            assert kinds(desk.facts("--only", "api", *arguments)) == {f"API {AUDIENCE}": "keep"}


def test_an_application_of_the_same_name_that_is_somebody_elses_is_left_alone(tmp_path: Path) -> None:
    clients = [*a_tenant()["clients"], {"client_id": "theirs", "name": "frontdesk-login", "app_type": "spa"}]
    with a_desk(tmp_path, a_tenant(clients=clients)) as desk:
        facts = desk.facts("--only", "app,api")

        assert kinds(facts)["application frontdesk-login"] == "cannot"
        assert "that frontdesk did not make: theirs" in detail(facts, "application frontdesk-login")
        assert kinds(facts)[f"API {AUDIENCE}"] == "create", "the rest goes on"
        assert facts["exit_code"] == 1


def test_several_applications_of_ours_are_told_apart_by_the_settings(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        first = desk.facts("--only", "app")["login_client_id"]
        with desk.api() as api:
            api.sdk.clients.create(
                name="frontdesk-login", app_type="native", client_metadata={"frontdesk": "login"}
            )

        unclear = desk.facts("--only", "app")
        text = (tmp_path / "frontdesk.toml").read_text()
        (tmp_path / "frontdesk.toml").write_text(text + f'login_client_id = "{first}"\n')
        chosen = desk.facts("--only", "app")

        assert "There are several of frontdesk's" in detail(unclear, "application frontdesk-login")
        assert kinds(chosen) == {"application frontdesk-login": "keep"}


def test_an_application_that_the_settings_name_is_not_changed_when_it_is_not_ours(tmp_path: Path) -> None:
    clients = [*a_tenant()["clients"], {"client_id": "theirs", "name": "Web", "app_type": "spa"}]
    with a_desk(tmp_path, a_tenant(clients=clients), more='login_client_id = "theirs"\n') as desk:
        facts = desk.facts("--only", "app")

        assert kinds(facts) == {"application Web": "cannot"}
        assert "it lacks callbacks" in detail(facts, "application Web")


def test_an_application_that_is_gone_is_told(tmp_path: Path) -> None:
    with a_desk(tmp_path, more='management_client_id = "gone"\n') as desk:
        facts = desk.facts("--only", "machine")

        assert "the tenant has no such application" in detail(facts, "application gone")
        assert facts["exit_code"] == 1


def test_callbacks_are_added_and_those_of_others_kept(tmp_path: Path) -> None:
    with a_desk(tmp_path) as desk:
        client_id = desk.facts("--only", "app", "--app", "spa")["login_client_id"]
        with desk.api() as api:
            api.sdk.clients.update(client_id, callbacks=["https://added.example.com/cb"])

        arguments = (
            "--only",
            "app",
            "--app",
            "spa",
            "--callback",
            "https://localhost:8080/callback",
            "--implicit",
        )
        desk.facts(*arguments)

        with desk.api() as api:
            client = api.sdk.clients.get(client_id)
        assert {"https://added.example.com/cb", "https://localhost:8080/callback"} <= set(
            client.callbacks or ()
        )
        assert "https://localhost:8080" in (client.web_origins or ())
        assert "implicit" in (client.grant_types or ())
        assert kinds(desk.facts(*arguments)) == {"application frontdesk-login": "keep"}


@pytest.mark.parametrize(
    ("scopes", "arguments", "kind", "left"),
    [
        (MACHINE_SCOPES | {"read:grants"}, [], "keep", MACHINE_SCOPES | {"read:grants"}),
        (MACHINE_SCOPES | {"read:grants"}, ["--force"], "update", MACHINE_SCOPES),
        ({"read:actions", "read:grants"}, [], "update", MACHINE_SCOPES | {"read:grants"}),
    ],
    ids=["wider", "narrowed by force", "too narrow"],
)
def test_a_grant_is_widened_to_what_is_needed_and_narrowed_by_force_alone(
    tmp_path: Path, scopes: frozenset[str], arguments: list[str], kind: str, left: frozenset[str]
) -> None:
    with a_desk(tmp_path) as desk:
        client_id = desk.facts("--only", "machine")["management_client_id"]
        with desk.api() as api:
            (grant,) = api.sdk.client_grants.list(client_id=client_id)
            api.sdk.client_grants.update(str(grant.id), scope=sorted(scopes))

        facts = desk.facts("--only", "machine", *arguments)

        assert kinds(facts)["grant of the Management API"] == kind
        with desk.api() as api:
            (grant,) = api.sdk.client_grants.list(client_id=client_id)
        assert set(grant.scope or ()) == left
        if kind == "keep":
            assert "wider than frontdesk needs, by read:grants" in detail(
                facts, "grant of the Management API"
            )
