"""`frontdesk actions`: the Auth0 Actions that call frontdesk."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from frontdesk.auth0.actions import ActionSettings, action_dir, read_manifest, render
from frontdesk.errors import SettingsInvalid, UsageError
from frontdesk.settings import Settings, load_settings

app = typer.Typer(help="The Auth0 Actions that call frontdesk.", no_args_is_help=True)


@app.callback()
def _actions() -> None:
    # A group with a callback keeps `render` a command of its own, although it is the only one.
    pass


@app.command("render")
def render_command(
    tenant: Annotated[
        str | None, typer.Option(help="The tenant's key; not needed when there is only one.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="File to write; otherwise the source is printed.")] = None,
) -> None:
    """Write the post-login Action with your settings filled in, ready to be pasted into Auth0.

    Example: frontdesk actions render --out action.js
    """
    directory = action_dir("post-login")
    source = render(directory, action_settings(load_settings(), tenant))
    if out is None:
        typer.echo(source, nl=False)
        return
    try:
        out.write_text(source, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--out {out}: cannot be written: {error.strerror}") from error
    manifest = read_manifest(directory)
    typer.echo(
        f"Wrote {out}: trigger {manifest.trigger.id} {manifest.trigger.version}, {manifest.runtime}.",
        err=True,
    )
    for secret in manifest.secrets:
        typer.echo(f"It needs the secret {secret.name}. {secret.description}", err=True)


def action_settings(settings: Settings, tenant: str | None) -> ActionSettings:
    """Return what the Action of a tenant (the only one without a key) is rendered with.

    Raises SettingsInvalid when the settings do not say where Auth0 reaches frontdesk.
    """
    key, chosen = settings.tenant(tenant)
    if settings.action.url is None:
        raise SettingsInvalid(
            ["FRONTDESK_ACTION_URL ([action] url): expected frontdesk's public https URL, it is not set"]
        )
    return ActionSettings(
        url=settings.action.url,
        tenant=key,
        default_role=settings.claims.default_role,
        claims_namespace=chosen.claims_namespace,
        deadline_ms=settings.action.deadline_ms,
        on_failure=settings.action.on_failure,
        deny_reason=settings.action.deny_reason,
        max_body_bytes=settings.action.max_body_bytes,
    )
