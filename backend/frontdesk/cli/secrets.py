"""`frontdesk secrets`: secrets that change while frontdesk serves."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer

from frontdesk.auth0.access import management_api
from frontdesk.errors import UsageError
from frontdesk.settings import load_settings, secret_places
from frontdesk.sync.rotation import (
    Desk,
    Kind,
    Limits,
    begin,
    go_on,
    place_of_kind,
    plan,
    steps_by_hand,
    subject_of,
    why_not_written,
)

app = typer.Typer(help="Secrets that change while frontdesk serves.", no_args_is_help=True)


@app.callback()
def _secrets() -> None:
    # A group with a callback keeps `rotate` a command of its own, although it is the only one.
    pass


@app.command("rotate")
def rotate_command(
    kind: Annotated[Kind, typer.Argument(help="What to rotate.", show_default=False)],
    tenant: Annotated[
        str | None, typer.Option(help="The tenant's key; not needed when there is only one.")
    ] = None,
    continues: Annotated[
        bool, typer.Option("--continue", help="Finish what was begun: the first value stays, the others go.")
    ] = False,
    keep_old: Annotated[
        bool,
        typer.Option("--keep-old", help="Stop before the old value is dropped; --continue drops it later."),
    ] = False,
    wait_s: Annotated[
        float, typer.Option("--wait", min=1, max=3600, help="Seconds in which every replica has to follow.")
    ] = Limits.wait_s,
    settle_s: Annotated[
        float,
        typer.Option(
            "--settle", min=0, max=3600, help="Seconds for calls with the old value to come to their end."
        ),
    ] = Limits.settle_s,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would be done, and change nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as one JSON document.")] = False,
) -> None:
    """Replace a secret without refusing anybody: new and old are valid until Auth0 shows the new one.

    A secret that is not in a file of ours is left alone; the steps to do by hand are printed, and the exit code is 1.

    Example: frontdesk secrets rotate hook --dry-run
    """
    key = _tenant(kind, tenant)
    desk = Desk(read=load_settings, places=lambda: dict(secret_places()), open_api=management_api)
    place = place_of_kind(kind, desk, key)
    facts = {
        "kind": kind.value,
        "tenant": key if kind is not Kind.OPERATOR else None,
        "variable": place.variable,
    }
    if (why := why_not_written(place)) is not None:
        _by_hand(facts, why, steps_by_hand(kind, place, key), as_json=as_json)
        raise typer.Exit(1)
    subject = subject_of(kind, desk, key)
    told = _Told(silent=as_json)
    if dry_run:
        for step in plan(subject, continues=continues, keep_old=keep_old):
            told.tell(step)
        rotated = False
    else:
        act = go_on if continues else begin
        rotated = act(subject, Limits(wait_s=wait_s, settle_s=settle_s), told.tell, keep_old=keep_old)
    if as_json:
        said = {"rotated": rotated, "steps" if dry_run else "done": told.sentences}
        typer.echo(json.dumps({**facts, "file": str(place.path), **said}))


class _Told:
    """What was said, aloud unless a script reads."""

    def __init__(self, *, silent: bool) -> None:
        self._silent = silent
        self.sentences: list[str] = []

    def tell(self, sentence: str) -> None:
        self.sentences.append(sentence)
        if not self._silent:
            typer.echo(sentence)


def _tenant(kind: Kind, tenant: str | None) -> str:
    settings = load_settings()
    if kind is not Kind.OPERATOR:
        return settings.tenant(tenant)[0]
    if tenant is not None:
        raise UsageError("the operator token is of no tenant; leave --tenant out")
    return ""


def _by_hand(facts: Mapping[str, object], why: str, steps: Sequence[str], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({**facts, "file": None, "rotated": False, "why": why, "by_hand": steps}))
        return
    typer.echo(f"Nothing was changed: {why}. By hand:", err=True)
    for number, step in enumerate(steps, start=1):
        typer.echo(f"{number}. {step}")
