"""The tenant's roles.

Source: the Management OpenAPI, `/roles`.
"""

from __future__ import annotations

from flask import Response, request

from localauth0.management.http import Document, management_blueprint, page_of, scoped
from localauth0.routes.http import live
from localauth0.tenant import Role

blueprint = management_blueprint("roles")


@blueprint.get("/roles")
@scoped("read:roles")
def list_roles() -> Response:
    part = request.args.get("name_filter", "").casefold()
    found = [_role(role) for role in live().store.config.roles if part in role.name.casefold()]
    return page_of(found, "roles")


def _role(role: Role) -> Document:
    return {"id": role.id, "name": role.name, "description": role.description}
