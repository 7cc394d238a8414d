"""GraphQL to Hasura through gql, as the role that the caller names, with the admin secret.

Lets out `HasuraUnavailable` and `HasuraRejected` alone. What Hasura says in words may hold values of a row, so only
its code and path go on; and a chained cause would print those words, so where they are in it the chain is cut.
"""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from importlib.resources import files
from typing import Any

import requests
from gql import Client, GraphQLRequest
from gql.client import SyncClientSession
from gql.transport.exceptions import (
    TransportConnectionFailed,
    TransportError,
    TransportQueryError,
    TransportServerError,
)
from gql.transport.requests import RequestsHTTPTransport
from graphql import (
    DocumentNode,
    FieldNode,
    NameNode,
    SelectionSetNode,
    Visitor,
    parse,
    print_ast,
    visit,
)
from urllib3.exceptions import NewConnectionError, ProtocolError

from frontdesk.errors import HasuraAnswerTooLarge, HasuraError, HasuraRejected, HasuraUnavailable
from frontdesk.hasura.transport import AnswerTooLarge, Deadline, new_session
from frontdesk.request_ids import HEADER, current_request_id

# Hasura's own codes for "not now": its pool or its database is out of reach, or the operation took too long.
TRY_AGAIN_CODES = frozenset(
    {"postgres-error", "postgres-max-connections-error", "connection-not-established", "timeout", "busy"}
)
_MAX_ECHO = 200

# At debug, gql logs whole requests and answers: profiles.
logging.getLogger("gql").setLevel(logging.WARNING)


class Document:
    """A GraphQL document of this room, `<name>.graphql`, parsed and printed once."""

    def __init__(self, name: str) -> None:
        self._use(parse((files(__package__) / f"{name}.graphql").read_text()))

    def _use(self, tree: DocumentNode) -> None:
        self.tree = tree
        self.text = print_ast(tree)

    def with_fields(self, below: str, names: Sequence[str]) -> Document:
        """Return this document with further fields selected below the fields of one name."""
        made = copy.copy(self)
        made._use(visit(self.tree, _AddFields(below, names)))
        return made

    def request(self, variables: Mapping[str, Any]) -> GraphQLRequest:
        """Return a request of this document."""
        return _Request(self, variables)


class _AddFields(Visitor):
    def __init__(self, below: str, names: Sequence[str]) -> None:
        super().__init__()
        self._below = below
        self._added = tuple(FieldNode(name=NameNode(value=name)) for name in names)

    def enter_field(self, node: FieldNode, *_: Any) -> FieldNode | None:
        """Return the field with more below it, or leave it as it is."""
        if node.name.value != self._below or node.selection_set is None:
            return None
        selected = SelectionSetNode(selections=(*node.selection_set.selections, *self._added))
        return FieldNode(alias=node.alias, name=node.name, arguments=node.arguments, selection_set=selected)


class GraphqlClient:
    """Runs documents as one role. Threads may share it; a forked process needs its own.

    `write` makes the JSON of a request, where the library's own way would take too long.
    """

    def __init__(
        self,
        url: str,
        *,
        admin_secret: str,
        role: str,
        write: Callable[[Mapping[str, Any]], bytes] | None = None,
    ) -> None:
        self._transport = _Transport(
            url.rstrip("/") + "/v1/graphql", json_deserialize=_object, allow_redirects=False
        )
        self._client = Client(transport=self._transport, fetch_schema_from_transport=False)
        self._session: SyncClientSession = self._client.connect_sync()  # type: ignore[no-untyped-call]
        self._write = write
        self._headers = {
            "content-type": "application/json",
            "x-hasura-admin-secret": admin_secret,
            "x-hasura-role": role,
            "x-hasura-use-backend-only-permissions": "true",
        }

    def execute(
        self, document: Document, variables: Mapping[str, Any], *, tenant: str, deadline: Deadline
    ) -> Mapping[str, Any]:
        """Return the `data` of the answer. The id of the request at work goes along.

        Raises HasuraUnavailable when no usable answer came before the deadline, HasuraRejected when Hasura refused.
        """
        request = document.request(variables)
        # No token has the second one, and what role frontdesk may read hangs on it.
        tenants = {"x-hasura-tenant": tenant, "x-hasura-frontdesk-tenant": tenant}
        request_id = current_request_id()
        traced = {} if request_id is None else {HEADER: request_id}
        extra = {"headers": {**self._headers, **tenants, **traced}, "timeout": deadline}
        if self._write is not None:
            extra |= {"json": None, "data": self._write(request.payload)}
        try:
            return self._ask(request, extra)
        except TransportConnectionFailed as err:
            # Hasura closes idle connections after 30 s; one that closes as we use it says nothing about Hasura, and
            # a write that did arrive changes nothing the second time.
            if not _was_dropped(err) or deadline.is_over():
                raise outcome_of(err) from err
        except TransportError as err:
            raise outcome_of(err) from None
        try:
            return self._ask(request, extra)
        except TransportError as err:
            raise outcome_of(err) from None

    def _ask(self, request: GraphQLRequest, extra: dict[str, Any]) -> Mapping[str, Any]:
        return self._session.execute(request, get_execution_result=False, extra_args=extra)

    def close(self) -> None:
        """Close the pooled connections."""
        self._client.close_sync()  # type: ignore[no-untyped-call]


