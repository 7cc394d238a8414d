"""`frontdesk jwt-secret`: what Hasura verifies the tokens of a provider with."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, cast

import typer

from frontdesk.errors import PayloadInvalid, SettingsInvalid, UsageError
from frontdesk.hasura.jwt_config import KEY_KINDS, MIN_HMAC_BYTES
from frontdesk.hasura.jwt_secret import (
    ANYWHERE,
    FORMATS,
    PROVIDERS,
    SecretFormat,
    SecretOptions,
    SecretReport,
    check_keys,
    claims_map,
    options_for,
    proposal_from,
    secret_for,
    tenant_options,
    token_header,
)
from frontdesk.settings import load_settings

MAX_FILE_BYTES = 256 * 1024
_OF_PROVIDER, _OF_KEYS, _OF_CLAIMS = "The provider", "The keys", "The claims"

_NAMES = {"key": "key-file"}

Text = str | None


def _option(help: str, *names: str, panel: str, **more: Any) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=panel, show_default=False, **more)


def command(
    provider: Annotated[Text, _option(", ".join(PROVIDERS) + ".", panel=_OF_PROVIDER)] = None,
    tenant: Annotated[
        Text,
        typer.Option(help="The key of a tenant of the settings; not needed when there is only one."),
    ] = None,
    domain: Annotated[Text, _option("Auth0: Domain. Keycloak: host.", panel=_OF_PROVIDER)] = None,
    project: Annotated[Text, _option("Firebase: Project ID.", panel=_OF_PROVIDER)] = None,
    region: Annotated[Text, _option("Cognito: AWS Region.", panel=_OF_PROVIDER)] = None,
    user_pool: Annotated[Text, _option("Cognito: User pool ID.", panel=_OF_PROVIDER)] = None,
    realm: Annotated[Text, _option("Keycloak: Realm.", panel=_OF_PROVIDER)] = None,
    instance: Annotated[Text, _option("Clerk: Frontend API.", panel=_OF_PROVIDER)] = None,
    directory: Annotated[Text, _option("Microsoft Entra: Directory ID.", panel=_OF_PROVIDER)] = None,
    issuer: Annotated[Text, _option("The `iss` of the tokens, instead.", panel=_OF_PROVIDER)] = None,
    audience: Annotated[
        list[str] | None, _option("An `aud` of the tokens; may be repeated.", panel=_OF_PROVIDER)
    ] = None,
    allow_any_audience: Annotated[
        bool,
        _option("Print a secret without audience or issuer too.", "--allow-any-audience", panel=_OF_PROVIDER),
    ] = False,
    token_file: Annotated[
        Text, _option("A token to start from (- for standard input); not verified.", panel=_OF_PROVIDER)
    ] = None,
    jwk_url: Annotated[Text, _option("The key set, instead of the provider's.", panel=_OF_KEYS)] = None,
    key_file: Annotated[
        Text, _option("A key instead: PEM, or an HMAC secret (- for standard input).", panel=_OF_KEYS)
    ] = None,
    key_type: Annotated[Text, _option(", ".join([*MIN_HMAC_BYTES, *KEY_KINDS]) + ".", panel=_OF_KEYS)] = None,
    embed_key: Annotated[
        bool, _option("Fetch the provider's key and put it in.", "--embed-key", panel=_OF_KEYS)
    ] = False,
    key_url: Annotated[Text, _option("Where to fetch that key instead.", panel=_OF_KEYS)] = None,
    kid: Annotated[Text, _option("Which key to fetch, by its id.", panel=_OF_KEYS)] = None,
    check: Annotated[
        bool, _option("Fetch the key set, and say whether Hasura can use it.", "--check", panel=_OF_KEYS)
    ] = False,
    ca_file: Annotated[Text, _option("Certificates to trust when keys are fetched.", panel=_OF_KEYS)] = None,
    claims_namespace: Annotated[Text, _option("The claim with the Hasura claims.", panel=_OF_CLAIMS)] = None,
    claims_namespace_path: Annotated[Text, _option("A path to it instead.", panel=_OF_CLAIMS)] = None,
    claims_map_text: Annotated[
        Text, _option("A map of claims: JSON, or a file of it.", "--claims-map", panel=_OF_CLAIMS)
    ] = None,
    stringified_claims: Annotated[
        bool, _option("The Hasura claims are JSON in text.", "--stringified-claims", panel=_OF_CLAIMS)
    ] = False,
    allowed_skew: Annotated[int | None, _option("Seconds that clocks may differ.", panel=_OF_CLAIMS)] = None,
    header: Annotated[Text, _option("authorization, cookie:NAME or custom:NAME.", panel=_OF_CLAIMS)] = None,
    format_: Annotated[str, typer.Option("--format", help=", ".join(FORMATS) + ".")] = "json",
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the secret and all that is said about it as JSON.")
    ] = False,
) -> None:
    """Print the value of HASURA_GRAPHQL_JWT_SECRET: for a tenant of the settings, or for any provider.

    Standard output has the value alone. Standard error says what is doubtful about it, and what Hasura does not check.

    Example: frontdesk jwt-secret --provider auth0 --domain acme.eu.auth0.com --audience https://api.example.com
    """
    try:
        how = _format(format_)
        said = {
            "domain": domain,
            "project": project,
            "region": region,
            "user_pool": user_pool,
            "realm": realm,
            "instance": instance,
            "directory": directory,
            "issuer": issuer,
            "audiences": tuple(audience or ()),
            "allow_any_audience": allow_any_audience,
            "jwk_url": jwk_url,
            "key": _key(key_file),
            "key_type": key_type,
            "key_url": key_url,
            "kid": kid,
            "claims_namespace": claims_namespace,
            "claims_namespace_path": claims_namespace_path,
            "claims_map": _claims_map(claims_map_text),
            "stringified_claims": stringified_claims,
            "allowed_skew_s": allowed_skew,
            "header": None if header is None else token_header(header),
        }
        proposal = None if token_file is None else proposal_from(_read("--token-file", token_file))
        options = options_for(
            provider, said, proposal, tenant=tenant, of_tenant=lambda: _of_settings(provider, tenant)
        )
        reach = replace(ANYWHERE, ca_file=None if ca_file is None else _existing("--ca-file", ca_file))
        now = datetime.now(UTC)
        secret = secret_for(options, proposal, reach, now, embed=embed_key)
    except PayloadInvalid as error:
        raise _usage(error) from None
    kid = proposal.kid if proposal else None
    findings = check_keys(secret.config, reach, now, kid=kid) if check else None
    _print(SecretReport(secret=secret, how=how, proposal=proposal, findings=findings), as_json=as_json)


def _print(report: SecretReport, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report.as_json()))
    else:
        for line in report.lines():
            typer.echo(line, err=True)
    if report.failed:
        raise typer.Exit(1)
    if not as_json:
        typer.echo(report.text())


def _format(text: str) -> SecretFormat:
    if text not in FORMATS:
        raise UsageError(f"--format: expected one of {', '.join(FORMATS)}")
    return cast("SecretFormat", text)


def _of_settings(provider: str | None, tenant: str | None) -> SecretOptions:
    try:
        _, chosen = load_settings(without_secrets=True).tenant(tenant)
    except SettingsInvalid:
        if tenant is None and provider is not None:
            return SecretOptions(provider=provider)  # without settings the options are named one by one
        raise
    return tenant_options(
        issuer=str(chosen.issuer), audience=chosen.audience, claims_namespace=str(chosen.claims_namespace)
    )


def _key(path: str | None) -> str | None:
    """Return a key; the line end that an editor leaves at the end of a secret is not part of it."""
    if path is None:
        return None
    text = _read("--key-file", path)
    return text if "-----BEGIN" in text else text.rstrip("\r\n")


def _claims_map(text: str | None) -> Any:
    if text is None:
        return None
    return claims_map(text if text.lstrip().startswith("{") else _read("--claims-map", text))


def _read(option: str, path: str) -> str:
    try:
        if path == "-":
            content = sys.stdin.buffer.read(MAX_FILE_BYTES + 1)
        else:
            with Path(path).open("rb") as file:
                content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise UsageError(f"{option} {path}: longer than {MAX_FILE_BYTES} bytes")
        return content.decode()
    except OSError as error:
        raise UsageError(f"{option} {path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{option} {path}: expected text in UTF-8") from None


def _existing(option: str, path: str) -> str:
    if not Path(path).is_file():
        raise UsageError(f"{option} {path}: there is no such file")
    return path


def _usage(error: PayloadInvalid) -> UsageError:
    """Return the same faults by the names of the options."""
    named = [f"--{_NAMES.get(each.field, each.field.replace('_', '-'))}" for each in error.faults]
    said = [f"{name}: expected {each.expected}" for name, each in zip(named, error.faults, strict=True)]
    return UsageError("\n".join(said))
