"""The doctor's diagnosis for people and for scripts. Of other people's data it shows names alone, unless asked."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontdesk.errors import UsageError
from frontdesk.hasura.jwt_config import JwtConfig
from frontdesk.hasura.token_doctor import Diagnosis, Engine, Finding, Level, shown

# RFC 7519, section 4.1, and those of access tokens (RFC 9068, RFC 8693): they say nothing of a person but the subject.
REGISTERED = ("iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "client_id", "gty", "scope")
_HEADER = ("alg", "kid", "typ")
_MARKS: Mapping[Level, tuple[str, str]] = {
    Level.OK: ("ok", "green"),
    Level.FAULT: ("wrong", "red"),
    Level.LENIENT: ("lenient", "yellow"),
    Level.WARNING: ("look", "yellow"),
    Level.UNSEEN: ("unseen", "cyan"),
}
_WIDTH_WITHOUT_TERMINAL = 200


def print_diagnosis(found: Diagnosis, engine: Engine, *, all_claims: bool) -> None:
    """Print the sentence, then what was looked at, then what the token holds."""
    console = _console()
    typer.echo(found.sentence)
    typer.echo(f"Judged by {engine.origin}. This is: {found.kind}.")
    table = Table("", "check", "finding", "what to do", box=None, pad_edge=False)
    for each in found.findings:
        mark, colour = _MARKS[each.level]
        table.add_row(Text(mark, colour), Text(each.check), Text(each.says), Text(each.fix))
    console.print(table)
    if found.header or found.claims:
        console.print(_claims_table(found, engine.config, all_claims=all_claims))


def diagnosis_json(found: Diagnosis, engine: Engine, *, all_claims: bool) -> dict[str, Any]:
    """Return the same facts with stable keys."""
    refusal = found.refusal
    known, others = _split(found.claims, engine.config)
    facts: dict[str, Any] = {
        "verdict": found.verdict.value,
        "sentence": found.sentence,
        "refusal": None if refusal is None else {"code": refusal.code, "message": refusal.message},
        "kind": found.kind,
        "role": found.role,
        "configuration": engine.origin,
        "header": {name: found.header[name] for name in _HEADER if name in found.header},
        "claims": known | (others if all_claims else {}),
        "hasura_claims": dict(found.session),
        "other_claims": sorted(others),
        "findings": [_finding_json(each) for each in found.findings],
    }
    return facts


def print_json(facts: Any) -> None:
    """Print JSON that any terminal and script takes: ASCII."""
    try:
        text = json.dumps(facts, indent=2)
    except RecursionError:
        # A hostile token may be nested as deep as it could just be read; without indentation less is needed.
        text = json.dumps(facts)
    typer.echo(text)


def refuse_unwritable(out: Path | None) -> None:
    """Raise UsageError for a file that cannot be written, before anybody logs in for it."""
    if out is None:
        return
    place = out.parent
    if out.is_dir() or not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise UsageError(
            f"--out: {out} cannot be written: expected a file in a directory that is there and yours"
        )


def hand_over(token: str, out: Path | None) -> None:
    """Print the token alone; or write it to a file that its owner alone can read. Raises UsageError."""
    if out is None:
        typer.echo(token)
        return
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        # Made with its mode, not changed to it: there is no moment at which others can read it.
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{token}\n")
        beside.replace(out)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"--out: {out} cannot be written: {error.strerror}") from None
    typer.echo(f"Wrote the token to {out}, for its owner alone.", err=True)


def _finding_json(found: Finding) -> dict[str, str]:
    return {"check": found.check, "level": found.level.value, "says": found.says, "fix": found.fix}


def _claims_table(found: Diagnosis, config: JwtConfig, *, all_claims: bool) -> Table:
    known, others = _split(found.claims, config)
    table = Table("claim", "value", box=None, pad_edge=False)
    for name in _HEADER:
        if name in found.header:
            table.add_row(Text(f"header {name}"), Text(shown(found.header[name])))
    for name, value in (known | dict(found.session) | (others if all_claims else {})).items():
        table.add_row(Text(shown(name).strip('"')), Text(shown(value)))
    if others and not all_claims:
        names = ", ".join(shown(name).strip('"') for name in sorted(others))
        table.add_row(Text("by name only"), Text(f"{names} (their values: --all-claims)"))
    return table


def _split(claims: Mapping[str, Any], config: JwtConfig) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the registered claims, and the others; what is under the namespace is shown as Hasura's."""
    known = {name: claims[name] for name in REGISTERED if name in claims}
    others = {
        name: value for name, value in claims.items() if name not in known and name != config.claims_namespace
    }
    return known, others


def _console() -> Console:
    console = Console(highlight=False, soft_wrap=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH_WITHOUT_TERMINAL)
