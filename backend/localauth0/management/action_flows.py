"""`/api/v2/actions/triggers`: the triggers, and the Actions bound to each in their order of execution."""

from __future__ import annotations

from flask import Response, jsonify

from localauth0.actions.catalogue import HANDLERS, KNOWN_TRIGGERS, known_trigger
from localauth0.errors import NotImplementedHere
from localauth0.management.action_answers import binding_answer
from localauth0.management.action_bodies import UpdateBindings
from localauth0.management.actions import numbered_page
from localauth0.management.http import body_of, management_blueprint, not_found, scoped
from localauth0.routes.http import live

blueprint = management_blueprint("action_flows")


@blueprint.get("/actions/triggers")
@scoped("read:actions")
def list_triggers() -> dict[str, object]:
    return {"triggers": [trigger.answer() for trigger in KNOWN_TRIGGERS]}


@blueprint.get("/actions/modules")
@scoped("read:actions")
def list_modules() -> Response:
    """There are none, and none can be made here."""
    return numbered_page([], "modules")


@blueprint.get("/actions/triggers/<trigger>/bindings")
@scoped("read:actions")
def list_bindings(trigger: str) -> Response:
    _require_flow(trigger)
    bound = live().store.actions.flow(trigger)
    return numbered_page([binding_answer(trigger, *one) for one in bound], "bindings")


@blueprint.patch("/actions/triggers/<trigger>/bindings")
@scoped("update:actions")
def update_bindings(trigger: str) -> Response:
    """Replace the whole flow: what is not in the list is unbound."""
    _require_flow(trigger)
    requests = body_of(UpdateBindings).requests()
    if requests and trigger not in HANDLERS:
        raise NotImplementedHere(f"running Actions of the trigger {trigger}")
    bound = live().store.actions.bind(trigger, requests)
    return jsonify(bindings=[binding_answer(trigger, *one) for one in bound])


def _require_flow(trigger: str) -> None:
    known = known_trigger(trigger, None)
    if known is None or not known.is_bound_to_flow:
        raise not_found("That trigger does not exist.")
