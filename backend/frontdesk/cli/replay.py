"""`frontdesk replay`: kept deliveries of streams are taken again."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from frontdesk.cli.db import database_url
from frontdesk.cli.users_options import Actor, AsJson, actor_named
from frontdesk.errors import UsageError
from frontdesk.settings import Settings, load_settings
from frontdesk.store.database import Database
from frontdesk.store.inbox_load import QueueBound
from frontdesk.store.kept_deliveries import Kept
from frontdesk.sync.replay import Replayed, replay

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


class WayIn(StrEnum):
    """The ways by which deliveries come."""

    POST_LOGIN = "post-login"
    POST_USER_REGISTRATION = "post-user-registration"
    POST_CHANGE_PASSWORD = "post-change-password"  # noqa: S105 - a trigger of Auth0
    LOG_STREAM = "log-stream"
    WEBHOOK_EXTENSION = "webhook-extension"
    EVENT_STREAM = "event-stream"
    LOGS = "logs"
    EVENTS = "events"


def command(
    since: Annotated[
        str,
        typer.Option(help="Those received from this time on, such as 2026-11-01T00:00 (UTC), or 2h ago."),
    ],
    until: Annotated[
        str | None, typer.Option(help="Those received before this time, or this long ago.")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(help="Only those of this tenant. Default: all tenants.")
    ] = None,
    way: Annotated[WayIn | None, typer.Option(help="Only those that came by this way.")] = None,
    actor: Actor = None,
    as_json: AsJson = False,
) -> None:
    """Take kept deliveries again, oldest first; what stands in Hasura already is not changed by them.

    Bodies are kept for `queue.keep_days`. `frontdesk worker` has to be running.

    Example: frontdesk replay --since 2h --way log-stream
    """
    settings, who = load_settings(without_secrets=True), actor_named(actor)
    which = Kept(
        since=_moment("--since", since),
        until=None if until is None else _moment("--until", until),
        tenant=None if tenant is None else settings.tenant(tenant)[0],
        way=way,
    )
    with Database(database_url(settings), max_connections=2) as database:
        database.refuse_other_revision()
        done = replay(database, which, _bound(settings), actor=who)
    if as_json:
        _print_json(done, which)
    else:
        _print(done, which, settings.queue.keep_days)


def _bound(settings: Settings) -> QueueBound:
    return QueueBound(settings.queue.max_waiting, settings.queue.max_waiting_mb * 1024 * 1024)


def _moment(option: str, text: str) -> datetime:
    try:
        if age := re.fullmatch(r"([0-9]+)([smhd])", text):
            return datetime.now(UTC) - timedelta(**{_UNITS[age[2]]: int(age[1])})
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option}: expected a time such as 2026-11-01T00:00, or an age such as 2h, and not {text}"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _reaches_back(done: Replayed, which: Kept) -> bool:
    return done.kept_from is not None and done.kept_from <= which.since


def _print_json(done: Replayed, which: Kept) -> None:
    facts = {
        "deliveries": done.deliveries,
        "records": done.records,
        "kept_from": None if done.kept_from is None else done.kept_from.isoformat(),
        "reaches_back": _reaches_back(done, which),
    }
    typer.echo(json.dumps(facts))


def _print(done: Replayed, which: Kept, keep_days: int) -> None:
    typer.echo(f"Waiting again: deliveries: {done.deliveries:,}, records: {done.records:,}.")
    if done.kept_from is None:
        typer.echo("Nothing is kept.", err=True)
    elif not _reaches_back(done, which):
        typer.echo(
            f"The oldest that is kept is of {done.kept_from:%Y-%m-%dT%H:%M:%SZ}: what came between "
            f"{which.since:%Y-%m-%dT%H:%MZ} and then is gone, if there was any ([queue] keep_days is {keep_days}). "
            "`frontdesk reconcile` brings the users of then.",
            err=True,
        )
