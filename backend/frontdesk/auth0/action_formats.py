"""Rendered Actions as files that other people's tools import: auth0-deploy-cli, Terraform, the bare API.

No file holds a secret unless that is asked for: the tools get the values by a mapping or a variable of their own.
Source: auth0-deploy-cli 8, docs "Using as a CLI", "Keyword Replacement"; Terraform provider auth0/auth0 1.x.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

from frontdesk.auth0.action_state import code_to_send
from frontdesk.auth0.actions import RenderedAction
from frontdesk.errors import UsageError

# auth0-deploy-cli puts a mapped list in the place of "@@NAME@@". A whole list, because a value inside one would be
# imported as it stands when nothing is mapped; a list that is not mapped stops the import.
SECRETS_KEYWORD = "FRONTDESK_SECRETS"
_SECRET_FILE_MODE = 0o600


class SecretsMode(StrEnum):
    """What the files say of secrets: nothing but names, a place that auth0-deploy-cli fills, or the values."""

    LEFT_OUT = "left-out"
    MAPPED = "mapped"
    WRITTEN = "written"


class Format(StrEnum):
    """A kind of files."""

    JS = "js"
    JSON = "json"
    AUTH0_DEPLOY_CLI = "auth0-deploy-cli"
    TERRAFORM = "terraform"


def rendered_files(
    actions: Sequence[RenderedAction], kind: Format, *, secrets: SecretsMode = SecretsMode.LEFT_OUT
) -> Mapping[str, str]:
    """Return the files, each by its path inside the folder."""
    with_secrets = secrets is SecretsMode.WRITTEN
    if kind is Format.JS:
        return {f"{each.title}.js": _code(each, with_secrets) for each in actions}
    if kind is Format.JSON:
        return {f"{each.title}.json": _as_json(_request(each, with_secrets)) for each in actions}
    if kind is Format.AUTH0_DEPLOY_CLI:
        return _deploy_cli_files(actions, secrets)
    return _terraform_files(actions, with_secrets)


def write_files(folder: Path, files: Mapping[str, str], *, private: bool = False) -> tuple[Path, ...]:
    """Write the files below `folder`, for their owner alone when `private`, and return their paths.

    `triggers/triggers.json` keeps what it says of other Actions. Raises UsageError when a file cannot be written.
    """
    written = []
    for name, text in files.items():
        path = folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = _merged_triggers(path, text) if name == TRIGGERS_FILE else text
            _write(path, content, private=private)
        except OSError as error:
            raise UsageError(f"--out {path}: cannot be written: {error.strerror}") from error
        written.append(path)
    return tuple(written)


def deploy_cli_mapping(actions: Iterable[RenderedAction]) -> dict[str, list[dict[str, str]]]:
    """Return AUTH0_KEYWORD_REPLACE_MAPPINGS for the folder, with the places of the values left to be filled."""
    names = dict.fromkeys(name for each in actions for name in each.secrets)
    return {SECRETS_KEYWORD: [{"name": name, "value": "…"} for name in names]} if names else {}


TRIGGERS_FILE = "triggers/triggers.json"


def _code(action: RenderedAction, with_secrets: bool) -> str:
    return code_to_send(action) if with_secrets else action.code


def _request(action: RenderedAction, with_secrets: bool) -> dict[str, Any]:
    """Return the body of `POST /api/v2/actions/actions`; without secrets, their names alone."""
    return {
        "name": action.title,
        "supported_triggers": [{"id": action.trigger_id, "version": action.trigger_version}],
        "code": _code(action, with_secrets),
        "runtime": action.runtime,
        "dependencies": [{"name": each.name, "version": each.version} for each in action.dependencies],
        "secrets": _secrets(action, with_secrets),
    }


def _secrets(action: RenderedAction, with_secrets: bool) -> list[dict[str, str]]:
    return [
        {"name": name, "value": value} if with_secrets else {"name": name}
        for name, value in action.secrets.items()
    ]


def _deploy_cli_files(actions: Sequence[RenderedAction], secrets: SecretsMode) -> dict[str, str]:
    """Return auth0-deploy-cli's folder. A record without `secrets` leaves those that Auth0 has."""
    with_secrets = secrets is SecretsMode.WRITTEN
    files: dict[str, str] = {}
    flows: dict[str, list[dict[str, str]]] = {}
    for each in actions:
        code = f"actions/{each.title}/code.js"
        record = _request(each, with_secrets) | {"code": f"./{code}", "status": "built", "deployed": True}
        if secrets is SecretsMode.LEFT_OUT:
            del record["secrets"]
        elif secrets is SecretsMode.MAPPED and each.secrets:
            record["secrets"] = f"@@{SECRETS_KEYWORD}@@"
        files[f"actions/{each.title}.json"] = _as_json(record)
        files[code] = _code(each, with_secrets)
        flows.setdefault(each.trigger_id, []).append({"action_name": each.title, "display_name": each.title})
    return files | {TRIGGERS_FILE: _as_json(flows)}


