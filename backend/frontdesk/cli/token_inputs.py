"""What the token commands are given: a token, a configuration, a moment; each from where it is safe to have it."""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import typer
from dotenv import dotenv_values

from frontdesk.errors import SettingsInvalid, UsageError
from frontdesk.hasura.jwt_config import JwtConfig
from frontdesk.hasura.jwt_secret import generate, tenant_options
from frontdesk.hasura.token_doctor import Engine, claims_of, engine_with, running_engine
from frontdesk.settings import Settings, TenantSettings, load_settings, secret

MAX_INPUT_BYTES = 1024 * 1024
STDIN = "-"
JWT_SECRET_VARIABLE = "HASURA_GRAPHQL_JWT_SECRET"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the expected configuration is from; without any of it, from the settings' tenant."""

    jwt_secret_file: str | None = None
    env_file: str | None = None
    tenant: str | None = None
    hasura: str | None = None
    admin_secret_file: str | None = None


def read_input(name: str, place: str) -> str:
    """Return the text of a file, or of standard input for `-`. Raises UsageError naming the option."""
    if place == STDIN:
        if sys.stdin.isatty():
            typer.echo(
                f"Paste for {name}, then Enter and Ctrl-D (more than 4000 characters need a file):", err=True
            )
        raw = sys.stdin.buffer.read(MAX_INPUT_BYTES + 1)
    else:
        try:
            with Path(place).open("rb") as file:
                raw = file.read(MAX_INPUT_BYTES + 1)
        except OSError as error:
            raise UsageError(f"{name}: {place} cannot be read: {error.strerror}") from None
    if len(raw) > MAX_INPUT_BYTES:
        raise UsageError(f"{name}: more than {MAX_INPUT_BYTES} bytes; expected a text of a few lines")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise UsageError(f"{name}: expected text in UTF-8") from None


def read_token(argument: str | None, file: str | None) -> str:
    """Return the pasted token: of the argument (with a warning), of the file, else of standard input."""
    if argument is not None and argument != STDIN:
        if file is not None:
            raise UsageError("give the token as an argument or with --file, not both")
        typer.echo(
            "frontdesk: a token in an argument stays in the shell's history and in the list of processes; "
            "next time use --file FILE, or standard input",
            err=True,
        )
        if not argument.isascii():
            raise UsageError("the token holds characters that no token has; copy it again")
        return argument
    return read_input("the token", STDIN if file is None else file)


def refuse_stdin_twice(**places: str | None) -> None:
    """Raise UsageError when standard input should be two things at once."""
    taken = [name for name, place in places.items() if place == STDIN]
    if len(taken) > 1:
        raise UsageError(f"only one of {' and '.join(taken)} can come from standard input")


def moment_of(text: str | None) -> float:
    """Return a UNIX time from seconds or an ISO 8601 date; without text, now."""
    if text is None:
        return datetime.now(UTC).timestamp()
    if re.fullmatch(r"\d{1,11}", text):
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"--now: expected seconds since 1970 or 2026-01-31T12:00:00Z, got {text!r}"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def engine_at(place: Place, token: str) -> Engine:
    """Return what is known of the Hasura that the options mean.

    Raises UsageError, SettingsInvalid, JwtConfigInvalid, HasuraUnavailable, HasuraRejected.
    """
    expected = _expected(place, token)
    if place.hasura is None:
        if expected is None:
            raise _nothing_to_judge_by()
        return expected
    url = base_url("--hasura", place.hasura)
    admin_secret = _admin_secret(place, url)
    if admin_secret is None:
        if expected is not None:
            return expected
        raise UsageError(
            "Hasura shows its configuration to administrators only: give --admin-secret-file, or --tenant with --probe"
        )
    return running_engine(url, admin_secret, otherwise=expected)


def tenant_engine(settings: Settings, tenant: str | None, token: str) -> Engine:
    """Return the Hasura that `frontdesk jwt-secret` makes for the tenant: the named one, or the token's issuer."""
    key, chosen = tenant_of(settings, tenant, token)
    options = tenant_options(
        issuer=str(chosen.issuer),
        audience=chosen.audience,
        claims_namespace=str(chosen.claims_namespace),
    )
    config = generate(options, datetime.now(UTC)).config
    return engine_with(config, f"`frontdesk jwt-secret` for the tenant {key}")


def tenant_of(settings: Settings, tenant: str | None, token: str) -> tuple[str, TenantSettings]:
    """Return the tenant of that key; without one, the only tenant, or the one that issued the token."""
    if tenant is None and len(settings.tenants) > 1:
        issuer = claims_of(token).get("iss")
        for key, each in settings.tenants.items():
            if str(each.issuer) == issuer:
                return key, each
    return settings.tenant(tenant)


def base_url(name: str, text: str) -> str:
    """Return a base URL without its last slash. Raises UsageError."""
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
    except ValueError:
        fits = False
    if not fits or parts.query or parts.fragment:
        raise UsageError(f"{name}: expected Hasura's base URL, such as https://hasura.example.com")
    return text.rstrip("/").removesuffix("/v1/graphql")


def object_of(name: str, text: str | None) -> Mapping[str, Any]:
    """Return a JSON object; without text an empty one. Raises UsageError."""
    if text is None:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UsageError(f'{name}: expected a JSON object, such as {{"id": 1}}')
    return value


def settings_here() -> Settings | None:
    """Return the settings without their secrets; None where there are none at all."""
    try:
        return load_settings(without_secrets=True)
    except SettingsInvalid:
        if Path("frontdesk.toml").exists():
            raise
        return None


def _nothing_to_judge_by() -> UsageError:
    """Return the error with what is wrong with the settings, should there be some that were meant."""
    says = "no configuration to judge by: give --jwt-secret-file or --env-file, or run this with settings"
    try:
        load_settings(without_secrets=True)
    except SettingsInvalid as error:
        return UsageError(f"{says}. {error.detail}")
    return UsageError(says)


def _expected(place: Place, token: str) -> Engine | None:
    if place.jwt_secret_file is not None and place.env_file is not None:
        raise UsageError("give --jwt-secret-file or --env-file, not both")
    if place.jwt_secret_file is not None:
        text = read_input("--jwt-secret-file", place.jwt_secret_file)
        return engine_with(JwtConfig.parse(text), "the JWT secret given")
    if place.env_file is not None:
        return engine_with(JwtConfig.parse(_of_environment_file(place.env_file)), "the environment file")
    settings = settings_here()
    if settings is None:
        if place.tenant is not None:
            raise UsageError("--tenant needs settings, and there are none here")
        return None
    if place.hasura is not None and place.tenant is None:
        return None
    return tenant_engine(settings, place.tenant, token)


def _of_environment_file(place: str) -> str:
    values = dotenv_values(stream=io.StringIO(read_input("--env-file", place)), interpolate=False)
    found = values.get(JWT_SECRET_VARIABLE)
    if not found:
        raise UsageError(f"--env-file: {place} does not set {JWT_SECRET_VARIABLE}")
    return found


def _admin_secret(place: Place, url: str) -> str | None:
    """Return the admin secret for this Hasura; that of the settings goes to the Hasura of the settings alone."""
    if place.admin_secret_file is not None:
        return read_input("--admin-secret-file", place.admin_secret_file).strip()
    settings = settings_here()
    if settings is None or base_url("hasura.url", str(settings.hasura.url)) != url:
        return None
    return None if settings.hasura.admin_secret is None else secret(settings.hasura.admin_secret)
