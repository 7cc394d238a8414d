"""Where to click while the demo is up, and where scripts find everything."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from waitress.server import create_server

from frontdesk.demo.app import create_demo_app
from frontdesk.demo.places import AUDIENCE, LOOPBACK, TENANT, Places, write_private_json
from frontdesk.demo.tenant import ACTION_NAME, ANA, ANA_EMAIL, AUTH0_TENANT, BOB, CLIENT_ID


@contextlib.contextmanager
def announced(places: Places) -> Iterator[None]:
    """Keep `demo.json` (mode 0600) in the data directory while the demo runs."""
    path = places.data_dir / "demo.json"
    write_private_json(path, _announcement(places))
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def run_app(places: Places) -> Iterator[None]:
    """Serve the sample application, the place where the tenant's logins end up."""
    server = create_server(create_demo_app(places), host=LOOPBACK, port=places.ports.app, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.close()
        thread.join(timeout=5)


def _announcement(places: Places) -> dict[str, object]:
    secrets = places.secrets
    return {
        "pid": os.getpid(),
        "frontdesk": {
            "url": places.frontdesk_url,
            "post_login_url": f"{places.frontdesk_url}/hooks/{TENANT}/post-login",
            "tenant": TENANT,
            "hook_secret": secrets.hook_secret,
            "operator_token": secrets.operator_token,
            "stream_token": secrets.stream_token,
            "settings_file": str(places.data_dir / "frontdesk.toml"),
            "log": str(places.data_dir / "frontdesk.log"),
        },
        "hasura": {
            "url": places.hasura_url,
            "graphql_url": f"{places.hasura_url}/v1/graphql",
            "admin_secret": secrets.hasura_admin_secret,
            "log": str(places.data_dir / "localhasura.log"),
        },
        "auth0": {
            "url": places.auth0_url,
            "issuer": f"{places.auth0_url}/",
            "tenant": AUTH0_TENANT,
            "client_id": CLIENT_ID,
            "audience": AUDIENCE,
            "action": ACTION_NAME,
            "action_file": str(places.data_dir / "action.js"),
            "log": str(places.data_dir / "localauth0.log"),
        },
        "postgres": {"port": places.ports.postgres, "user": "postgres", "password": places.postgres_password},
        "app": {"url": places.app_url, "callback_url": places.callback_url},
        "users": [
            {"user_id": ANA, "username": ANA_EMAIL, "password": secrets.password},
            {"user_id": BOB, "username": "bob@demo.example", "password": secrets.password},
        ],
    }
