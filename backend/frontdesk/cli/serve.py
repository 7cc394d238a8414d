"""`frontdesk serve`: the service under gunicorn."""

from __future__ import annotations

from typing import Annotated

import typer

from frontdesk.settings import load_settings


def command(
    host: Annotated[str | None, typer.Option(help="Address to listen on, in place of the setting.")] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen on, in place of the setting.")
    ] = None,
) -> None:
    """Run the service until it is stopped; SIGTERM lets requests in flight finish.

    Example: frontdesk serve --port 8500
    """
    # Imported here: no other command needs gunicorn.
    from frontdesk.web.server import run_server

    settings = load_settings()
    changes = {name: value for name, value in {"host": host, "port": port}.items() if value is not None}
    run_server(settings.model_copy(update={"server": settings.server.model_copy(update=changes)}))