def _merged_triggers(path: Path, text: str) -> str:
    """Return the flows of a folder that may have some already: ours are added at the end, others stay."""
    if not path.exists():
        return text
    try:
        flows = json.loads(path.read_text("utf-8"))
        for trigger_id, ours in json.loads(text).items():
            there = flows.setdefault(trigger_id, [])
            known = {each["action_name"] for each in there}
            there += [each for each in ours if each["action_name"] not in known]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError(f"{path}: expected the flows of auth0-deploy-cli, cannot read them") from error
    return _as_json(flows)


def _terraform_files(actions: Sequence[RenderedAction], with_secrets: bool) -> dict[str, str]:
    values = {name: value for each in actions for name, value in each.secrets.items()}
    blocks = [_TERRAFORM_HEAD, *(_variable(name) for name in values)]
    last: dict[str, str] = {}
    for each in actions:
        blocks += [_action_block(each), _binding_block(each, last.get(each.trigger_id))]
        last[each.trigger_id] = _label(each)
    files = {"frontdesk.tf": "\n".join(blocks)}
    files |= {f"{each.title}.js": _code(each, with_secrets) for each in actions}
    if with_secrets and values:
        files["frontdesk.auto.tfvars.json"] = _as_json(
            {name.lower(): value for name, value in values.items()}
        )
    return files


_TERRAFORM_HEAD = """\
terraform {
  required_providers {
    auth0 = {
      source  = "auth0/auth0"
      version = "~> 1.0"
    }
  }
}
"""


def _variable(name: str) -> str:
    return f"""\
variable {json.dumps(name.lower())} {{
  description = "Value of the secret {name} of frontdesk's Actions."
  type        = string
  sensitive   = true
}}
"""


def _action_block(action: RenderedAction) -> str:
    """Return the Action. The code is read by `file`, which takes every character of it for itself."""
    dependencies = "".join(
        f"\n  dependencies {{\n    name    = {_hcl(each.name)}\n    version = {_hcl(each.version)}\n  }}\n"
        for each in action.dependencies
    )
    secrets = "".join(
        f"\n  secrets {{\n    name  = {_hcl(name)}\n    value = var.{name.lower()}\n  }}\n"
        for name in action.secrets
    )
    return f"""\
resource "auth0_action" {_hcl(_label(action))} {{
  name    = {_hcl(action.title)}
  runtime = {_hcl(action.runtime)}
  deploy  = true
  code    = file("${{path.module}}/{action.title}.js")

  supported_triggers {{
    id      = {_hcl(action.trigger_id)}
    version = {_hcl(action.trigger_version)}
  }}
{dependencies}{secrets}}}
"""


def _binding_block(action: RenderedAction, after: str | None) -> str:
    """Return the binding. `auth0_trigger_action` adds one to the flow; `auth0_trigger_actions` would replace it."""
    label = _label(action)
    order = f"\n  depends_on = [auth0_trigger_action.{after}]\n" if after else ""
    return f"""\
resource "auth0_trigger_action" {_hcl(label)} {{
  trigger      = {_hcl(action.trigger_id)}
  action_id    = auth0_action.{label}.id
  display_name = {_hcl(action.title)}
{order}}}
"""


def _label(action: RenderedAction) -> str:
    return action.title.replace("-", "_")


def _hcl(text: str) -> str:
    """Return a quoted HCL string; JSON's quoting is HCL's, but for the two that begin a template."""
    return json.dumps(text).replace("${", "$${").replace("%{", "%%{")


def _as_json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def _write(path: Path, text: str, *, private: bool) -> None:
    if not private:
        path.write_text(text, encoding="utf-8")
        return
    # Made anew, so that a mode that the file had before does not stay.
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _SECRET_FILE_MODE)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
