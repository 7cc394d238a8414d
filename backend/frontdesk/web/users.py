"""Users' own calls for operators: `/api/users/<tenant>`, `/api/users/<tenant>/<user id>…` and `/api/audit/<tenant>`.

What Auth0 did is answered with 200 (201 for a new user) also when Hasura has not got it: `synced` is false then, and
`why` says what brings it, because asking again would be asking Auth0 again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog
from flask import Blueprint, Flask, abort, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from frontdesk.auth0.access import management_api
from frontdesk.auth0.json_body import parse_object
from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.user_fields import Names, NewUser, UserChange
from frontdesk.errors import BodyTooLarge, FieldFault, PayloadInvalid, StoreMissing
from frontdesk.hasura.directory import Directory
from frontdesk.hasura.rows import UserRows
from frontdesk.settings import Settings, secret
from frontdesk.store.audit import MAX_LINES, Audit
from frontdesk.store.database import Database
from frontdesk.sync.users import (
    Changed,
    UserChanges,
    UserDesk,
    erase_user,
    groups_of,
    list_users,
    show_user,
)
from frontdesk.sync.users.desk import Writer
from frontdesk.web.live_secrets import LiveSecrets
from frontdesk.web.whole_segments import WholeSegment, route_as_sent

_log = structlog.stdlib.get_logger(__name__)

PREFIX = "/api/users/"
EXTENSION = "frontdesk.users"  # where an application keeps its Desks
ACTOR_HEADER = "X-Frontdesk-Actor"
NOBODY_NAMED = "operator"  # who calls without saying who
MAX_ACTOR_CHARS = 200
# Of each transaction; a stalled database must not take the threads of logins one by one.
STORE_BUDGET_S = 60.0
MAX_CHANGE_BYTES = 250 * 1024  # below what every request may have


class QueryModel(BaseModel):
    """Parameters of a list, which come as text."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Query = TypeVar("Query", bound=QueryModel)


class UsersQuery(QueryModel):
    """Which users to list."""

    q: str | None = Field(None, max_length=2000)
    sort: str | None = Field(None, max_length=200)
    page: int = Field(0, ge=0, le=1000)
    per_page: int = Field(50, ge=1, le=100)


class AuditQuery(QueryModel):
    """Which lines of the audit to list."""

    user: str | None = Field(None, max_length=2048, pattern=r"^[^\x00]*$")  # no text of PostgreSQL has U+0000
    before: int | None = Field(None, ge=1, le=2**62)
    limit: int = Field(100, ge=1, le=MAX_LINES)


class _Options(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)

    brute_force: bool = False
    at_auth0: bool = False


@dataclass
class Desks:
    """The desks of all tenants, opened when they are first used. Threads share it."""

    settings: Settings
    secrets: LiveSecrets
    writer: Writer
    _apis: dict[str, ManagementApi] = field(default_factory=dict)
    _of_hasura: tuple[str, UserRows, Directory] | None = None
    _database: Database | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def desk(self, tenant: str) -> UserDesk:
        """Return the desk of a tenant, with the admin secret of the moment; 404 for one that is not configured."""
        if tenant not in self.settings.tenants:
            abort(404)
        with self._lock:
            if tenant not in self._apis:
                self._apis[tenant] = management_api(self.settings, tenant)
            rows, eraser = self._hasura()
        return UserDesk(
            tenant=tenant,
            api=self._apis[tenant],
            writer=self.writer,
            rows=rows,
            eraser=eraser,
            rules=self.settings.field_rules(),
            filter=self.settings.user_filter(),
        )

    def changes(self, tenant: str) -> UserChanges:
        """Return what the caller may do. Raises PayloadInvalid for a bad name, StoreMissing without a database."""
        return UserChanges(desk=self.desk(tenant), audit=Audit(self.database()), actor=actor_named())

    def database(self) -> Database:
        """Return frontdesk's own database. Raises StoreMissing, StoreOutdated, StoreUnavailable."""
        with self._lock:
            if self._database is None:
                if self.settings.database.url is None:
                    raise StoreMissing
                url = secret(self.settings.database.url)
                self._database = opened = Database(url, budget_s=STORE_BUDGET_S)
                opened.open()
            database = self._database
        database.refuse_other_revision()
        return database

    def close(self) -> None:
        """Let go of all connections; a process that ends does so by itself."""
        with self._lock:
            for api in self._apis.values():
                api.close()
            if self._of_hasura is not None:
                _, rows, eraser = self._of_hasura
                rows.close()
                eraser.close()
            if self._database is not None:
                self._database.close()

    def _hasura(self) -> tuple[UserRows, Directory]:
        known = self.secrets.current().admin_secret
        if self._of_hasura is None or self._of_hasura[0] != known:
            url = self.settings.hasura.url
            # The ones before are not closed: they may be answering somebody.
            rows = UserRows(url, known, rules=self.settings.field_rules())
            self._of_hasura = (known, rows, Directory(url, known))
        return self._of_hasura[1], self._of_hasura[2]


def register_users(app: Flask, settings: Settings, secrets: LiveSecrets, writer: Writer) -> Desks:
    """Give `app` the routes about users, and return the desks behind them."""
    app.url_map.converters["segment"] = WholeSegment
    app.wsgi_app = route_as_sent(app.wsgi_app, PREFIX)  # type: ignore[assignment, method-assign]
    desks = app.extensions[EXTENSION] = Desks(settings, secrets, writer)
    app.register_blueprint(_reading(desks))
    app.register_blueprint(_changing(desks))
    return desks


