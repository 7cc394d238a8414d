"""Every error that frontdesk raises on purpose.

    FrontdeskError
    ├── SettingsInvalid          wrong or missing settings; the start stops
    ├── UsageError               a command was called wrongly
    ├── HookRefused              a hook call without a valid signature
    ├── OperatorRefused          an operator's call without the operator token
    ├── SessionRefused           Hasura's client has no token that is taken, or not for this role
    ├── PortTaken                the address to listen on is in use
    ├── BodyTooLarge             a request body above its limit
    ├── PayloadInvalid           a payload with wrong or missing fields, each named
    ├── JwtConfigInvalid         a JWT secret that Hasura would not start with
    ├── KeysUnavailable          a provider's keys cannot be fetched or read
    ├── SessionKeysUnavailable   a tenant's signing keys are not known, so nobody of it gets a session
    ├── HasuraError
    │   ├── HasuraUnavailable    no usable answer in time; trying again may help
    │   │   └── HasuraAnswerTooLarge  the answer is longer than what is read of one
    │   ├── HasuraRejected       Hasura answered with an error; trying again will not help
    │   └── HasuraBlocked        what is at Hasura already has to be decided on first; nothing was changed
    ├── Auth0Error
    │   ├── Auth0Unavailable     no usable answer in time; trying again may help
    │   ├── Auth0CredentialsRefused  no token for the Management API
    │   └── Auth0Rejected        Auth0 answered with an error; trying again will not help
    │       └── Auth0ScopeMissing    the token has not the scope for this call
    ├── StoreError
    │   ├── StoreUnavailable     frontdesk's own database is out of reach
    │   ├── StoreMissing         none is configured
    │   ├── StoreOutdated        its schema is of another frontdesk
    │   ├── QueueFull            so much waits already that no more is taken
    │   └── TenantBusy           an import or a reconcile of the tenant is running already
    └── …

A class has a sentence for its reader (its docstring), a stable problem `type`, an HTTP status and an exit code. Only
the web room's error handler and the command line's wrapper render them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


class FrontdeskError(Exception):
    """frontdesk could not do what was asked."""

    type: ClassVar[str] = "about:blank"
    status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.sentence()
        super().__init__(self.detail)

    @classmethod
    def sentence(cls) -> str:
        """Return the class's sentence for its reader, which holds no detail of one case."""
        return (cls.__doc__ or "").strip().splitlines()[0]


_FREE_NAMES = re.compile(r"\b(app_metadata|user_metadata|profileData|organization\.metadata)\..*", re.DOTALL)


@dataclass(frozen=True)
class FieldFault:
    """One wrong field: its dotted name and what was expected of it."""

    field: str
    expected: str

    @property
    def place(self) -> str:
        """The name up to where names begin that people chose: an address may be a key of metadata."""
        return _FREE_NAMES.sub(r"\1.…", self.field)


class SettingsInvalid(FrontdeskError):
    """The settings are wrong.

    `faults` are sentences, each with the name of a key and what was expected; none holds a secret.
    """

    type = "urn:frontdesk:problem:settings-invalid"
    exit_code = 2

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(["The settings are wrong:", *(f"  {fault}" for fault in faults)]))


class UsageError(FrontdeskError):
    """The command was called wrongly."""

    type = "urn:frontdesk:problem:usage"
    exit_code = 2


class HookRefused(FrontdeskError):
    """The call carries no valid signature or token for this tenant.

    The outward text is the same for every fault; `reason` is for the log alone.
    """

    type = "urn:frontdesk:problem:unauthorized"
    status = 401

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class OperatorRefused(FrontdeskError):
    """The call carries no valid operator token."""

    type = "urn:frontdesk:problem:unauthorized"
    status = 401


class SessionRefused(FrontdeskError):
    """The request has no token that gives it a session.

    `reason` is for the log; outward every refusal reads the same.
    """

    type = "urn:frontdesk:problem:session-refused"
    status = 401

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class PortTaken(FrontdeskError):
    """Another process listens on the port already."""

    type = "urn:frontdesk:problem:port-taken"


class BodyTooLarge(FrontdeskError):
    """The request body is larger than this endpoint accepts."""

    type = "urn:frontdesk:problem:body-too-large"
    status = 413


class PayloadInvalid(FrontdeskError):
    """The payload has wrong or missing fields."""

    type = "urn:frontdesk:problem:payload-invalid"
    status = 400

    def __init__(self, faults: Sequence[FieldFault]) -> None:
        super().__init__()
        self.faults = tuple(faults)


class JwtConfigInvalid(FrontdeskError):
    """Hasura would not start with this JWT secret.

    `reason` is ours; `hasura` are Hasura's own words, None where they are not known. No key is repeated.
    """

    type = "urn:frontdesk:problem:jwt-config-invalid"
    status = 400
    exit_code = 2

    def __init__(self, reason: str, *, hasura: str | None = None) -> None:
        super().__init__(reason if hasura is None else f"{reason} (Hasura says: {hasura})")
        self.reason = reason
        self.hasura = hasura


