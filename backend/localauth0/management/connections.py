"""The tenant's connections, to read. Writing them is not implemented.

Source: the Management OpenAPI, `/connections`.
"""

from __future__ import annotations

from flask import Response, jsonify, request

from localauth0.management.http import Document, management_blueprint, not_found, page_of, scoped, selected
from localauth0.routes.http import live
from localauth0.store import Store
from localauth0.tenant import Connection

blueprint = management_blueprint("connections")


@blueprint.get("/connections")
@scoped("read:connections")
def list_connections() -> Response:
    strategies, name = request.args.getlist("strategy"), request.args.get("name")
    store = live().store
    found = [
        _connection(store, connection)
        for connection in store.config.connections
        if (not strategies or connection.strategy in strategies) and name in (None, connection.name)
    ]
    return page_of(found, "connections", checkpoint=True)


@blueprint.get("/connections/<connection_id>")
@scoped("read:connections")
def get_connection(connection_id: str) -> Response:
    store = live().store
    found = next((one for one in store.config.connections if one.id == connection_id), None)
    if found is None:
        raise not_found("The connection does not exist", "inexistent_connection")
    return jsonify(selected(_connection(store, found)))


def _connection(store: Store, connection: Connection) -> Document:
    """Every application may use every connection here, and none has options."""
    return {
        "id": connection.id,
        "options": {},
        "strategy": connection.strategy,
        "name": connection.name,
        "is_domain_connection": False,
        "realms": [connection.name],
        "enabled_clients": [client.client_id for client in store.config.clients],
    }
