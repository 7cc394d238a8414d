"""The domain, without any I/O: users, grants, claims and the claims policy. It uses no other room."""

from frontdesk.identity.activity import Activity, Incoming, Refresh, RefreshKind
from frontdesk.identity.claims import Claims, Denied, LoginContext, Organization, decide
from frontdesk.identity.field_types import FieldType
from frontdesk.identity.fields import NO_RULES, FieldRule, FieldRules, Owner, graphql_name
from frontdesk.identity.filters import EVERYBODY, MetadataCondition, UserFilter
from frontdesk.identity.policy import BlockedUsers, ClaimsPolicy, ExtraClaim, RoleSource
from frontdesk.identity.user import (
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
    "EVERYBODY",
    "NO_RULES",
    "Activity",
    "BlockedUsers",
    "Claims",
    "ClaimsPolicy",
    "Denied",
    "ExtraClaim",
    "FieldRule",
    "FieldRules",
    "FieldType",
    "Identity",
    "Incoming",
    "JsonObject",
    "JsonValue",
    "Login",
    "LoginContext",
    "MetadataCondition",
    "Organization",
    "Owner",
    "Profile",
    "Refresh",
    "RefreshKind",
    "RoleSource",
    "Seen",
    "Source",
    "Stamped",
    "StoredUser",
    "User",
    "UserFilter",
    "decide",
    "graphql_name",
]
