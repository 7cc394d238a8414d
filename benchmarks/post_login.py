"""The post-login hook under load, beside what the driver, the web server and the engine cost in the same run."""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.measure import Figures, get, measure, post
from frontdesk.demo.house import Timings, running_house
from frontdesk.demo.places import TENANT, Places, Ports, occupied
from frontdesk.demo.postgres import free_port
from frontdesk.hasura.user_write import write_for
from frontdesk.hasura.writes import CHECK_IN, ROLE
from frontdesk.identity.user import Login, Profile, Seen, Source, Stamped, User

PEOPLE = 500
WARM_UP = 200


def main() -> None:
    """Run all series and print them, with the hook's ratio to each baseline."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--logins", type=int, default=2000)
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--port-base", type=int, default=18700)
    options = parser.parse_args()
    console = Console()
    with _house(options.port_base, console) as places, _null_server() as null_port:
        for concurrency in options.concurrency:
            series = [
                measure("driver", null_port, _hook_calls(places, options.logins), concurrency),
                measure("healthz", places.ports.frontdesk, [get("/healthz")] * options.logins, concurrency),
                measure("engine", places.ports.hasura, _engine_calls(places, options.logins), concurrency),
                measure("hook", places.ports.frontdesk, _hook_calls(places, options.logins), concurrency),
            ]
            console.print(_table(series))
    console.print(f"{os.cpu_count()} cores, Python {platform.python_version()}, {platform.machine()}")


@contextmanager
def _house(port_base: int, console: Console) -> Iterator[Places]:
    with (
        tempfile.TemporaryDirectory() as directory,
        occupied(Path(directory), Ports.starting_at(port_base)) as places,
        running_house(places, Timings(), lambda step: console.print(f"[dim]{step} …[/dim]")),
    ):
        measure("warm-up", places.ports.frontdesk, _hook_calls(places, WARM_UP), 4)
        yield places


@contextmanager
def _null_server() -> Iterator[int]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.null_server", str(port)])
    try:
        time.sleep(0.5)
        yield port
    finally:
        process.terminate()
        process.wait()


def _hook_calls(places: Places, count: int) -> list[bytes]:
    key = base64.b64decode(places.secrets.hook_secret.removeprefix("whsec_"))
    return [signed(key, TENANT, json.dumps(login(number % PEOPLE)).encode()) for number in range(count)]


def signed(key: bytes, tenant: str, body: bytes) -> bytes:
    """Return a signed call of the post-login hook, whole."""
    message_id, timestamp = f"msg_{uuid.uuid4()}", str(int(time.time()))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
    }
    return post(f"/hooks/{tenant}/post-login", body, headers)


def _engine_calls(places: Places, count: int) -> list[bytes]:
    headers = {
        "x-hasura-admin-secret": places.secrets.hasura_admin_secret,
        "x-hasura-role": ROLE,
        "x-hasura-use-backend-only-permissions": "true",
        "x-hasura-tenant": TENANT,
    }
    return [post("/v1/graphql", _mutation(number % PEOPLE), headers) for number in range(count)]


def _mutation(number: int) -> bytes:
    now = datetime.now(UTC)
    user = User(
        tenant=TENANT,
        user_id=f"auth0|bench{number:04}",
        source=Source.LOGIN,
        profile=Stamped(Profile(email=f"person{number}@example.com", name=f"Person {number}"), now),
        app_metadata=Stamped({"plan": "pro"}, now),
        user_metadata=Stamped({"lang": "es"}, now),
        seen=Stamped(Seen(), now),
        login=Stamped(Login(last_ip="203.0.113.7"), now),
        logins_count=number,
    )
    write = write_for(user, write_id=uuid.uuid4())
    variables: dict[str, Any] = {"objects": [write.object], "updateColumns": write.columns}
    return json.dumps({"query": CHECK_IN.text, "variables": variables}).encode()


def login(number: int) -> dict[str, object]:
    """Return the body of a call for the user of that number, who logs in now."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "version": 1,
        "tenant": "demo",
        "user": {
            "user_id": f"auth0|bench{number:04}",
            "email": f"person{number}@example.com",
            "email_verified": True,
            "name": f"Person {number}",
            "nickname": f"person{number}",
            "picture": f"https://example.com/avatars/{number}.png",
            "created_at": "2026-03-01T09:00:00.123Z",
            "updated_at": now,
            "app_metadata": {"plan": "pro"},
            "user_metadata": {"lang": "es"},
            "identities": [
                {
                    "connection": "Username-Password-Authentication",
                    "provider": "auth0",
                    "user_id": f"bench{number:04}",
                    "isSocial": False,
                }
            ],
        },
        "authorization": {"roles": ["Editor"]},
        "authentication": {"methods": [{"name": "pwd", "timestamp": now}]},
        "connection": {
            "id": "con_Demo00000000000A",
            "name": "Username-Password-Authentication",
            "strategy": "auth0",
        },
        "client": {"client_id": "demo-app", "name": "Demo application"},
        "request": {"ip": "203.0.113.7", "user_agent": "Mozilla/5.0"},
        "stats": {"logins_count": number},
        "transaction": {"protocol": "oidc-basic-profile", "prompt": []},
    }


def _table(series: list[Figures]) -> Table:
    hook = series[-1]
    table = Table(title=f"Concurrency {hook.concurrency}", title_justify="left")
    for heading in ("", "p50 ms", "p99 ms", "per second", "driver CPU ms", "hook / this (p50)"):
        table.add_column(heading, justify="left" if not heading else "right")
    for figures in series:
        table.add_row(
            figures.target,
            f"{figures.p50:.2f}",
            f"{figures.p99:.2f}",
            f"{figures.per_second:.0f}",
            f"{figures.driver_cpu_ms:.2f}",
            f"{hook.p50 / figures.p50:.1f}",
        )
    return table


if __name__ == "__main__":
    main()
