"""What all of the Management API shares: who may call, how often, what bodies and lists look like.

A module of resources makes its blueprint with `management_blueprint` and guards each view with `scoped`; the answers
to errors are made here and in `app.py`.

Source: Auth0 docs, "Management API v2", "Rate Limit Policy"; the Management OpenAPI.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from http import HTTPStatus
from typing import Any, ParamSpec, TypeVar

from flask import Blueprint, Response, g, jsonify, request
from pydantic import BaseModel, ConfigDict, ValidationError

from localauth0.errors import ManagementError
from localauth0.logbook import Logbook
from localauth0.management.rate_limit import Allowance
from localauth0.routes.http import live

PREFIX = "/api/v2"
DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 100
MAX_PAGED_RECORDS = 1000  # of any list that is read by page number

Document = dict[str, Any]
Parameters = ParamSpec("Parameters")
Answer = TypeVar("Answer")
Parsed = TypeVar("Parsed", bound="Body")
Item = TypeVar("Item")


def management_blueprint(name: str) -> Blueprint:
    """A blueprint whose rules begin below `/api/v2`."""
    return Blueprint(f"management_{name}", __name__, url_prefix=PREFIX)


def scoped(
    *any_of: str, feature: str | None = None
) -> Callable[[Callable[Parameters, Answer]], Callable[Parameters, Answer]]:
    """Let a view be called with a Management API token that has one of the scopes.

    A view of a `feature` of the plan is closed where the tenant's plan lacks it.
    """

    def guard(view: Callable[Parameters, Answer]) -> Callable[Parameters, Answer]:
        @wraps(view)
        def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Answer:
            g.caller = _verified_caller()
            if not caller_scopes().intersection(any_of):
                names = ",".join(any_of)
                text = f"Insufficient scope, expected any of: {names}"
                raise ManagementError(403, text, "insufficient_scope")
            if feature is not None:
                _require_feature(feature)
            return view(*args, **kwargs)

        guarded.__dict__["scopes"] = any_of
        return guarded

    return guard


def _require_feature(name: str) -> None:
    """Refuse what the tenant's plan lacks, as its tenant file says. Raises ManagementError (403)."""
    if not live().store.config.plan.includes(name):
        text = "The account is not allowed to perform this operation, please contact our support team"
        raise ManagementError(403, text, "operation_not_supported")


def caller() -> Mapping[str, Any]:
    """The claims of the token that the running call came with."""
    claims: Mapping[str, Any] = g.caller
    return claims


def caller_scopes() -> frozenset[str]:
    return frozenset(str(caller().get("scope", "")).split())


def _verified_caller() -> Mapping[str, Any]:
    """The claims of the bearer token. Raises ManagementError in the words that Auth0 documents."""
    header = request.headers.get("Authorization")
    if header is None:
        raise _invalid_token()
    scheme, _, token = header.partition(" ")
    if scheme.lower() != "bearer" or not token or " " in token:
        raise ManagementError(400, "Bad HTTP authentication header format", "Bearer")
    if token.count(".") != 2:
        raise _invalid_token()
    tenant = live()
    claims = tenant.keys.verified_payload(token)
    if claims is None:
        raise ManagementError(401, "Invalid signature received for JSON Web Token validation")
    if claims.get("iss") != tenant.issuer or tenant.management_audience not in _audiences(claims):
        raise _invalid_token()
    if claims["exp"] <= tenant.now().timestamp():
        raise ManagementError(401, "Expired token received for JSON Web Token validation")
    return claims


def _audiences(claims: Mapping[str, Any]) -> list[Any]:
    audience = claims.get("aud")
    return audience if isinstance(audience, list) else [audience]


def _invalid_token() -> ManagementError:
    return ManagementError(401, "Invalid token", attributes={"error": "Invalid token"})


def limit_rate() -> None:
    """Before a request: count a call of the Management API. Raises ManagementError when its bucket is empty."""
    if not is_management_path():
        return
    store = live().store
    allowance = store.limits.take(request.method, request.path, request.headers.get("Authorization", ""))
    g.allowance = allowance
    if allowance.notice is not None:
        _note_limit(store.log, allowance)
    if not allowance.granted:
        raise ManagementError(429, "Global limit has been reached", "too_many_requests")


