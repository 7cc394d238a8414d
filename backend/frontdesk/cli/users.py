"""`frontdesk users`: single users, changed at Auth0 and at once in Hasura, with every change in the audit."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from frontdesk.auth0.user_calls import MAX_SHOWN, PAGE_SIZE
from frontdesk.cli import users_print as out
from frontdesk.cli.db import database_url
from frontdesk.cli.users_fields import create_command, update_command
from frontdesk.cli.users_options import (
    Actor,
    AsJson,
    Tenant,
    UserId,
    Yes,
    confirm,
    desk_to_change,
    desk_to_read,
    one_name_each,
)
from frontdesk.errors import UsageError
from frontdesk.settings import load_settings
from frontdesk.store.audit import MAX_LINES, Audit
from frontdesk.store.database import Database
from frontdesk.sync.users import UserDesk, UserPage, erase_user, groups_of, list_users, show_user

app = typer.Typer(
    help="Single users, changed at Auth0 and at once in Hasura; every change is in the audit.",
    no_args_is_help=True,
)

app.command("create")(create_command)
app.command("update")(update_command)


@app.command("list")
def list_command(
    query: Annotated[
        str | None, typer.Option("--q", help="A search of Auth0's, such as 'email.domain:\"example.com\"'.")
    ] = None,
    sort: Annotated[
        str | None, typer.Option(help="A field and its direction, such as created_at:-1.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_SHOWN, help="The most users to list.")] = 50,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """List users as Auth0's search finds them; it may be seconds behind, and shows its first thousand at most.

    Example: frontdesk users list --q 'blocked:true'
    """
    with desk_to_read(tenant) as desk:
        found, page = _listed(desk, query, sort, limit)
    if as_json:
        out.as_json({**page.as_json(), "items": found, "next": None})
        return
    out.users(found)
    if page.beyond is not None:
        typer.echo(f"{page.beyond}.", err=True)
    elif page.total > len(found):
        typer.echo(f"{len(found)} of {page.total:,} users; --limit shows more, --q fewer.", err=True)


def _listed(
    desk: UserDesk, query: str | None, sort: str | None, limit: int
) -> tuple[list[dict[str, Any]], UserPage]:
    found: list[dict[str, Any]] = []
    number: int | None = 0
    # The last page is as long as the others, since Auth0 counts pages by their length.
    while number is not None and len(found) < limit:
        page = list_users(desk, query=query, sort=sort, page=number, per_page=min(limit, PAGE_SIZE))
        found += [dict(user) for user in page.users]
        number = page.next
    return found[:limit], page


@app.command("show")
def show_command(user_id: UserId, tenant: Tenant = None, as_json: AsJson = False) -> None:
    """Show one user as Auth0 and Hasura have them, and what differs between the two.

    Example: frontdesk users show 'auth0|64b0f1e2d3c4b5a697887766'
    """
    with desk_to_read(tenant) as desk:
        found = show_user(desk, user_id)
    if as_json:
        out.as_json(found.as_json())
    else:
        out.view(found)


@app.command("block")
def block_command(
    user_id: UserId, tenant: Tenant = None, actor: Actor = None, as_json: AsJson = False
) -> None:
    """Block a user: no login any more, and rows are closed to tokens that are still valid.

    Example: frontdesk users block 'auth0|64b0f1e2d3c4b5a697887766'
    """
    with desk_to_change(tenant, actor) as opened:
        out.changed(opened.changes.block(user_id), json_wanted=as_json)


@app.command("unblock")
def unblock_command(
    user_id: UserId,
    brute_force: Annotated[
        bool,
        typer.Option("--brute-force", help="Lift the blocks that Auth0 made after wrong passwords, too."),
    ] = False,
    tenant: Tenant = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Lift the block of a user. Blocks after wrong passwords are others, and stay unless --brute-force is given.

    Example: frontdesk users unblock 'auth0|64b0f1e2d3c4b5a697887766'
    """
    with desk_to_change(tenant, actor) as opened:
        out.changed(opened.changes.unblock(user_id, brute_force=brute_force), json_wanted=as_json)


