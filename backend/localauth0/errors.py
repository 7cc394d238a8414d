"""Failures in Auth0's own codes and wording.

LocalAuth0Error
├── OAuthError            a JSON answer `{"error", "error_description"}`
├── ManagementError       a JSON answer of the Management API, `{"statusCode", "error", "message", "errorCode"}`
├── CallbackError         a redirect to the application with `error` and `error_description`
├── PageError             an HTML page: there is no callback that may be trusted
├── NotImplementedHere    the real tenant would answer; localauth0 does not, and says so
└── TenantFileError       the tenant file cannot be used (tenant_file.py)
"""

from __future__ import annotations

from collections.abc import Mapping


class LocalAuth0Error(Exception):
    """Something that localauth0 answers with an error."""


class OAuthError(LocalAuth0Error):
    """A JSON error of the Authentication API.

    Auth0 answers `invalid_grant` with 403, not with the 400 of the OAuth standard.
    """

    def __init__(self, status: int, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.status, self.error, self.description = status, error, description


class ManagementError(LocalAuth0Error):
    """An error of the Management API; Auth0 gives many of them no `errorCode`."""

    def __init__(
        self,
        status: int,
        message: str,
        error_code: str | None = None,
        *,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status}: {message}")
        self.status, self.message, self.error_code, self.attributes = status, message, error_code, attributes


class CallbackError(LocalAuth0Error):
    """An error that the application gets at its (already checked) callback URL."""

    def __init__(self, redirect_uri: str, state: str | None, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}")
        self.redirect_uri, self.state = redirect_uri, state
        self.error, self.description = error, description


class PageError(LocalAuth0Error):
    """An error shown to the person in front of the browser."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(f"{title}: {detail}")
        self.status, self.title, self.detail = status, title, detail


class NotImplementedHere(LocalAuth0Error):
    """A part of Auth0 that localauth0 does not have; answered with 501, never with a guess."""


def unauthorized_client() -> OAuthError:
    return OAuthError(401, "access_denied", "Unauthorized")


def invalid_grant(description: str) -> OAuthError:
    return OAuthError(403, "invalid_grant", description)


def invalid_request(description: str) -> OAuthError:
    return OAuthError(400, "invalid_request", description)