def tell_rate(response: Response) -> Response:
    """After a request: the headers of the rate limit, on every answer of the Management API."""
    allowance: Allowance | None = g.get("allowance")
    if allowance is not None:
        response.headers["x-ratelimit-limit"] = str(allowance.limit)
        response.headers["x-ratelimit-remaining"] = str(allowance.remaining)
        response.headers["x-ratelimit-reset"] = str(allowance.reset)
        if allowance.retry_after_s is not None:
            response.headers["retry-after"] = str(allowance.retry_after_s)
    return response


def _note_limit(log: Logbook, allowance: Allowance) -> None:
    limit: Document = {"bucket": allowance.bucket, "global": False, "size": allowance.limit}
    if allowance.notice == "api_limit_warning":
        limit["usage"] = allowance.limit - allowance.remaining
    log.write(
        str(allowance.notice),
        client_name="",
        ip=request.remote_addr,
        hostname=request.host,
        user_agent=request.headers.get("User-Agent"),
        details={
            "limit": limit,
            "request": {"method": request.method.lower(), "path": request.path},
        },
    )


def is_management_path() -> bool:
    return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")


def error_answer(err: ManagementError) -> tuple[Response, int]:
    body: Document = {
        "statusCode": err.status,
        "error": HTTPStatus(err.status).phrase,
        "message": err.message,
    }
    if err.error_code is not None:
        body["errorCode"] = err.error_code
    if err.attributes is not None:
        body["attributes"] = dict(err.attributes)
    return jsonify(body), err.status


def not_found(message: str, error_code: str | None = None) -> ManagementError:
    return ManagementError(404, message, error_code)


def conflict(message: str) -> ManagementError:
    return ManagementError(409, message)


def invalid_body(text: str) -> ManagementError:
    return ManagementError(400, text, "invalid_body")


class Body(BaseModel):
    """The body of a call: a property that Auth0 does not know is refused. `model_fields_set` tells what was sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    def sent(self) -> Document:
        """The properties of the body as they came."""
        return self.model_dump(exclude_unset=True)

    def set_values(self) -> Document:
        """The properties that came with a value."""
        return self.model_dump(exclude_unset=True, exclude_none=True)


def body_of(model: type[Parsed]) -> Parsed:
    """The body of the running call. Raises ManagementError (400 `invalid_body`), which names the faulty property."""
    try:
        return model.model_validate(json_object())
    except ValidationError as err:
        raise invalid_body(_violation(err)) from err


def json_object() -> Document:
    """The body of the running call as a JSON object; no body at all is an empty one."""
    if not request.get_data():
        return {}
    document = request.get_json(silent=True)
    if document is None:
        raise invalid_body("Invalid request payload JSON format")
    if not isinstance(document, dict):
        raise invalid_body(
            f"Payload validation error: 'Expected type object but found type {_type(document)}'."
        )
    return document


def _violation(err: ValidationError) -> str:
    """The first fault in the words of Auth0's schema check."""
    fault = err.errors(include_url=False)[0]
    path = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "missing":
        return f"Payload validation error: 'Missing required property: {fault['loc'][-1]}'."
    if fault["type"] == "extra_forbidden":
        return f"Payload validation error: 'Additional properties not allowed: {fault['loc'][-1]}'."
    text = fault["msg"].removeprefix("Value error, ")
    expected = _EXPECTED_TYPES.get(fault["type"])
    if expected is not None:
        text = f"Expected type {expected} but found type {_type(fault['input'])}"
    return f"Payload validation error: '{text}' on property {path}."


_EXPECTED_TYPES = {
    "string_type": "string",
    "int_type": "integer",
    "bool_type": "boolean",
    "dict_type": "object",
    "model_type": "object",
    "list_type": "array",
}


def _type(value: object) -> str:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def query_flag(name: str, *, otherwise: bool) -> bool:
    """A query parameter that is `true` or `false`. Raises ManagementError (400 `invalid_query_string`)."""
    text = request.args.get(name)
    if text is None:
        return otherwise
    if text not in ("true", "false"):
        raise _invalid_query(f"Expected type boolean but found type string' on property {name}")
    return text == "true"


def query_number(name: str, *, otherwise: int, low: int, high: int | None = None) -> int:
    """A query parameter that is a whole number in a range. Raises ManagementError (400 `invalid_query_string`)."""
    text = request.args.get(name)
    if text is None:
        return otherwise
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise _invalid_query(f"Expected type integer but found type string' on property {name}")
    value = int(text)
    if value < low:
        raise _invalid_query(f"Value {value} is less than minimum {low}' on property {name}")
    if high is not None and value > high:
        raise _invalid_query(f"Value {value} is greater than maximum {high}' on property {name}")
    return value