class KeysUnavailable(FrontdeskError):
    """The provider's keys cannot be fetched or read."""

    type = "urn:frontdesk:problem:keys-unavailable"
    status = 422  # who asked named the place


class SessionKeysUnavailable(FrontdeskError):
    """The signing keys of a tenant are not known, and cannot be had at the moment."""

    type = "urn:frontdesk:problem:session-keys-unavailable"
    status = 503


class HasuraError(FrontdeskError):
    """Hasura did not do what was asked."""

    type = "urn:frontdesk:problem:hasura"
    status = 503


class HasuraUnavailable(HasuraError):
    """Hasura gave no usable answer in time."""

    type = "urn:frontdesk:problem:hasura-unavailable"
    retryable = True


class HasuraAnswerTooLarge(HasuraUnavailable):
    """Hasura's answer is longer than what is read of one."""

    type = "urn:frontdesk:problem:hasura-answer-too-large"


class HasuraRejected(HasuraError):
    """Hasura refused the operation.

    `path` and `code` are Hasura's own (`extensions.path`, `extensions.code`), `sqlstate` is PostgreSQL's; the detail
    never holds row values.
    """

    type = "urn:frontdesk:problem:hasura-rejected"

    def __init__(
        self, detail: str, *, path: str | None = None, code: str | None = None, sqlstate: str | None = None
    ) -> None:
        super().__init__(detail)
        self.path = path
        self.code = code
        self.sqlstate = sqlstate


class HasuraBlocked(HasuraError):
    """What is at Hasura already has to be decided on first."""

    type = "urn:frontdesk:problem:hasura-blocked"
    status = 409


class Auth0Error(FrontdeskError):
    """Auth0 did not do what was asked."""

    type = "urn:frontdesk:problem:auth0"
    status = 502


class Auth0Unavailable(Auth0Error):
    """Auth0 gave no usable answer in time."""

    type = "urn:frontdesk:problem:auth0-unavailable"
    status = 503
    retryable = True


class Auth0CredentialsRefused(Auth0Error):
    """Auth0 gives no token for the Management API."""

    type = "urn:frontdesk:problem:auth0-credentials"


class Auth0Rejected(Auth0Error):
    """Auth0 refused the operation.

    `status_code` and `error_code` are Auth0's own (`statusCode`, `errorCode`).
    """

    type = "urn:frontdesk:problem:auth0-rejected"

    def __init__(self, detail: str, *, status_code: int | None = None, error_code: str | None = None) -> None:
        super().__init__(detail)
        self.status_code = status_code
        self.error_code = error_code


class Auth0ScopeMissing(Auth0Rejected):
    """The token lacks the scope that this call needs; `scopes` are those of which any would do."""

    type = "urn:frontdesk:problem:auth0-scope-missing"

    def __init__(self, detail: str, *, scopes: Sequence[str]) -> None:
        super().__init__(detail, status_code=403, error_code="insufficient_scope")
        self.scopes = tuple(scopes)


class StoreError(FrontdeskError):
    """The state in frontdesk's own database could not be read or kept."""

    type = "urn:frontdesk:problem:store"
    status = 503


class StoreUnavailable(StoreError):
    """The database of frontdesk's own is out of reach."""

    type = "urn:frontdesk:problem:store-unavailable"
    retryable = True


class StoreMissing(StoreError):
    """No database of frontdesk's own is configured, and this needs one."""

    type = "urn:frontdesk:problem:store-missing"

    def __init__(self) -> None:
        super().__init__(
            "this needs a database of frontdesk's own: set FRONTDESK_DATABASE_URL (or FRONTDESK_DATABASE_URL_FILE), "
            "and run `frontdesk db apply`"
        )


class StoreOutdated(StoreError):
    """The schema in frontdesk's own database is of another frontdesk."""

    type = "urn:frontdesk:problem:store-outdated"

    def __init__(self, found: str | None, expected: str) -> None:
        super().__init__(
            f"frontdesk's own schema is at revision {found or 'none'}, and this frontdesk needs {expected}; "
            "run `frontdesk db apply`"
        )


class QueueFull(StoreError):
    """Too much is waiting for Hasura already; send it again later."""

    type = "urn:frontdesk:problem:queue-full"
    status = 503
    retryable = True


class TenantBusy(StoreError):
    """An import or a reconcile of the tenant is running already."""

    type = "urn:frontdesk:problem:tenant-busy"
    status = 409
    retryable = True

    def __init__(self, tenant: str) -> None:
        super().__init__(
            f"an import or a reconcile of the tenant {tenant} is running already; wait until it has ended"
        )
