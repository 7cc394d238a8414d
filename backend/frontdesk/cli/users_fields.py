"""`frontdesk users create` and `update`: fields of a user from options; a password from anywhere but those."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from frontdesk.auth0.user_fields import NewUser, UserChange
from frontdesk.cli import users_print as out
from frontdesk.cli.users_options import (
    Actor,
    AsJson,
    Tenant,
    UserId,
    desk_to_change,
    json_object_of,
    password_of,
    wrong_values_are_usage,
)
from frontdesk.errors import UsageError

# Options that are fields of Auth0's under the same name; both commands read them from their context, by these names.
_PLAIN = (
    "connection",
    "email",
    "email_verified",
    "verify_email",
    "username",
    "phone_number",
    "name",
    "given_name",
    "family_name",
    "nickname",
    "picture",
)

PasswordFile = Annotated[
    str | None,
    typer.Option("--password-file", help="File whose first line is the password; - reads standard input."),
]
AskPassword = Annotated[
    bool, typer.Option("--ask-password", help="Ask for the password, twice, without showing it.")
]
AppMetadata = Annotated[
    str | None,
    typer.Option(
        "--app-metadata", help="JSON object, or @FILE; merged at the first level, null takes a name out."
    ),
]
UserMetadata = Annotated[
    str | None, typer.Option("--user-metadata", help="As --app-metadata, of user_metadata.")
]
Email = Annotated[str | None, typer.Option("--email", help="E-mail address.")]
EmailVerified = Annotated[
    bool | None,
    typer.Option(
        "--email-verified/--email-unverified",
        help="Whether the address counts as verified.",
        show_default=False,
    ),
]
VerifyEmail = Annotated[
    bool | None,
    typer.Option(
        "--verify-email/--no-verify-email", help="Whether Auth0 sends a mail to verify the address."
    ),
]
Username = Annotated[str | None, typer.Option("--username", help="Username, where the connection has them.")]
Phone = Annotated[str | None, typer.Option("--phone-number", help="Such as +34600111222.")]
Name = Annotated[str | None, typer.Option("--name", help="Full name.")]
GivenName = Annotated[str | None, typer.Option("--given-name", help="Given name.")]
FamilyName = Annotated[str | None, typer.Option("--family-name", help="Family name.")]
Nickname = Annotated[str | None, typer.Option("--nickname", help="Nickname.")]
Picture = Annotated[str | None, typer.Option("--picture", help="URL of a picture.")]


def create_command(
    context: typer.Context,
    connection: Annotated[str, typer.Option("--connection", help="A database or passwordless connection.")],
    email: Email = None,
    email_verified: EmailVerified = None,
    verify_email: VerifyEmail = None,
    username: Username = None,
    phone_number: Phone = None,
    name: Name = None,
    given_name: GivenName = None,
    family_name: FamilyName = None,
    nickname: Nickname = None,
    picture: Picture = None,
    own_id: Annotated[
        str | None, typer.Option("--user-id", help="The id after `auth0|`; without it Auth0 makes one.")
    ] = None,
    app_metadata: AppMetadata = None,
    user_metadata: UserMetadata = None,
    password_file: PasswordFile = None,
    ask_password: AskPassword = False,
    tenant: Tenant = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Create a user at Auth0 and in Hasura. A password is read from a file, standard input or the terminal.

    Example: frontdesk users create --connection Username-Password-Authentication --email ana@example.com --ask-password
    """
    fields = _fields(context.params) | ({} if own_id is None else {"user_id": own_id})
    with wrong_values_are_usage():
        user = NewUser.of(fields)
    with desk_to_change(tenant, actor) as opened:
        out.changed(opened.changes.create(user), json_wanted=as_json)


def update_command(
    context: typer.Context,
    user_id: UserId,
    email: Email = None,
    email_verified: EmailVerified = None,
    verify_email: VerifyEmail = None,
    username: Username = None,
    phone_number: Phone = None,
    name: Name = None,
    given_name: GivenName = None,
    family_name: FamilyName = None,
    nickname: Nickname = None,
    picture: Picture = None,
    app_metadata: AppMetadata = None,
    user_metadata: UserMetadata = None,
    clear_app_metadata: Annotated[
        bool, typer.Option("--clear-app-metadata", help="Erase all app_metadata.")
    ] = False,
    clear_user_metadata: Annotated[
        bool, typer.Option("--clear-user-metadata", help="Erase all user_metadata.")
    ] = False,
    unset: Annotated[
        list[str] | None, typer.Option(help="A field to take away, such as nickname; can be repeated.")
    ] = None,
    connection: Annotated[
        str | None,
        typer.Option(
            "--connection", help="The connection of a linked identity whose address or password changes."
        ),
    ] = None,
    password_file: PasswordFile = None,
    ask_password: AskPassword = False,
    tenant: Tenant = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Change fields of a user. What is not given stays; metadata is merged at its first level.

    Example: frontdesk users update 'auth0|64b0f1e2d3c4b5a697887766' --app-metadata '{"plan": "pro"}'
    """
    fields = _fields(context.params)
    cleared = {"app_metadata": clear_app_metadata, "user_metadata": clear_user_metadata}
    with wrong_values_are_usage():
        change = UserChange.of(
            {
                **fields,
                **_unset(unset or [], fields),
                "clear": [each for each, wanted in cleared.items() if wanted],
            }
        )
    with desk_to_change(tenant, actor) as opened:
        out.changed(opened.changes.update(user_id, change), json_wanted=as_json)


def _unset(names: list[str], fields: dict[str, Any]) -> dict[str, None]:
    for name in names:
        if name.endswith("_metadata"):
            raise UsageError(f"--unset {name}: erase it with --clear-{name.replace('_', '-')}")
        if name in fields:
            raise UsageError(f"--unset {name}: the same command gives it a value")
    return dict.fromkeys(names)


def _fields(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that a command's options give."""
    values = {name: options[name] for name in _PLAIN}
    for name in ("app_metadata", "user_metadata"):
        values[name] = json_object_of(f"--{name.replace('_', '-')}", options[name])
    values["password"] = password_of(options["password_file"], ask=options["ask_password"])
    return {name: value for name, value in values.items() if value is not None}