def _invalid_query(fault: str) -> ManagementError:
    return ManagementError(400, f"Query validation error: '{fault}.", "invalid_query_string")


def _as_it_is(item: Any) -> Document:
    """An item that is a document already."""
    return dict(item)


def page_of(
    items: Sequence[Item],
    key: str,
    *,
    shown: Callable[[Item], Document] = _as_it_is,
    id_key: str = "id",
    checkpoint: bool = False,
    always_checkpoint: bool = False,
    with_length: bool = False,
    too_far: str = "Requesting page {page} exceeds the allowed maximum of 1000 records.",
) -> Response:
    """The part of a list that the query asks for, cut to the fields that it asks for.

    By page number: a bare array, or with `include_totals` an object that has the items under `key`. With `checkpoint`
    also by `take` and `from`: an object with the items and, while there are more, `next`; `always_checkpoint` knows no
    other way. Only the items of the part are looked at and `shown`.
    """
    if always_checkpoint or (checkpoint and asks_for_checkpoint()):
        return _checkpoint_page(items, key, shown, id_key)
    page = query_number("page", otherwise=0, low=0)
    size = query_number("per_page", otherwise=DEFAULT_PAGE_SIZE, low=0, high=MAX_PAGE_SIZE)
    if (page + 1) * size > MAX_PAGED_RECORDS:
        raise ManagementError(400, too_far.format(page=page), "invalid_paging")
    start = page * size
    found = [selected(shown(item)) for item in items[start : start + size]]
    if not query_flag("include_totals", otherwise=False):
        return jsonify(found)
    totals: Document = {"start": start, "limit": size, "total": len(items), key: found}
    if with_length:
        totals["length"] = len(found)
    return jsonify(totals)


def asks_for_checkpoint() -> bool:
    """Whether the running call reads a list by checkpoint and not by page number."""
    return "take" in request.args or "from" in request.args


def query_take() -> int:
    """How many items a part of a list by checkpoint may have."""
    return query_number("take", otherwise=DEFAULT_PAGE_SIZE, low=1, high=MAX_PAGE_SIZE)


def _checkpoint_page(
    items: Sequence[Item], key: str, shown: Callable[[Item], Document], id_key: str
) -> Response:
    take = query_take()
    start = 0
    if (position := checkpoint_position()) is not None:
        start = _start_behind(items, *position, lambda item: str(shown(item)[id_key]))
    found = [shown(item) for item in items[start : start + take]]
    answer: Document = {key: [selected(item) for item in found]}
    if start + take < len(items):
        answer["next"] = checkpoint_token(str(start + take), str(found[-1][id_key]))
    return jsonify(answer)


def _start_behind(items: Sequence[Item], place: str, last_id: str, id_of: Callable[[Item], str]) -> int:
    """Where the list goes on behind the item that was the last one at that place; the list may have changed since."""
    if not place.isdecimal():
        raise invalid_checkpoint()
    before = min(int(place), len(items))
    if before and id_of(items[before - 1]) == last_id:
        return before
    for at, item in enumerate(items):
        if id_of(item) == last_id:
            return at + 1
    return max(before - 1, 0)  # It is gone, so those behind it have moved up.


def checkpoint_token(place: str, last_id: str) -> str:
    """The opaque text that names a place in a list."""
    return base64.urlsafe_b64encode(f"{place},{last_id}".encode()).decode()


def checkpoint_position() -> tuple[str, str] | None:
    """The place and the last item that `from` names, if it is there. Raises ManagementError (400 `invalid_paging`)."""
    token = request.args.get("from")
    if token is None:
        return None
    try:
        place, comma, last_id = base64.urlsafe_b64decode(token.encode()).decode().partition(",")
    except (binascii.Error, ValueError) as err:
        raise invalid_checkpoint() from err
    if not comma:
        raise invalid_checkpoint()
    return place, last_id


def invalid_checkpoint() -> ManagementError:
    return ManagementError(400, "Invalid checkpoint in the query parameter from.", "invalid_paging")


def selected(item: Document) -> Document:
    """The item cut to `fields`, or without them when `include_fields` is false."""
    names = {name.strip() for name in request.args.get("fields", "").split(",")} - {""}
    include = query_flag("include_fields", otherwise=True)
    if not names:
        return item
    return {name: value for name, value in item.items() if (name in names) == include}
