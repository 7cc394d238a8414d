"""Every Action below actions/: its manifest keeps the schema, and its source keeps what the manifest says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from frontdesk.auth0.actions import ActionManifest, read_manifest
from frontdesk.settings import ActionSettings, ClaimsSettings, LoginSettings, TenantSettings
from frontdesk.settings_types import ACTION_NAMES

ACTIONS = Path(__file__).resolve().parents[2] / "actions"
SCHEMA = json.loads((ACTIONS / "manifest.schema.json").read_text())
DIRECTORIES = sorted(path for path in ACTIONS.iterdir() if path.is_dir())
HANDLERS = {
    "post-login": {"onExecutePostLogin", "onContinuePostLogin"},
    "credentials-exchange": {"onExecuteCredentialsExchange"},
    "post-user-registration": {"onExecutePostUserRegistration"},
    "post-change-password": {"onExecutePostChangePassword"},
}
MAX_ACTION_BYTES = 9000  # what a person reads before pasting it into Auth0

each_action = pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda path: path.name)


def source_of(directory: Path) -> str:
    return (directory / "action.js").read_text("utf-8")


def manifest_document() -> Any:
    return yaml.safe_load((ACTIONS / "post-login" / "manifest.yaml").read_text())


def test_there_are_actions() -> None:
    assert "post-login" in [directory.name for directory in DIRECTORIES]


def test_the_published_schema_is_the_one_that_rendering_applies() -> None:
    known = {key: value for key, value in SCHEMA.items() if key != "$schema"}

    assert known == ActionManifest.model_json_schema(), (
        "write actions/manifest.schema.json anew from ActionManifest"
    )


@each_action
def test_the_manifest_keeps_the_schema(directory: Path) -> None:
    jsonschema.validate(yaml.safe_load((directory / "manifest.yaml").read_text()), SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        {"trigger": {"id": "post-logout", "version": "v3"}},
        {"trigger": {"id": "post-login"}},
        {"runtime": "node16"},
        {"modules": [{"name": "axios", "version": "latest"}]},
        {"secrets": [{"name": "FRONTDESK_HOOK_SECRET"}]},
        {"secrets": [{"name": "hook secret", "description": "Signs the call."}]},
        {"settings": [{"name": "hook_url", "description": "short"}]},
        {"unheard_of": True},
    ],
    ids=str,
)
def test_the_schema_refuses_what_auth0_or_rendering_could_not_use(change: dict[str, Any]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**manifest_document(), **change}, SCHEMA)


@each_action
def test_the_source_exports_handlers_of_its_trigger_only(directory: Path) -> None:
    exported = set(re.findall(r"^exports\.(\w+)", source_of(directory), re.MULTILINE))

    assert exported
    assert exported <= HANDLERS[read_manifest(directory).trigger.id]


@each_action
def test_the_source_requires_only_nodes_own_modules_and_what_the_manifest_pins(directory: Path) -> None:
    required = re.findall(r"require\('([^']+)'\)", source_of(directory))
    pinned = {module.name for module in read_manifest(directory).modules}

    assert source_of(directory).count("require(") == len(required)
    assert [name for name in required if not name.startswith("node:") and name not in pinned] == []


@each_action
def test_the_source_reads_and_documents_exactly_the_secrets_of_the_manifest(directory: Path) -> None:
    read = set(re.findall(r"event\.secrets\??\.(\w+)", source_of(directory)))
    head_comment = source_of(directory).split("*/", 1)[0]

    assert read == {secret.name for secret in read_manifest(directory).secrets}
    assert all(name in head_comment for name in read)


@each_action
def test_the_source_has_no_token_that_auth0_deploy_cli_replaces(directory: Path) -> None:
    assert re.findall(r"##|@@", source_of(directory)) == []


@each_action
def test_the_action_stays_small(directory: Path) -> None:
    assert len((directory / "action.js").read_bytes()) < MAX_ACTION_BYTES


@each_action
def test_the_settings_may_name_the_action(directory: Path) -> None:
    assert directory.name in ACTION_NAMES
    assert len(DIRECTORIES) == len(ACTION_NAMES)


@each_action
def test_nothing_of_one_event_is_kept_for_the_next(directory: Path) -> None:
    """An instance serves many users: what lies outside of functions is constant."""
    assert re.findall(r"^(?:let|var) ", source_of(directory), re.MULTILINE) == []


@each_action
def test_the_placeholders_are_the_defaults_of_the_settings(directory: Path) -> None:
    """Reading the file tells what a fresh set-up does; only the choice on failure is the safer one."""
    places = dict(re.findall(r"/\* setting: (\w+) \*/ (.+);$", source_of(directory), re.MULTILINE))
    action, claims, login = ActionSettings(), ClaimsSettings(), LoginSettings()
    defaults = {
        "hook_url": "",
        "tenant": "default",
        "default_role": claims.default_role,
        "claims_namespace": TenantSettings.model_fields["claims_namespace"].default,
        "on_failure": "deny",
        "deny_reason": action.deny_reason,
        "deadline_ms": action.deadline_ms,
        "max_body_bytes": action.max_body_bytes,
        "role_sources": sorted(claims.role_sources),
        "app_metadata_path": claims.app_metadata_path.split("."),
        "role_map": list(claims.role_map),
        "pass_unmapped": claims.pass_unmapped,
        "extra_claims": list(claims.extra),
        "id_token_claims": login.id_token_claims,
        "id_token_namespace": login.id_token_namespace or "",
        "metadata_limit_bytes": login.id_token_metadata_limit_bytes,
        "audience": "",
        "machine_roles": [],
        "unknown_machines": action.unknown_machines,
    }

    assert {name: json.loads(text.replace("'", '"')) for name, text in places.items()} == {
        name: defaults[name] for name in places
    }


def functions_of(directory: Path) -> dict[str, str]:
    """The named functions of a source, each with its text; the error class goes by another name in each."""
    source = re.sub(r"\b(CheckIn|Sync|Call)Failed\b", "Failed", source_of(directory))
    found = re.findall(r"^(?:async )?function (\w+)\(.*?^}$", source, re.MULTILINE | re.DOTALL)
    texts = re.finditer(r"^(?:async )?function \w+\(.*?^}$", source, re.MULTILINE | re.DOTALL)
    return dict(zip(found, (text.group() for text in texts), strict=True))


@pytest.mark.parametrize(
    "name", ["signedHeaders", "withinDeadline", "call", "readBounded", "describe", "present", "pick"]
)
def test_what_several_actions_share_is_the_same_in_each(name: str) -> None:
    """Each Action stands alone, so the text is repeated; a repair in one must not miss the others."""
    texts = [functions[name] for directory in DIRECTORIES if name in (functions := functions_of(directory))]

    assert len(texts) == 4
    assert len(set(texts)) == 1
