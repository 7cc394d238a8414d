"""Reads a tenant file; every fault names the field, and all faults come in one message."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from localauth0.errors import LocalAuth0Error
from localauth0.generator import with_generated
from localauth0.tenant import MANAGEMENT_API, WEBHOOK_AUTHORIZATIONS, TenantConfig
from localauth0.webhook_posts import is_receiver

MAX_TENANT_FILE_BYTES = 16 * 1024 * 1024


class TenantFileError(LocalAuth0Error):
    """The tenant file cannot be used; the text has one line per fault, each naming its field."""


def read_tenant_file(path: Path) -> TenantConfig:
    """Return the tenant that the JSON file describes; `code_file` is looked up beside the file."""
    try:
        if path.stat().st_size > MAX_TENANT_FILE_BYTES:
            raise TenantFileError(f"{path}: larger than {MAX_TENANT_FILE_BYTES} bytes")
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise TenantFileError(f"{path}: cannot be read: {err.strerror}") from err
    except ValueError as err:
        raise TenantFileError(f"{path}: not JSON: {err}") from err
    return parse_tenant(document, base_dir=path.parent)


def parse_tenant(document: object, *, base_dir: Path) -> TenantConfig:
    """Return the tenant that `document` describes. Raises TenantFileError."""
    if not isinstance(document, dict):
        raise TenantFileError("tenant file: expected a JSON object")
    try:
        tenant = TenantConfig.model_validate(_with_action_code(document, base_dir))
    except ValidationError as err:
        raise TenantFileError("\n".join(_fault_lines(err))) from err
    faults = list(_reference_faults(tenant))
    if faults:
        raise TenantFileError("\n".join(faults))
    return with_generated(tenant)


def _with_action_code(document: dict[str, Any], base_dir: Path) -> dict[str, Any]:
    """The document with each Action's `code_file` replaced by its `code`."""
    actions = document.get("actions")
    if not isinstance(actions, list):
        return document
    return {**document, "actions": [_loaded_action(i, a, base_dir) for i, a in enumerate(actions)]}


def _loaded_action(index: int, action: Any, base_dir: Path) -> Any:
    if not isinstance(action, dict) or "code_file" not in action:
        return action
    field = f"actions[{index}].code_file"
    if "code" in action:
        raise TenantFileError(f"{field}: give either code or code_file, not both")
    try:
        code = (base_dir / str(action["code_file"])).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as err:
        raise TenantFileError(f"{field}: {action['code_file']} cannot be read: {err}") from err
    return {**{key: value for key, value in action.items() if key != "code_file"}, "code": code}


def _fault_lines(err: ValidationError) -> Iterator[str]:
    # The input itself is left out: it may be a password or a client secret.
    for fault in err.errors(include_input=False, include_url=False):
        yield f"{_field_path(fault['loc'])}: {fault['msg']}"


def _field_path(location: Iterable[int | str]) -> str:
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f".{part}"
    return path.lstrip(".") or "tenant file"


def _reference_faults(tenant: TenantConfig) -> Iterator[str]:
    yield from _duplicates("clients", "client_id", [c.client_id for c in tenant.clients])
    yield from _duplicates("resource_servers", "identifier", [a.identifier for a in tenant.resource_servers])
    yield from _duplicates("connections", "name", [c.name for c in tenant.connections])
    yield from _duplicates("roles", "name", [r.name for r in tenant.roles])
    yield from _duplicates("users", "user_id", [u.user_id for u in tenant.users])
    yield from _duplicates("actions", "name", [a.name for a in tenant.actions])
    yield from _grant_faults(tenant)
    yield from _role_faults(tenant)
    yield from _identity_faults(tenant)
    yield from _binding_faults(tenant)
    yield from _stream_faults(tenant)


def _duplicates(field: str, key: str, values: list[str]) -> Iterator[str]:
    seen: set[str] = set()
    for index, value in enumerate(values):
        if value in seen:
            yield f"{field}[{index}].{key}: {value!r} is there twice"
        seen.add(value)


