"""The one error type of the engine: Hasura's code, message and path, and how each endpoint renders it."""

from __future__ import annotations

from typing import Any


class EngineError(Exception):
    """A request was refused; `code`, `message` and `path` are what Hasura says in the same place."""

    def __init__(
        self, code: str, message: str, *, path: str = "$", status: int = 400, internal: Any = None
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.path = code, message, path
        self.status, self.internal = status, internal

    def at(self, prefix: str) -> EngineError:
        """Return the same error seen from an enclosing request: `prefix` goes before its path."""
        inner = self.path.removeprefix("$")
        return EngineError(
            self.code, self.message, path=prefix + inner, status=self.status, internal=self.internal
        )

    def graphql(self, *, with_internal: bool) -> dict[str, Any]:
        """Return the entry of a GraphQL answer's `errors` list."""
        extensions: dict[str, Any] = {"path": self.path, "code": self.code}
        if with_internal and self.internal is not None:
            extensions["internal"] = self.internal
        return {"message": self.message, "extensions": extensions}

    def plain(self, *, with_internal: bool = True) -> dict[str, Any]:
        """Return the body that every endpoint but `/v1/graphql` answers."""
        body = {"path": self.path, "error": self.message, "code": self.code}
        if with_internal and self.internal is not None:
            body["internal"] = self.internal
        return body


def invalid(message: str, path: str = "$") -> EngineError:
    """Return a `validation-failed` error: the document does not fit the role's schema."""
    return EngineError("validation-failed", message, path=path)


def unparsable(message: str, path: str = "$") -> EngineError:
    """Return a `parse-failed` error: a value or a request body has the wrong shape."""
    return EngineError("parse-failed", message, path=path)


def unsupported(message: str, path: str = "$") -> EngineError:
    """Return a `not-supported` error: Hasura has this, the stand-in does not."""
    return EngineError("not-supported", message, path=path)
