"""What people do with their own accounts: sign up, and set a new password; each with its asynchronous trigger.

Source: Auth0 docs, Authentication API, "Signup" and "Change Password"; "User Profile Structure" for the limits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localauth0 import users
from localauth0.actions.events import post_change_password_event, post_user_registration_event
from localauth0.errors import LocalAuth0Error
from localauth0.happenings import Doer
from localauth0.live import LiveTenant
from localauth0.new_users import new_profile
from localauth0.records import Mail, PasswordTicket, RequestFacts, Transaction
from localauth0.store import Store, iso_ms
from localauth0.tenant import Connection
from localauth0.user_store import UserRecord

MAX_PASSWORD_BYTES = 72
MAX_EMAIL_CHARS = 254
MAX_LOCAL_PART_CHARS = 64


class AccountRefused(LocalAuth0Error):
    """A sign-up or a new password that is not taken; `code` is Auth0's."""

    def __init__(self, name: str, code: str, description: str) -> None:
        super().__init__(description)
        self.name, self.code, self.description = name, code, description


@dataclass(frozen=True)
class NewAccount:
    """What somebody fills in to sign up. `attributes` are further ones of the profile."""

    connection: Connection
    email: str
    password: str = field(repr=False)
    attributes: Mapping[str, str] = field(default_factory=dict)
    user_metadata: Mapping[str, str] = field(default_factory=dict)


def sign_up(
    tenant: LiveTenant, account: NewAccount, request: RequestFacts, transaction: Transaction | None = None
) -> UserRecord:
    """Add the user, and begin the post-user-registration Actions, for which nobody waits. Raises AccountRefused."""
    _refuse_email(account.email)
    _refuse_password(account.password)
    store = tenant.store
    with store.lock:
        _refuse_taken(store, account)
        user = UserRecord(_profile(store, account), account.password, [])
        store.users[user.user_id] = user
    client_id = transaction.request.client_id if transaction else request.body.get("client_id")
    doer = Doer(client_id, request.ip, request.user_agent)
    place = {"connection": account.connection.name, "hostname": request.hostname}
    store.happened("signed_up", user.profile, by=doer, **place)
    event = post_user_registration_event(store, user, account.connection, request, transaction)
    tenant.triggers.run_later("post-user-registration", event)
    return user


def send_password_mail(tenant: LiveTenant, connection: Connection, email: str) -> None:
    """Send the link to a new password to the user of that address; nobody learns whether there is one."""
    user = users.user_with_email(tenant.store, email, connection)
    if user is None:
        return
    ticket = tenant.store.password_tickets.add(PasswordTicket(user.user_id, connection.name))
    url = f"{tenant.url}/u/reset-password?ticket={ticket}"
    tenant.store.mails.append(Mail(str(user.profile["email"]), "Reset your password", url, tenant.now()))


def change_password(tenant: LiveTenant, ticket: PasswordTicket, password: str, request: RequestFacts) -> None:
    """Set the password, and begin the post-change-password Actions. Raises AccountRefused."""
    _refuse_password(password)
    store = tenant.store
    connection = store.config.connection(ticket.connection)
    with store.lock:
        user = store.users.get(ticket.user_id)
        if user is None or connection is None:
            raise AccountRefused("BadRequestError", "invalid_ticket", "The user no longer exists.")
        now = iso_ms(store.clock())
        set_password(user, connection.name, password)
        store.users.rewrite(user, {**user.profile, "last_password_reset": now, "updated_at": now})
    doer = Doer(None, request.ip, request.user_agent)
    store.happened("password_changed", user.profile, by=doer, connection=connection.name)
    event = post_change_password_event(store, user, connection, request)
    tenant.triggers.run_later("post-change-password", event)


def set_password(user: UserRecord, connection: str, password: str) -> None:
    """Give the user's identity in that connection another password."""
    places = range(len(user.profile["identities"]))
    found = (place for place in places if user.profile["identities"][place].get("connection") == connection)
    place = next(found, 0)
    if place == 0:
        user.password = password
    else:
        user.linked_passwords[users.identity_key(user, place)] = password


def _profile(store: Store, account: NewAccount) -> dict[str, Any]:
    given: dict[str, Any] = {"email": account.email.lower(), **account.attributes}
    if account.user_metadata:
        given["user_metadata"] = dict(account.user_metadata)
    return new_profile(store, account.connection, given)


def _refuse_taken(store: Store, account: NewAccount) -> None:
    names = [account.email, *([account.attributes["username"]] if "username" in account.attributes else [])]
    if any(users.user_with_name(store, name, account.connection) is not None for name in names):
        raise AccountRefused("BadRequestError", "invalid_signup", "Invalid sign up")


def _refuse_email(email: str) -> None:
    local, _, domain = email.rpartition("@")
    fits = len(email) <= MAX_EMAIL_CHARS and len(local) <= MAX_LOCAL_PART_CHARS
    if not local or not domain or not fits or any(letter.isspace() for letter in email):
        raise AccountRefused("BadRequestError", "invalid_signup", "The email address is not valid.")


def _refuse_password(password: str) -> None:
    if not 1 <= len(password.encode()) <= MAX_PASSWORD_BYTES:
        text = f"The password must have 1 to {MAX_PASSWORD_BYTES} bytes."
        raise AccountRefused("PasswordStrengthError", "invalid_password", text)
