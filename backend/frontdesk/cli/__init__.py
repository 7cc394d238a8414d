"""The command line: parses arguments, calls one use case, prints.

Exit codes: 0 done, 1 failed, 2 called wrongly or with wrong settings.
"""

from __future__ import annotations

import sys

import typer

from frontdesk.cli import (
    actions,
    auth0,
    db,
    demo,
    doctor,
    fields,
    hasura,
    import_,
    init,
    jobs,
    jwt_secret,
    reconcile,
    replay,
    secrets,
    serve,
    token,
    users,
    worker,
)
from frontdesk.errors import FrontdeskError

app = typer.Typer(
    name="frontdesk",
    help="Checks every Auth0 user in to Hasura at login and hands them the right claims.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would print secrets.
    pretty_exceptions_show_locals=False,
)
app.command("demo")(demo.command)
app.command("doctor")(doctor.command)
app.command("import")(import_.command)
app.command("init")(init.command)
app.command("reconcile")(reconcile.command)
app.command("replay")(replay.command)
app.command("serve")(serve.command)
app.command("worker")(worker.command)
app.command("jwt-secret")(jwt_secret.command)
app.add_typer(actions.app, name="actions")
app.add_typer(auth0.app, name="auth0")
app.add_typer(db.app, name="db")
app.add_typer(fields.app, name="fields")
app.add_typer(hasura.app, name="hasura")
app.add_typer(jobs.app, name="jobs")
app.add_typer(secrets.app, name="secrets")
app.add_typer(token.app, name="token")
app.add_typer(users.app, name="users")


def main() -> None:
    """Run the command of `sys.argv`; an error of ours becomes one message and its exit code."""
    try:
        app()
    except FrontdeskError as error:
        typer.echo(f"frontdesk: {error.detail}", err=True)
        sys.exit(error.exit_code)
