"""Users' own calls: reading, changing, deleting and erasing single users, at Auth0 first and at once in Hasura.

Every change has a line in the audit, written before the call to Auth0 and completed after it. What was done at Auth0 is
never undone because Hasura is away: the answer then says that it is not synced, and what will bring it.
"""

from frontdesk.sync.users.audited import Changed
from frontdesk.sync.users.changes import UserChanges
from frontdesk.sync.users.desk import UserDesk, opened_desk
from frontdesk.sync.users.erasure import Erased, erase_user
from frontdesk.sync.users.reading import (
    Difference,
    Groups,
    UserPage,
    UserView,
    groups_of,
    list_users,
    show_user,
)

__all__ = [
    "Changed",
    "Difference",
    "Erased",
    "Groups",
    "UserChanges",
    "UserDesk",
    "UserPage",
    "UserView",
    "erase_user",
    "groups_of",
    "list_users",
    "opened_desk",
    "show_user",
]
