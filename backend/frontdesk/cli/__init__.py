"""The command line: parses arguments, calls one use case, prints.

Exit codes: 0 done, 1 failed, 2 called wrongly or with wrong settings.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

import typer
from typer.core import TyperGroup

from frontdesk.errors import FrontdeskError

# Each command and the module that has it: as `command`, or as `app` with commands of its own.
MODULES: Mapping[str, str] = MappingProxyType(
    {
        "demo": "demo",
        "doctor": "doctor",
        "import": "import_",
        "init": "init",
        "reconcile": "reconcile",
        "replay": "replay",
        "serve": "serve",
        "worker": "worker",
        "jwt-secret": "jwt_secret",
        "actions": "actions",
        "auth0": "auth0",
        "db": "db",
        "fields": "fields",
        "hasura": "hasura",
        "jobs": "jobs",
        "secrets": "secrets",
        "token": "token",
        "users": "users",
    }
)


class _Commands(TyperGroup):
    """Loads a command when it is asked for: all of them together take longer to load than most take to run."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the help."""
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command; None for a name that is none, after which a similar one is looked for among all."""
        if cmd_name not in MODULES:
            self.commands = {name: _loaded(name) for name in MODULES}
            return None
        return _loaded(cmd_name)


def _loaded(name: str) -> Any:
    module = import_module(f"frontdesk.cli.{MODULES[name]}")
    if hasattr(module, "app"):
        group = typer.main.get_group(module.app)
        group.name = name
        return group
    alone = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
    alone.command(name)(module.command)
    return typer.main.get_command(alone)


app = typer.Typer(
    name="frontdesk",
    cls=_Commands,
    help="Checks every Auth0 user in to Hasura at login and hands them the right claims.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with local variables would print secrets.
    pretty_exceptions_show_locals=False,
)


@app.callback()
def _frontdesk() -> None:
    pass


def main() -> None:
    """Run the command of `sys.argv`; an error of ours becomes one message and its exit code."""
    try:
        app()
    except FrontdeskError as error:
        typer.echo(f"frontdesk: {error.detail}", err=True)
        sys.exit(error.exit_code)
