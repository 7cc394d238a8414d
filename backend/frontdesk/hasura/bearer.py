"""GraphQL with somebody's own token, as an application would send it; never with the admin secret."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

from frontdesk.answers import json_object
from frontdesk.errors import HasuraUnavailable, UsageError
from frontdesk.hasura.jwt_config import TokenHeader
from frontdesk.hasura.transport import Deadline, new_session

QUERY_BUDGET_S = 30.0


@dataclass(frozen=True, kw_only=True)
class BearerAnswer:
    """A GraphQL result: the data, and the errors as Hasura worded them for the holder of this token."""

    data: Any = field(default=None, repr=False)
    errors: tuple[Mapping[str, Any], ...] = ()

    @property
    def code(self) -> str | None:
        """`extensions.code` of the first error."""
        extensions = self.errors[0].get("extensions") if self.errors else None
        code = extensions.get("code") if isinstance(extensions, dict) else None
        return code if isinstance(code, str) else None

    @property
    def message(self) -> str:
        """The first error's message."""
        return str(self.errors[0].get("message", "")) if self.errors else ""


def query_as_bearer(
    url: str,
    token: str,
    query: str,
    *,
    variables: Mapping[str, Any] | None = None,
    role: str | None = None,
    header: TokenHeader = TokenHeader(),  # noqa: B008 - frozen
    budget_s: float = QUERY_BUDGET_S,
) -> BearerAnswer:
    """Return the answer of the Hasura at `url` to a query that carries the token where that Hasura reads it.

    Raises HasuraUnavailable when no GraphQL result comes back, UsageError for a token that no header can carry.
    """
    base = url.rstrip("/")
    headers = _carrying(token, header) | ({} if role is None else {"x-hasura-role": role})
    if not all(text.isascii() and text.isprintable() for text in headers.values()):
        raise UsageError("the token or the role holds characters that no header can carry; copy it again")
    body = {"query": query, "variables": dict(variables or {})}
    try:
        with new_session(headers=headers) as session:
            answer = session.post(
                f"{base}/v1/graphql",
                json=body,
                timeout=Deadline.after(budget_s),  # type: ignore[arg-type]
                allow_redirects=False,
            )
    except (requests.RequestException, OSError) as error:
        raise HasuraUnavailable(f"no answer of Hasura at {base}: {type(error).__name__}") from None
    return _result(answer, base)


def _carrying(token: str, header: TokenHeader) -> dict[str, str]:
    if header.kind == "Cookie":
        return {"Cookie": f"{header.name}={quote(token, safe='')}"}
    if header.kind == "CustomHeader":
        return {header.name or "": token}
    return {"Authorization": f"Bearer {token}"}


def _result(answer: requests.Response, base: str) -> BearerAnswer:
    facts = json_object(answer.content)
    if not ("data" in facts or "errors" in facts):
        raise HasuraUnavailable(
            f"{base}/v1/graphql gave no GraphQL result (HTTP status {answer.status_code}); is this Hasura's base URL?"
        )
    errors = facts.get("errors")
    listed = errors if isinstance(errors, list) else []
    return BearerAnswer(
        data=facts.get("data"), errors=tuple(each for each in listed if isinstance(each, dict))
    )
