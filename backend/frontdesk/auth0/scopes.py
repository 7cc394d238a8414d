"""The scopes of the Management API that frontdesk needs, by what needs them. Nothing else lists scopes.

The machine application gets `MACHINE_SCOPES` and no more. What only set-up needs is not among them: whoever may create
applications and grants may give themselves everything, so that right stays with the token of the person who sets up.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Feature(StrEnum):
    """What frontdesk does with the Management API."""

    CHECK = "check"
    ACTIONS = "actions"
    LOG_STREAM = "log stream"
    EVENT_STREAM = "event stream"
    READ_USERS = "import and reconcile"
    CHANGE_USERS = "users' own calls"
    SET_UP = "set-up"


SCOPES: Mapping[Feature, frozenset[str]] = MappingProxyType(
    {
        # `read:clients` without `read:client_keys` shows no application's secret.
        Feature.CHECK: frozenset({"read:clients", "read:client_grants", "read:resource_servers"}),
        Feature.ACTIONS: frozenset({"read:actions", "create:actions", "update:actions"}),
        # The log itself is read where a stream has left a gap; without `logs_users` it lacks who did something.
        Feature.LOG_STREAM: frozenset(
            {"read:log_streams", "create:log_streams", "update:log_streams", "read:logs", "read:logs_users"}
        ),
        # Events can be read, too, where they are pulled.
        Feature.EVENT_STREAM: frozenset(
            {
                "read:events",
                "read:event_streams",
                "create:event_streams",
                "update:event_streams",
                "read:event_deliveries",
                "update:event_deliveries",
            }
        ),
        # An organization's members come with their roles only by a scope of its own.
        Feature.READ_USERS: frozenset(
            {
                "read:users",
                "read:roles",
                "read:role_members",
                "read:organizations",
                "read:organization_members",
                "read:organization_member_roles",
            }
        ),
        Feature.CHANGE_USERS: frozenset(
            {"create:users", "update:users", "delete:users", "create:role_members", "delete:role_members"}
        ),
        Feature.SET_UP: frozenset(
            {
                "create:clients",
                "update:clients",
                "create:client_grants",
                "update:client_grants",
                "create:resource_servers",
                "update:resource_servers",
            }
        ),
    }
)
MACHINE_FEATURES = (
    Feature.CHECK,
    Feature.ACTIONS,
    Feature.LOG_STREAM,
    Feature.EVENT_STREAM,
    Feature.READ_USERS,
    Feature.CHANGE_USERS,
)
MACHINE_SCOPES: frozenset[str] = frozenset().union(*(SCOPES[feature] for feature in MACHINE_FEATURES))
# Of a token that sets a tenant up from nothing.
SET_UP_SCOPES: frozenset[str] = MACHINE_SCOPES | SCOPES[Feature.SET_UP]
