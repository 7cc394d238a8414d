"""Blocks by the protection against brute force, which localauth0 never sets by itself: tests may (`Store.user_blocks`).

Source: the Management OpenAPI, `/user-blocks`; recorded answers.
"""

from __future__ import annotations

from flask import Response, jsonify, request

from localauth0.errors import ManagementError
from localauth0.management.http import management_blueprint, scoped
from localauth0.management.users import existing_user
from localauth0.routes.http import live
from localauth0.store import Store

blueprint = management_blueprint("user_blocks")


@blueprint.get("/user-blocks")
@scoped("read:users")
def get_blocks_of_identifier() -> Response:
    store = live().store
    return _blocks(store, _user_id_of_identifier(store))


@blueprint.delete("/user-blocks")
@scoped("update:users")
def lift_blocks_of_identifier() -> tuple[str, int]:
    store = live().store
    return _lift(store, _user_id_of_identifier(store))


@blueprint.get("/user-blocks/<user_id>")
@scoped("read:users")
def get_blocks(user_id: str) -> Response:
    store = live().store
    return _blocks(store, existing_user(store, user_id).user_id)


@blueprint.delete("/user-blocks/<user_id>")
@scoped("update:users")
def lift_blocks(user_id: str) -> tuple[str, int]:
    store = live().store
    return _lift(store, existing_user(store, user_id).user_id)


def _user_id_of_identifier(store: Store) -> str:
    identifier = request.args.get("identifier")
    if not identifier:
        text = "Query validation error: 'Missing required property: identifier'."
        raise ManagementError(400, text, "invalid_query_string")
    named = store.users.named(identifier)
    return named[0].user_id if named else existing_user(store, identifier).user_id


def _blocks(store: Store, user_id: str) -> Response:
    return jsonify(blocked_for=store.user_blocks.get(user_id, []))


def _lift(store: Store, user_id: str) -> tuple[str, int]:
    store.user_blocks.pop(user_id, None)
    return "", 204
