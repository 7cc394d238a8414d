"""Auth0's identities of a user, as Actions and the Management API name them alike.

Five fields of each are read, and never an upstream token.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from frontdesk.auth0.hook_body import Edge
from frontdesk.identity import Identity


def _identity_user_id(value: Any) -> Any:
    """Auth0 gives an identity's id as a string or as an integer (source: Management API, users)."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class IdentityFields(Edge):
    """One identity in a payload; what else an upstream provider gave is ignored."""

    connection: str | None = None
    provider: str | None = None
    user_id: Annotated[str | None, BeforeValidator(_identity_user_id)] = None
    is_social: bool | None = Field(None, alias="isSocial")
    profile_data: dict[str, Any] | None = Field(None, alias="profileData")


def identity_from(fields: IdentityFields) -> Identity:
    """Return the identity that these fields are."""
    return Identity(
        connection=fields.connection,
        provider=fields.provider,
        user_id=fields.user_id,
        is_social=fields.is_social,
        profile_data=fields.profile_data,
    )
