"""`frontdesk-login`: the application through which people log in, for `token get` and the API Debugger."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from frontdesk.auth0.management import ManagementApi
from frontdesk.auth0.plan import StepKind
from frontdesk.auth0.setup_apps import MARK, Place, creation, found, is_ours, shown
from frontdesk.auth0.setup_steps import Made, Part, SetupStep, cannot, keep, steps_of

LOGIN_NAME = "frontdesk-login"
LOGIN_GRANTS = ("authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code")


class AppType(StrEnum):
    """What the application for logins is."""

    NATIVE = "native"
    SPA = "spa"
    REGULAR = "regular"

    @property
    def name_at_auth0(self) -> str:
        """Auth0's `app_type`."""
        return "regular_web" if self is AppType.REGULAR else self.value


@dataclass(frozen=True, kw_only=True)
class LoginApp:
    """What the application for logins must allow. Without `app_type` an existing one keeps its own."""

    client_id: str | None = None
    app_type: AppType | None = None
    callbacks: tuple[str, ...] = ()
    implicit: bool = False

    @property
    def lists(self) -> dict[str, tuple[str, ...]]:
        """The lists of the application that must hold at least these values."""
        found = {
            "callbacks": self.callbacks,
            "grant_types": (*LOGIN_GRANTS, *(("implicit",) if self.implicit else ())),
        }
        if self.app_type is AppType.SPA:
            found["web_origins"] = tuple(dict.fromkeys(_origin(url) for url in self.callbacks))
        return found

    @property
    def values(self) -> dict[str, Any]:
        """The values that the application must have."""
        public = {"token_endpoint_auth_method": "none", "oidc_conformant": True}
        return public | ({"app_type": self.app_type.name_at_auth0} if self.app_type else {})


_LOGIN = Place(
    part=Part.APP,
    name=LOGIN_NAME,
    role="login",
    key="login_client_id",
    by_hand="Dashboard > Applications > Applications > Create Application, and put its client id into login_client_id.",
)


def plan_login_app(api: ManagementApi, wanted: LoginApp, made: Made) -> tuple[SetupStep, ...]:
    """Plan the application through which people log in: `token get`, the API Debugger."""
    what = f"application {LOGIN_NAME}"

    def plan() -> Iterator[SetupStep]:
        known = found(api, _LOGIN, wanted.client_id)
        if isinstance(known, SetupStep):
            yield known
            return
        if known is None:
            yield creation(_LOGIN, _login_details(wanted), lambda made: _create_login(api, wanted, made))
            return
        made.login_client_id = str(known["client_id"])
        changes = _login_changes(known, wanted)
        if not changes:
            yield keep(Part.APP, what)
        elif not is_ours(known, _LOGIN):
            lacks = ", ".join(f"{name} {shown(value)}" for name, value in sorted(changes.items()))
            yield cannot(
                Part.APP,
                f"application {known.get('name')}",
                f"The settings name an application that frontdesk did not make, so it stays; it lacks {lacks}.",
                "set these in the Dashboard, or take login_client_id out of the settings for one of frontdesk's own.",
            )
        else:
            yield _login_update(api, str(known["client_id"]), changes, what)

    return steps_of(Part.APP, what, _LOGIN.by_hand, plan)


def _login_details(wanted: LoginApp) -> str:
    return f"Create it as {wanted.app_type or AppType.NATIVE}, callbacks {shown(wanted.callbacks)}."


def _create_login(api: ManagementApi, wanted: LoginApp, made: Made) -> None:
    values: dict[str, Any] = {"app_type": AppType.NATIVE.name_at_auth0} | wanted.values
    lists = {name: list(value) for name, value in wanted.lists.items()}
    created = api.sdk.clients.create(
        name=LOGIN_NAME,
        description="People log in through it to see whether Hasura takes their tokens (frontdesk token get).",
        client_metadata={MARK: _LOGIN.role},
        jwt_configuration={"alg": "RS256"},
        **values,
        **lists,
    )
    made.login_client_id = created.client_id


def _login_changes(known: dict[str, Any], wanted: LoginApp) -> dict[str, Any]:
    changes = {name: value for name, value in wanted.values.items() if known.get(name) != value}
    for name, values in wanted.lists.items():
        has = known.get(name, [])
        if missing := [value for value in values if value not in has]:
            changes[name] = [*has, *missing]
    return changes


def _login_update(api: ManagementApi, client_id: str, changes: dict[str, Any], what: str) -> SetupStep:
    def update(_: Made) -> None:
        api.sdk.clients.update(client_id, **changes)

    listed = ", ".join(f"{name} = {shown(value)}" for name, value in sorted(changes.items()))
    return SetupStep(
        part=Part.APP,
        what=what,
        kind=StepKind.UPDATE,
        detail=f"Set {listed}.",
        scope="update:clients",
        by_hand=f"Dashboard > Applications > Applications > {LOGIN_NAME} > Settings.",
        act=update,
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
