"""The domain, without any I/O: users, grants, claims and the claims policy. It uses no other room."""

from frontdesk.identity.claims import Claims, Denied, LoginContext, Organization, decide
from frontdesk.identity.policy import BlockedUsers, ClaimsPolicy, ExtraClaim, RoleSource
from frontdesk.identity.user import (
    Activity,
    Identity,
    JsonObject,
    JsonValue,
    Login,
    Profile,
    Seen,
    Source,
    Stamped,
    StoredUser,
    User,
)

__all__ = [
    "Activity",
    "BlockedUsers",
    "Claims",
    "ClaimsPolicy",
    "Denied",
    "ExtraClaim",
    "Identity",
    "JsonObject",
    "JsonValue",
    "Login",
    "LoginContext",
    "Organization",
    "Profile",
    "RoleSource",
    "Seen",
    "Source",
    "Stamped",
    "StoredUser",
    "User",
    "decide",
]
