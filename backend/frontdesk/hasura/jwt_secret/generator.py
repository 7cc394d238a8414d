"""From options to a JWT secret: completed by what the provider publishes, refused where it would be unsafe."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from frontdesk.errors import FieldFault, JwtConfigInvalid, PayloadInvalid
from frontdesk.hasura.jwt_config import KEY_KINDS, MIN_HMAC_BYTES, JwtConfig, TokenHeader
from frontdesk.hasura.jwt_keys import KeyUnusable, key_from_pem
from frontdesk.hasura.jwt_secret.advice import warnings_about
from frontdesk.hasura.jwt_secret.fetch import Reach, fetch
from frontdesk.hasura.jwt_secret.key_documents import key_document, type_of
from frontdesk.hasura.jwt_secret.options import EmbeddedKey, GeneratedSecret, SecretOptions
from frontdesk.hasura.jwt_secret.providers import PROVIDERS, Provider, Published


def generate(options: SecretOptions, now: datetime) -> GeneratedSecret:
    """Return the JWT secret for these options, without asking anybody.

    Raises PayloadInvalid naming every option that is missing or malformed, and JwtConfigInvalid for what Hasura
    refuses.
    """
    provider = _provider(options)
    faults = provider.faults(options)
    if faults:
        raise PayloadInvalid(faults)
    published = provider.published(options)
    audiences = options.audiences or published.audiences
    faults = _faults(options, provider, published, audiences)
    if faults:
        raise PayloadInvalid(faults)
    config = _config(options, published, audiences)
    return GeneratedSecret(config=config, warnings=warnings_about(config, now), notes=provider.notes)


def generate_embedded(options: SecretOptions, reach: Reach, now: datetime) -> GeneratedSecret:
    """Return the JWT secret with the provider's key in it instead of its URL.

    Raises what `generate` raises, and KeysUnavailable.
    """
    by_url = generate(replace(options, key=None, jwk_url=options.key_url or options.jwk_url), now)
    fetched = fetch(by_url.config.jwk_url or "", reach)
    document = key_document(fetched.body)
    chosen = document.chosen(options.kid)
    try:
        kind = type_of(chosen.public)
    except KeyUnusable as error:
        raise JwtConfigInvalid(str(error)) from None
    embedded = generate(replace(options, key=chosen.pem, key_type=kind, jwk_url=None), now)
    others = 0 if options.kid else len(document.keys) - 1
    return replace(embedded, embedded=EmbeddedKey(fetched.url, chosen.kid, kind, chosen.expires, others))


def _provider(options: SecretOptions) -> Provider:
    found = PROVIDERS.get(options.provider)
    if found is None:
        raise PayloadInvalid([FieldFault("provider", "one of " + ", ".join(PROVIDERS))])
    return found


def _faults(
    options: SecretOptions, provider: Provider, published: Published, audiences: tuple[str, ...]
) -> list[FieldFault]:
    faults = []
    if not options.allow_any_audience:
        faults += [] if audiences else [FieldFault("audience", _needed_audience(provider))]
        faults += (
            [] if published.issuer else [FieldFault("issuer", "the `iss` of your tokens, to the last letter")]
        )
    if not all(each.strip() for each in audiences):
        faults.append(FieldFault("audience", "an audience that is not empty"))
    if options.key is None and published.jwk_url is None and options.jwk_url is None:
        faults.append(
            FieldFault("jwk_url", "the jwks_uri of <issuer>/.well-known/openid-configuration, or a key file")
        )
    if options.key is not None and options.key_type in MIN_HMAC_BYTES and "-----BEGIN " in options.key:
        faults.append(
            FieldFault("key_type", "none of HS…, since whoever knows this PEM text could sign tokens")
        )
    if options.key is not None and options.jwk_url is not None:
        faults.append(FieldFault("jwk_url", "not both, a key and the address of a key set"))
    if options.issuer is not None and not options.issuer.strip():
        faults.append(FieldFault("issuer", "the `iss` of your tokens, to the last letter"))
    if provider.name == "auth0" and not _is_base_url(published.issuer or ""):
        faults.append(FieldFault("issuer", "an https URL such as https://acme.eu.auth0.com/"))
    return faults


def _needed_audience(provider: Provider) -> str:
    return f"{provider.audience}; without one any application's token passes (allow-any-audience prints it anyhow)"


def _is_base_url(issuer: str) -> bool:
    try:
        JwtConfig.from_json({"jwk_url": issuer})
    except JwtConfigInvalid:
        return False
    return "?" not in issuer and "#" not in issuer


def _config(options: SecretOptions, published: Published, audiences: tuple[str, ...]) -> JwtConfig:
    key_type = None if options.key is None else options.key_type or _type_of_key(options.key)
    own_claims = options.claims_namespace or options.claims_namespace_path or options.claims_map is not None
    claims_map = options.claims_map if own_claims else published.claims_map
    stringified = options.stringified_claims or (
        published.claims_format == "stringified_json" and claims_map is None
    )
    header = options.header or published.header
    value = {
        "type": published.type if options.key is None else key_type,
        "key": options.key,
        "jwk_url": None if options.key is not None else options.jwk_url or published.jwk_url,
        "claims_namespace": options.claims_namespace,
        "claims_namespace_path": options.claims_namespace_path,
        "claims_format": "stringified_json" if stringified else None,
        "claims_map": None
        if claims_map is None
        else {name.lower(): each for name, each in claims_map.items()},
        "audience": list(audiences) or None,
        "issuer": published.issuer,
        "allowed_skew": options.allowed_skew_s,
        "header": _header_value(header),
    }
    return JwtConfig.from_json({name: each for name, each in value.items() if each is not None})


def _header_value(header: TokenHeader | None) -> dict[str, str] | None:
    if header is None or header.kind == "Authorization":
        return None
    return {"type": header.kind} if header.name is None else {"type": header.kind, "name": header.name}


def _type_of_key(key: str) -> str:
    """Return the type of a key that comes without one: by its PEM block, else HS256."""
    if "-----BEGIN" not in key and not key.lstrip().startswith("{"):
        return next(iter(MIN_HMAC_BYTES))
    try:
        return type_of(key_from_pem(key).public)
    except KeyUnusable as error:
        if "Hasura has no type" in str(error):
            raise JwtConfigInvalid(f"key: {error}") from None
        return next(iter(KEY_KINDS))  # reading it once more says what is wrong, in Hasura's words too