def outcome_of(err: TransportError) -> HasuraError:
    """Return what an error of gql means here. Its text is not repeated: it may hold values of a row."""
    match err:
        case TransportQueryError():
            return _refusal(err.errors)
        case TransportServerError():
            return _of_status(err.code)
        case TransportConnectionFailed():
            return _connection_fault(err.__cause__)
        case _:
            return HasuraUnavailable("Hasura answered something that is no GraphQL result")


def _refusal(errors: Any) -> HasuraError:
    first = errors[0] if isinstance(errors, list) and errors else None
    extensions = first.get("extensions") if isinstance(first, Mapping) else None
    if not isinstance(extensions, Mapping):
        return HasuraUnavailable("Hasura answered an error without a code")
    code, path = (_echo(extensions.get(key)) for key in ("code", "path"))
    if code is None:
        return HasuraUnavailable("Hasura answered an error without a code")
    if code in TRY_AGAIN_CODES:
        return HasuraUnavailable(f"Hasura cannot reach its database ({code})")
    return HasuraRejected(f"Hasura refused the operation: {code} at {path}", path=path, code=code)


def _echo(value: Any) -> str | None:
    return value[:_MAX_ECHO] if isinstance(value, str) and value.isprintable() else None


def _connection_fault(cause: BaseException | None) -> HasuraError:
    match cause:
        case requests.exceptions.HTTPError() if cause.response is not None:
            return _of_status(cause.response.status_code)
        case AnswerTooLarge():
            return HasuraAnswerTooLarge()
        case requests.exceptions.InvalidJSONError():
            return HasuraRejected("a value cannot be written as JSON", code="invalid-json")
        case requests.exceptions.SSLError():
            return HasuraUnavailable("no trusted TLS connection to Hasura")
        case requests.exceptions.ConnectTimeout():
            return HasuraUnavailable("Hasura did not accept a connection in time")
        case requests.exceptions.ConnectionError() if _is_refused(cause):
            return HasuraUnavailable(
                "no connection to Hasura; look whether it runs, and check `[hasura] url`"
            )
        case _:
            return HasuraUnavailable("Hasura did not answer in time, or not to the end")


def _of_status(status: int | None) -> HasuraError:
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        # By a proxy, whose limit is below ours: it takes fewer rows at a time.
        return HasuraRejected("the request is larger than a proxy before Hasura takes", code="too-large")
    return HasuraUnavailable(f"Hasura answered with HTTP status {status}")


def _is_refused(cause: requests.exceptions.ConnectionError) -> bool:
    reason = getattr(cause.args[0], "reason", None) if cause.args else None
    return isinstance(reason, NewConnectionError)


def _was_dropped(err: TransportConnectionFailed) -> bool:
    """Tell whether the other side closed the connection before it said anything."""
    cause = err.__cause__
    if not isinstance(cause, requests.exceptions.ConnectionError) or not cause.args:
        return False
    inner = cause.args[0]
    return isinstance(inner, ProtocolError) and any(isinstance(arg, ConnectionError) for arg in inner.args)


def _object(text: str) -> dict[str, Any]:
    """Parse an answer; gql would stumble over one that is JSON but no object."""
    match json.loads(text):
        case {"errors": [_, *_]} | {"data": {}} as answer:
            return dict(answer)
        case _:
            raise ValueError("no GraphQL answer")


class _Request(GraphQLRequest):
    def __init__(self, document: Document, variables: Mapping[str, Any]) -> None:
        super().__init__(document.tree, variable_values=dict(variables))
        self._text = document.text

    @property
    def payload(self) -> dict[str, Any]:
        # gql would print the tree anew for every request.
        return {"query": self._text, "variables": self.variable_values}


class _Transport(RequestsHTTPTransport):
    def connect(self) -> None:
        """Open a session that keeps to deadlines, and believes no answer with a status of failure."""
        self.session = new_session()
        self.session.hooks["response"].append(_refuse_failure)


def _refuse_failure(response: requests.Response, **_: Any) -> None:
    response.raise_for_status()