@app.command("set-roles")
def set_roles_command(
    user_id: UserId,
    roles: Annotated[list[str] | None, typer.Argument(metavar="[ROLE]...", help="Names of roles.")] = None,
    none: Annotated[bool, typer.Option("--none", help="Take all roles away.")] = False,
    tenant: Tenant = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Give a user exactly these roles of the tenant; people's own grants in Hasura stay.

    Example: frontdesk users set-roles 'auth0|64b0f1e2d3c4b5a697887766' Editor Billing
    """
    names = _exactly(roles, none)
    with desk_to_change(tenant, actor) as opened:
        out.changed(opened.changes.set_roles(user_id, names), json_wanted=as_json)


@app.command("groups")
def groups_command(
    user_id: UserId,
    groups: Annotated[
        list[str] | None, typer.Option("--set", help="A group; can be repeated. The user is in these alone.")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Take the user out of all groups.")] = False,
    tenant: Tenant = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Show somebody's groups (app_metadata.groups) and organizations, or set the groups.

    Example: frontdesk users groups 'auth0|64b0f1e2d3c4b5a697887766' --set users --set admin
    """
    if groups or none:
        names = _exactly(groups, none)
        with desk_to_change(tenant, actor) as opened:
            out.changed(opened.changes.set_groups(user_id, names), json_wanted=as_json)
        return
    with desk_to_read(tenant) as desk:
        found = groups_of(desk, user_id)
    if as_json:
        out.as_json(found.as_json())
    else:
        out.groups(found)


def _exactly(names: list[str] | None, none: bool) -> tuple[str, ...]:
    if bool(names) is none:
        raise UsageError("give the names, or --none to take all away")
    return one_name_each(names or [])


@app.command("sync")
def sync_command(
    user_id: UserId, tenant: Tenant = None, actor: Actor = None, as_json: AsJson = False
) -> None:
    """Bring what Auth0 has of a user, roles too, to Hasura; nothing changes at Auth0.

    Example: frontdesk users sync 'auth0|64b0f1e2d3c4b5a697887766'
    """
    with desk_to_change(tenant, actor) as opened:
        out.changed(opened.changes.sync(user_id), json_wanted=as_json)


@app.command("delete")
def delete_command(
    user_id: UserId, yes: Yes = False, tenant: Tenant = None, actor: Actor = None, as_json: AsJson = False
) -> None:
    """Delete a user at Auth0; the row stays, marked as deleted, until `users erase` removes it.

    Example: frontdesk users delete 'auth0|64b0f1e2d3c4b5a697887766' --yes
    """
    confirm(f"Delete {user_id} at Auth0? That cannot be undone.", yes=yes)
    with desk_to_change(tenant, actor) as opened:
        out.changed(opened.changes.delete(user_id), json_wanted=as_json)


@app.command("erase")
def erase_command(
    user_id: UserId,
    at_auth0: Annotated[bool, typer.Option("--at-auth0", help="Delete the user at Auth0 first.")] = False,
    yes: Yes = False,
    tenant: Tenant = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Remove all that Hasura and frontdesk have of a user, and print a receipt. Done again it finds what is left.

    Without --at-auth0 the user is still at Auth0, and a new row comes with the next login or import.

    Example: frontdesk users erase 'auth0|64b0f1e2d3c4b5a697887766' --at-auth0 --yes
    """
    confirm(f"Remove all that there is of {user_id}? That cannot be undone.", yes=yes)
    with desk_to_change(tenant, actor) as opened:
        done = erase_user(
            opened.desk, opened.database, user_id=user_id, actor=opened.actor, at_auth0=at_auth0
        )
    if as_json:
        out.as_json(done.as_json())
    else:
        out.receipt(done)
    if not at_auth0:
        typer.echo("If Auth0 still has the user, the next login or import makes a new row.", err=True)


@app.command("audit")
def audit_command(
    user: Annotated[str | None, typer.Option("--user", help="Changes of this user alone.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=MAX_LINES, help="The most lines.")] = 100,
    before: Annotated[int | None, typer.Option(help="Lines older than the one of this number.")] = None,
    tenant: Tenant = None,
    as_json: AsJson = False,
) -> None:
    """Show who changed which users through frontdesk, when, and what came of it; the newest first.

    Example: frontdesk users audit --user 'auth0|64b0f1e2d3c4b5a697887766'
    """
    settings = load_settings()
    key = settings.tenant(tenant)[0]
    with Database(database_url(settings), max_connections=1) as database:
        database.refuse_other_revision()
        lines = Audit(database).lines(key, now=datetime.now(UTC), user_id=user, before=before, limit=limit)
    if as_json:
        out.as_json({"items": [line.as_json() for line in lines], "next": None})
    else:
        out.audit(lines)
