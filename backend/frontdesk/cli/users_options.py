"""What the commands about users share: the tenant, on whose behalf, and values that no command line may hold."""

from __future__ import annotations

import getpass
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from frontdesk.cli.db import database_url
from frontdesk.errors import PayloadInvalid, UsageError
from frontdesk.settings import load_settings
from frontdesk.store.audit import Audit
from frontdesk.store.database import Database
from frontdesk.sync.users import UserChanges, UserDesk, opened_desk

STDIN = "-"
MAX_PASSWORD_CHARS = 1000
MAX_JSON_CHARS = 1024 * 1024  # what Auth0 takes in a body
MAX_ACTOR_CHARS = 200

UserId = Annotated[
    str, typer.Argument(metavar="USER", help="The user's id, quoted: 'auth0|64b0…'.", show_default=False)
]
Tenant = Annotated[
    str | None, typer.Option("--tenant", help="The tenant's key; not needed when there is only one.")
]
Actor = Annotated[
    str | None, typer.Option("--as", help="Who does this, for the audit. Default: the user of this machine.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the facts as one JSON document.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A tenant's users, and who changes them."""

    desk: UserDesk
    database: Database
    actor: str

    @property
    def changes(self) -> UserChanges:
        """What may be done."""
        return UserChanges(desk=self.desk, audit=Audit(self.database), actor=self.actor)


@contextmanager
def desk_to_read(tenant: str | None) -> Iterator[UserDesk]:
    """Open what reading takes: no database of frontdesk's own."""
    settings = load_settings()
    with opened_desk(settings, settings.tenant(tenant)[0]) as desk:
        yield desk


@contextmanager
def desk_to_change(tenant: str | None, actor: str | None) -> Iterator[Opened]:
    """Open what a change takes; nothing is changed without an audit. Raises StoreMissing, StoreOutdated."""
    settings = load_settings()
    key, known = settings.tenant(tenant)[0], actor_named(actor)
    with Database(database_url(settings), max_connections=2) as database:
        database.refuse_other_revision()
        with opened_desk(settings, key) as desk:
            yield Opened(desk=desk, database=database, actor=known)


@contextmanager
def wrong_values_are_usage() -> Iterator[None]:
    """Turn wrong fields into a message about the options that gave them."""
    try:
        yield
    except PayloadInvalid as error:
        lines = [f"  {fault.field}: expected {fault.expected}" for fault in error.faults]
        raise UsageError("\n".join(["the values are wrong:", *lines])) from None


def json_object_of(option: str, text: str | None) -> dict[str, Any] | None:
    """Return the JSON object of an option, or of the file that `@PATH` names. Raises UsageError."""
    if text is None:
        return None
    try:
        source = Path(text[1:]).read_text("utf-8") if text.startswith("@") else text
        value = json.loads(source[: MAX_JSON_CHARS + 1])
    except (OSError, ValueError, RecursionError):
        raise UsageError(f"{option}: expected a JSON object, or @ and the path of a file with one") from None
    if not isinstance(value, dict):
        raise UsageError(f'{option}: expected a JSON object, such as \'{{"plan": "pro"}}\'')
    return value


def password_of(password_file: str | None, *, ask: bool) -> str | None:
    """Return a password from a file, from standard input, or typed twice; never from the command line.

    Raises UsageError.
    """
    if password_file is None and not ask:
        return None
    if password_file is not None and ask:
        raise UsageError("give either --password-file or --ask-password")
    if ask or (password_file == STDIN and sys.stdin.isatty()):
        if not sys.stdin.isatty():
            raise UsageError("--ask-password needs a terminal; use --password-file - for standard input")
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    if password_file == STDIN:
        text = sys.stdin.read(MAX_PASSWORD_CHARS)
    else:
        try:
            text = Path(str(password_file)).read_text("utf-8")[:MAX_PASSWORD_CHARS]
        except (OSError, ValueError) as error:
            raise UsageError(f"--password-file {password_file}: cannot be read as text") from error
    password = text.rstrip("\r\n")
    if not password:
        raise UsageError("--password-file: expected one line with the password, and it is empty")
    return password


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal; elsewhere --yes is needed. Raises UsageError, typer.Abort."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here; add --yes to do it without a question")
    typer.confirm(question, abort=True, err=True)


def one_name_each(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, each once, in their order."""
    return tuple(dict.fromkeys(names))


def actor_named(actor: str | None) -> str:
    """Return who does this: the name that was given, or that of the machine's user. Raises UsageError."""
    if actor is None:
        try:
            return getpass.getuser()
        except (KeyError, OSError):
            # A container may run under a number that has no name.
            raise UsageError(
                "this machine has no name for its user; say who does this with --as NAME"
            ) from None
    if not actor.strip() or not actor.isprintable() or len(actor) > MAX_ACTOR_CHARS:
        raise UsageError(f"--as: expected a name of at most {MAX_ACTOR_CHARS} printable characters")
    return actor.strip()
