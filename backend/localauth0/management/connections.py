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
    """Every application may use every connection here; a database has the options of a new one."""
    return {
        "id": connection.id,
        "options": _database_options(connection) if connection.is_database else {},
        "strategy": connection.strategy,
        "name": connection.name,
        "is_domain_connection": False,
        "realms": [connection.name],
        "enabled_clients": [client.client_id for client in store.config.clients],
    }


def _database_options(connection: Connection) -> Document:
    """The options that recorded answers have, with the values that localauth0 lives up to."""
    return {
        "mfa": {"active": True, "return_enroll_settings": True},
        "validation": {"username": {"max": 15, "min": 1}},
        "import_mode": False,
        "configuration": {},
        "customScripts": {},
        "passwordPolicy": "none",
        "password_history": {"size": 5, "enable": False},
        "strategy_version": 2,
        "requires_username": connection.usernames == "required",
        "password_dictionary": {"enable": False, "dictionary": []},
        "brute_force_protection": False,
        "password_no_personal_info": {"enable": False},
        "password_complexity_options": {"min_length": 1},
        "enabledDatabaseCustomization": False,
    }