def _grant_faults(tenant: TenantConfig) -> Iterator[str]:
    for index, grant in enumerate(tenant.client_grants):
        if tenant.client(grant.client_id) is None:
            yield f"client_grants[{index}].client_id: no client {grant.client_id!r}"
        if grant.audience != MANAGEMENT_API and tenant.resource_server(grant.audience) is None:
            yield f"client_grants[{index}].audience: no resource server {grant.audience!r}"


def _role_faults(tenant: TenantConfig) -> Iterator[str]:
    user_ids = {user.user_id for user in tenant.users}
    for index, user in enumerate(tenant.users):
        yield from _unknown_roles(tenant, f"users[{index}].roles", user.roles)
    for index, organization in enumerate(tenant.organizations):
        for position, member in enumerate(organization.members):
            field = f"organizations[{index}].members[{position}]"
            if member.user_id not in user_ids:
                yield f"{field}.user_id: no user {member.user_id!r}"
            yield from _unknown_roles(tenant, f"{field}.roles", member.roles)


def _unknown_roles(tenant: TenantConfig, field: str, names: list[str]) -> Iterator[str]:
    for position, name in enumerate(names):
        if tenant.role(name) is None:
            yield f"{field}[{position}]: no role {name!r}"


def _identity_faults(tenant: TenantConfig) -> Iterator[str]:
    for index, user in enumerate(tenant.users):
        for position, identity in enumerate(user.identities or []):
            connection = identity.get("connection")
            if not isinstance(connection, str) or tenant.connection(connection) is None:
                yield f"users[{index}].identities[{position}].connection: no connection {connection!r}"
        if not user.identities and connection_of_user_id(tenant, user.user_id) is None:
            yield f"users[{index}].identities: missing, and no connection fits {user.user_id!r}"


def _destination_faults(field: str, destination: Mapping[str, Any]) -> Iterator[str]:
    configuration = destination.get("configuration")
    if destination.get("type") not in ("webhook", "eventbridge", "action") or not isinstance(
        configuration, dict
    ):
        yield f"{field}: expected a type (webhook, eventbridge or action) and its configuration"
    elif destination["type"] == "webhook":
        if not is_receiver(configuration.get("webhook_endpoint")):
            yield f"{field}.configuration.webhook_endpoint: expected https, or http to this machine"
        given = configuration.get("webhook_authorization")
        sent = given if isinstance(given, dict) else {}
        needed = WEBHOOK_AUTHORIZATIONS.get(str(sent.get("method")))
        if needed is None or not needed <= sent.keys():
            methods = ", ".join(WEBHOOK_AUTHORIZATIONS)
            yield f"{field}.configuration.webhook_authorization: expected a method ({methods}) with what it needs"


def connection_of_user_id(tenant: TenantConfig, user_id: str) -> str | None:
    """The name of the connection that a user id points to: the named one of an enterprise id, else by strategy."""
    provider, _, rest = user_id.partition("|")
    candidates = [c for c in tenant.connections if c.strategy == provider]
    named = [c for c in candidates if rest.startswith(f"{c.name}|")]
    return next((c.name for c in [*named, *candidates]), None)


def _binding_faults(tenant: TenantConfig) -> Iterator[str]:
    triggers: Mapping[str, str] = {action.name: action.trigger for action in tenant.actions}
    for trigger, names in tenant.bindings.items():
        for position, name in enumerate(names):
            field = f"bindings.{trigger}[{position}]"
            if name not in triggers:
                yield f"{field}: no action {name!r}"
            elif triggers[name] != trigger:
                yield f"{field}: action {name!r} is for the trigger {triggers[name]!r}"


def _stream_faults(tenant: TenantConfig) -> Iterator[str]:
    expected = "expected https, or http to this machine"
    for index, stream in enumerate(tenant.log_streams):
        if stream.type == "http" and not is_receiver(stream.sink.get("httpEndpoint")):
            yield f"log_streams[{index}].sink.httpEndpoint: {expected}"
    for index, event_stream in enumerate(tenant.event_streams):
        yield from _destination_faults(f"event_streams[{index}].destination", event_stream.destination)
    if tenant.webhook_extension is not None and not is_receiver(tenant.webhook_extension.webhook_url):
        yield f"webhook_extension.webhook_url: {expected}"
