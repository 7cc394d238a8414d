"""Organizations: the records themselves. Their members have a module of their own.

Source: the Management OpenAPI, `/organizations`; recorded answers.
"""

from __future__ import annotations

from typing import Annotated, Any

from flask import Response, jsonify, request
from pydantic import Field, StringConstraints

from localauth0.errors import ManagementError
from localauth0.happenings import Kind
from localauth0.management.http import (
    Body,
    Document,
    body_of,
    conflict,
    management_blueprint,
    not_found,
    page_of,
    scoped,
)
from localauth0.management.users import api_doer
from localauth0.routes.http import live
from localauth0.store import Store
from localauth0.tenant import Organization, random_id

blueprint = management_blueprint("organizations")

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=50)]
_DisplayName = Annotated[str, StringConstraints(min_length=1, max_length=255)]
_Metadata = Annotated[
    dict[str, Annotated[str, StringConstraints(max_length=255)] | None], Field(max_length=25)
]
_SETTINGS = ("branding", "token_quota")


class OrganizationChange(Body):
    name: _Name | None = None
    display_name: _DisplayName | None = None
    branding: dict[str, Any] | None = None
    metadata: _Metadata | None = None
    token_quota: dict[str, Any] | None = None


class NewOrganization(OrganizationChange):
    name: _Name
    enabled_connections: list[dict[str, Any]] | None = (
        None  # every connection is open to every organization here
    )


@blueprint.get("/organizations")
@scoped("read:organizations")
def list_organizations() -> Response:
    found = live().store.config.organizations
    return page_of(_sorted(found), "organizations", shown=shown_organization, checkpoint=True)


@blueprint.post("/organizations")
@scoped("create:organizations")
def create_organization() -> tuple[Response, int]:
    body, store = body_of(NewOrganization), live().store
    with store.lock:
        _refuse_name(store, body.name)
        made = _with(Organization(id=random_id("org_", 16), name=body.name), body.set_values())
        store.put("organizations", made)
    _tell("organization_created", made)
    return jsonify(shown_organization(made)), 201


@blueprint.get("/organizations/<organization_id>")
@scoped("read:organizations")
def get_organization(organization_id: str) -> Response:
    return jsonify(shown_organization(organization(live().store, organization_id)))


@blueprint.get("/organizations/name/<name>")
@scoped("read:organizations")
def get_organization_by_name(name: str) -> Response:
    found = next((one for one in live().store.config.organizations if one.name == name), None)
    if found is None:
        raise _inexistent()
    return jsonify(shown_organization(found))


@blueprint.patch("/organizations/<organization_id>")
@scoped("update:organizations")
def change_organization(organization_id: str) -> Response:
    changes, store = body_of(OrganizationChange).set_values(), live().store
    with store.lock:
        before = organization(store, organization_id)
        if changes.get("name", before.name) != before.name:
            _refuse_name(store, changes["name"])
        changed = _with(before, changes)
        store.put("organizations", changed, replacing=before)
    _tell("organization_updated", changed)
    return jsonify(shown_organization(changed))


@blueprint.delete("/organizations/<organization_id>")
@scoped("delete:organizations")
def delete_organization(organization_id: str) -> Response:
    store = live().store
    with store.lock:
        gone = next((one for one in store.config.organizations if one.id == organization_id), None)
        if gone is not None:
            store.memberships.forget_organization(organization_id)
            store.drop("organizations", lambda one: one.id == organization_id)
    if gone is not None:
        _tell("organization_deleted", gone)
    return Response(status=204)


def organization(store: Store, organization_id: str) -> Organization:
    """The organization. Raises ManagementError (404)."""
    found = next((one for one in store.config.organizations if one.id == organization_id), None)
    if found is None:
        raise _inexistent()
    return found


def shown_organization(one: Organization) -> Document:
    """An organization; what was never said of it is absent."""
    shown: Document = {"id": one.id, "name": one.name}
    if one.display_name:
        shown["display_name"] = one.display_name
    if one.metadata:
        shown["metadata"] = dict(one.metadata)
    return {**shown, **one.settings}


def _tell(kind: Kind, one: Organization) -> None:
    live().store.happened(kind, None, by=api_doer(), organization=shown_organization(one))


def _with(one: Organization, changes: Document) -> Organization:
    settings = {name: changes[name] for name in _SETTINGS if name in changes}
    changed: Document = {name: changes[name] for name in ("name", "display_name") if name in changes}
    if "metadata" in changes:
        merged = {**one.metadata, **changes["metadata"]}
        changed["metadata"] = {name: value for name, value in merged.items() if value is not None}
    return one.model_copy(update={**changed, "settings": {**one.settings, **settings}})


def _sorted(found: list[Organization]) -> list[Organization]:
    """In the order that the query asks for; organizations are kept in the order of their creation."""
    wanted = request.args.get("sort")
    if wanted is None:
        return found
    name, _, direction = wanted.partition(":")
    if name not in ("name", "display_name", "created_at") or direction not in ("1", "-1"):
        text = "Query validation error: 'String does not match pattern' on property sort."
        raise ManagementError(400, text, "invalid_query_string")
    in_order = found if name == "created_at" else sorted(found, key=lambda one: str(getattr(one, name)))
    return in_order[::-1] if direction == "-1" else in_order


def _refuse_name(store: Store, name: str) -> None:
    if any(one.name == name for one in store.config.organizations):
        raise conflict("An organization with this name already exists.")


def _inexistent() -> ManagementError:
    return not_found("No organization found by that id or name.", "inexistent_organization")
