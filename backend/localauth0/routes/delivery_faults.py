"""`/localauth0/deliveries`: the switches for faults of delivery, while the tenant runs.

No path of Auth0. There is no token, since only this machine can reach the tenant.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from pydantic import ValidationError

from localauth0.errors import invalid_request
from localauth0.routes.http import live
from localauth0.tenant import DeliveryFaults

blueprint = Blueprint("delivery_faults", __name__)


@blueprint.get("/localauth0/deliveries")
def show_faults() -> Response:
    return jsonify(live().store.delivery_faults.faults.model_dump())


@blueprint.put("/localauth0/deliveries")
def set_faults() -> Response:
    """What the body does not name is off from now on."""
    try:
        faults = DeliveryFaults.model_validate(request.get_json(silent=True))
    except ValidationError as err:
        fault = err.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, fault["loc"]))
        raise invalid_request(f"{place}: {fault['msg']}".removeprefix(": ")) from err
    live().store.delivery_faults.set(faults)
    return jsonify(faults.model_dump())
