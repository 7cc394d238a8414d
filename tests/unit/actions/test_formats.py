"""Rendered Actions as files for other tools."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from tests.integration.auth0.action_tenant import HOOK_SECRET, our_actions

from frontdesk.auth0.action_formats import (
    Format,
    SecretsMode,
    deploy_cli_mapping,
    rendered_files,
    write_files,
)
from frontdesk.auth0.action_sources import Module
from frontdesk.errors import UsageError

ACTIONS = our_actions("post-login", "id-token-metadata", LOGIN_ID_TOKEN_NAMESPACE="https://app.example.com/")
OURS = "frontdesk-post-login"


@pytest.mark.parametrize("kind", list(Format))
def test_no_file_holds_a_secret_unless_asked_for(kind: Format) -> None:
    silent = "".join(rendered_files(ACTIONS, kind).values())
    told = "".join(rendered_files(ACTIONS, kind, secrets=SecretsMode.WRITTEN).values())

    assert HOOK_SECRET not in silent
    assert (HOOK_SECRET in told) is (kind is not Format.JS), "a source has no place for a secret"


def test_json_is_the_body_that_creates_the_action() -> None:
    body = json.loads(rendered_files(ACTIONS, Format.JSON, secrets=SecretsMode.WRITTEN)[f"{OURS}.json"])

    assert body["name"] == OURS
    assert body["supported_triggers"] == [{"id": "post-login", "version": "v3"}]
    assert body["secrets"] == [{"name": "FRONTDESK_HOOK_SECRET", "value": HOOK_SECRET}]
    assert "exports.onExecutePostLogin" in body["code"]


@pytest.mark.parametrize(
    ("secrets", "written"),
    [
        (SecretsMode.LEFT_OUT, None),
        (SecretsMode.MAPPED, "@@FRONTDESK_SECRETS@@"),
        (SecretsMode.WRITTEN, [{"name": "FRONTDESK_HOOK_SECRET", "value": HOOK_SECRET}]),
    ],
)
def test_a_record_of_auth0_deploy_cli_says_of_secrets_what_was_asked(
    secrets: SecretsMode, written: object
) -> None:
    files = rendered_files(ACTIONS, Format.AUTH0_DEPLOY_CLI, secrets=secrets)
    record = json.loads(files[f"actions/{OURS}.json"])

    assert record.get("secrets") == written
    assert record["code"] == f"./actions/{OURS}/code.js"
    assert record["code"].removeprefix("./") in files
    assert record["deployed"] is True


def test_the_mapping_for_auth0_deploy_cli_names_each_secret_once() -> None:
    assert deploy_cli_mapping([*ACTIONS, *ACTIONS]) == {
        "FRONTDESK_SECRETS": [{"name": "FRONTDESK_HOOK_SECRET", "value": "…"}]
    }


def test_flows_of_other_people_stay_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "triggers" / "triggers.json"
    file.parent.mkdir()
    theirs = {"action_name": "log-country", "display_name": "Log country"}
    file.write_text(json.dumps({"post-login": [theirs], "credentials-exchange": []}))

    for _ in range(2):
        write_files(tmp_path, rendered_files(ACTIONS, Format.AUTH0_DEPLOY_CLI))

    flows = json.loads(file.read_text())
    names = [each["action_name"] for each in flows["post-login"]]
    assert names == ["log-country", OURS, "frontdesk-id-token-metadata"]
    assert flows["credentials-exchange"] == []


def test_a_file_of_flows_that_cannot_be_read_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "triggers" / "triggers.json"
    file.parent.mkdir()
    file.write_text("[]")

    with pytest.raises(UsageError, match="expected the flows of auth0-deploy-cli"):
        write_files(tmp_path, rendered_files(ACTIONS, Format.AUTH0_DEPLOY_CLI))

    assert file.read_text() == "[]"


def test_files_with_secrets_are_for_their_owner_alone(tmp_path: Path) -> None:
    (tmp_path / f"{OURS}.json").touch(mode=0o644)
    files = rendered_files(ACTIONS, Format.JSON, secrets=SecretsMode.WRITTEN)

    for path in write_files(tmp_path, files, private=True):
        assert path.stat().st_mode & 0o077 == 0


def test_terraform_binds_without_replacing_and_keeps_our_order() -> None:
    text = rendered_files(ACTIONS, Format.TERRAFORM)["frontdesk.tf"]

    assert re.findall(r'^resource "(\w+)" "(\w+)" \{$', text, re.MULTILINE) == [
        ("auth0_action", "frontdesk_post_login"),
        ("auth0_trigger_action", "frontdesk_post_login"),
        ("auth0_action", "frontdesk_id_token_metadata"),
        ("auth0_trigger_action", "frontdesk_id_token_metadata"),
    ]
    assert "depends_on = [auth0_trigger_action.frontdesk_post_login]" in text
    assert text.count("sensitive   = true") == 1
    assert 'code    = file("${path.module}/frontdesk-post-login.js")' in text


def test_terraform_quotes_what_would_begin_a_template() -> None:
    odd = replace(ACTIONS[0], dependencies=(Module(name='a"${x}%{y}', version="1.2.3"),))

    text = rendered_files([odd], Format.TERRAFORM)["frontdesk.tf"]

    assert r'name    = "a\"$${x}%%{y}"' in text


def test_terraform_gets_the_values_of_its_variables_when_asked() -> None:
    files = rendered_files(ACTIONS, Format.TERRAFORM, secrets=SecretsMode.WRITTEN)

    assert json.loads(files["frontdesk.auto.tfvars.json"]) == {"frontdesk_hook_secret": HOOK_SECRET}
