"""`/api/v2/actions/actions`: Actions, their versions, deploying and trying out.

Source: the Management OpenAPI; recorded traffic of the official Go SDK, which got 200 from deploys and not the
documented 202.
"""

from __future__ import annotations

from collections.abc import Sequence

from flask import Response, jsonify, request

from localauth0.actions.catalogue import HANDLERS
from localauth0.actions.library import ActionRecord, Content
from localauth0.actions.runtime import ActionResult
from localauth0.errors import NotImplementedHere
from localauth0.management.action_answers import action_answer, deploy_answer, version_answer
from localauth0.management.action_bodies import (
    CreateAction,
    DeployVersion,
    TestAction,
    UpdateAction,
    changed_action,
    first_content,
    trigger_of,
)
from localauth0.management.http import (
    MAX_PAGE_SIZE,
    Document,
    body_of,
    management_blueprint,
    query_flag,
    query_number,
    scoped,
)
from localauth0.routes.http import live

blueprint = management_blueprint("actions")

DEFAULT_PAGE_SIZE = 20  # of the lists about Actions


@blueprint.get("/actions/actions")
@scoped("read:actions")
def list_actions() -> Response:
    actions = live().store.actions.all()
    if (name := request.args.get("actionName")) is not None:
        actions = [action for action in actions if action.name == name]
    if (trigger := request.args.get("triggerId")) is not None:
        actions = [action for action in actions if action.trigger[0] == trigger]
    if "deployed" in request.args:
        wanted = query_flag("deployed", otherwise=False)
        actions = [action for action in actions if (action.deployed is not None) == wanted]
    if query_flag("installed", otherwise=False):
        actions = []  # there are no installed integrations here
    return numbered_page([action_answer(action) for action in actions], "actions")


@blueprint.post("/actions/actions")
@scoped("create:actions")
def create_action() -> tuple[Response, int]:
    tenant, body = live(), body_of(CreateAction)
    draft = first_content(body, tenant.now())
    action = tenant.store.actions.create(
        body.name,
        trigger_of(body.supported_triggers),
        draft,
        tenant.triggers.syntax_fault(draft.code),
        deploy=body.deploy,
    )
    return jsonify(action_answer(action)), 201


@blueprint.get("/actions/actions/<action_id>")
@scoped("read:actions")
def get_action(action_id: str) -> Response:
    return jsonify(action_answer(live().store.actions.get(action_id, is_look=True)))


@blueprint.patch("/actions/actions/<action_id>")
@scoped("update:actions")
def update_action(action_id: str) -> Response:
    tenant, body = live(), body_of(UpdateAction)
    merge = tenant.store.config.sent_secrets == "merge"

    def change(action: ActionRecord) -> tuple[str, tuple[str, str], Content]:
        return changed_action(action, body, tenant.now(), merge_secrets=merge)

    code = body.code if body.code is not None else tenant.store.actions.get(action_id).draft.code
    fault = tenant.triggers.syntax_fault(code)
    return jsonify(action_answer(tenant.store.actions.update(action_id, change, fault)))


@blueprint.delete("/actions/actions/<action_id>")
@scoped("delete:actions")
def delete_action(action_id: str) -> tuple[str, int]:
    live().store.actions.delete(action_id, force=query_flag("force", otherwise=False))
    return "", 204


@blueprint.post("/actions/actions/<action_id>/deploy")
@scoped("create:actions")
def deploy_action(action_id: str) -> Response:
    return jsonify(deploy_answer(*live().store.actions.deploy(action_id)))


@blueprint.get("/actions/actions/<action_id>/versions")
@scoped("read:actions")
def list_versions(action_id: str) -> Response:
    action = live().store.actions.get(action_id)
    return numbered_page([version_answer(action, v) for v in reversed(action.versions)], "versions")


@blueprint.get("/actions/actions/<action_id>/versions/<version_id>")
@scoped("read:actions")
def get_version(action_id: str, version_id: str) -> Response:
    return jsonify(version_answer(*live().store.actions.version(action_id, version_id)))


@blueprint.post("/actions/actions/<action_id>/versions/<version_id>/deploy")
@scoped("create:actions")
def deploy_version(action_id: str, version_id: str) -> Response:
    has_body = request.get_data().strip() not in (b"", b"null")  # the Go SDK sends null for nothing
    body = body_of(DeployVersion) if has_body else DeployVersion()
    deployed = live().store.actions.redeploy(action_id, version_id, update_draft=bool(body.update_draft))
    return jsonify(deploy_answer(*deployed))


@blueprint.post("/actions/actions/<action_id>/test")
@scoped("create:actions")
def try_out_action(action_id: str) -> Response:
    """The draft, run with the event of the call. The answer is 200 even when the code throws."""
    action, body = live().store.actions.get(action_id), body_of(TestAction)
    if action.trigger[0] not in HANDLERS:
        raise NotImplementedHere(f"running Actions of the trigger {action.trigger[0]}")
    result = _incomplete(body.payload.event)
    if result is None:
        result = live().triggers.try_out(action.runnable(action.draft), body.payload.event)
    payload: Document = {}
    if result.thrown is not None:
        payload["error"] = {key: result.thrown[key] for key in ("message", "name", "stack")}
    else:
        payload["commands"] = [{"type": c["call"], "args": c["args"]} for c in result.commands]
    if result.logs:
        payload["logs"] = result.logs
    return jsonify(payload={**payload, "stats": _stats(result.duration_ms)})


def _incomplete(event: Document) -> ActionResult | None:
    """What Auth0's sandbox itself throws over an event that lacks what it reads before the code runs."""
    for member, read in (("tenant", "id"), ("request", "ip")):
        if not isinstance(event.get(member), dict):
            message = f"Cannot read properties of undefined (reading '{read}')"
            thrown = {
                "name": "TypeError",
                "message": message,
                "stack": f"TypeError: {message}\n    at sandbox",
            }
            return ActionResult((), "", 0.0, message, thrown)
    return None


def _stats(duration_ms: float) -> Document:
    whole = round(duration_ms)
    return {
        "total_request_duration_ms": whole,
        "total_runtime_execution_duration_ms": whole,
        "runtime_processing_duration_ms": 0,
        "action_duration_ms": whole,
        "runtime_external_call_duration_ms": 0,
        "boot_duration_ms": 0,
        "network_duration_ms": 0,
    }


def numbered_page(items: Sequence[Document], key: str) -> Response:
    """One page of a list about Actions. As in the recordings, `page` is absent on the first one."""
    page = query_number("page", otherwise=0, low=0)
    size = query_number("per_page", otherwise=DEFAULT_PAGE_SIZE, low=1, high=MAX_PAGE_SIZE)
    answer: Document = {key: items[page * size : (page + 1) * size], "total": len(items), "per_page": size}
    return jsonify({**answer, "page": page} if page else answer)