def _reading(desks: Desks) -> Blueprint:
    blueprint = Blueprint("users_read", __name__, url_prefix="/api")

    @blueprint.get("/users/<tenant>")
    def users(tenant: str) -> ResponseReturnValue:
        asked = query_of(UsersQuery)
        page = list_users(
            desks.desk(tenant), query=asked.q, sort=asked.sort, page=asked.page, per_page=asked.per_page
        )
        return page.as_json()

    @blueprint.get("/users/<tenant>/<segment:user_id>")
    def user(tenant: str, user_id: str) -> ResponseReturnValue:
        return show_user(desks.desk(tenant), user_id).as_json()

    @blueprint.get("/users/<tenant>/<segment:user_id>/groups")
    def groups(tenant: str, user_id: str) -> ResponseReturnValue:
        return groups_of(desks.desk(tenant), user_id).as_json()

    @blueprint.get("/audit/<tenant>")
    def audit(tenant: str) -> ResponseReturnValue:
        asked = query_of(AuditQuery)
        if tenant not in desks.settings.tenants:
            abort(404)
        lines = Audit(desks.database()).lines(
            tenant, now=datetime.now(UTC), user_id=asked.user, before=asked.before, limit=asked.limit
        )
        more = len(lines) == asked.limit
        return {"items": [line.as_json() for line in lines], "next": str(lines[-1].id) if more else None}

    return blueprint


def _changing(desks: Desks) -> Blueprint:
    blueprint = Blueprint("users_change", __name__, url_prefix="/api/users")

    @blueprint.post("/<tenant>")
    def create(tenant: str) -> ResponseReturnValue:
        return _told(desks.changes(tenant).create(NewUser.parse(_body()))), 201

    @blueprint.patch("/<tenant>/<segment:user_id>")
    def update(tenant: str, user_id: str) -> ResponseReturnValue:
        return _told(desks.changes(tenant).update(user_id, UserChange.parse(_body())))

    @blueprint.delete("/<tenant>/<segment:user_id>")
    def delete(tenant: str, user_id: str) -> ResponseReturnValue:
        return _told(desks.changes(tenant).delete(user_id))

    @blueprint.post("/<tenant>/<segment:user_id>/block")
    def block(tenant: str, user_id: str) -> ResponseReturnValue:
        _options()
        return _told(desks.changes(tenant).block(user_id))

    @blueprint.post("/<tenant>/<segment:user_id>/unblock")
    def unblock(tenant: str, user_id: str) -> ResponseReturnValue:
        brute_force = _options("brute_force").brute_force
        return _told(desks.changes(tenant).unblock(user_id, brute_force=brute_force))

    @blueprint.post("/<tenant>/<segment:user_id>/sync")
    def sync(tenant: str, user_id: str) -> ResponseReturnValue:
        _options()
        return _told(desks.changes(tenant).sync(user_id))

    @blueprint.put("/<tenant>/<segment:user_id>/roles")
    def roles(tenant: str, user_id: str) -> ResponseReturnValue:
        return _told(desks.changes(tenant).set_roles(user_id, Names.parse(_body(), "roles")))

    @blueprint.put("/<tenant>/<segment:user_id>/groups")
    def groups(tenant: str, user_id: str) -> ResponseReturnValue:
        return _told(desks.changes(tenant).set_groups(user_id, Names.parse(_body(), "groups")))

    @blueprint.post("/<tenant>/<segment:user_id>/erase")
    def erase(tenant: str, user_id: str) -> ResponseReturnValue:
        at_auth0, changes = _options("at_auth0").at_auth0, desks.changes(tenant)
        erased = erase_user(
            changes.desk, desks.database(), user_id=user_id, actor=changes.actor, at_auth0=at_auth0
        )
        return erased.as_json()

    return blueprint


def _told(done: Changed) -> dict[str, Any]:
    """Return the answer to a change, and log what an operator has to look after."""
    if not done.synced:
        _log.warning("users.not_synced", action=done.action, audit=done.audit, reason=done.why)
    if done.detail.get("audit_incomplete"):
        _log.error("audit.incomplete", action=done.action, audit=done.audit, outcome=done.outcome.value)
    return done.as_json()


def _body() -> bytes:
    body = request.get_data(cache=False)
    if len(body) > MAX_CHANGE_BYTES:
        raise BodyTooLarge
    return body


def _options(*known: str) -> _Options:
    """Return what the body of a call says that needs none. Raises PayloadInvalid."""
    body = _body()
    said = parse_object(body) if body.strip() else {}
    try:
        options = _Options.model_validate(said)
    except ValidationError:
        options = None
    if options is None or set(said) - set(known):
        expected = f"no body, or an object with {', '.join(known)}: true or false" if known else "no body"
        raise PayloadInvalid([FieldFault("body", expected)])
    return options


def query_of(model: type[Query]) -> Query:
    """Return the parameters of the request as `model` has them. Raises PayloadInvalid."""
    given: Mapping[str, str] = request.args.to_dict()
    try:
        return model.model_validate(given)
    except ValidationError as error:
        known = ", ".join(model.model_fields)
        raise PayloadInvalid(
            [
                FieldFault(str(fault["loc"][0])[:100], f"one of {known}, within their bounds: {fault['msg']}")
                for fault in error.errors(include_url=False, include_input=False)[:10]
            ]
        ) from None


def actor_named() -> str:
    """Return who calls, by the header of the request. Raises PayloadInvalid."""
    given = request.headers.get(ACTOR_HEADER)
    if given is None:
        return NOBODY_NAMED
    if not given.strip() or not given.isprintable() or len(given) > MAX_ACTOR_CHARS:
        raise PayloadInvalid(
            [FieldFault(ACTOR_HEADER, f"a name of at most {MAX_ACTOR_CHARS} printable characters")]
        )
    return given.strip()
