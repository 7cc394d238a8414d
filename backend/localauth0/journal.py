"""Writes down in the tenant's log, and in its figures, what happens to users.

Which type of record follows from what is in docs, "Log Event Type Codes"; what its details hold, in the schemas of the
log and in recorded answers. A change by login has no record of its own.

Source: Auth0 docs, "Log Event Type Codes", "Tenant Log Events"; recorded answers of `GET /logs`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from localauth0.change_records import change_records
from localauth0.happenings import Happening, Kind
from localauth0.logbook import strategy_type

if TYPE_CHECKING:
    from localauth0.store import Store

# Of a profile, what the body of a sign-up can have had.
_SIGNED_UP_WITH = (
    "app_metadata", "blocked", "email", "email_verified", "family_name", "given_name", "name", "nickname",
    "phone_number", "phone_verified", "picture", "user_metadata", "username",
)  # fmt: skip


class Journal:
    """Listens to a store, and keeps its log, its figures and its memberships true."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._kinds: dict[Kind, Callable[[Happening], None]] = {
            "signed_up": self._signed_up,
            "created": self._created,
            "updated": self._updated,
            "deleted": self._deleted,
            "linked": self._linked,
            "logged_in": self._logged_in,
            "login_failed": self._login_failed,
            "password_changed": self._password_changed,
        }

    def hear(self, happening: Happening) -> None:
        note = self._kinds.get(happening.kind)
        if note is not None:
            note(happening)

    def _signed_up(self, happening: Happening) -> None:
        profile = _profile(happening)
        sent = {name: profile[name] for name in _SIGNED_UP_WITH if name in profile}
        if sent.get("name") == sent.get("email"):
            sent.pop("name", None)  # nobody sent it: it is what a name is otherwise
        connection = happening.connection or _first_connection(profile)
        body = {"connection": connection, "tenant": self._store.config.tenant, **sent, "password": "*****"}
        if happening.by.client_id is not None:
            body["client_id"] = happening.by.client_id
        self._write("ss", happening, has_host=True, details={"body": body})
        self._store.activity.signed_up()

    def _created(self, happening: Happening) -> None:
        """Users of other kinds of connections come into being without a sign-up."""
        connection = self._store.config.connection(
            happening.connection or _first_connection(_profile(happening)) or ""
        )
        if connection is not None and strategy_type(connection.strategy) in ("database", "passwordless"):
            self._signed_up(happening)

    def _updated(self, happening: Happening) -> None:
        if self._store.config.log_changes_by_api:
            for code, details in change_records(happening, self._store.config.tenant):
                self._write(code, happening, details=details)

    def _deleted(self, happening: Happening) -> None:
        profile = _profile(happening)
        self._store.memberships.forget_user(str(profile["user_id"]))
        self._store.activity.forget(str(profile["user_id"]))
        body = {"connection": _first_connection(profile), "tenant": self._store.config.tenant}
        self._write("sdu", happening, has_client=False, details={"body": body})

    def _linked(self, happening: Happening) -> None:
        secondary = str(happening.detail["secondary"]["user_id"])
        self._store.memberships.forget_user(secondary)
        self._store.activity.forget(secondary)

    def _logged_in(self, happening: Happening) -> None:
        profile = _profile(happening)
        ended = int(happening.at.timestamp() * 1000)
        prompt = {
            "name": "prompt-authenticate",
            "initiatedAt": ended,
            "completedAt": ended,
            "elapsedTime": 0,
            "user_id": profile["user_id"],
            "user_name": user_name(profile),
            "stats": {"loginsCount": profile.get("logins_count")},
            "requiredCaptcha": False,
            "session_id": happening.detail.get("session_id", ""),
        }
        details: dict[str, Any] = {
            "prompts": [prompt],
            "initiatedAt": ended,
            "completedAt": ended,
            "elapsedTime": 0,
            "actions": {"executions": []},
            **({"session_id": prompt["session_id"]} if prompt["session_id"] else {}),
        }
        self._write("s", happening, has_host=True, details=details)
        self._store.activity.logged_in(str(profile["user_id"]))

    def _login_failed(self, happening: Happening) -> None:
        """A wrong password, an unknown name, or another `reason`, such as a block or an Action's."""
        reason = happening.detail.get("reason")
        if reason is not None:
            error = {"message": reason, "oauthError": happening.detail.get("error", "access_denied")}
            self._write("f", happening, has_host=True, details={"error": error}, description=reason)
            return
        message = "Wrong email or password."
        code = "fu" if happening.profile is None else "fp"
        self._write(
            code, happening, has_host=True, details={"error": {"message": message}}, description=message
        )

    def _password_changed(self, happening: Happening) -> None:
        email = _profile(happening).get("email")
        details = {"body": {}, "query": {}, **({"email": email} if email is not None else {})}
        self._write("scp", happening, details=details)

    def _write(
        self,
        code: str,
        happening: Happening,
        *,
        details: Mapping[str, Any],
        description: str = "",
        has_client: bool = True,
        has_host: bool = False,
    ) -> None:
        by = happening.by
        who = whose(
            self._store, happening.profile, happening.connection, happening.detail.get("identifier", "")
        )
        if has_client:
            who.update(named_client(self._store, by.client_id))
        self._store.log.write(
            code,
            description=description,
            ip=by.ip,
            user_agent=by.user_agent,
            hostname=happening.detail.get("hostname") if has_host else None,
            details=dict(details),
            **who,
        )


def whose(
    store: Store, profile: Mapping[str, Any] | None, connection_name: str | None, typed: str = ""
) -> dict[str, Any]:
    """The members of a record that say whose it is: user, connection, strategy."""
    name = connection_name or (_first_connection(profile) if profile is not None else None)
    connection = store.config.connection(name) if name is not None else None
    who: dict[str, Any] = {
        "user_id": profile["user_id"] if profile is not None else "",
        "user_name": user_name(profile) if profile is not None else typed,
    }
    if connection is not None:
        who.update(
            connection=connection.name,
            connection_id=connection.id,
            strategy=connection.strategy,
            strategy_type=strategy_type(connection.strategy),
        )
    return who


def named_client(store: Store, client_id: str | None) -> dict[str, Any]:
    """The members of a record that say which application it was."""
    client = store.config.client(client_id)
    return {"client_id": client_id, "client_name": client.name if client is not None else ""}


def user_name(profile: Mapping[str, Any]) -> str:
    """How the log calls a user."""
    names = (profile.get(key) for key in ("username", "email", "phone_number", "name"))
    return str(next((name for name in names if name), ""))


def _profile(happening: Happening) -> Mapping[str, Any]:
    if happening.profile is None:
        raise ValueError(f"{happening.kind} happens to a user")
    return happening.profile


def _first_connection(profile: Mapping[str, Any]) -> str | None:
    identities = profile.get("identities") or [{}]
    name = identities[0].get("connection")
    return str(name) if name is not None else None
